//! The one way in which git is run: no terminal, nobody else's settings, and an end to time, memory
//! and output. A shell has no word in it ([`super::memory`] starts git through one).
//!
//! # What keeps a hostile repository from running a program
//!
//! | way in | closed by |
//! |---|---|
//! | the environment, system and user settings | cleared; `GIT_CONFIG_NOSYSTEM`, `GIT_CONFIG_GLOBAL` |
//! | hooks | `core.hooksPath=/dev/null` |
//! | fsmonitor, pager, editor, askpass, ssh, gpg | a `-c` or a variable that outranks the repository |
//! | external diff and textconv | `--no-ext-diff --no-textconv` on every diff |
//! | transports, lazy fetch of a partial clone | `GIT_ALLOW_PROTOCOL` empty, `GIT_NO_LAZY_FETCH` |
//! | a submodule's own settings | `--ignore-submodules=all`, `submodule.recurse=false` |
//! | filters, merge drivers, configured hooks | no override exists: such a repository is refused, see [`super::repository`] |
//!
//! # What keeps it from using the machine up
//!
//! | way | closed by |
//! |---|---|
//! | files that are compared line by line at many times their size | `core.bigFileThreshold` |
//! | caches, mappings and depths without measure | `core.packedGit…`, `core.deltaBaseCacheLimit`, `core.maxTreeDepth` |
//! | renames among ever so many files | `diff.renameLimit`, `merge.renameLimit` |
//! | a process for each file that is checked out | `checkout.workers` |
//! | whatever else costs memory: merges of large files, commits and trees that unpack to gigabytes | [`super::memory`] |
//! | time, output, many calls at once | [`Runner`] |

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::GitConfig;
use super::fields::read_fields;
use super::memory::MemoryLimit;
use crate::tools::ToolError;

/// Settings that outrank whatever the repository says.
const OVERRIDES: &[&str] = &[
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    "core.pager=cat",
    "core.editor=false",
    "core.askPass=false",
    "core.sshCommand=false",
    "core.quotePath=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "gpg.program=false",
    "commit.gpgSign=false",
    "log.showSignature=false",
    "log.follow=false",
    "log.mailmap=false",
    "i18n.commitEncoding=UTF-8",
    "i18n.logOutputEncoding=UTF-8",
    "status.submoduleSummary=false",
    "submodule.recurse=false",
    "protocol.allow=never",
    "safe.bareRepository=explicit",
    // A mounted workspace may belong to another uid. Git's check protects from settings that run
    // programs; those are dealt with here, whoever owns the repository.
    "safe.directory=*",
    "gc.auto=0",
    "maintenance.auto=false",
    // Files above this are not compared line by line: that takes git many times their size.
    "core.bigFileThreshold=8m",
    // Git's own defaults, or less where the default is "as much as there is".
    "core.packedGitWindowSize=32m",
    "core.packedGitLimit=256m",
    "core.deltaBaseCacheLimit=96m",
    "core.maxTreeDepth=2048",
    "diff.context=3",
    "diff.interHunkContext=0",
    "diff.renameLimit=1000",
    "merge.renameLimit=7000",
    "status.renameLimit=1000",
    // Each more would be a process with a memory limit of its own.
    "checkout.workers=1",
    // Each thread more would have a stack of its own, which counts.
    "core.preloadIndex=false",
    "index.threads=1",
];

const ENVIRONMENT: &[(&str, &str)] = &[
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_ALLOW_PROTOCOL", ""),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_LITERAL_PATHSPECS", "1"),
    // Only what is optional: a merge still takes the locks that it needs.
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_SSH_COMMAND", "false"),
    ("LC_ALL", "C"),
];

