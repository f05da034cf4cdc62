//! Moving a branch in two steps: first locked and compared, then moved or released.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};

use super::signature::signed;
use crate::tools::ToolError;
use crate::tools::git::memory::MemoryLimit;
use crate::tools::git::repository::Repository;

/// How much of a complaint is read, in bytes.
const COMPLAINT_LIMIT: u64 = 4096;
/// How long git may take to release a lock.
const GRACE: Duration = Duration::from_secs(2);

/// A `git update-ref --stdin` that holds the lock of one branch.
///
/// Dropping it closes git's input, upon which git lets go of the lock and ends; so does the death
/// of this process. It is never killed: that would leave the lock behind.
pub(super) struct RefUpdate {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    errors: ChildStderr,
    timeout: Duration,
    memory: MemoryLimit,
    branch: String,
}

impl RefUpdate {
    /// Locks the branch, if it still is at `old`.
    pub(super) async fn prepare(
        repository: &Repository,
        branch: &str,
        old: &str,
        new: &str,
        source: &str,
    ) -> Result<Self, ToolError> {
        let why = format!("merge {source}: approved in Aura-Platform");
        let command = repository.call(&["update-ref", "-m", &why, "--stdin"]);
        let mut child = signed(command, repository).converse()?;
        let (Some(input), Some(output), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(ToolError::Failed("git update-ref has no pipes".into()));
        };
        let output = BufReader::new(output);
        let (runner, branch) = (&repository.git().runner, branch.to_owned());
        let (timeout, memory) = (runner.timeout, runner.memory);
        let mut update = Self { child, input, output, errors, timeout, memory, branch };
        let request = format!("start\nupdate refs/heads/{} {new} {old}\nprepare\n", update.branch);
        update.say(&request, &["start: ok", "prepare: ok"]).await?;
        Ok(update)
    }

    /// Moves the branch. On an error it may or may not have moved.
    pub(super) async fn commit(mut self) -> Result<(), ToolError> {
        self.say("commit\n", &["commit: ok"]).await?;
        self.end().await;
        Ok(())
    }

    /// Lets go; the branch stays.
    pub(super) async fn abort(mut self) {
        // If git does not take it, the end of its input says the same.
        let _ = self.say("abort\n", &["abort: ok"]).await;
        self.end().await;
    }

    /// Says something, and waits for these answers, within the time limit.
    async fn say(&mut self, request: &str, answers: &[&str]) -> Result<(), ToolError> {
        let seconds = self.timeout.as_secs();
        let talk = tokio::time::timeout(self.timeout, self.talk(request, answers));
        talk.await.unwrap_or(Err(ToolError::TimedOut { seconds }))
    }

    async fn talk(&mut self, request: &str, answers: &[&str]) -> Result<(), ToolError> {
        if self.input.write_all(request.as_bytes()).await.is_err() {
            return Err(self.complaint().await);
        }
        for answer in answers {
            let mut line = String::new();
            let read = self.output.read_line(&mut line).await;
            if read.is_err() || line.trim_end() != *answer {
                return Err(self.complaint().await);
            }
        }
        Ok(())
    }

    /// What git says when it refuses; it has ended, or is about to.
    async fn complaint(&mut self) -> ToolError {
        let mut text = Vec::new();
        let _ = (&mut self.errors).take(COMPLAINT_LIMIT).read_to_end(&mut text).await;
        let text = String::from_utf8_lossy(&text);
        let branch = &self.branch;
        if let Some(lock) = existing_lock(&text) {
            let what = format!(
                "{branch} is locked by another git, or by one that died: if none is at work, \
                 remove {lock}; nothing was done"
            );
            return ToolError::Conflict(what);
        }
        if text.contains("cannot lock ref") {
            let what = format!("{branch} was changed by somebody else meanwhile; nothing was done");
            return ToolError::Conflict(what);
        }
        if let Some(error) = self.memory.exceeded(&text) {
            return error;
        }
        let line = text.lines().next().unwrap_or("it said nothing");
        ToolError::Failed(format!("git update-ref of {branch} failed: {line}"))
    }

    async fn end(self) {
        let Self { mut child, input, .. } = self;
        drop(input);
        let _ = tokio::time::timeout(GRACE, child.wait()).await;
    }
}

/// The lock file that git found, from the git directory on: a person has to find it, but does not
/// have to learn where the workspace is.
fn existing_lock(complaint: &str) -> Option<&str> {
    let (_, rest) = complaint.split_once("Unable to create '")?;
    let (path, _) = rest.split_once("': File exists")?;
    Some(path.find(".git/").map_or(path, |start| &path[start..]))
}

#[cfg(test)]
mod tests {
    use super::existing_lock;

    #[test]
    fn the_lock_file_is_found_in_a_complaint() {
        let complaint = "fatal: prepare: cannot lock ref 'refs/heads/main': Unable to create \
                         '/w/sample/.git/refs/heads/main.lock': File exists.\n\nAnother git";
        assert_eq!(existing_lock(complaint), Some(".git/refs/heads/main.lock"));
        assert_eq!(existing_lock("cannot lock ref 'x': is at a but expected b"), None);
    }
}
