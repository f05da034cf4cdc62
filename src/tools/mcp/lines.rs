//! The standard output of a server, line by line, each made into what the protocol means by it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncBufRead, AsyncRead, BufReader, ReadBuf};

use super::message::messages;

/// Longest line that is looked at, in bytes; longer ones are left to the library, which drops them.
const LINE_MAX: usize = 16 * 1024 * 1024;

/// Reads a server's lines, and hands on messages.
pub(super) struct Lines<R, N> {
    inner: BufReader<R>,
    /// Is told each line in which no message was found, but blank ones.
    noise: N,
    /// The line that has not come to its end.
    line: Vec<u8>,
    /// What can be handed on, and how much of it was.
    ready: Vec<u8>,
    taken: usize,
}

impl<R: AsyncRead, N: FnMut(&[u8])> Lines<R, N> {
    /// The lines of this output; `noise` hears those in which there is no message.
    pub(super) fn new(output: R, noise: N) -> Self {
        let inner = BufReader::new(output);
        Self { inner, noise, line: Vec::new(), ready: Vec::new(), taken: 0 }
    }

    /// Takes bytes of the output in, up to the end of a line.
    fn take(&mut self, bytes: &[u8], is_end: bool) {
        self.line.extend_from_slice(bytes);
        if self.line.len() > LINE_MAX {
            self.ready.append(&mut self.line);
        } else if is_end {
            self.ready = repaired(&self.line);
            if self.ready.is_empty() && !self.line.trim_ascii().is_empty() {
                (self.noise)(&self.line);
            }
            self.line.clear();
        }
    }
}

/// The messages of a line, each on its own. What is no JSON is nobody's answer and is left out.
fn repaired(line: &[u8]) -> Vec<u8> {
    let messages = messages(line).into_iter().map(|message| format!("{message}\n"));
    messages.collect::<String>().into_bytes()
}

impl<R: AsyncRead + Unpin, N: FnMut(&[u8]) + Unpin> AsyncRead for Lines<R, N> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        while self.taken == self.ready.len() {
            self.ready.clear();
            self.taken = 0;
            let this = &mut *self;
            let bytes = ready!(Pin::new(&mut this.inner).poll_fill_buf(context))?;
            if bytes.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let end = memchr::memchr(b'\n', bytes);
            let bytes = bytes[..end.map_or(bytes.len(), |end| end + 1)].to_vec();
            Pin::new(&mut this.inner).consume(bytes.len());
            this.take(&bytes, end.is_some());
        }
        let this = &mut *self;
        let size = into.remaining().min(this.ready.len() - this.taken);
        into.put_slice(&this.ready[this.taken..this.taken + size]);
        this.taken += size;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn messages_come_out_whole_and_what_is_none_does_not() {
        let output: &[u8] =
            b"oops\n{\"id\":1,\"result\":{},\"error\":null}\r\n\n\xff\n{\"method\":\"a\"}\n{\"half";
        let (mut read, mut noise) = (String::new(), Vec::new());
        let hear = |line: &[u8]| noise.push(line.to_vec());
        Lines::new(output, hear).read_to_string(&mut read).await.unwrap();
        let expected = "{\"id\":1,\"jsonrpc\":\"2.0\",\"result\":{}}\n{\"method\":\"a\",\"jsonrpc\":\"2.0\"}\n";
        assert_eq!(read, expected);
        assert_eq!(noise, [&b"oops\n"[..], b"\xff\n"], "neither the blank line nor the half one");
    }

    #[tokio::test]
    async fn a_line_without_an_end_is_not_kept() {
        let endless = tokio::io::repeat(b'x').take(3 * LINE_MAX as u64);
        let mut lines = Lines::new(endless, |_: &[u8]| ());
        let mut piece = vec![0; 64 * 1024];
        while lines.read(&mut piece).await.unwrap() > 0 {
            assert!(lines.line.len() <= LINE_MAX + 64 * 1024);
        }
    }
}
