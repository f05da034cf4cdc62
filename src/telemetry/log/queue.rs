//! Log lines on their way out, for which nobody ever waits.
//!
//! Whoever reads our standard error may stand still: then its pipe is full after some lines, and a
//! write to it would hold up the worker that logs. So lines go into a queue, from which a thread of
//! its own writes them. What finds the queue full is dropped and counted.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use tracing_subscriber::fmt::MakeWriter;

/// Most lines that wait.
const LINES_MAX: usize = 16 * 1024;
/// Most bytes that wait: 8 MiB.
const BYTES_MAX: usize = 8 * 1024 * 1024;

/// Where lines are put. Clones put them into the same queue.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    lines: SyncSender<Item>,
    /// Bytes that wait or are being written.
    bytes: Arc<AtomicUsize>,
    dropped: Counter,
}

/// What the thread gets.
#[derive(Debug)]
enum Item {
    Line(Vec<u8>),
    /// Says that everything before it was written.
    Mark(SyncSender<()>),
}

impl Queue {
    /// A queue whose lines a thread writes to `out`. The thread lives as long as the queue.
    pub(super) fn to(out: impl Write + Send + 'static) -> io::Result<Self> {
        let (lines, waiting) = sync_channel(LINES_MAX);
        let queue = Self { lines, bytes: Arc::default(), dropped: Counter::default() };
        let (bytes, dropped) = (Arc::clone(&queue.bytes), queue.dropped.clone());
        let write = move || write_all(&waiting, out, &bytes, &dropped);
        thread::Builder::new().name("log".to_owned()).spawn(write)?;
        Ok(queue)
    }

    /// How many lines were dropped.
    pub(super) fn dropped(&self) -> Counter {
        self.dropped.clone()
    }

    /// Waits until all that was logged before is written, but no longer than `limit`.
    pub(super) fn flush(&self, limit: Duration) {
        let (done, written) = sync_channel(1);
        let lines = self.lines.clone();
        // From a thread of its own, because a full queue takes the mark only when there is room again.
        let mark = move || lines.send(Item::Mark(done));
        if thread::Builder::new().name("log flush".to_owned()).spawn(mark).is_ok() {
            let _ = written.recv_timeout(limit);
        }
    }

    fn put(&self, line: Vec<u8>) {
        let size = line.len();
        let waiting = self.bytes.fetch_add(size, Ordering::Relaxed);
        if waiting + size > BYTES_MAX || self.lines.try_send(Item::Line(line)).is_err() {
            self.bytes.fetch_sub(size, Ordering::Relaxed);
            self.dropped.inc();
        }
    }
}

/// Writes what comes, until nobody can put anything into the queue any more.
fn write_all(
    waiting: &Receiver<Item>,
    mut out: impl Write,
    bytes: &AtomicUsize,
    dropped: &Counter,
) {
    let mut told = 0;
    while let Ok(item) = waiting.recv() {
        match item {
            Item::Line(line) => {
                // Nobody is left to be told that nobody reads.
                let _ = out.write_all(&line).and_then(|()| out.flush());
                bytes.fetch_sub(line.len(), Ordering::Relaxed);
            }
            Item::Mark(done) => {
                let _ = done.send(());
            }
        }
        let (now, is_idle) = (dropped.get(), bytes.load(Ordering::Relaxed) == 0);
        if now > told && is_idle {
            let lines = now - std::mem::replace(&mut told, now);
            tracing::warn!(lines, "log lines were dropped: whoever reads them was too slow");
        }
    }
}

/// One line being written; it is put into the queue when it is dropped.
#[derive(Debug)]
pub(super) struct LineWriter<'a> {
    queue: &'a Queue,
    text: Vec<u8>,
}

impl Write for LineWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LineWriter<'_> {
    fn drop(&mut self) {
        if !self.text.is_empty() {
            self.queue.put(std::mem::take(&mut self.text));
        }
    }
}

impl<'a> MakeWriter<'a> for Queue {
    type Writer = LineWriter<'a>;

    fn make_writer(&'a self) -> LineWriter<'a> {
        LineWriter { queue: self, text: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Condvar, Mutex};

    use super::*;

    /// An output that stands still until it is let go.
    #[derive(Clone, Default)]
    struct Output(Arc<Gate>);

    #[derive(Default)]
    struct Gate {
        /// Whether it is open, and what has come through.
        state: Mutex<(bool, Vec<u8>)>,
        opened: Condvar,
    }

    impl Output {
        fn let_go(&self) {
            self.0.state.lock().unwrap().0 = true;
            self.0.opened.notify_all();
        }

        fn written(&self) -> String {
            String::from_utf8(self.0.state.lock().unwrap().1.clone()).unwrap()
        }
    }

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let state = self.0.state.lock().unwrap();
            let mut state = self.0.opened.wait_while(state, |(is_open, _)| !*is_open).unwrap();
            state.1.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn log(queue: &Queue, line: &str) {
        queue.make_writer().write_all(line.as_bytes()).unwrap();
    }

    #[test]
    fn who_logs_never_waits_and_what_finds_no_room_is_counted() {
        let output = Output::default();
        let queue = Queue::to(output.clone()).unwrap();
        let all = LINES_MAX + 100;
        (0..all).for_each(|n| log(&queue, &format!("{n}\n")));
        let dropped = usize::try_from(queue.dropped().get()).unwrap();
        // One line is taken out and being written, or not yet.
        assert!((99..=100).contains(&dropped), "{dropped}");
        output.let_go();
        queue.flush(Duration::from_secs(20));
        let written = output.written();
        assert_eq!(written.lines().count(), all - dropped);
        assert!(written.starts_with("0\n1\n2\n"), "in order");
    }

    #[test]
    fn few_lines_that_are_huge_have_a_bound_too() {
        let queue = Queue::to(Output::default()).unwrap();
        let huge = "x".repeat(BYTES_MAX / 4);
        (0..10).for_each(|_| log(&queue, &huge));
        assert_eq!(queue.dropped().get(), 6);
        queue.flush(Duration::from_millis(1));
    }
}
