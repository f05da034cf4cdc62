//! The stream routes: start a run or find one, then merely read its journal (contract, 3 and 4).

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::auth::Authenticated;
use super::body::Fields;
use super::error::ApiError;
use super::extract::{Params, PathId};
use super::idempotency::key_of;
use super::readers::Reader;
use super::render::SESSION_ID;
use super::request_log::Trace;
use super::tail::Tail;
use super::tail::journal::{JournalFeed, Rendering};
use super::{Shared, sessions};
use crate::agent::{StartRun, Started};
use crate::domain::{
    Caller, EventId, IdempotencyKey, PageContext, RequestHash, RequestKey, RequestTrace, SessionId,
    SessionMeta, ThreadId,
};
use crate::sse::frame::Form;
use crate::store::StoreError;

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;

/// Longest name of a thread, in bytes (contract, section 3).
pub(super) const THREAD_MAX: usize = 200;

/// `POST /aura/test/stream`: starts a run, or resumes one.
pub async fn post(
    State(http): State<Shared>,
    Authenticated(caller): Authenticated,
    Extension(trace): Extension<Trace>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let fields = Fields::read(&headers, body).await?;
    let named = fields.text("sessionId")?.filter(|id| !id.trim().is_empty());
    let request = StreamRequest {
        session: named.map(str::to_owned).or_else(|| named_in_header(&headers)),
        last_event: last_event_id(&headers),
        tab: thread_of_tab(&headers),
        key: key_of(&headers)?,
        trace: trace.of_run,
        form: Form::Flat,
        at_end: AtEnd::Trailer,
    };
    request.respond(&http, &caller, &fields).await
}

/// `GET /aura/test/stream?message=…`: the same run, in the enveloped form.
pub async fn get(
    State(http): State<Shared>,
    Authenticated(caller): Authenticated,
    Extension(trace): Extension<Trace>,
    method: Method,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, ApiError> {
    refuse_head(&method, "GET, POST")?;
    let request = StreamRequest {
        session: params
            .first_of(&["sessionId"])
            .map(str::to_owned)
            .or_else(|| named_in_header(&headers)),
        last_event: last_event_id(&headers),
        tab: thread_of_tab(&headers),
        key: key_of(&headers)?,
        trace: trace.of_run,
        form: Form::Enveloped,
        at_end: AtEnd::NoContent,
    };
    request.respond(&http, &caller, &params).await
}

/// `GET /aura/sessions/{sessionId}/stream`: joins a session's stream.
pub async fn join(
    State(http): State<Shared>,
    Authenticated(caller): Authenticated,
    method: Method,
    PathId(id): PathId,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    refuse_head(&method, "GET")?;
    let meta = sessions::own(&http, &caller, &id).await?;
    let last_event = last_event_id(&headers);
    let place =
        Place { session: meta.session_id, last_event, form: Form::Flat, at_end: AtEnd::NoContent };
    place.join(&http, http.readers.open(&caller).await?).await
}

/// Which stream is wanted.
struct StreamRequest {
    session: Option<String>,
    last_event: Option<EventId>,
    /// The conversation of the browser tab that asks.
    tab: Option<ThreadId>,
    /// A request that names a session starts nothing: then the key says nothing.
    key: Option<IdempotencyKey>,
    /// By which names the platform follows the request.
    trace: RequestTrace,
    form: Form,
    at_end: AtEnd,
}

/// What a client gets that has all of a finished session (contract, section 4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AtEnd {
    /// The trailer once more.
    Trailer,
    /// 204: whoever asks with GET may be an `EventSource`, which reconnects until it is told so.
    NoContent,
}

