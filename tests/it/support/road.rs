//! The network between one server and its Redis, which can come apart.

use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A way to a Redis. Dropping it closes it.
pub struct Road {
    port: u16,
    held: Arc<watch::Sender<bool>>,
    accepting: JoinHandle<()>,
}

impl Road {
    /// A road to the Redis on that port.
    pub async fn to(redis: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let held = Arc::new(watch::Sender::new(false));
        let accepting = tokio::spawn(accept(listener, redis, Arc::clone(&held)));
        Self { port, held, accepting }
    }

    /// What the server's `REDIS_URL` must be.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Nothing comes through any more, in either direction, and nobody is told.
    pub fn come_apart(&self) {
        self.held.send_replace(true);
    }

    /// Ends [`Road::come_apart`]; what was sent meanwhile arrives late.
    pub fn mend(&self) {
        self.held.send_replace(false);
    }
}

impl Drop for Road {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, redis: u16, held: Arc<watch::Sender<bool>>) {
    while let Ok((server, _)) = listener.accept().await {
        let held = held.subscribe();
        tokio::spawn(async move {
            // A Redis that is not there closes the connection.
            let Ok(redis) = TcpStream::connect((Ipv4Addr::LOCALHOST, redis)).await else { return };
            let ((from_server, to_server), (from_redis, to_redis)) =
                (server.into_split(), redis.into_split());
            // Whichever ends first closes both.
            tokio::select! {
                () = carry(from_server, to_redis, held.clone()) => {}
                () = carry(from_redis, to_server, held.clone()) => {}
            }
        });
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut held: watch::Receiver<bool>) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = match from.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => read,
        };
        if held.wait_for(|held| !held).await.is_err()
            || to.write_all(&buffer[..read]).await.is_err()
        {
            return;
        }
    }
}
