//! What a run fails with, as clients are told (contract, section 4.2).

use std::fmt::Display;

use crate::domain::event::ErrorEvent;
use crate::domain::sentences::Sentences;
use crate::domain::{ErrorCode, ErrorType};
use crate::llm::ModelError;

/// Why a run fails.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// What was wrong, precisely.
    pub(crate) error: String,
    /// Its class.
    pub(super) error_type: ErrorType,
    /// The platform's code.
    code: ErrorCode,
    /// Whether the same request may succeed later.
    retryable: bool,
    /// What people are told of it.
    told: Told,
}

/// What people are told of a failure.
#[derive(Clone, Copy, Debug)]
enum Told {
    /// The words of its code.
    Code,
    /// That the run has used up this many tokens.
    RunBudget(u64),
    /// That its tenant's day has.
    DayBudget(u64),
}

impl Failure {
    /// A failure that people are told of in the words of its code.
    pub(super) fn new(
        error: String,
        error_type: ErrorType,
        code: ErrorCode,
        retryable: bool,
    ) -> Self {
        Self { error, error_type, code, retryable, told: Told::Code }
    }

    /// The run has used up its tokens.
    pub(super) fn run_budget(error: String, limit: u64) -> Self {
        Self { told: Told::RunBudget(limit), ..Self::of_budget(error, false) }
    }

    /// The tenant has used up the tokens of its day; there are new ones the next day.
    pub(super) fn day_budget(error: String, limit: u64) -> Self {
        Self { told: Told::DayBudget(limit), ..Self::of_budget(error, true) }
    }

    fn of_budget(error: String, retryable: bool) -> Self {
        Self::new(error, ErrorType::TokenBudget, ErrorCode::LimitExceeded, retryable)
    }

    /// What people are told.
    fn message(&self, words: &dyn Sentences) -> String {
        match self.told {
            Told::Code => words.of_code(self.code).to_owned(),
            Told::RunBudget(limit) => words.run_budget_spent(limit),
            Told::DayBudget(limit) => words.day_budget_spent(limit),
        }
    }

    /// The event that tells of it.
    pub(super) fn event(&self, words: &dyn Sentences) -> ErrorEvent {
        ErrorEvent {
            error: self.error.clone(),
            error_type: self.error_type,
            code: self.code,
            message: self.message(words),
            retryable: self.retryable,
        }
    }
}

pub(super) fn model_failure(error: &ModelError) -> Failure {
    let (error_type, code, retryable) = kind_of(error);
    Failure::new(error.to_string(), error_type, code, retryable)
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

pub(super) fn budget_spent(turns: u32) -> Failure {
    let error = format!("the step budget is spent: {turns} turns of the model without an answer");
    Failure::new(error, ErrorType::StepBudget, ErrorCode::Internal, false)
}

pub(super) fn cut_off() -> Failure {
    let error = "the model's turn was cut off by its length limit in a tool call".to_owned();
    Failure::new(error, ErrorType::ModelStream, ErrorCode::ExternalFailure, true)
}

pub(super) fn too_many_calls(calls: usize, most: usize) -> Failure {
    let error = format!("the model asked for {calls} tools at once, more than {most}");
    Failure::new(error, ErrorType::ModelStream, ErrorCode::ExternalFailure, true)
}

pub(super) fn empty_answer(truncated: bool, reasoned: u64) -> Failure {
    let error = match (truncated, reasoned) {
        (true, _) => {
            "the model reached its length limit before it answered (model.max_output_tokens, or its \
             own limit)"
        }
        (false, 1..) => "the model only thought, and answered with nothing",
        (false, 0) => "the model answered with nothing",
    };
    Failure::new(error.to_owned(), ErrorType::EmptyAnswer, ErrorCode::ExternalFailure, true)
}

/// A run that panicked.
pub(crate) fn panicked() -> Failure {
    Failure::new("the run broke down".into(), ErrorType::Internal, ErrorCode::Internal, true)
}

/// A run that met something stored that cannot be read: trying again would meet it again.
pub(crate) fn unreadable(error: &impl Display) -> Failure {
    Failure::new(error.to_string(), ErrorType::StoreCorrupt, ErrorCode::Internal, false)
}

/// A run that was taken over so often that what it does next must be what ends its owners.
pub(super) fn taken_over_too_often(times: u32) -> Failure {
    let error = format!(
        "its server was lost {times} times during the same step; it is not tried once more"
    );
    Failure::new(error, ErrorType::RunLost, ErrorCode::Internal, false)
}
