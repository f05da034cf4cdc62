//! What a mail server says, made into what the library can read.
//!
//! Of a reply only its code counts, and its text is for people. The library takes a text that is no
//! UTF-8, or a code without one, for a broken connection: a mail server that speaks EUC-KR could
//! not be reached, and of a mail that it had taken nobody knew whether it was sent.
//!
//! The library's own connection, which knows TLS, is used for the bytes below. It calls that type
//! deprecated because it is not part of what it documents; this module alone knows of it.
#![expect(deprecated, reason = "the only way to put a reader between the library and its TLS")]

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::io::{AsyncRead as _, AsyncWrite as _};
use lettre::transport::smtp::client::{AsyncNetworkStream, AsyncTokioStream, TlsParameters};
use lettre::transport::smtp::commands::{Ehlo, Starttls};
use lettre::transport::smtp::extension::ClientId;
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, ReadBuf};

/// Longest line that is looked at, in bytes; the library refuses much shorter ones.
const LINE_MAX: usize = 64 * 1024;
/// Most lines of one reply.
const LINES_MAX: usize = 256;

/// A connection whose replies are all well-formed.
pub(super) struct Replies {
    net: AsyncNetworkStream,
    /// The line that has not come to its end.
    line: Vec<u8>,
    /// What can be handed on, and how much of it was.
    ready: Vec<u8>,
    taken: usize,
}

/// Why there is no TLS after a greeting in the clear.
#[derive(Debug, Error)]
pub(super) enum NoTls {
    /// The server does not speak, or not as servers do.
    #[error("{0}")]
    Broken(#[from] io::Error),
    /// It says no.
    #[error("{0}")]
    Refused(String),
    /// It offers none.
    #[error("it offers no STARTTLS")]
    NotOffered,
    /// The two do not agree on it.
    #[error("{0}")]
    Failed(#[from] lettre::transport::smtp::Error),
}

impl Replies {
    /// Connects to a server, with TLS from the first byte if that is given.
    ///
    /// # Errors
    /// There is no connection, or no TLS on it.
    pub(super) async fn connect(
        (host, port): (&str, u16),
        timeout: Duration,
        tls: Option<TlsParameters>,
    ) -> Result<Self, lettre::transport::smtp::Error> {
        let net = AsyncNetworkStream::connect_tokio1((host, port), Some(timeout), tls, None);
        net.await.map(Self::new)
    }

    fn new(net: AsyncNetworkStream) -> Self {
        Self { net, line: Vec::new(), ready: Vec::new(), taken: 0 }
    }

    /// Asks for TLS, and goes on with a connection that has it. The server has greeted already then,
    /// but the library waits for a greeting, and gets one.
    pub(super) async fn with_tls(self, tls: TlsParameters, name: &ClientId) -> Result<Self, NoTls> {
        let mut talk = BufReader::new(self);
        reply(&mut talk).await?;
        let offers = said(&mut talk, &Ehlo::new(name.clone()).to_string()).await?;
        let is_offered = |line: &String| line.trim().eq_ignore_ascii_case("STARTTLS");
        if !offers.iter().any(is_offered) {
            // A goodbye that fails changes nothing.
            let _ = said(&mut talk, "QUIT\r\n").await;
            return Err(NoTls::NotOffered);
        }
        said(&mut talk, &Starttls.to_string()).await?;
        let is_more = !talk.buffer().is_empty();
        let Self { mut net, line, ready, taken } = talk.into_inner();
        // Somebody in between could have put it there, to be taken for what comes over TLS.
        if is_more || !line.is_empty() || taken < ready.len() {
            return Err(NoTls::Refused("it said more than was asked before TLS".to_owned()));
        }
        net.upgrade_tls(tls).await?;
        Ok(Self { ready: b"220 \r\n".to_vec(), ..Self::new(net) })
    }

    fn take(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.line.push(byte);
            if byte == b'\n' || self.line.len() > LINE_MAX {
                self.ready.extend_from_slice(repaired(&self.line).as_bytes());
                self.line.clear();
            }
        }
    }
}

/// A line of a reply: its code, what tells whether more lines follow, and its text.
fn repaired(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end_matches(['\r', '\n']);
    match text.split_at_checked(3) {
        Some((code, rest)) if code.bytes().all(|byte| byte.is_ascii_digit()) => {
            let mark = if rest.starts_with('-') { "-" } else { " " };
            let text = rest.strip_prefix(['-', ' ']).unwrap_or(rest);
            format!("{code}{mark}{text}\r\n")
        }
        Some(_) | None => format!("{text}\r\n"),
    }
}

/// Says something, and reads what the server answers.
async fn said(talk: &mut BufReader<Replies>, command: &str) -> Result<Vec<String>, NoTls> {
    talk.write_all(command.as_bytes()).await?;
    talk.flush().await?;
    reply(talk).await
}

/// The lines of a reply that says yes.
async fn reply(talk: &mut BufReader<Replies>) -> Result<Vec<String>, NoTls> {
    let broken = |what| NoTls::Broken(io::Error::new(io::ErrorKind::InvalidData, what));
    let mut lines = Vec::new();
    while lines.len() < LINES_MAX {
        let mut line = String::new();
        if talk.read_line(&mut line).await? == 0 {
            return Err(broken("the connection ended"));
        }
        let line = line.trim_end();
        let Some((code, text)) = line.split_at_checked(4) else {
            // A code alone, whose blank was trimmed away.
            return if line.starts_with('2') {
                Ok(lines)
            } else {
                Err(NoTls::Refused(line.into()))
            };
        };
        if !code.starts_with('2') {
            return Err(NoTls::Refused(line.to_owned()));
        }
        lines.push(text.to_owned());
        if code.ends_with(' ') {
            return Ok(lines);
        }
    }
    Err(broken("a reply without an end"))
}

impl AsyncRead for Replies {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while this.taken == this.ready.len() {
            this.ready.clear();
            this.taken = 0;
            let mut piece = [0; 4096];
            let size = ready!(Pin::new(&mut this.net).poll_read(context, &mut piece))?;
            if size == 0 {
                return Poll::Ready(Ok(()));
            }
            this.take(&piece[..size]);
        }
        let size = into.remaining().min(this.ready.len() - this.taken);
        into.put_slice(&this.ready[this.taken..this.taken + size]);
        this.taken += size;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Replies {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.net).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.net).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.net).poll_close(context)
    }
}

impl AsyncTokioStream for Replies {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.net.peer_addr()
    }
}

impl fmt::Debug for Replies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replies").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_reply_the_code_counts_and_the_text_is_shown_as_far_as_it_can_be() {
        let cases: [(&[u8], &str); 8] = [
            (b"250 OK\r\n", "250 OK\r\n"),
            (b"250-SIZE 1\r\n", "250-SIZE 1\r\n"),
            (b"250\r\n", "250 \r\n"),
            (b"250\n", "250 \r\n"),
            (b"250OK\r\n", "250 OK\r\n"),
            (b"220 \xb8\xde\xc0\xcf ok\r\n", "220 \u{fffd}\u{fffd}\u{fffd}\u{fffd} ok\r\n"),
            (b"ok\r\n", "ok\r\n"),
            (b"\xb8\xde\xc0\xcf\r\n", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}\r\n"),
        ];
        for (line, expected) in cases {
            assert_eq!(repaired(line), expected, "{line:?}");
        }
    }
}
