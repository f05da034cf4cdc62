//! A network that loses connections, in front of a server.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Nothing of it reaches the server.
    Unreached,
    /// The server is asked, and so many bytes of its answer come through.
    After(usize),
    /// It is left alone.
    Never,
}

/// A way to a server. Dropping it closes it.
pub struct CuttingProxy {
    port: u16,
    connections: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl CuttingProxy {
    /// A way to the server at this base URL. The first cut is what becomes of the first connection, and so
    /// on; connections beyond the last one are left alone.
    pub async fn to(base: &str, cuts: &[Cut]) -> Self {
        let server = base.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (connections, cuts) = (Arc::new(AtomicUsize::new(0)), cuts.to_vec());
        let counted = Arc::clone(&connections);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = counted.fetch_add(1, Ordering::SeqCst);
                match cuts.get(number).copied().unwrap_or(Cut::Never) {
                    Cut::Unreached => drop(client),
                    Cut::After(most) => drop(tokio::spawn(carry(client, server.clone(), most))),
                    Cut::Never => drop(tokio::spawn(carry(client, server.clone(), usize::MAX))),
                }
            }
        });
        Self { port, connections, accepting }
    }

    /// The base URL of this way.
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for CuttingProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn carry(client: TcpStream, server: String, most: usize) {
    let server = TcpStream::connect(server).await.unwrap();
    let ((from_client, to_client), (from_server, to_server)) =
        (client.into_split(), server.into_split());
    // Whichever ends first closes both.
    tokio::select! {
        () = copy(from_client, to_server, usize::MAX) => {}
        () = copy(from_server, to_client, most) => {}
    }
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut left: usize) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        // Before it is cut, something has come that is lost.
        let Ok(read @ 1..) = from.read(&mut buffer).await else { return };
        let passed = read.min(left);
        left -= passed;
        if to.write_all(&buffer[..passed]).await.is_err() || left == 0 {
            return;
        }
    }
}
