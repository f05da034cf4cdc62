//! A server that is a child process: started with an environment of its own, and ended.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process_group};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::AsyncReadExt;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::task::JoinHandle;

use crate::domain::text::escape_invisible;
use crate::shutdown::Tasks;

/// What a server gets to end in, after its input was closed and after each signal.
const GRACE: Duration = Duration::from_secs(2);
/// How long one that has ended may take to be heard to the end.
const HEARING: Duration = Duration::from_millis(500);
/// Bytes of what it said last on its standard error that are kept for the log.
const LAST_WORDS: usize = 2048;

/// Bytes of a value from which on it may be a key; shorter ones would mask half of what is said.
const KEY_MIN: usize = 6;

/// How to start it.
#[derive(Clone, Debug)]
pub(super) struct Command {
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
    pub(super) env: BTreeMap<String, SecretString>,
    pub(super) cwd: Option<PathBuf>,
}

/// A running server, the leader of a process group. Dropping it kills the group.
pub(super) struct Child {
    child: tokio::process::Child,
    group: Option<Pid>,
    last_words: Arc<Mutex<Vec<u8>>>,
    /// Reads what it says on its standard error.
    listening: JoinHandle<()>,
    mask: Mask,
}

/// Hides what a server must not be seen to say: the keys that it was given.
#[derive(Clone)]
pub(super) struct Mask(Arc<[SecretString]>);

impl Mask {
    /// What it says, as one line without those.
    pub(super) fn of(&self, said: &[u8]) -> String {
        let mut said = String::from_utf8_lossy(said).into_owned();
        for secret in &*self.0 {
            said = said.replace(secret.expose_secret(), "***");
        }
        escape_invisible(said.trim())
    }
}

impl Command {
    /// Starts it; what it says on its standard error is read by one of `tasks`.
    pub(super) fn start(&self, tasks: &Tasks) -> std::io::Result<(Child, ChildStdout, ChildStdin)> {
        let env = self.env.iter().map(|(name, value)| (name, value.expose_secret()));
        let mut command = tokio::process::Command::new(&self.program);
        command.args(&self.arguments).env_clear().envs(env);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        if let Some(cwd) = &self.cwd {
            command.current_dir(cwd);
        }
        let mut child = command.spawn()?;
        let no_pipe = || std::io::Error::other("no pipe to the child");
        let stdout = child.stdout.take().ok_or_else(no_pipe)?;
        let stdin = child.stdin.take().ok_or_else(no_pipe)?;
        let stderr = child.stderr.take().ok_or_else(no_pipe)?;
        let last_words = Arc::<Mutex<_>>::default();
        let listening = tasks.spawn("MCP server", listen(stderr, Arc::clone(&last_words)));
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let mask = Mask(self.secrets());
        Ok((Child { child, group, last_words, listening, mask }, stdout, stdin))
    }

    /// The values of its environment that may be keys.
    fn secrets(&self) -> Arc<[SecretString]> {
        let may_be_key = |(name, value): &(&String, &SecretString)| {
            let is_path = matches!(name.as_str(), "PATH" | "HOME");
            !is_path && value.expose_secret().len() >= KEY_MIN
        };
        self.env.iter().filter(may_be_key).map(|(_, value)| value.clone()).collect()
    }
}

impl Child {
    /// Ends it, once its input is closed: an orderly server ends by itself then. The others are
    /// asked to, with everything that they have started, and killed if they do not. Returns what it
    /// said last on its standard error, as one line, without the keys that it was given.
    pub(super) async fn end(mut self) -> String {
        self.end_process().await;
        // A process that it has left behind may hold its standard error open.
        let _ = tokio::time::timeout(HEARING, &mut self.listening).await;
        self.mask.of(&self.last_words.lock())
    }

    async fn end_process(&mut self) {
        for signal in [None, Some(Signal::TERM), Some(Signal::KILL)] {
            if let (Some(signal), Some(group)) = (signal, self.group) {
                // A group that is already gone is what was wanted.
                let _ = kill_process_group(group, signal);
            }
            if tokio::time::timeout(GRACE, self.child.wait()).await.is_ok() {
                // Its number may be somebody else's by now.
                self.group = None;
                return;
            }
        }
    }

    /// Hides the keys that it was given.
    pub(super) fn mask(&self) -> Mask {
        self.mask.clone()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Reads until the end, so that the server is never held up by a full pipe; keeps the last words.
async fn listen(mut stderr: ChildStderr, last_words: Arc<Mutex<Vec<u8>>>) {
    let mut piece = [0_u8; LAST_WORDS];
    while let Ok(size @ 1..) = stderr.read(&mut piece).await {
        let mut words = last_words.lock();
        words.extend_from_slice(&piece[..size]);
        let surplus = words.len().saturating_sub(LAST_WORDS);
        words.drain(..surplus);
    }
}
