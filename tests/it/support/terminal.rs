//! A command in a terminal, and what somebody sees and types there.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tokio::process::Child;
use tokio::sync::watch;
use tokio::time::timeout;

use super::app::PATIENCE;

/// A command whose stdin and stderr, and unless it is said otherwise stdout, are a terminal.
pub struct Terminal {
    child: Child,
    keyboard: File,
    screen: Arc<watch::Sender<String>>,
    /// Reads the screen, until nobody can write there any more.
    reading: Option<thread::JoinHandle<()>>,
}

impl Terminal {
    /// Starts the command; `stdout` is where its stdout goes if not to the terminal.
    pub fn start(command: Command, stdout: Option<File>) -> Self {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let name = ptsname(&controller, Vec::new()).unwrap().into_string().unwrap();
        let open = || OpenOptions::new().read(true).write(true).open(&name).unwrap();
        let mut command = tokio::process::Command::from(command);
        let stdout = stdout.unwrap_or_else(open);
        command.stdin(Stdio::from(open())).stdout(Stdio::from(stdout)).stderr(Stdio::from(open()));
        let child = command.kill_on_drop(true).spawn().unwrap();
        // Only the child has the terminal's other end now: it is closed when the child has ended.
        drop(command);
        let keyboard = File::from(controller);
        let screen = Arc::new(watch::Sender::new(String::new()));
        let (mut from, to) = (keyboard.try_clone().unwrap(), Arc::clone(&screen));
        let reading = thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = from.read(&mut bytes) {
                to.send_modify(|text| text.push_str(&String::from_utf8_lossy(&bytes[..read])));
            }
        });
        Self { child, keyboard, screen, reading: Some(reading) }
    }

    /// Waits until this is to be seen, so many times.
    pub async fn shows(&self, text: &str, times: usize) {
        let mut screen = self.screen.subscribe();
        let shown = screen.wait_for(|screen| screen.matches(text).count() >= times);
        if timeout(PATIENCE, shown).await.is_err() {
            panic!("{text:?} is not to be seen {times} times:\n{}", self.seen());
        }
    }

    /// All that was to be seen so far.
    pub fn seen(&self) -> String {
        self.screen.borrow().clone()
    }

    /// Types.
    pub fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Ctrl-C, as a shell's job would get it.
    pub fn interrupt(&self) {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    }

    /// Waits for the command's end; its exit code, and all that was to be seen.
    pub async fn ended(&mut self) -> (i32, String) {
        let Ok(ended) = timeout(PATIENCE, self.child.wait()).await else {
            panic!("the command does not come to an end:\n{}", self.seen());
        };
        if let Some(reading) = self.reading.take() {
            let read = tokio::task::spawn_blocking(|| reading.join());
            timeout(PATIENCE, read).await.expect("the terminal stays open").unwrap().unwrap();
        }
        (ended.unwrap().code().unwrap_or(-1), self.seen())
    }
}
