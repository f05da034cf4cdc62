//! Answers to interrupts, which are decisions of requests. All that can be known to be wrong with any of them
//! is found before the first is decided.

use std::collections::HashSet;

use serde_json::Value;

use super::input::Answer;
use crate::agent::DecisionError;
use crate::domain::{Caller, RequestId, SessionId, json};
use crate::http::error::ApiError;
use crate::http::{Shared, sessions};

/// Decides what was asked, and returns the session that goes on. An answer to what is decided already
/// changes nothing, and the run goes on with what stands.
pub(super) async fn take(
    http: &Shared,
    caller: &Caller,
    answers: &[Answer],
) -> Result<SessionId, ApiError> {
    check_count(answers, http.service.most_questions())?;
    let session = session_of_all(http, caller, answers).await?;
    // A single one is checked where it is decided.
    if answers.len() > 1 {
        for Answer { request, review } in answers {
            let checked = http.service.check(caller, request, review).await;
            checked.map_err(refused)?;
        }
    }
    for (decided, Answer { request, review }) in answers.iter().enumerate() {
        let outcome = http.service.decide(caller, request, review.clone()).await;
        outcome.map_err(|error| told_what_stands(refused(error), &answers[..decided]))?;
    }
    Ok(session)
}

/// A run has no more questions open than it may make calls, and each is answered once.
fn check_count(answers: &[Answer], most: usize) -> Result<(), ApiError> {
    if answers.len() > most {
        let wrong = format!("a run asks at most {most} questions, and there are {}", answers.len());
        return Err(ApiError::invalid("resume", &wrong));
    }
    let mut seen = HashSet::new();
    match answers.iter().find(|answer| !seen.insert(&answer.request)) {
        None => Ok(()),
        Some(Answer { request, .. }) => {
            Err(ApiError::invalid("resume", &format!("{request} is answered twice")))
        }
    }
}

async fn session_of_all(
    http: &Shared,
    caller: &Caller,
    answers: &[Answer],
) -> Result<SessionId, ApiError> {
    let mut found: Option<SessionId> = None;
    for answer in answers {
        let session = session_of(http, caller, &answer.request).await?;
        match &found {
            Some(other) if *other != session => {
                return Err(ApiError::invalid("resume", "the interrupts are of several runs"));
            }
            Some(_) | None => found = Some(session),
        }
    }
    found.ok_or_else(|| ApiError::missing("resume"))
}

/// The caller's own session that has asked this.
async fn session_of(
    http: &Shared,
    caller: &Caller,
    request: &RequestId,
) -> Result<SessionId, ApiError> {
    let stored = http.service.request(caller, request).await.map_err(refused)?;
    let stored = json::read_document(stored.as_bytes()).map_err(|_| ApiError::internal())?;
    let session = stored.get("sessionId").and_then(Value::as_str).unwrap_or_default();
    Ok(sessions::own(http, caller, session).await?.session_id)
}

/// The same refusal in the words of this protocol.
fn refused(error: DecisionError) -> ApiError {
    match error {
        DecisionError::NotFound => ApiError::not_found("interrupt"),
        DecisionError::BadArguments(wrong) => {
            ApiError::invalid("resume.payload.editedArgs", &wrong)
        }
        error @ (DecisionError::NotAnApprover { .. }
        | DecisionError::Held { .. }
        | DecisionError::Spoilt
        | DecisionError::NotYetAsked
        | DecisionError::TaskFailed
        | DecisionError::Store(_)) => error.into(),
    }
}

/// Those before it stand: whoever sends all of them again finds them decided.
fn told_what_stands(error: ApiError, decided: &[Answer]) -> ApiError {
    if decided.is_empty() {
        return error;
    }
    let decided: Vec<_> = decided.iter().map(|answer| answer.request.as_str()).collect();
    error.with_detail(&format!("the answers before it stand: {}", decided.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Review;
    use crate::domain::Verdict;

    fn answers(count: usize) -> Vec<Answer> {
        let review = Review { verdict: Verdict::Approved, reason: None, args: None };
        let request = |number| RequestId::new(format!("req_{number:012}"));
        (0..count).map(|n| Answer { request: request(n), review: review.clone() }).collect()
    }

    #[test]
    fn as_many_answers_are_taken_as_a_run_may_ask_and_none_twice() {
        assert_eq!(check_count(&answers(16), 16), Ok(()));
        let wrong = check_count(&answers(17), 16).unwrap_err();
        assert_eq!(wrong.detail(), "resume: a run asks at most 16 questions, and there are 17");
        let twice = [answers(2), answers(1)].concat();
        let wrong = check_count(&twice, 16).unwrap_err();
        assert_eq!(wrong.detail(), "resume: req_000000000000 is answered twice");
    }

    #[test]
    fn a_refusal_says_which_answers_stand() {
        let away = || ApiError::store_unavailable();
        assert_eq!(told_what_stands(away(), &[]), away());
        let told = told_what_stands(away(), &answers(2));
        assert_eq!(told.status(), away().status());
        let detail = "the store cannot be reached; the answers before it stand: req_000000000000, req_000000000001";
        assert_eq!(told.detail(), detail);
    }
}