impl StreamRequest {
    /// Contract, section 4.5: which session it is.
    async fn respond<P: Prompted>(
        self,
        http: &Shared,
        caller: &Caller,
        request: &P,
    ) -> Result<Response, ApiError> {
        if let Some(id) = &self.session {
            let meta = sessions::own(http, caller, id).await?;
            if self.last_event.is_none() {
                check_own_prompt(request, &meta)?;
            }
            return self
                .place_in(meta.session_id)
                .join(http, http.readers.open(caller).await?)
                .await;
        }
        // Before the event: with a key that was used, it is a place in that run.
        let key = self.key.clone().map(|key| RequestKey { key, request: request.hash() });
        if let (Some(key), Some(_)) = (&key, self.last_event)
            && let Some(session) = http.service.session_of_key(caller, key).await?
        {
            return self.place_in(session).join(http, http.readers.open(caller).await?).await;
        }
        if let Some(last) = self.last_event
            && let Some(session) = http.service.session_with_event(caller, last).await?
        {
            return self.place_in(session).join(http, http.readers.open(caller).await?).await;
        }
        let above = self.last_event.filter(|id| has_room_above(*id)).unwrap_or(EventId::ZERO);
        let mut ask = StartRun { key, trace: self.trace.clone(), ..request.ask(above)? };
        check_length(P::PROMPT, &ask.prompt, http.config.prompt_bytes)?;
        ask.thread = ask.thread.or_else(|| self.tab.clone());
        // Before the run: there is to be none whose stream the client does not get.
        let reader = http.readers.open(caller).await?;
        match http.service.start(caller, ask).await? {
            Started::New { session, opened } => {
                stream(http, session, opened, self.form, reader).await
            }
            Started::Before(session) => self.place_in(session).join(http, reader).await,
        }
    }

    /// Where the client is in a session that is there already, and the caller's own.
    fn place_in(&self, session: SessionId) -> Place {
        let Self { last_event, form, at_end, .. } = *self;
        Place { session, last_event, form, at_end }
    }
}

/// A request that may bring a prompt: a body, or a query.
trait Prompted {
    /// The name of the prompt.
    const PROMPT: &'static str;

    /// The prompt; `None` if it is missing or blank.
    fn prompt(&self) -> Result<Option<&str>, ApiError>;

    /// All that was sent, in one value.
    fn hash(&self) -> RequestHash;

    /// What a new run is to do.
    fn ask(&self, above: EventId) -> Result<StartRun, ApiError>;
}

impl Prompted for Fields {
    const PROMPT: &'static str = "prompt";

    fn prompt(&self) -> Result<Option<&str>, ApiError> {
        self.text_of(&["prompt", "message"])
    }

    fn hash(&self) -> RequestHash {
        RequestHash::of("POST", &self.to_value())
    }

    fn ask(&self, above: EventId) -> Result<StartRun, ApiError> {
        if self.is_empty_body() {
            return Err(ApiError::malformed("the body is empty"));
        }
        let prompt = self.prompt()?.ok_or_else(|| ApiError::missing(Self::PROMPT))?.to_owned();
        let context = match self.value("context") {
            Some(context) => PageContext::from_json(context)
                .map_err(|error| ApiError::invalid("context", &error.to_string()))?
                .to_be_kept(),
            None => PageContext::default(),
        };
        let thread = self.text_of(&["thread_id", "threadId"])?;
        let (thread, trace) = (thread_named(thread)?, RequestTrace::default());
        Ok(StartRun { prompt, context, thread, above, key: None, trace })
    }
}

impl Prompted for Params {
    const PROMPT: &'static str = "message";

    fn prompt(&self) -> Result<Option<&str>, ApiError> {
        Ok(self.first_of(&["message"]))
    }

    fn hash(&self) -> RequestHash {
        RequestHash::of("GET", &self.to_value())
    }

    fn ask(&self, above: EventId) -> Result<StartRun, ApiError> {
        let prompt = self.prompt()?.ok_or_else(|| ApiError::missing(Self::PROMPT))?.to_owned();
        let thread = self.first_of(&["thread_id", "threadId"]);
        Ok(StartRun {
            prompt,
            context: PageContext::default(),
            thread: thread_named(thread)?,
            above,
            key: None,
            trace: RequestTrace::default(),
        })
    }
}

fn check_own_prompt(request: &impl Prompted, meta: &SessionMeta) -> Result<(), ApiError> {
    match request.prompt()? {
        Some(prompt) if !meta.was_started_with(prompt) => Err(ApiError::another_prompt()),
        Some(_) | None => Ok(()),
    }
}

fn thread_named(name: Option<&str>) -> Result<Option<ThreadId>, ApiError> {
    let Some(name) = name.map(str::trim).filter(|name| !name.is_empty()) else { return Ok(None) };
    check_length("thread_id", name, THREAD_MAX)?;
    Ok(Some(ThreadId::new(name)))
}

