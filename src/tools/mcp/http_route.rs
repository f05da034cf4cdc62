//! The library's HTTP client, with answers read as loosely as on every other way ([`super::message`]).
//!
//! The library's own takes content types to the letter, and gives up a stream for one event that is
//! no message.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use async_stream::stream;
use futures::StreamExt;
use futures::stream;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Method, StatusCode};
use rmcp::model::{ClientJsonRpcMessage, ClientRequest, ErrorData, ServerJsonRpcMessage};
use rmcp::transport::common::client_side_sse::BoxedSseResponse;
use rmcp::transport::common::http_header::{HEADER_LAST_EVENT_ID, HEADER_SESSION_ID};
use rmcp::transport::streamable_http_client::{
    HttpStatusError, SseError, StreamableHttpClient, StreamableHttpError,
    StreamableHttpPostResponse,
};
use rmcp_sse::Sse;
use serde::Deserialize;
use serde_json::Value;

use super::message::messages;
use crate::domain::text::one_line;
use crate::sse::parse::{Event, Parser};

/// Largest event of a stream that is taken where the library does not say, in bytes.
const EVENT_MAX: usize = 16 * 1024 * 1024;
/// Largest answer that is no stream, in bytes.
const BODY_MAX: usize = 16 * 1024 * 1024;
/// Largest answer to a request that failed, in bytes.
const REFUSAL_MAX: usize = 64 * 1024;

type HttpError = StreamableHttpError<reqwest::Error>;

/// A client that understands what a server means.
#[derive(Clone)]
pub(super) struct LooseHttp(reqwest::Client);

/// What goes with every request.
struct Head {
    session: Option<Arc<str>>,
    token: Option<String>,
    headers: HashMap<HeaderName, HeaderValue>,
}

impl LooseHttp {
    pub(super) fn new(client: reqwest::Client) -> Self {
        Self(client)
    }

    fn request(&self, method: Method, uri: &str, head: Head) -> reqwest::RequestBuilder {
        let Head { session, token, headers } = head;
        let mut request = self.0.request(method, uri).headers(headers.into_iter().collect());
        request = request.header(ACCEPT, "text/event-stream, application/json");
        if let Some(session) = session {
            request = request.header(HEADER_SESSION_ID, session.as_ref());
        }
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request
    }
}

impl StreamableHttpClient for LooseHttp {
    type Error = reqwest::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        token: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, HttpError> {
        let post = self
            .post_message_with_max_sse_event_size(uri, message, session, token, headers, EVENT_MAX);
        post.await
    }

    async fn post_message_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        token: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
        event_max: usize,
    ) -> Result<StreamableHttpPostResponse, HttpError> {
        let is_in_session = session.is_some();
        let request = self.request(Method::POST, &uri, Head { session, token, headers });
        let response = request.json(&message).send().await?;
        match response.status() {
            StatusCode::ACCEPTED | StatusCode::NO_CONTENT => {
                Ok(StreamableHttpPostResponse::Accepted)
            }
            StatusCode::NOT_FOUND if is_in_session => Err(StreamableHttpError::SessionExpired),
            status if !status.is_success() => refused(&message, is_in_session, response).await,
            _ => answered(&message, response, event_max).await,
        }
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session: Arc<str>,
        token: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), HttpError> {
        self.0.delete_session(uri, session, token, headers).await
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event_id: Option<String>,
        token: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<BoxedSseResponse, HttpError> {
        let stream = self.get_stream_with_max_sse_event_size(
            uri,
            session,
            last_event_id,
            token,
            headers,
            EVENT_MAX,
        );
        stream.await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event_id: Option<String>,
        token: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
        event_max: usize,
    ) -> Result<BoxedSseResponse, HttpError> {
        let mut request = self.request(Method::GET, &uri, Head { session, token, headers });
        if let Some(id) = last_event_id {
            request = request.header(HEADER_LAST_EVENT_ID, id);
        }
        let response = request.send().await?;
        match response.status() {
            StatusCode::METHOD_NOT_ALLOWED => Err(StreamableHttpError::ServerDoesNotSupportSse),
            status if !status.is_success() => Err(status_error(status, response.headers(), "")),
            _ if is_stream(response.headers()) => Ok(events(response, event_max)),
            _ => Err(StreamableHttpError::UnexpectedContentType(content_type(response.headers()))),
        }
    }
}

/// What a server answers that takes a message.
async fn answered(
    message: &ClientJsonRpcMessage,
    response: reqwest::Response,
    event_max: usize,
) -> Result<StreamableHttpPostResponse, HttpError> {
    let session = text(response.headers(), HEADER_SESSION_ID);
    if is_stream(response.headers()) {
        return Ok(StreamableHttpPostResponse::Sse(events(response, event_max), session));
    }
    let kind = content_type(response.headers());
    let body = body(response, BODY_MAX).await?;
    let mut answers = messages(&body).into_iter();
    match (answers.next(), answers.len()) {
        (Some(answer), 0) if let Ok(answer) = ServerJsonRpcMessage::deserialize(&answer) => {
            Ok(StreamableHttpPostResponse::Json(answer, session))
        }
        (Some(first), 1..) => {
            let items = [first].into_iter().chain(answers).map(|answer| Ok(item(&answer)));
            let items: Vec<_> = items.collect();
            Ok(StreamableHttpPostResponse::Sse(stream::iter(items).boxed(), session))
        }
        // Nobody waits for an answer.
        _ if !matches!(message, ClientJsonRpcMessage::Request(_)) => {
            Ok(StreamableHttpPostResponse::Accepted)
        }
        (Some(_), 0) => Err(unexpected("the answer is no message of the protocol".to_owned())),
        (None, _) => Err(StreamableHttpError::UnexpectedContentType(kind)),
    }
}

