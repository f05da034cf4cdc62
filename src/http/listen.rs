//! Accepting connections: hyper itself, because the stream needs time limits on heads, dead peers
//! noticed, and a shutdown that does not wait for streams.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::linger::Lingering;
use crate::shutdown::Tasks;

mod linger;

/// Read and write buffers of a connection, in bytes; a request head must fit.
const BUFFER: usize = 32 * 1024;
/// How long a peer may leave data unacknowledged before it counts as gone.
const PEER_GONE: Duration = Duration::from_secs(30);
/// How long to wait after the system refused a connection, for instance for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How connections are treated.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The most connections at once; more wait in the system's queue.
    pub max_connections: usize,
    /// How long a client may take to send its request's head.
    pub header_timeout: Duration,
}

/// Serves for as long as it is polled. Connections are tasks of `tasks`.
///
/// Once the process is to stop, idle connections close at once and busy ones after their answer.
/// New ones are still taken and get one answer each: whoever asks must be told, by a 503, that
/// this server takes no more work.
pub async fn serve(listener: TcpListener, router: Router, config: Config, tasks: Tasks) {
    let slots = Arc::new(Semaphore::new(config.max_connections));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => spawn_connection(stream, slot, &router, config, &tasks),
            Err(error) => {
                tracing::warn!(%error, "connection not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn spawn_connection(
    stream: TcpStream,
    slot: OwnedSemaphorePermit,
    router: &Router,
    config: Config,
    tasks: &Tasks,
) {
    if let Err(error) = notice_dead_peers(&stream) {
        tracing::debug!(%error, "socket options not set");
    }
    let service = TowerToHyperService::new(router.clone());
    let stopping = tasks.stopping();
    let is_late = stopping.is_cancelled();
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(config.header_timeout)
        .keep_alive(!is_late)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(Lingering::new(stream)), service);
    tasks.spawn(async move {
        let _slot = slot;
        let mut connection = std::pin::pin!(connection);
        let closed = tokio::select! {
            closed = connection.as_mut() => closed,
            () = stopping.cancelled(), if !is_late => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = closed {
            tracing::debug!(%error, "connection ended early");
        }
    });
}

fn notice_dead_peers(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(PEER_GONE).with_interval(Duration::from_secs(10));
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(PEER_GONE))?;
    Ok(())
}