/// How much output the tools' own questions may have, in bytes: lists of names, settings.
const WHOLE_LIMIT: usize = 8 * 1024 * 1024;
/// How much of git's complaints is kept, in bytes.
const STDERR_LIMIT: usize = 8 * 1024;
/// The shell's exit statuses where there is a git that cannot be run, and where there is none.
const SHELL_CANNOT_RUN: i32 = 126;
const SHELL_FINDS_NONE: i32 = 127;
/// How long a process has to clean up after itself (remove its lock files) once it must end.
const GRACE: Duration = Duration::from_secs(2);
/// How long a call waits for its place.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where git is and what it may use up.
#[derive(Clone, Debug)]
pub(super) struct Runner {
    /// The `PATH` on which git is looked for, and all that it sees of the environment.
    pub(super) search_path: OsString,
    /// For one process; for a whole call of a tool that reads.
    pub(super) timeout: Duration,
    /// Of one process.
    pub(super) memory: MemoryLimit,
    /// Of each call's output.
    pub(super) max_output_bytes: usize,
    /// Places for calls at once: hundreds of runs may read at the same moment, and the machine has to
    /// answer their streams meanwhile. A call runs one process at a time.
    places: Arc<Semaphore>,
}

/// What a git call came to.
#[derive(Debug)]
pub(super) struct Output {
    /// The exit status; `None` after a signal.
    pub(super) code: Option<i32>,
    /// The output, as far as the limit allows.
    pub(super) stdout: Vec<u8>,
    /// How many bytes came after the limit.
    pub(super) missing: u64,
    stderr: String,
}

/// What is kept of an output, each up to so many bytes.
#[derive(Clone, Copy)]
enum Keep {
    /// Its beginning.
    Beginning(usize),
    /// Fields, of which no long one takes the room of the others.
    Fields(usize),
}

/// A git call that is being put together.
pub(super) struct GitCommand<'a> {
    command: Command,
    runner: &'a Runner,
    stdin: Option<&'a [u8]>,
}

impl Runner {
    /// A runner with as many places as keep every core busy while some wait for the disk.
    pub(super) fn new(config: &GitConfig) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            search_path: config.search_path.clone(),
            timeout: config.timeout,
            memory: MemoryLimit::new(config.max_memory_bytes),
            max_output_bytes: config.max_output_bytes,
            places: Arc::new(Semaphore::new(2 * cores)),
        }
    }

    /// A place for a call. Waiting for it does not count against the call's time limit, but has one
    /// of its own.
    pub(super) async fn place(&self) -> Result<SemaphorePermit<'_>, ToolError> {
        let busy = || ToolError::Failed("too many git calls at once: try again later".into());
        let place = tokio::time::timeout(PATIENCE, self.places.acquire()).await;
        place.map_err(|_| busy())?.map_err(|_| busy())
    }

    /// A hardened call in that directory.
    pub(super) fn git(&self, directory: &Path) -> GitCommand<'_> {
        let mut command = self.memory.git();
        command.env_clear().env("PATH", &self.search_path).envs(ENVIRONMENT.iter().copied());
        command.current_dir(directory).arg("--no-pager");
        for setting in OVERRIDES {
            command.arg("-c").arg(setting);
        }
        command.process_group(0).kill_on_drop(true);
        GitCommand { command, runner: self, stdin: None }
    }

    /// The output, unless there was no git, or not enough memory for it: whatever the exit status
    /// tells a caller otherwise, it does not tell then.
    fn had_what_it_needs(&self, output: Output) -> Result<Output, ToolError> {
        match output.code {
            Some(0) => Ok(output),
            Some(SHELL_CANNOT_RUN | SHELL_FINDS_NONE) => Err(not_run(output.complaint())),
            Some(_) | None => match self.memory.exceeded(&output.stderr) {
                Some(error) => Err(error),
                None => Ok(output),
            },
        }
    }

    /// Git's version as (major, minor).
    pub(super) async fn version(&self) -> Result<(u32, u32), ToolError> {
        let output = self.git(Path::new("/")).args(["--version"]).whole().await?.ok("version")?;
        let text = output.text();
        let mut numbers = text.trim_start_matches("git version ").split('.').map(str::parse);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Ok((major, minor)),
            _ => Err(ToolError::Failed(format!("git has an unknown version: {}", text.trim()))),
        }
    }
}

