//! Redis by hand, on a blocking socket: nothing between the measurement and the wire.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// Nothing here takes this long unless it is broken.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A connection.
pub struct Redis(BufReader<TcpStream>);

impl Redis {
    /// Connects.
    pub fn connect(port: u16) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    /// Sends a command and does not wait for its answer.
    pub fn send(&mut self, words: &[&str]) {
        let mut command = format!("*{}\r\n", words.len());
        for word in words {
            command.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        self.0.get_mut().write_all(command.as_bytes()).unwrap();
    }

    /// One line of an answer, without its end.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Reads a message of a subscription: three texts after the array's head.
    pub fn message(&mut self) {
        for _ in 0..7 {
            self.line();
        }
    }

    /// How many clients are connected, this one left out.
    pub fn other_clients(&mut self) -> usize {
        self.send(&["CLIENT", "LIST"]);
        let length: usize = self.line().trim_start_matches('$').parse().unwrap();
        let mut list = vec![0; length + 2];
        self.0.read_exact(&mut list).unwrap();
        String::from_utf8_lossy(&list).matches("id=").count() - 1
    }
}
