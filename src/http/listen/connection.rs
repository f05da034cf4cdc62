//! One connection: waiting for a request, then answering it, over and over.
//!
//! hyper has one time limit, which runs from the moment at which it waits for a request. It would
//! have to be short for a head that does not come to its end, and long for a connection that a
//! gateway keeps for later. So hyper gets a connection only when a request has begun, and hands it
//! back once everything has been answered; in between, it waits here.

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::Port;
use super::answers::Answers;
use super::progress::{HeadTimer, Progress};
use super::wire::Wire;

/// Read and write buffers of a connection, in bytes; a request head must fit.
const BUFFER: usize = 32 * 1024;
/// How long after connecting a client may say its first word, also where the port has been closed
/// meanwhile: it could not know.
const FIRST_WORD: Duration = Duration::from_secs(1);

/// Answers requests until either side closes the connection, or nothing comes for too long.
///
/// The token is one of the port's: held while a request may still come, and until its answer begins.
pub(super) async fn serve(
    stream: TcpStream,
    port: Arc<Port>,
    mut unanswered: TaskTrackerToken,
) -> hyper::Result<()> {
    let first_word = Instant::now() + FIRST_WORD;
    let progress = Arc::new(Progress::default());
    let mut wire = Wire::new(stream, Arc::clone(&progress));
    while begins(&mut wire, &port, first_word).await {
        match answer(wire, &port, &progress, unanswered).await? {
            Some(back) => wire = back,
            None => return Ok(()),
        }
        unanswered = port.unanswered.token();
    }
    drop(unanswered);
    // That the peer is gone already is no fault.
    let _ = wire.shutdown().await;
    Ok(())
}

/// Waits for the first byte of a request; `false` if the connection is to be closed instead.
async fn begins(wire: &mut Wire, port: &Port, first_word: Instant) -> bool {
    let closed = async {
        port.closed.cancelled().await;
        sleep_until(first_word).await;
    };
    tokio::select! {
        biased;
        // First: what has been sent is answered, whatever else has happened.
        begun = wire.begins() => begun,
        () = closed => false,
        () = sleep(port.config.idle_timeout) => false,
    }
}

/// Answers what has begun to come. `None` if the connection is closed now, otherwise it can be used
/// again.
async fn answer(
    wire: Wire,
    port: &Arc<Port>,
    progress: &Arc<Progress>,
    unanswered: TaskTrackerToken,
) -> hyper::Result<Option<Wire>> {
    progress.begin();
    let mut connection = http1::Builder::new()
        .timer(HeadTimer::new(Arc::clone(progress)))
        .header_read_timeout(port.config.header_timeout)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(wire), Answers::new(Arc::clone(port), unanswered));
    tokio::select! {
        // In this order: it is by being polled that the connection makes progress.
        biased;
        closed = &mut connection => closed.map(|()| None),
        () = progress.answered() => {
            let parts = connection.into_parts();
            Ok(Some(parts.io.into_inner().with_unread(parts.read_buf)))
        }
    }
}
