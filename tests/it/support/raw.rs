//! A client that sees every byte of HTTP/1.1: nothing between the test and the socket.

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::app::{PATIENCE, Server, token};

/// One connection.
pub struct Raw(BufReader<TcpStream>);

/// The head of a response, as it came.
#[derive(Debug)]
pub struct Head {
    /// The first line.
    pub line: String,
    /// The headers, in order, their names in lower case.
    pub headers: Vec<(String, String)>,
}

/// What comes next of a chunked body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// One chunk, as text.
    Data(String),
    /// `0\r\n\r\n`: the body is whole.
    Last,
    /// The connection was closed instead.
    BrokenOff,
}

impl Head {
    /// The status.
    pub fn status(&self) -> u16 {
        self.line.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// A header's value; `None` if it is not there exactly once.
    pub fn one(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(found, _)| found == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }
}

impl Raw {
    /// Connects.
    pub async fn connect(server: &Server) -> Self {
        let address = server.base().strip_prefix("http://").unwrap();
        let stream = timeout(PATIENCE, TcpStream::connect(address)).await.unwrap().unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    /// Connects and sends a request with the usual caller's headers.
    pub async fn request(server: &Server, line: &str, headers: &[&str], body: &str) -> Self {
        let mut raw = Self::connect(server).await;
        raw.send(head(line, headers, Some(body.len())) + body).await;
        raw
    }

    /// Sends bytes as they are.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let sent = timeout(PATIENCE, self.0.get_mut().write_all(bytes.as_ref())).await;
        sent.expect("nobody reads").unwrap();
    }

    /// Reads the head of the response.
    pub async fn head(&mut self) -> Head {
        let line = self.line().await.expect("closed without an answer");
        let mut headers = Vec::new();
        loop {
            let header = self.line().await.expect("closed within the head");
            if header.is_empty() {
                return Head { line, headers };
            }
            let (name, value) = header.split_once(": ").unwrap();
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
    }

    /// Reads what comes next of a chunked body.
    pub async fn chunk(&mut self) -> Chunk {
        let Some(size) = self.line().await else {
            return Chunk::BrokenOff;
        };
        let size = usize::from_str_radix(&size, 16).unwrap_or_else(|_| panic!("no size: {size:?}"));
        let mut data = vec![0; size + 2];
        let read = timeout(PATIENCE, self.0.read_exact(&mut data)).await;
        read.expect("half a chunk").expect("broken off within a chunk");
        assert_eq!(data.split_off(size), b"\r\n");
        if size == 0 {
            return Chunk::Last;
        }
        Chunk::Data(String::from_utf8(data).unwrap())
    }

    /// All chunks, to the end of the body, and how it ended.
    pub async fn chunks(&mut self) -> (Vec<String>, Chunk) {
        let mut chunks = Vec::new();
        loop {
            match self.chunk().await {
                Chunk::Data(data) => chunks.push(data),
                end @ (Chunk::Last | Chunk::BrokenOff) => return (chunks, end),
            }
        }
    }

    /// Reads a body of this length.
    pub async fn body(&mut self, bytes: usize) -> String {
        let mut body = vec![0; bytes];
        timeout(PATIENCE, self.0.read_exact(&mut body)).await.expect("half a body").unwrap();
        String::from_utf8(body).unwrap()
    }

    /// Everything until the connection is closed.
    pub async fn rest(&mut self) -> String {
        let mut rest = String::new();
        let read = timeout(PATIENCE, self.0.read_to_string(&mut rest)).await;
        read.expect("the connection stays open").unwrap();
        rest
    }

    /// A line without its CRLF; `None` if the connection was closed before it began.
    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = timeout(PATIENCE, self.0.read_line(&mut line)).await.expect("nothing comes");
        // A connection that is reset was closed, too.
        if read.unwrap_or(0) == 0 {
            return None;
        }
        let ended = line.strip_suffix("\r\n");
        Some(ended.unwrap_or_else(|| panic!("half a line: {line:?}")).to_owned())
    }
}

/// A request's head with the usual caller's headers and, if there is a length, a JSON body to come.
pub fn head(line: &str, headers: &[&str], length: Option<usize>) -> String {
    let token = token("tenant1", "user123");
    let mut head = format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         X-Tenant-ID: tenant1\r\nX-User-ID: user123\r\n"
    );
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    if let Some(length) = length {
        head.push_str(&format!("Content-Type: application/json\r\nContent-Length: {length}\r\n"));
    }
    head + "\r\n"
}