pub(super) fn check_length(field: &str, text: &str, most: usize) -> Result<(), ApiError> {
    if text.len() <= most {
        return Ok(());
    }
    Err(ApiError::invalid(field, &format!("must be at most {most} bytes, is {}", text.len())))
}

/// The thread of a browser tab, which sends the same `X-Agent-ID` with all of its requests: its name
/// as it is, so that `threadId` of a `start` event can be sent as `thread_id`. It goes to the run's
/// user alone, like every thread.
fn thread_of_tab(headers: &HeaderMap) -> Option<ThreadId> {
    let mut sent = headers.get_all("x-agent-id").iter();
    let (first, second) = (sent.next()?, sent.next());
    let id = std::str::from_utf8(first.as_bytes()).ok().map(str::trim);
    match id {
        Some("") if second.is_none() => None,
        Some(id) if second.is_none() && id.len() <= THREAD_MAX => Some(ThreadId::new(id)),
        Some(_) | None => {
            tracing::warn!("X-Agent-ID ignored: it is not one text of at most {THREAD_MAX} bytes");
            None
        }
    }
}

/// Where a client is in a session that is there already.
struct Place {
    session: SessionId,
    last_event: Option<EventId>,
    form: Form,
    at_end: AtEnd,
}

impl Place {
    /// Joins the session after the client's last event, if it has any of it.
    async fn join(self, http: &Shared, reader: Reader) -> Result<Response, ApiError> {
        let Self { session, last_event, form, at_end } = self;
        let Some(after) = last_event else {
            return stream(http, session, EventId::ZERO, form, reader).await;
        };
        if at_end == AtEnd::NoContent && has_all(http, &session, after).await? {
            let mut response = StatusCode::NO_CONTENT.into_response();
            response.headers_mut().insert(SESSION_ID, header_value(&session)?);
            return Ok(response);
        }
        stream(http, session, after, form, reader).await
    }
}

/// Whether a session is over, and its trailer not after this event.
async fn has_all(http: &Shared, session: &SessionId, last: EventId) -> Result<bool, StoreError> {
    let newest = http.store.newest(session, 1).await?;
    Ok(newest.last().is_some_and(|entry| entry.is_done() && entry.id <= last))
}

fn header_value(session: &SessionId) -> Result<HeaderValue, ApiError> {
    HeaderValue::from_str(session.as_str()).map_err(|_| ApiError::internal())
}

/// The answer that is the stream of a session, from behind an event on.
pub(super) async fn stream(
    http: &Shared,
    session: SessionId,
    after: EventId,
    rendering: impl Rendering,
    reader: Reader,
) -> Result<Response, ApiError> {
    let named = header_value(&session)?;
    let feed = JournalFeed::open(http, session, after, rendering).await?;
    let mut response = Tail::of(http, feed, reader).response();
    response.headers_mut().insert(SESSION_ID, named);
    Ok(response)
}

fn named_in_header(headers: &HeaderMap) -> Option<String> {
    // What is not even text names a session all the same, one that does not exist.
    let id = String::from_utf8_lossy(headers.get(SESSION_ID)?.as_bytes());
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}

/// The event after which a client wants to go on.
pub(super) fn last_event_id(headers: &HeaderMap) -> Option<EventId> {
    last_event(headers, EventId::parse)
}

/// What the header says that tells which event a client has; `None` if it says nothing that is understood.
pub(super) fn last_event<T>(
    headers: &HeaderMap,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Option<T> {
    let text = headers.get("last-event-id")?.to_str().unwrap_or("?").trim();
    if text.is_empty() {
        return None;
    }
    let id = parse(text);
    if id.is_none() {
        tracing::warn!("Last-Event-ID ignored: it is none of ours");
    }
    id
}

/// Whether ids can follow this one, as those of a new run would. It is not taken for a client's last one otherwise.
pub(super) fn has_room_above(id: EventId) -> bool {
    let has = id.has_room_above();
    if !has {
        tracing::warn!(%id, "Last-Event-ID ignored: there is no room above it for a new run");
    }
    has
}

/// axum answers HEAD with GET's handler; a stream would start a run for it. `allowed`: the methods that
/// the route takes.
pub(super) fn refuse_head(method: &Method, allowed: &'static str) -> Result<(), ApiError> {
    if method == Method::HEAD { Err(ApiError::head_not_allowed(allowed)) } else { Ok(()) }
}
