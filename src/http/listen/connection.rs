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
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::answers::Answers;
use super::progress::{HeadTimer, Progress};
use super::wire::Wire;
use super::{Port, Seat};

/// Most bytes of a request's head: it must fit the read buffer of its connection. One that does not is 431.
pub(in crate::http) const HEAD_MAX: usize = 32 * 1024;
/// How long after connecting a client may say its first word, also where the port has been closed
/// meanwhile: it could not know.
const FIRST_WORD: Duration = Duration::from_secs(1);
/// The life of a connection that has no regular place, whatever happens on it.
const SPARE_LIFE: Duration = Duration::from_secs(10);
/// Its life where others wait for a place: enough for a request that is sent at once and its answer, so that
/// half a request on each of many connections keeps nobody from asking for the health.
const SPARE_MOMENT: Duration = Duration::from_millis(100);

/// Answers requests until either side closes the connection, or nothing comes for too long. A
/// connection without a regular place has moments for one request.
///
/// The token is one of the port's: held while a request may still come, and until its answer begins.
pub(super) async fn serve(
    stream: TcpStream,
    port: Arc<Port>,
    unanswered: TaskTrackerToken,
    seat: Seat,
) -> hyper::Result<()> {
    tokio::select! {
        served = serve_all(stream, port, unanswered, &seat) => served,
        () = outstays(&seat) => Ok(()),
    }
}

/// Returns once the connection has had a place beyond the regular ones for too long.
async fn outstays(seat: &Seat) {
    if seat.is_spare() {
        let end = Instant::now() + SPARE_LIFE;
        sleep(SPARE_MOMENT).await;
        // Either way it has been there for too long, but for what has come whole: that is answered.
        let _ = timeout_at(end, seat.is_wanted()).await;
        if seat.is_answering() {
            let _ = timeout_at(end, seat.has_answered()).await;
            sleep(SPARE_MOMENT).await;
        }
    }
    if !seat.is_spare() {
        std::future::pending::<()>().await;
    }
}

async fn serve_all(
    stream: TcpStream,
    port: Arc<Port>,
    mut unanswered: TaskTrackerToken,
    seat: &Seat,
) -> hyper::Result<()> {
    let first_word = Instant::now() + FIRST_WORD;
    let progress = Arc::new(Progress::default());
    let mut wire = Wire::new(stream, Arc::clone(&progress));
    while begins(&mut wire, &port, first_word, seat).await {
        let answers = Answers::new(Arc::clone(&port), unanswered, seat.clone());
        match answer(wire, &port, &progress, answers).await? {
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
async fn begins(wire: &mut Wire, port: &Port, first_word: Instant, seat: &Seat) -> bool {
    let patience = if seat.is_spare() { FIRST_WORD } else { port.config.idle_timeout };
    let closed = async {
        port.closed.cancelled().await;
        sleep_until(first_word).await;
    };
    tokio::select! {
        biased;
        // First: what has been sent is answered, whatever else has happened.
        begun = wire.begins() => begun,
        () = closed => false,
        () = sleep(patience) => false,
    }
}

/// Answers what has begun to come. `None` if the connection is closed now, otherwise it can be used
/// again.
async fn answer(
    wire: Wire,
    port: &Port,
    progress: &Arc<Progress>,
    answers: Answers,
) -> hyper::Result<Option<Wire>> {
    progress.begin();
    let mut connection = http1::Builder::new()
        .timer(HeadTimer::new(Arc::clone(progress)))
        .header_read_timeout(port.config.header_timeout)
        .max_buf_size(HEAD_MAX)
        .serve_connection(TokioIo::new(wire), answers);
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
