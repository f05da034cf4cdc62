//! JSON bodies: read within the limit, and taken apart with precise complaints.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use http::{HeaderMap, header};
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::error::ApiError;
use crate::domain::context::json_kind;
use crate::domain::json::{self, JsonFault};
use crate::domain::text::{escape_invisible, excerpt};

/// The largest body, in bytes; the Gateway refuses more as well.
pub const BODY_MAX: usize = 256 * 1024;
/// How long a client may take to send it.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The fields of a JSON object. `null` counts as absent.
#[derive(Clone, Debug, Default)]
pub struct Fields(Option<Map<String, Value>>);

impl Fields {
    /// Reads a body that is a JSON object, or missing altogether.
    pub async fn read(headers: &HeaderMap, body: Body) -> Result<Self, ApiError> {
        let bytes = read_limited(headers, body).await?;
        Self::parse(headers, &bytes)
    }

    /// The same of a body that is there.
    pub(super) fn parse(headers: &HeaderMap, bytes: &[u8]) -> Result<Self, ApiError> {
        if bytes.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        if !is_json(headers) {
            return Err(ApiError::media_type());
        }
        match json::read_document(bytes) {
            Ok(Value::Object(fields)) => Ok(Self(Some(fields))),
            Ok(_) => Err(ApiError::invalid("body", "must be a JSON object")),
            Err(fault) => Err(refusal(&fault)),
        }
    }

    /// A text field; `Err` if it is there and something else.
    pub fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => {
                let wrong = format!("must be a string, is {}", json_kind(other));
                Err(ApiError::invalid(name, &wrong))
            }
        }
    }

    /// The first of several names under which a text field is known that is not blank.
    pub fn text_of(&self, names: &[&str]) -> Result<Option<&str>, ApiError> {
        for name in names {
            if let Some(text) = self.text(name)?.filter(|text| !text.trim().is_empty()) {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    /// Any field; `None` if it is absent or `null`.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.as_ref()?.get(name).filter(|value| !value.is_null())
    }

    /// Refuses a field that is none of these.
    pub fn only(&self, known: &[&str]) -> Result<(), ApiError> {
        let mut names = self.0.iter().flat_map(Map::keys);
        match names.find(|name| !known.contains(&name.as_str())) {
            Some(name) => {
                let wrong = format!("is not known; there are {}", known.join(" and "));
                Err(ApiError::invalid(&shown(name), &wrong))
            }
            None => Ok(()),
        }
    }

    /// All fields; an empty object if there was no body.
    pub fn to_value(&self) -> Value {
        Value::Object(self.0.clone().unwrap_or_default())
    }

    /// Whether there was no body at all.
    pub fn is_empty_body(&self) -> bool {
        self.0.is_none()
    }
}

fn refusal(fault: &JsonFault) -> ApiError {
    match fault {
        JsonFault::Syntax(error) => ApiError::malformed(format!("the body is not JSON: {error}")),
        JsonFault::Twice(key) => ApiError::invalid(&shown(key), "stands twice in one object"),
        JsonFault::TooDeep { field } => {
            ApiError::invalid(&shown(field.as_deref().unwrap_or("body")), &fault.to_string())
        }
    }
}

/// As much of a key as a refusal quotes.
fn shown(key: &str) -> String {
    const SHOWN_MAX: usize = 100;
    excerpt(&escape_invisible(key), SHOWN_MAX)
}

async fn read_limited(headers: &HeaderMap, body: Body) -> Result<bytes::Bytes, ApiError> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > BODY_MAX as u64) {
        return Err(ApiError::too_large(BODY_MAX));
    }
    let read = timeout(BODY_TIMEOUT, to_bytes(body, BODY_MAX)).await;
    read.map_err(|_| ApiError::too_slow())?.map_err(|error| {
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        while let Some(error) = cause {
            if error.is::<http_body_util::LengthLimitError>() {
                return ApiError::too_large(BODY_MAX);
            }
            cause = error.source();
        }
        ApiError::malformed("the body broke off")
    })
}

/// Whether the body is said to be JSON. A body that says nothing is taken for JSON.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return true };
    let media = value.to_str().unwrap_or("").split(';').next().unwrap_or("").trim();
    let media = media.to_ascii_lowercase();
    media == "application/json" || (media.starts_with("application/") && media.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use futures::{StreamExt, stream};
    use http::StatusCode;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_comes_to_its_end_is_not_waited_for() {
        let begun = stream::iter([Ok::<_, std::io::Error>("{\"prompt\":")]);
        let body = Body::from_stream(begun.chain(stream::pending()));
        let fault = Fields::read(&HeaderMap::new(), body).await.unwrap_err();
        assert_eq!(fault.status(), StatusCode::REQUEST_TIMEOUT);
    }
}
