//! By which names the platform follows the request that started a run.

use serde::{Deserialize, Serialize};

/// The names of the request that started a run, as far as it had any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestTrace {
    /// `X-Trace-ID`, or the trace id of `traceparent`, or the correlation id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// `X-Gateway-Request-Id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_request_id: Option<String>,
}

impl RequestTrace {
    /// Whether it had none.
    pub fn is_empty(&self) -> bool {
        self.trace_id.is_none() && self.gateway_request_id.is_none()
    }

    /// How many bytes they take.
    pub fn len(&self) -> usize {
        let names = [&self.trace_id, &self.gateway_request_id];
        names.into_iter().flatten().map(String::len).sum()
    }
}
