//! The events that begin a run, and that end it.

use std::borrow::Cow;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::shown::Shares;
use super::super::{EndStatus, ErrorEvent};
use super::Fields;
use crate::domain::error_code::ErrorCode;
use crate::domain::error_type::ErrorType;
use crate::domain::ids::{RequestId, ThreadId};
use crate::domain::message::Usage;
use crate::domain::time::whole_ms;

/// The run has begun. The first event of every stream that is read from its beginning.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Start<'a> {
    /// One sentence for people.
    message: Cow<'a, str>,
    /// The conversation. Send it as `thread_id` with the next prompt to go on with it.
    thread_id: Cow<'a, str>,
    /// The name of the model that answers.
    model: Cow<'a, str>,
}

impl Fields for Start<'_> {
    const KIND: &'static str = "start";
}

impl<'a> Start<'a> {
    pub(super) fn shown(
        message: &'a str,
        thread: &'a ThreadId,
        model: &'a str,
        shares: Shares,
    ) -> Self {
        Self {
            message: shares.text(message),
            thread_id: shares.text(thread.as_str()),
            model: shares.text(model),
        }
    }
}

/// Something went wrong. The run is over with it: what follows is `end`, or `[DONE]` at once where there was
/// no run, or where nothing more of it can be read.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Error<'a> {
    /// What exactly was wrong. Of a rejected request the reason that was given.
    error: Cow<'a, str>,
    /// The class of the error, finer than its code.
    error_type: ErrorType,
    /// The platform's code.
    error_code: ErrorCode,
    /// One sentence for people.
    message: Cow<'a, str>,
    /// Whether the same request may succeed later.
    retryable: bool,
}

impl Fields for Error<'_> {
    const KIND: &'static str = "error";
}

impl<'a> Error<'a> {
    pub(super) fn shown(event: &'a ErrorEvent, shares: Shares) -> Self {
        Self {
            error: shares.text(&event.error),
            error_type: event.error_type,
            error_code: event.code,
            message: shares.text(&event.message),
            retryable: event.retryable,
        }
    }
}

/// Nobody answered a request for approval in time. An `error` and an `end` follow.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Failed<'a> {
    /// One sentence for people.
    message: Cow<'a, str>,
    /// What exactly happened.
    error: Cow<'a, str>,
    /// The class of the error.
    error_type: ErrorType,
    /// The request that nobody answered.
    request_id: &'a RequestId,
}

impl Fields for Failed<'_> {
    const KIND: &'static str = "failed";
}

impl<'a> Failed<'a> {
    pub(super) fn shown(
        (message, error): (&'a str, &'a str),
        error_type: ErrorType,
        request_id: &'a RequestId,
        shares: Shares,
    ) -> Self {
        Self { message: shares.text(message), error: shares.text(error), error_type, request_id }
    }
}

/// The run is over. Only the trailer follows: `data: [DONE]`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct End<'a> {
    /// One sentence for people.
    message: Cow<'a, str>,
    /// How the run ended.
    status: EndStatus,
    /// The tokens of the whole run.
    usage: Usage,
    /// From the start of the run, waiting included, in milliseconds.
    duration_ms: u64,
}

impl Fields for End<'_> {
    const KIND: &'static str = "end";
}

impl<'a> End<'a> {
    pub(super) fn shown(
        message: &'a str,
        status: EndStatus,
        usage: Usage,
        duration: Duration,
        shares: Shares,
    ) -> Self {
        Self { message: shares.text(message), status, usage, duration_ms: whole_ms(duration) }
    }
}
