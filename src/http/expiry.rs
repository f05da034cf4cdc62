//! Streams that follow the token that opened them (contract, section 2).

use std::io;
use std::pin::pin;

use async_stream::stream;
use axum::body::{Body, Bytes};
use axum::response::Response;
use futures::{Stream, StreamExt};
use http::header;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

/// Breaks the response off at `end` if it is an event stream that goes on for so long. Its client
/// takes that for a lost connection, and resumes with a new token; the run goes on meanwhile.
pub(super) fn end_stream_at(end: Instant, response: Response) -> Response {
    let is_stream = response.headers().get(header::CONTENT_TYPE);
    if is_stream.is_none_or(|media| media != "text/event-stream") {
        return response;
    }
    response.map(|body| Body::from_stream(until(end, body.into_data_stream())))
}

/// The pieces that come before `end`, then an error if there are more. A piece holds whole frames.
fn until(
    end: Instant,
    pieces: impl Stream<Item = Result<Bytes, axum::Error>> + Send,
) -> impl Stream<Item = Result<Bytes, axum::Error>> + Send {
    stream! {
        let mut pieces = pin!(pieces);
        let mut over = pin!(sleep_until(end));
        loop {
            tokio::select! {
                biased;
                // First, because a stream with much to say must not go on for longer than others.
                () = over.as_mut() => break,
                piece = pieces.next() => match piece {
                    Some(piece) => yield piece,
                    None => return,
                }
            }
        }
        // The connection writes out what it has only when there is nothing more to be had at once.
        yield_now().await;
        tracing::info!("stream broken off: its token has expired");
        yield Err(axum::Error::new(io::Error::other("the token has expired")));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::response::IntoResponse;
    use futures::stream;

    use super::*;

    const A_SECOND: Duration = Duration::from_secs(1);

    fn piece() -> Result<Bytes, axum::Error> {
        Ok(Bytes::from_static(b"x"))
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_is_over_in_time_has_its_own_end() {
        let pieces = until(Instant::now() + A_SECOND, stream::iter([piece(), piece()]));
        let seen: Vec<_> = pieces.collect().await;
        assert_eq!(seen.len(), 2);
        assert!(seen.iter().all(Result::is_ok));
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_stream_and_a_busy_one_end_when_the_token_does() {
        let end = Instant::now() + A_SECOND;
        let silent: Vec<_> = until(end, stream::pending()).collect().await;
        assert!(matches!(&silent[..], [Err(_)]), "{silent:?}");
        assert_eq!(Instant::now(), end);

        let busy = stream::repeat_with(piece);
        let seen: Vec<_> = until(Instant::now(), busy).collect().await;
        assert!(matches!(&seen[..], [Err(_)]), "{seen:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_no_stream_is_left_alone() {
        let answer = ([(header::CONTENT_TYPE, "application/json")], "{}").into_response();
        let answer = end_stream_at(Instant::now(), answer);
        let pieces: Vec<_> = answer.into_body().into_data_stream().collect().await;
        assert_eq!(pieces.into_iter().map(Result::unwrap).collect::<Vec<_>>(), ["{}"]);
    }
}
