//! A connection's bytes: what was read too far is read again, and closing lets the last answer arrive.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::progress::Progress;

/// Most bytes of empty lines that are no sign of a request.
const BLANK_MAX: usize = 16;
/// How long a closed connection may go on sending what nobody reads.
const LINGER: Duration = Duration::from_secs(2);

/// A connection that, once shut down, reads on until the peer closes too, at most for [`LINGER`].
///
/// A request that is refused by its head leaves its body unread. Closing then makes the system
/// answer with a reset, which overtakes the refusal: the client sees a broken connection.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    /// What came along with the last request and belongs to the next one.
    unread: Bytes,
    progress: Arc<Progress>,
    /// Ends the wait for the peer; set once this side has been shut down.
    patience: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, progress: Arc<Progress>) -> Self {
        Self { stream, unread: Bytes::new(), progress, patience: None }
    }

    /// The same connection, on which these bytes are read first.
    pub(super) fn with_unread(self, mut bytes: Bytes) -> Self {
        let blank = bytes.iter().copied().take_while(is_blank).count();
        bytes.advance(blank);
        Self { unread: bytes, ..self }
    }

    /// Waits for the first byte of a request; `false` if the peer closes the connection instead.
    ///
    /// A few empty lines before it are taken off. Whoever sends more of them is as slow with a request
    /// as others are with its head.
    pub(super) async fn begins(&mut self) -> bool {
        let mut first = [0];
        for _ in 0..BLANK_MAX {
            if !self.unread.is_empty() {
                return true;
            }
            if !matches!(self.stream.peek(&mut first).await, Ok(1)) {
                return false;
            }
            if !is_blank(&first[0]) {
                return true;
            }
            if self.stream.read_exact(&mut first).await.is_err() {
                return false;
            }
        }
        true
    }

    /// Reads until the peer has nothing more to say, or this side has waited for long enough.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self { stream, patience, .. } = self;
        let patience = patience.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        // First, so that a peer that never pauses cannot keep the connection.
        if patience.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let mut scratch = [0; 4096];
        loop {
            let mut unread = ReadBuf::new(&mut scratch);
            let read = ready!(Pin::new(&mut *stream).poll_read(cx, &mut unread));
            if read.is_err() || unread.filled().is_empty() {
                return Poll::Ready(());
            }
        }
    }
}

/// Whether a byte is of an empty line: before a request it is no part of it, and no sign of one (RFC
/// 9112, section 2.2).
fn is_blank(byte: &u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.unread.is_empty() {
            let fitting = self.unread.len().min(buffer.remaining());
            buffer.put_slice(&self.unread.split_to(fitting));
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.progress.set_unsent(true);
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.progress.set_unsent(true);
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.progress.set_unsent(false);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.patience.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        }
        self.poll_discard(cx).map(Ok)
    }
}
