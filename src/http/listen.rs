//! Accepting connections: hyper itself, because the stream needs time limits on heads, dead peers
//! noticed, and a shutdown that does not wait for streams.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::shutdown::Tasks;

mod answers;
mod connection;
mod progress;
mod seat;
mod silence;
mod wire;

pub(super) use self::connection::HEAD_MAX;
use self::seat::Places;
pub use self::seat::Seat;

/// How long a peer may leave data unacknowledged before it counts as gone.
const PEER_GONE: Duration = Duration::from_secs(30);
/// How long to wait after the system refused a connection, for instance for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long connections that are being made when the port is to be closed may take to be made.
const HANDSHAKES: Duration = Duration::from_millis(200);
/// How long requests that came before the port was closed may take until they are answered.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// How connections are treated.
#[derive(Clone, Copy, Debug)]
pub struct ListenConfig {
    /// The most connections at once that may ask for anything. On a few more, health and metrics are
    /// answered and everything else is refused; the rest wait in the system's queue.
    pub max_connections: usize,
    /// How long a client may take to send its request's head, from the head's first byte.
    pub header_timeout: Duration,
    /// How long a connection is kept on which nothing of a request has come: a new one as well as
    /// one whose last request has been answered.
    pub idle_timeout: Duration,
}

/// What all connections of a port share.
struct Port {
    router: Router,
    config: ListenConfig,
    /// Cancelled once clients are to go elsewhere: from then on each answer closes its connection.
    leaving: CancellationToken,
    /// Cancelled once the port is closed: connections without a request are closed as well.
    closed: CancellationToken,
    /// Holds a token for each connection on which a request may still come, or has come without its
    /// answer having begun.
    unanswered: TaskTracker,
}

/// Serves until `close` is cancelled. Connections are tasks of `tasks`.
///
/// Once the process is leaving ([`Tasks::leaving`]), every answer closes its connection, so that
/// clients with a pool of connections connect elsewhere.
///
/// When this returns, new connections are refused by the system, so that a proxy tries the next
/// server at once, and every request that came before has got its answer, or the beginning of it
/// (unless that takes longer than five seconds). Streams go on.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    config: ListenConfig,
    tasks: Tasks,
    close: CancellationToken,
) {
    let (leaving, unanswered) = (tasks.leaving(), TaskTracker::new());
    let port = Arc::new(Port { router, config, leaving, closed: close.clone(), unanswered });
    let places = Places::new(config.max_connections);
    close.run_until_cancelled(accept(&listener, &places, &port, &tasks)).await;
    if let Err(error) = silence::ignore_new_connections(&listener) {
        tracing::debug!(%error, "connections that are being made may be reset");
    }
    let last = accept(&listener, &places, &port, &tasks);
    // That the time is over is how it ends.
    let _ = tokio::time::timeout(HANDSHAKES, last).await;
    if let Err(error) = accept_last(listener, &places, &port, &tasks) {
        tracing::warn!(%error, "the last connections may have been reset");
    }
    port.unanswered.close();
    if tokio::time::timeout(LAST_ANSWERS, port.unanswered.wait()).await.is_err() {
        tracing::warn!(requests = port.unanswered.len(), "port closed with requests unanswered");
    }
}

/// Takes connections for as long as it is polled.
async fn accept(listener: &TcpListener, places: &Places, port: &Arc<Port>, tasks: &Tasks) {
    loop {
        let Some(seat) = places.next().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => spawn_connection(stream, seat, port, tasks),
            Err(error) => {
                tracing::warn!(%error, "connection not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Takes the connections that the system has made already, and closes the port: what is left in the
/// system's queue then is reset, with the request that may have been sent on it.
fn accept_last(
    listener: TcpListener,
    places: &Places,
    port: &Arc<Port>,
    tasks: &Tasks,
) -> io::Result<()> {
    let listener = listener.into_std()?;
    while let Some(seat) = places.try_next() {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        };
        stream.set_nonblocking(true)?;
        spawn_connection(TcpStream::from_std(stream)?, seat, port, tasks);
    }
    Ok(())
}

fn spawn_connection(stream: TcpStream, seat: Seat, port: &Arc<Port>, tasks: &Tasks) {
    if let Err(error) = notice_dead_peers(&stream) {
        tracing::debug!(%error, "socket options not set");
    }
    // From now on, not from when the task first runs: the port may be closed in between.
    let (port, unanswered) = (Arc::clone(port), port.unanswered.token());
    tasks.spawn("connection", async move {
        if let Err(error) = connection::serve(stream, port, unanswered, seat).await {
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
