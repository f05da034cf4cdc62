//! Every request is logged on arrival, with all that its neighbours said of it but the token.

use std::borrow::Cow;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use crate::domain::RequestTrace;
use crate::domain::text::excerpt;

/// The header that follows a request through the platform.
pub static CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
/// Most of a header's value or of a path that is logged, in bytes.
const VALUE_MAX: usize = 200;

/// How a request is called in logs and answers.
#[derive(Clone, Debug)]
pub struct Trace {
    /// `X-Correlation-ID`, sent or made.
    pub correlation_id: String,
    /// The trace id of `traceparent` if there is one, else the correlation id.
    pub trace_id: String,
    /// The same for whoever follows the run that the request starts.
    pub of_run: RequestTrace,
}

/// Logs the request, and echoes or makes its correlation id.
pub async fn log(mut request: Request, next: Next) -> Response {
    let headers = request.headers();
    let trace = Trace::of(headers);
    tracing::info!(
        method = &*beginning(request.method().as_str()),
        path = &*beginning(request.uri().path()),
        tenant = text(headers, "x-tenant-id").as_deref(),
        user = text(headers, "x-user-id").as_deref(),
        source = text(headers, "x-dwp-source").as_deref(),
        caller_type = text(headers, "x-dwp-caller-type").as_deref(),
        agent_id = text(headers, "x-agent-id").as_deref(),
        last_event_id = text(headers, "last-event-id").as_deref(),
        correlation_id = &*beginning(&trace.correlation_id),
        traceparent = text(headers, "traceparent").as_deref(),
        "request received"
    );
    request.extensions_mut().insert(trace.clone());
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(&trace.correlation_id) {
        response.headers_mut().insert(CORRELATION_ID.clone(), value);
    }
    response
}

impl Trace {
    fn of(headers: &HeaderMap) -> Self {
        let sent = headers.get(&CORRELATION_ID).and_then(|id| id.to_str().ok()).map(str::trim);
        let sent = sent.filter(|id| !id.is_empty());
        let correlation_id = sent.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
        let traceparent = text(headers, "traceparent");
        let trace_id = traceparent.as_deref().and_then(trace_id);
        let trace_id = trace_id.map_or_else(|| correlation_id.clone(), str::to_owned);
        let sent = |name| text(headers, name).map(Cow::into_owned);
        let of_run = RequestTrace {
            trace_id: Some(sent("x-trace-id").unwrap_or_else(|| beginning(&trace_id).into_owned())),
            gateway_request_id: sent("x-gateway-request-id"),
        };
        Self { correlation_id, trace_id, of_run }
    }
}

/// A header's value, if it is there and is text, as much of it as is sane to log.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<Cow<'a, str>> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    (!value.is_empty()).then(|| beginning(value))
}

/// As much of a path or of a header's value as is sane to log, and how long a longer one is.
pub fn beginning(text: &str) -> Cow<'_, str> {
    match text.len() {
        ..=VALUE_MAX => text.into(),
        _ => excerpt(text, VALUE_MAX).into(),
    }
}

/// The second field of a W3C `traceparent`.
fn trace_id(traceparent: &str) -> Option<&str> {
    let id = traceparent.split('-').nth(1)?;
    (id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())).then_some(id)
}