impl<'a> GitCommand<'a> {
    pub(super) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    pub(super) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(super) fn stdin(mut self, bytes: &'a [u8]) -> Self {
        self.stdin = Some(bytes);
        self
    }

    /// The process itself, with pipes, for a conversation. It outlives being dropped: with its
    /// standard input closed it cleans up and ends by itself.
    pub(super) fn converse(mut self) -> Result<Child, ToolError> {
        self.command.kill_on_drop(false).stdin(Stdio::piped());
        self.spawn()
    }

    /// Runs it for output that is shown, and cut at the configured limit.
    pub(super) async fn output(self) -> Result<Output, ToolError> {
        let limit = self.runner.max_output_bytes;
        self.run(Keep::Beginning(limit)).await
    }

    /// The same for a list of fields that others have written: long ones are cut, one by one.
    pub(super) async fn listing(self) -> Result<Output, ToolError> {
        let limit = self.runner.max_output_bytes;
        self.run(Keep::Fields(limit)).await
    }

    /// Runs it for output that is worked with, and of no use unless it is whole.
    pub(super) async fn whole(self) -> Result<Output, ToolError> {
        let output = self.run(Keep::Beginning(WHOLE_LIMIT)).await?;
        if output.missing > 0 {
            return Err(ToolError::Failed("git said more than can be worked with".into()));
        }
        Ok(output)
    }

    /// Runs it to its end, or to its time limit: then the whole process group is ended.
    async fn run(mut self, keep: Keep) -> Result<Output, ToolError> {
        self.command.stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        let (input, runner) = (self.stdin, self.runner);
        let timeout = runner.timeout;
        let mut child = self.spawn()?;
        let group = Group::of(&child);
        match tokio::time::timeout(timeout, attend(&mut child, input, keep)).await {
            Ok(done) => {
                group.release();
                runner.had_what_it_needs(done.map_err(not_run)?)
            }
            Err(_) => {
                end_group(&mut child).await;
                group.release();
                Err(ToolError::TimedOut { seconds: timeout.as_secs() })
            }
        }
    }

    fn spawn(&mut self) -> Result<Child, ToolError> {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        self.command.spawn().map_err(not_run)
    }
}

impl Output {
    /// The output, if git was content.
    pub(super) fn ok(self, what: &str) -> Result<Self, ToolError> {
        if self.code == Some(0) { Ok(self) } else { Err(self.failure(what)) }
    }

    /// What git said when it was not.
    pub(super) fn failure(&self, what: &str) -> ToolError {
        ToolError::Failed(format!("git {what} failed: {}", self.complaint()))
    }

    /// The first line of git's complaint.
    pub(super) fn complaint(&self) -> &str {
        let line = self.stderr.lines().find(|line| !line.trim().is_empty());
        line.unwrap_or("it said nothing").trim()
    }

    /// The output as text. What is not UTF-8 is shown as U+FFFD; a character that the limit cut in
    /// two is left out.
    pub(super) fn text(&self) -> String {
        let whole = match std::str::from_utf8(&self.stdout) {
            Err(error) if error.error_len().is_none() && self.missing > 0 => error.valid_up_to(),
            Ok(_) | Err(_) => self.stdout.len(),
        };
        String::from_utf8_lossy(&self.stdout[..whole]).into_owned()
    }

    /// The NUL-terminated fields of the output as texts, to be shown; one that the limit cut is left
    /// out. What is not UTF-8 is U+FFFD in them, so no file is to be looked for by one.
    pub(super) fn fields(&self) -> Vec<String> {
        self.raw_fields().map(|field| String::from_utf8_lossy(field).into_owned()).collect()
    }

