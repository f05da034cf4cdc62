//! How a route tells that it refuses: an event stream to those who read streams, JSON to the rest.

use http::Method;

use super::accept::Accept;
use crate::sse::frame::Form;

/// How the refusals of a route are told (contract, section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RefusalBody {
    /// As an envelope; as an event to those who ask for a stream.
    Envelope,
    /// As an event, whose form on GET is this; as an envelope to those who ask for JSON and no stream.
    Event {
        /// What the stream's own events have on GET. On any other method they are flat.
        on_get: Form,
    },
    /// As an envelope to everybody: who reads streams there knows other events.
    EnvelopeOnly,
}

impl RefusalBody {
    /// The form of the event that a refusal can be told as, if it can.
    pub(super) fn form(self, method: &Method) -> Option<Form> {
        match self {
            Self::Event { on_get } if method == Method::GET => Some(on_get),
            Self::Event { .. } | Self::Envelope => Some(Form::Flat),
            Self::EnvelopeOnly => None,
        }
    }

    /// The form of the event that this client is told it as; `None`: as an envelope.
    pub(super) fn wanted(self, method: &Method, accept: &Accept<'_>) -> Option<Form> {
        let is_event = accept.names("text/event-stream")
            || matches!(self, Self::Event { .. }) && !accept.names("application/json");
        self.form(method).filter(|_| is_event)
    }
}