/// What a server answers that does not take a message: an error of the protocol, or just a status.
async fn refused(
    message: &ClientJsonRpcMessage,
    is_in_session: bool,
    response: reqwest::Response,
) -> Result<StreamableHttpPostResponse, HttpError> {
    let (status, headers) = (response.status(), response.headers().clone());
    let is_about_caller = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    let body = body(response, REFUSAL_MAX).await.unwrap_or_default();
    let mut errors = messages(&body).into_iter().filter(|answer| answer.get("error").is_some());
    let error = errors.find_map(|error| match ServerJsonRpcMessage::deserialize(&error) {
        Ok(ServerJsonRpcMessage::Error(error)) => Some(error),
        Ok(_) | Err(_) => None,
    });
    let words = String::from_utf8_lossy(&body);
    // A server of an earlier version of the protocol says like this that it does not know the newer
    // greeting; the library then tries the older one.
    if let ClientJsonRpcMessage::Request(request) = message
        && matches!(request.request, ClientRequest::DiscoverRequest(_))
        && status.is_client_error()
        && !is_in_session
        && !is_about_caller
    {
        let said = error.map(|error| error.error).unwrap_or_else(|| {
            ErrorData::invalid_request(format!("greeting refused with {status}: {words}"), None)
        });
        let answer = ServerJsonRpcMessage::error(said, Some(request.id.clone()));
        return Ok(StreamableHttpPostResponse::Json(answer, None));
    }
    match error {
        Some(error) if !is_about_caller && status != StatusCode::TOO_MANY_REQUESTS => {
            let session = text(&headers, HEADER_SESSION_ID);
            Ok(StreamableHttpPostResponse::Json(ServerJsonRpcMessage::Error(error), session))
        }
        Some(_) | None => Err(status_error(status, &headers, &words)),
    }
}

/// The messages of a stream, with the ids of its events.
fn events(mut response: reqwest::Response, event_max: usize) -> BoxedSseResponse {
    let read = stream! {
        let mut parser = Parser::with_limit(event_max);
        loop {
            let bytes = match response.chunk().await {
                Ok(Some(bytes)) => bytes,
                Ok(None) => break,
                Err(error) => {
                    yield Err(SseError::Body(Box::new(error)));
                    break;
                }
            };
            let mut events = VecDeque::new();
            let pushed = parser.push(&bytes, &mut events);
            for item in events.into_iter().flat_map(items) {
                yield Ok(item);
            }
            if let Err(too_large) = pushed {
                yield Err(SseError::Body(Box::new(too_large)));
                break;
            }
        }
    };
    read.boxed()
}

/// The messages of one event. One that has none is passed over, but for its id, from which a stream
/// that breaks is taken up again.
fn items(event: Event) -> Vec<Sse> {
    let Event { id, kind: _, data } = event;
    let mut items: Vec<Sse> = messages(data.as_bytes()).iter().map(item).collect();
    if items.is_empty() && id.is_some() {
        items.push(Sse::default());
    }
    if let Some(last) = items.last_mut() {
        last.id = id;
    }
    items
}

fn item(message: &Value) -> Sse {
    Sse { data: Some(message.to_string()), ..Sse::default() }
}

async fn body(mut response: reqwest::Response, max: usize) -> Result<Vec<u8>, HttpError> {
    let mut body = Vec::new();
    while let Some(bytes) = response.chunk().await? {
        if body.len() + bytes.len() > max {
            return Err(StreamableHttpError::ResponseBodyTooLarge { max_size: max });
        }
        body.extend_from_slice(&bytes);
    }
    Ok(body)
}

fn status_error(status: StatusCode, headers: &HeaderMap, words: &str) -> HttpError {
    /// Bytes of the server's own words that are told.
    const WORDS_MAX: usize = 512;
    if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
        let retry_after = text(headers, RETRY_AFTER.as_str());
        return HttpStatusError::new(status.as_u16(), retry_after).into();
    }
    unexpected(format!("HTTP {status}: {}", one_line(words, WORDS_MAX)))
}

fn unexpected(what: String) -> HttpError {
    StreamableHttpError::UnexpectedServerResponse(Cow::Owned(what))
}

fn is_stream(headers: &HeaderMap) -> bool {
    content_type(headers).is_some_and(|kind| kind == "text/event-stream")
}

/// The media type without its parameters, in small letters.
fn content_type(headers: &HeaderMap) -> Option<String> {
    let kind = text(headers, CONTENT_TYPE.as_str())?;
    Some(kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