    /// The same fields as what they are: names of files are bytes, and not always text.
    pub(super) fn raw_fields(&self) -> impl Iterator<Item = &[u8]> {
        // What follows the last NUL is nothing, or the cut field.
        let end = self.stdout.iter().rposition(|byte| *byte == 0);
        let whole = end.map(|end| &self.stdout[..end]);
        whole.into_iter().flat_map(|whole| whole.split(|byte| *byte == 0))
    }
}

/// A path as git gives it.
pub(super) fn path_of(name: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(name))
}

/// Feeds a process and reads it until it has ended.
async fn attend(child: &mut Child, input: Option<&[u8]>, keep: Keep) -> std::io::Result<Output> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let (Some(mut pipe), Some(input)) = (stdin, input) {
            // A git that stops reading says why on stderr and by its exit status.
            let _ = pipe.write_all(input).await;
        }
    };
    let out = async {
        match keep {
            Keep::Beginning(limit) => read_up_to(stdout, limit).await,
            Keep::Fields(limit) => read_fields(stdout, limit).await,
        }
    };
    let (out, err, ()) = tokio::join!(out, read_up_to(stderr, STDERR_LIMIT), feed);
    let status = child.wait().await?;
    let ((stdout, missing), (stderr, _)) = (out?, err?);
    let mut stderr = String::from_utf8_lossy(&stderr).into_owned();
    if let Some(signal) = status.signal() {
        stderr.push_str(&format!("\nit was ended by signal {signal}"));
    }
    Ok(Output { code: status.code(), stdout, missing, stderr })
}

/// Reads up to `limit` bytes, then reads on to the end only to count the rest.
async fn read_up_to(
    pipe: Option<impl AsyncRead + Unpin>,
    limit: usize,
) -> std::io::Result<(Vec<u8>, u64)> {
    let Some(mut pipe) = pipe else {
        return Ok((Vec::new(), 0));
    };
    let mut kept = Vec::new();
    (&mut pipe).take(limit as u64).read_to_end(&mut kept).await?;
    let missing = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
    Ok((kept, missing))
}

/// Asks the whole group to end, so that lock files are removed, and after a while no longer asks.
async fn end_group(child: &mut Child) {
    let Some(group) = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) else {
        return;
    };
    // A group that is already gone is what was wanted.
    let _ = kill_process_group(group, Signal::TERM);
    if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
        let _ = kill_process_group(group, Signal::KILL);
        let _ = child.wait().await;
    }
}

/// Ends a whole process group at once if nobody waits for its leader any more.
struct Group(Option<Pid>);

impl Group {
    fn of(leader: &Child) -> Self {
        Self(leader.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)))
    }

    /// The leader was waited for: its number may be somebody else's by now.
    fn release(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

fn not_run(error: impl std::fmt::Display) -> ToolError {
    ToolError::Failed(format!("git cannot be run: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(stdout: &[u8], missing: u64) -> Output {
        Output { code: Some(0), stdout: stdout.to_vec(), missing, stderr: String::new() }
    }

    #[test]
    fn a_character_that_the_limit_cut_in_two_is_left_out() {
        let cut = &"가나".as_bytes()[..5];
        assert_eq!(output(cut, 1).text(), "가");
        assert_eq!(output(b"a\xff", 1).text(), "a\u{fffd}");
    }

    #[test]
    fn a_field_that_the_limit_cut_is_left_out() {
        assert_eq!(output(b"one\0two\0thr", 2).fields(), ["one", "two"]);
        assert_eq!(output(b"one\0", 0).fields(), ["one"]);
        assert_eq!(output(b"\0two\0", 0).fields(), ["", "two"]);
        assert!(output(b"", 0).fields().is_empty() && output(b"thr", 2).fields().is_empty());
    }

    #[test]
    fn a_name_that_is_no_text_is_kept_as_it_is() {
        let output = output(b"caf\xe9\0caf\xea\0", 0);
        let names: Vec<&Path> = output.raw_fields().map(path_of).collect();
        assert_ne!(names[0], names[1]);
        assert_eq!(names[0].as_os_str().as_bytes(), b"caf\xe9");
    }
}
