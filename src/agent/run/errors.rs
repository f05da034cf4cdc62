//! What a run fails with, as clients are told (contract, section 4.2).

use std::fmt::Display;

use crate::domain::event::ErrorEvent;
use crate::domain::{ErrorCode, ErrorType};
use crate::llm::ModelError;

/// An error event in the words of its code.
pub(super) fn failure(
    error: String,
    error_type: ErrorType,
    code: ErrorCode,
    retryable: bool,
) -> ErrorEvent {
    ErrorEvent { error, error_type, code, message: code.message().to_owned(), retryable }
}

pub(super) fn model_failure(error: &ModelError) -> ErrorEvent {
    let (error_type, code, retryable) = kind_of(error);
    failure(error.to_string(), error_type, code, retryable)
}

/// What clients call a model's failure, its code, and whether asking again later may help.
fn kind_of(error: &ModelError) -> (ErrorType, ErrorCode, bool) {
    match error {
        ModelError::Unavailable(_) => {
            (ErrorType::ModelUnavailable, ErrorCode::ExternalFailure, true)
        }
        ModelError::RateLimited(_) => (ErrorType::ModelRateLimit, ErrorCode::ExternalFailure, true),
        ModelError::TimedOut(_) => (ErrorType::ModelTimeout, ErrorCode::ExternalTimeout, true),
        ModelError::Denied(_) | ModelError::Refused(_) | ModelError::Filtered(_) => {
            (ErrorType::ModelRefused, ErrorCode::ExternalFailure, false)
        }
        ModelError::Broken(_) => (ErrorType::ModelStream, ErrorCode::ExternalFailure, true),
        // As hopeful as the more hopeful of the two.
        ModelError::Both { first, second } => match (kind_of(&first.error), kind_of(&second.error))
        {
            (first @ (_, _, true), _) => first,
            (_, second) => second,
        },
    }
}

pub(super) fn budget_spent(turns: u32) -> ErrorEvent {
    let error = format!("the step budget is spent: {turns} turns of the model without an answer");
    failure(error, ErrorType::StepBudget, ErrorCode::Internal, false)
}

pub(super) fn cut_off() -> ErrorEvent {
    let error = "the model's turn was cut off by its length limit in a tool call".to_owned();
    failure(error, ErrorType::ModelStream, ErrorCode::ExternalFailure, true)
}

pub(super) fn too_many_calls(calls: usize, most: usize) -> ErrorEvent {
    let error = format!("the model asked for {calls} tools at once, more than {most}");
    failure(error, ErrorType::ModelStream, ErrorCode::ExternalFailure, true)
}

pub(super) fn empty_answer(truncated: bool, reasoned: u64) -> ErrorEvent {
    let error = match (truncated, reasoned) {
        (true, _) => {
            "the model reached its length limit before it answered (model.max_output_tokens, or its \
             own limit)"
        }
        (false, 1..) => "the model only thought, and answered with nothing",
        (false, 0) => "the model answered with nothing",
    };
    failure(error.to_owned(), ErrorType::EmptyAnswer, ErrorCode::ExternalFailure, true)
}

/// A run that panicked.
pub(crate) fn panicked() -> ErrorEvent {
    failure("the run broke down".into(), ErrorType::Internal, ErrorCode::Internal, true)
}

/// A run that met something stored that cannot be read: trying again would meet it again.
pub(crate) fn unreadable(error: &impl Display) -> ErrorEvent {
    failure(error.to_string(), ErrorType::StoreCorrupt, ErrorCode::Internal, false)
}

/// A run that was taken over so often that what it does next must be what ends its owners.
pub(super) fn taken_over_too_often(times: u32) -> ErrorEvent {
    let error = format!(
        "its server was lost {times} times during the same step; it is not tried once more"
    );
    failure(error, ErrorType::RunLost, ErrorCode::Internal, false)
}
