//! What a person types, a line at a time.

use std::io::{self, IsTerminal, Stdin};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{QueueSelector, tcflush};
use tokio::time::sleep;

/// Between two looks whether there is a line; nobody types faster.
const LOOK: Duration = Duration::from_millis(20);

/// Bytes of a line that a terminal keeps on Linux, its end included; what is typed beyond them is lost.
const LINE_MAX: usize = 4096;

/// What somebody has typed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// A line, without its end.
    Line(String),
    /// A line that is as long as a terminal's lines can be: most likely its rest is lost.
    Cut,
    /// Nothing, and nothing will come any more.
    Ended,
}

/// The terminal that the process reads from.
///
/// A line is read when it is waited for, and not by a thread that is always one ahead: what was typed
/// before a question was shown must never answer it ([`Keyboard::clear`]). So the terminal is looked at,
/// while a question is open, in place of a read that nothing could take back.
pub(super) struct Keyboard {
    stdin: Stdin,
    /// A line that has no end yet.
    partial: Vec<u8>,
}

impl Keyboard {
    /// The terminal, if stdin is one.
    pub(super) fn of_process() -> Option<Self> {
        let stdin = io::stdin();
        stdin.is_terminal().then_some(Self { stdin, partial: Vec::new() })
    }

    /// Forgets what was typed so far, a line that was begun included.
    pub(super) fn clear(&mut self) {
        self.partial.clear();
        // Where that fails there is no terminal any more, and reading says so.
        let _ = tcflush(&self.stdin, QueueSelector::IFlush);
    }

    /// The next line. Dropping the wait loses nothing.
    pub(super) async fn line(&mut self) -> io::Result<Typed> {
        loop {
            while !self.has_input()? {
                sleep(LOOK).await;
            }
            let mut read = [0; LINE_MAX];
            // A terminal hands out whole lines, so this does not wait.
            let count = rustix::io::read(&self.stdin, &mut read)?;
            self.partial.extend_from_slice(&read[..count]);
            if count == 0 || self.partial.ends_with(b"\n") {
                let line = std::mem::take(&mut self.partial);
                return Ok(typed(&line, count == LINE_MAX));
            }
        }
    }

    fn has_input(&self) -> io::Result<bool> {
        let mut asked = [PollFd::new(&self.stdin, PollFlags::IN)];
        Ok(poll(&mut asked, Some(&Timespec::default()))? > 0)
    }
}

fn typed(line: &[u8], is_cut: bool) -> Typed {
    match (line.is_empty(), is_cut) {
        (true, _) => Typed::Ended,
        (false, true) => Typed::Cut,
        (false, false) => Typed::Line(String::from_utf8_lossy(line).trim().to_owned()),
    }
}
