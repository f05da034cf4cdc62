//! One connection to a run's stream.

use std::time::Duration;

use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use tokio::time::Instant;

use super::answered::Answered;
use super::trouble::Trouble;
use crate::domain::Language;
use crate::domain::SessionId;
use crate::domain::event::told::{Told, ToldEvent};
use crate::domain::text::{quoted, quoted_start};
use crate::http_client;
use crate::sse::parse::{Event, Parser};

/// How an answer says that it is a stream of events.
const EVENT_STREAM: &str = "text/event-stream";
/// Characters that are shown of the type of an answer that is none.
const TYPE_SHOWN: usize = 80;

/// A stream that names its run.
pub(super) struct RunStream {
    session: SessionId,
    response: Response,
    parser: Parser,
    since: Instant,
}

impl RunStream {
    /// The stream that this answer is.
    ///
    /// # Errors
    /// It is none, or it names no session: it comes from something else than the server.
    pub(super) fn of(response: Response) -> Result<Self, Trouble> {
        let header = |name: &str| response.headers().get(name).map(|value| value.as_bytes());
        check_type(header(CONTENT_TYPE.as_str()))?;
        let session = session_named(header("x-session-id"))?;
        Ok(Self { session, response, parser: Parser::new(), since: Instant::now() })
    }

    /// The run.
    pub(super) fn session(&self) -> &SessionId {
        &self.session
    }

    /// For how long the connection has lasted.
    pub(super) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// The next events; none where only the connection was kept alive. Dropping the wait loses nothing.
    pub(super) async fn read(&mut self) -> Result<Vec<Event>, Trouble> {
        let chunk = self.response.chunk().await;
        let chunk = chunk.map_err(|error| Trouble::Lost(http_client::root_cause(&error)))?;
        let chunk = chunk.ok_or_else(|| Trouble::Lost("closed before the run's end".to_owned()))?;
        let mut events = Vec::new();
        let pushed = self.parser.push(&chunk, &mut events);
        pushed.map_err(|error| Trouble::Lost(error.to_string()))?;
        Ok(events)
    }
}

fn check_type(named: Option<&[u8]>) -> Result<(), Trouble> {
    let named = String::from_utf8_lossy(named.unwrap_or_default());
    let essence = named.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(EVENT_STREAM) {
        return Ok(());
    }
    let shown = quoted_start(&named, TYPE_SHOWN, Language::English);
    Err(Trouble::Nonsense(format!("its answer is no event stream, its Content-Type is {shown}")))
}

/// The session that a server names. What has not the form of an id is not kept, let alone shown as one.
fn session_named(name: Option<&[u8]>) -> Result<SessionId, Trouble> {
    let Some(name) = name else {
        let why = "its stream names no session: there is no X-Session-ID";
        return Err(Trouble::Nonsense(why.to_owned()));
    };
    let name = String::from_utf8_lossy(name);
    SessionId::parse(&name).ok_or_else(|| {
        Trouble::Nonsense(format!("its X-Session-ID {} is no session's id", quoted(&name)))
    })
}

/// Why there is no stream. The server refuses one with a stream; what stands before it, with something else.
pub(super) fn refused(answered: &Answered) -> Trouble {
    let mut events = Vec::new();
    let read = Parser::new().push(answered.body(), &mut events);
    let first = read.ok().and_then(|()| events.into_iter().next());
    let status = answered.status();
    match first.and_then(|first| Told::read(first.data.as_bytes())) {
        Some(Told { event: ToldEvent::Error(error), .. }) => {
            let detail = format!("{}; {}", error.error, error.message);
            Trouble::Refused { status, detail, is_final: !error.retryable }
        }
        Some(_) | None => Trouble::Refused { status, detail: answered.why(), is_final: false },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_stream_that_names_its_session_is_one() {
        for named in ["text/event-stream", "Text/Event-Stream; charset=utf-8"] {
            assert!(check_type(Some(named.as_bytes())).is_ok(), "{named}");
        }
        for named in [Some("text/html"), Some("text/event-stream-not"), Some(""), None] {
            assert!(check_type(named.map(str::as_bytes)).is_err(), "{named:?}");
        }
        assert!(session_named(Some(b"session_1")).is_ok());
        for named in [Some("$(touch x)"), Some(""), None] {
            assert!(session_named(named.map(str::as_bytes)).is_err(), "{named:?}");
        }
    }

    #[test]
    fn a_refused_stream_says_why_in_whatever_form() {
        let stream = "id: 1\nevent: error\ndata: {\"type\":\"error\",\"error\":\"prompt: missing or blank\",\
                      \"errorType\":\"ValidationError\",\"errorCode\":\"E4001\",\"message\":\"no\",\"retryable\":false}\n\n";
        let of = |body: &str| refused(&Answered::of(400, body)).to_string();
        assert_eq!(of(stream), "400 prompt: missing or blank; no");
        assert_eq!(of(r#"{"detail":"full","message":"later"}"#), "400 full; later");
        assert_eq!(of("<html>"), "400 Bad Request");
    }
}
