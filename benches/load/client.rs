//! Clients that cost little: requests are written as bytes, and answers are only looked at as far
//! as the measurement needs.

use std::net::SocketAddr;

use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::caller_headers;

/// The last bytes of every stream, with the end of the chunked body.
pub const END: &[u8] = b"data: [DONE]\n\n\r\n0\r\n\r\n";
/// What every event has once, at the beginning of a line.
const EVENT: &[u8] = b"\nevent: ";
/// A prompt whose run asks a person at once.
pub const MAIL: &str = "kim@dwp.com에게 회의 일정 메일 보내줘";
/// A prompt whose run reads the repository first, and then asks.
pub const PULL_REQUEST: &str = "GitHub PR을 생성해주세요";
/// Room for one read.
const BUFFER: usize = 64 * 1024;

/// A request to the stream route that asks for this.
pub fn post(prompt: &str) -> Vec<u8> {
    let body = format!(r#"{{"prompt":"{prompt}"}}"#);
    format!(
        "POST /aura/test/stream HTTP/1.1\r\nHost: x\r\n{}Content-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        caller_headers(),
        body.len()
    )
    .into_bytes()
}

/// A request without a body, with more headers (each with its line end).
pub fn get(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\n{}{headers}\r\n", caller_headers()).into_bytes()
}

/// What came of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Events, the trailer left out.
    pub events: usize,
    /// Bytes, head and chunk sizes included.
    pub bytes: usize,
}

/// A connection that is used for one request after the other.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server accepts");
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::new() }
    }

    /// Sends a request and reads its stream to the end, counting.
    pub async fn stream(&mut self, request: &[u8]) -> Counted {
        /// Enough of what came before to find an event or the end that two reads share.
        const KEPT: usize = 32;
        self.stream.write_all(request).await.unwrap();
        self.buffer.reserve(BUFFER);
        self.buffer.clear();
        let mut counted = Counted::default();
        while !self.buffer.ends_with(END) {
            let kept = self.buffer.len().min(KEPT);
            self.buffer.drain(..self.buffer.len() - kept);
            let read = self.stream.read_buf(&mut self.buffer).await.unwrap();
            assert_ne!(read, 0, "the stream broke off: {}", self.seen());
            counted.bytes += read;
            let unseen = kept.saturating_sub(EVENT.len() - 1);
            counted.events += memmem::find_iter(&self.buffer[unseen..], EVENT).count();
        }
        counted
    }

    /// Sends a request and reads until this has come; returns everything so far.
    pub async fn until(&mut self, request: &[u8], needle: &[u8]) -> Vec<u8> {
        self.stream.write_all(request).await.unwrap();
        self.buffer.reserve(8 * 1024);
        while memmem::find(&self.buffer, needle).is_none() {
            let read = self.stream.read_buf(&mut self.buffer).await.unwrap();
            assert_ne!(read, 0, "the stream broke off: {}", self.seen());
        }
        // Thousands of connections are kept open like this: they keep no buffer.
        std::mem::take(&mut self.buffer)
    }

    fn seen(&self) -> String {
        String::from_utf8_lossy(&self.buffer).into_owned()
    }
}
