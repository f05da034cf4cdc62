//! A network that loses connections, in front of a server.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A way to a server. Dropping it closes it.
pub struct CuttingProxy {
    port: u16,
    connections: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl CuttingProxy {
    /// A way to the server at this base URL. Of what the server answers on the first connection as many
    /// bytes come through as the first number says, then the connection is cut; and so on. Connections
    /// beyond the last number are left alone.
    pub async fn to(base: &str, cuts: &[usize]) -> Self {
        let server = base.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (connections, cuts) = (Arc::new(AtomicUsize::new(0)), cuts.to_vec());
        let counted = Arc::clone(&connections);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = counted.fetch_add(1, Ordering::SeqCst);
                let most = cuts.get(number).copied().unwrap_or(usize::MAX);
                tokio::spawn(carry(client, server.clone(), most));
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
    while left > 0 {
        let Ok(read @ 1..) = from.read(&mut buffer).await else { return };
        let passed = read.min(left);
        left -= passed;
        if to.write_all(&buffer[..passed]).await.is_err() {
            return;
        }
    }
}
