//! A run's events, to their end, over however many connections it takes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use futures::stream::unfold;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::attempts::Attempts;
use super::run_stream::RunStream;
use super::server::Server;
use super::trouble::Trouble;
use crate::domain::{EventId, SessionId};
use crate::sse::parse;

/// For how long a run that is known is looked for.
const GIVE_UP: Duration = Duration::from_secs(15 * 60);
/// For how long a run is asked for that nobody has told of.
const GIVE_UP_START: Duration = Duration::from_secs(60);
/// After so long, a connection that is kept alive shows that the server is there: nothing may happen in a run
/// for hours. One that is broken off sooner, each time, does not.
const STEADY: Duration = Duration::from_secs(10);
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

/// Where a client is: what it has to tell the server to go on without loss or repetition.
#[derive(Debug)]
pub(super) enum Place {
    /// Before a run.
    Start {
        /// What the run is started with.
        body: Value,
        /// Makes one request of all that have it.
        key: String,
    },
    /// In a run.
    Join {
        /// The run.
        session: SessionId,
        /// The last event of it that has come.
        after: Option<EventId>,
    },
}

impl Place {
    /// Before a run that is to be started.
    pub(super) fn to_start(prompt: &str, thread: Option<&str>) -> Self {
        let mut body = json!({ "prompt": prompt });
        if let (Some(thread), Some(fields)) = (thread, body.as_object_mut()) {
            fields.insert("thread_id".into(), thread.into());
        }
        Self::Start { body, key: Uuid::new_v4().to_string() }
    }

    /// At the beginning of a run that is there.
    pub(super) fn of_session(session: SessionId) -> Self {
        Self::Join { session, after: None }
    }

    /// The stream from here; `None` if the run has nothing more.
    async fn open(&mut self, server: &Server) -> Result<Option<RunStream>, Trouble> {
        match self {
            Self::Join { session, after } => server.join(session, *after).await,
            Self::Start { body, key } => {
                let stream = server.start(body, key).await?;
                *self = Self::of_session(stream.session().clone());
                Ok(Some(stream))
            }
        }
    }

    /// Goes on to an event. Ids grow: one that does not comes again, and the place stays.
    fn goes_to(&mut self, event: EventId) -> bool {
        match self {
            Self::Join { after, .. } if after.is_none_or(|last| event > last) => {
                *after = Some(event);
                true
            }
            Self::Join { .. } | Self::Start { .. } => false,
        }
    }
}

/// The run's events. Dropping what waits for the next one loses nothing.
pub(super) fn follow(server: Arc<Server>, place: Place) -> impl Stream<Item = Incoming> + Unpin {
    let start = (server, Following::from(place));
    Box::pin(unfold(start, |(server, mut following)| async move {
        let next = following.next(&server).await?;
        Some((next, (server, following)))
    }))
}

struct Following {
    place: Place,
    connection: Option<RunStream>,
    told_session: bool,
    /// What came and was not handed out yet.
    ready: VecDeque<Incoming>,
    attempts: Attempts,
    next_attempt: Instant,
    is_over: bool,
}

impl From<Place> for Following {
    fn from(place: Place) -> Self {
        Self {
            place,
            connection: None,
            told_session: false,
            ready: VecDeque::new(),
            attempts: Attempts::none(),
            next_attempt: Instant::now(),
            is_over: false,
        }
    }
}

impl Following {
    async fn next(&mut self, server: &Server) -> Option<Incoming> {
        loop {
            if let Some(next) = self.ready.pop_front() {
                return Some(next);
            }
            if self.is_over {
                return None;
            }
            let came = match self.connection.as_mut() {
                Some(connection) => {
                    connection.read().await.map(|events| (events, connection.age()))
                }
                None => {
                    sleep_until(self.next_attempt).await;
                    self.connect(server).await.map(|()| (Vec::new(), Duration::ZERO))
                }
            };
            match came {
                Ok((events, age)) => self.take(events, age),
                Err(trouble) => self.on_trouble(trouble),
            }
        }
    }

