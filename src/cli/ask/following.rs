//! A run's events, to their end, over however many connections it takes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use futures::stream::unfold;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::server::{Server, Trouble};
use crate::backoff::Backoff;
use crate::domain::SessionId;
use crate::domain::text::quoted;
use crate::http_client;
use crate::sse::parse::{self, Parser};

/// Pauses between two connections.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// For how long a run that is known is looked for.
const GIVE_UP: Duration = Duration::from_secs(15 * 60);
/// For how long a run is asked for that nobody has told of.
const GIVE_UP_START: Duration = Duration::from_secs(60);
/// What stands in the place of an event when the run is over.
const TRAILER: &str = "[DONE]";

/// What comes in.
#[derive(Debug)]
pub(super) enum Incoming {
    /// The run, by its name. Comes first, and once.
    Session(SessionId),
    /// An event's payload.
    Event(String),
    /// The connection was lost, why, and when the next is made.
    Lost(String, Duration),
    /// There is a connection again.
    Back,
    /// The run is over; nothing comes after it.
    Over,
    /// Nothing more can be had; nothing comes after it.
    Failed(Trouble),
}

/// Where a client is in a run: what it has to tell the server to go on without loss or repetition.
#[derive(Debug)]
pub(super) struct Place {
    session: Option<SessionId>,
    last_event: Option<String>,
    /// What the run is started with, and the key that makes one request of all that have it.
    start: (Value, String),
}

impl Place {
    /// Before a run that is to be started.
    pub(super) fn to_start(prompt: &str, thread: Option<&str>) -> Self {
        let mut body = json!({ "prompt": prompt });
        if let (Some(thread), Some(fields)) = (thread, body.as_object_mut()) {
            fields.insert("thread_id".into(), thread.into());
        }
        let key = Uuid::new_v4().to_string();
        Self { session: None, last_event: None, start: (body, key) }
    }

    /// At the beginning of a run that is there.
    pub(super) fn of_session(session: SessionId) -> Self {
        Self { session: Some(session), ..Self::to_start("", None) }
    }

    async fn open(&self, server: &Server) -> Result<Response, Trouble> {
        match &self.session {
            Some(session) => server.join(session, self.last_event.as_deref()).await,
            None => server.start(&self.start.0, &self.start.1).await,
        }
    }
}

/// The run's events. Dropping what waits for the next one loses nothing.
pub(super) fn follow(server: Arc<Server>, place: Place) -> impl Stream<Item = Incoming> + Unpin {
    let following = Following {
        server,
        place,
        connection: None,
        told_session: false,
        ready: VecDeque::new(),
        backoff: Backoff::new(PAUSES.0, PAUSES.1),
        next_attempt: Instant::now(),
        away_since: None,
        is_over: false,
    };
    Box::pin(unfold(following, Following::step))
}

struct Following {
    server: Arc<Server>,
    place: Place,
    connection: Option<Connection>,
    told_session: bool,
    /// What came and was not handed out yet.
    ready: VecDeque<Incoming>,
    backoff: Backoff,
    next_attempt: Instant,
    /// Since when no event has come for want of a connection.
    away_since: Option<Instant>,
    is_over: bool,
}

struct Connection {
    response: Response,
    parser: Parser,
}

impl Following {
    async fn step(mut self) -> Option<(Incoming, Self)> {
        loop {
            if let Some(next) = self.ready.pop_front() {
                return Some((next, self));
            }
            if self.is_over {
                return None;
            }
            let came = match self.connection.as_mut() {
                Some(connection) => connection.read().await,
                None => {
                    sleep_until(self.next_attempt).await;
                    self.connect().await.map(|()| Vec::new())
                }
            };
            match came {
                Ok(events) => events.into_iter().for_each(|event| self.take(event)),
                Err(trouble) => self.on_trouble(trouble),
            }
        }
    }

    async fn connect(&mut self) -> Result<(), Trouble> {
        let response = self.place.open(&self.server).await?;
        // All of it has been read already.
        self.is_over = response.status() == StatusCode::NO_CONTENT;
        if self.is_over {
            self.ready.push_back(Incoming::Over);
            return Ok(());
        }
        if let Some(named) = response.headers().get("x-session-id") {
            self.place.session = Some(session_named(named.as_bytes())?);
        }
        if let (Some(session), false) = (&self.place.session, self.told_session) {
            self.told_session = true;
            self.ready.push_back(Incoming::Session(session.clone()));
        }
        if self.away_since.is_some() {
            self.ready.push_back(Incoming::Back);
        }
        self.connection = Some(Connection { response, parser: Parser::new() });
        Ok(())
    }

    fn take(&mut self, event: parse::Event) {
        if self.is_over {
            return;
        }
        // A connection that brings something is one: what is lost after it is a new loss.
        self.backoff.reset();
        self.away_since = None;
        self.place.last_event = event.id.or(self.place.last_event.take());
        self.is_over = event.data == TRAILER;
        self.ready.push_back(match self.is_over {
            true => Incoming::Over,
            false => Incoming::Event(event.data),
        });
    }

    /// Makes up its mind whether there is another attempt, and when.
    fn on_trouble(&mut self, trouble: Trouble) {
        let is_first = self.away_since.is_none() && !self.told_session;
        self.connection = None;
        let since = *self.away_since.get_or_insert_with(Instant::now);
        if !self.is_worth_another(&trouble, is_first) || since.elapsed() > self.gives_up_after() {
            self.is_over = true;
            self.ready.push_back(Incoming::Failed(trouble));
            return;
        }
        let pause = self.backoff.pause();
        self.next_attempt = Instant::now() + pause;
        self.ready.push_back(Incoming::Lost(trouble.to_string(), pause));
    }

    fn is_worth_another(&self, trouble: &Trouble, is_first: bool) -> bool {
        match trouble {
            // Most likely there is no server at all.
            Trouble::Unreachable(_) => !is_first,
            // As many streams are open as may be; the lost one may still count.
            Trouble::Refused { status, .. } if *status == StatusCode::TOO_MANY_REQUESTS => {
                self.told_session
            }
            Trouble::Lost(_) | Trouble::Refused { .. } | Trouble::Nonsense(_) | Trouble::Own(_) => {
                trouble.may_pass()
            }
        }
    }

    fn gives_up_after(&self) -> Duration {
        if self.told_session { GIVE_UP } else { GIVE_UP_START }
    }
}

/// The session that a server names. What has not the form of an id is not kept, let alone shown.
fn session_named(name: &[u8]) -> Result<SessionId, Trouble> {
    let name = String::from_utf8_lossy(name);
    SessionId::parse(&name).ok_or_else(|| {
        Trouble::Nonsense(format!("its X-Session-ID {} is no session's id", quoted(&name)))
    })
}

impl Connection {
    /// The next events.
    async fn read(&mut self) -> Result<Vec<parse::Event>, Trouble> {
        let chunk = self.response.chunk().await;
        let chunk = chunk.map_err(|error| Trouble::Lost(http_client::root_cause(&error)))?;
        let chunk = chunk.ok_or_else(|| Trouble::Lost("closed before the run's end".to_owned()))?;
        let mut events = Vec::new();
        let pushed = self.parser.push(&chunk, &mut events);
        pushed.map_err(|error| Trouble::Lost(error.to_string()))?;
        Ok(events)
    }
}