    async fn connect(&mut self, server: &Server) -> Result<(), Trouble> {
        let Some(connection) = self.place.open(server).await? else {
            // All of it has been read already.
            self.end(Incoming::Over);
            return Ok(());
        };
        if !self.told_session {
            self.told_session = true;
            self.ready.push_back(Incoming::Session(connection.session().clone()));
        }
        if self.attempts.has_any() {
            self.ready.push_back(Incoming::Back);
        }
        self.connection = Some(connection);
        Ok(())
    }

    /// Takes what has come over a connection that has lasted so long.
    fn take(&mut self, events: Vec<parse::Event>, age: Duration) {
        if age > STEADY {
            self.attempts.reset();
        }
        for event in events {
            if event.data == TRAILER {
                return self.end(Incoming::Over);
            }
            // What has no id, or one that came before, is nothing new.
            let id = event.id.and_then(|id| EventId::parse(&id));
            if id.is_some_and(|id| self.place.goes_to(id)) {
                self.attempts.reset();
                self.ready.push_back(Incoming::Event(event.data));
            }
        }
    }

    /// Makes up its mind whether there is another attempt, and when.
    fn on_trouble(&mut self, trouble: Trouble) {
        let is_first = !(self.attempts.has_any() || self.told_session);
        self.connection = None;
        let gives_up_after = if self.told_session { GIVE_UP } else { GIVE_UP_START };
        let pause = match self.is_worth_another(&trouble, is_first) {
            true => self.attempts.another(gives_up_after),
            false => None,
        };
        let Some(pause) = pause else { return self.end(Incoming::Failed(trouble)) };
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

    fn end(&mut self, last: Incoming) {
        self.is_over = true;
        self.ready.push_back(last);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn in_a_run() -> Following {
        let place = Place::of_session(SessionId::new("session_1"));
        Following { told_session: true, ..Following::from(place) }
    }

    fn event(id: &str) -> parse::Event {
        parse::Event { id: Some(id.to_owned()), kind: None, data: "{}".to_owned() }
    }

    /// Connections that each bring these events, last for so long and are lost, until it is given up or an
    /// hour is over.
    async fn lost_again_and_again(
        following: &mut Following,
        events: &[&str],
        age: Duration,
    ) -> Duration {
        let began = Instant::now();
        while !following.is_over && began.elapsed() < Duration::from_secs(3600) {
            following.take(events.iter().map(|id| event(id)).collect(), age);
            advance(age).await;
            following.on_trouble(Trouble::Lost("closed".into()));
            advance(following.next_attempt - Instant::now()).await;
        }
        began.elapsed()
    }

    fn shown(following: &mut Following) -> usize {
        let ready = following.ready.drain(..);
        ready.filter(|incoming| matches!(incoming, Incoming::Event(_))).count()
    }

    #[test]
    fn what_comes_twice_or_without_a_place_is_not_shown() {
        let mut following = in_a_run();
        let strays = ["", "x", "-1"].map(event);
        following.take([event("5"), event("7"), event("7"), event("6")].into(), Duration::ZERO);
        following.take(strays.into(), Duration::ZERO);
        let without = parse::Event { id: None, ..event("8") };
        following.take(vec![without, event("10")], Duration::ZERO);
        assert_eq!(shown(&mut following), 3);
        assert!(matches!(following.place, Place::Join { after: Some(id), .. } if id.get() == 10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_only_repeats_is_given_up_like_one_that_is_away() {
        for repeated in [&["5"][..], &[]] {
            let mut following = in_a_run();
            following.take(vec![event("5")], Duration::ZERO);
            let lasted = lost_again_and_again(&mut following, repeated, Duration::ZERO).await;
            assert!(following.is_over, "{repeated:?}");
            assert!((GIVE_UP..GIVE_UP + Duration::from_secs(6)).contains(&lasted), "{lasted:?}");
            assert_eq!(shown(&mut following), 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_waits_for_hours_is_followed_however_often_its_connection_is_lost() {
        let mut following = in_a_run();
        lost_again_and_again(&mut following, &[], Duration::from_secs(60)).await;
        assert!(!following.is_over);
    }
}
