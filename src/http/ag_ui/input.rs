//! What an AG-UI client sends: `RunAgentInput`, as far as it counts here (`docs/AG_UI.md`).
//!
//! The conversation and the tools are this service's own: of `messages` the last of the user is taken, and
//! `tools` are not looked at.

use serde_json::{Map, Value, json};

use super::fold::WantedRun;
use crate::agent::Review;
use crate::domain::context::json_kind;
use crate::domain::signal::reason_of;
use crate::domain::{
    IdempotencyKey, PageContext, RequestHash, RequestId, RequestKey, ThreadId, Verdict,
};
use crate::http::body::Fields;
use crate::http::error::ApiError;
use crate::http::stream::{THREAD_MAX, check_length};

/// What stands before a run's id in the key of its request, so that it is no other route's.
const KEY: &str = "ag-ui:";
/// The reason of a rejection whose person gave none.
const REJECTED: &str = "User rejected";
/// The reason of a rejection by somebody who has left the question.
const ABANDONED: &str = "abandoned";

/// A run that is asked for.
#[derive(Debug)]
pub(super) struct RunInput {
    pub(super) thread: ThreadId,
    /// The client's name of it.
    pub(super) run: String,
    pub(super) wants: Wants,
}

/// What a run is to do.
#[derive(Debug)]
pub(super) enum Wants {
    /// A prompt is to be answered.
    Start { prompt: String, context: PageContext, key: Box<RequestKey> },
    /// Questions are answered, and what waits for that goes on.
    Resume(Vec<Answer>),
}

/// The answer to a question.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) request: RequestId,
    pub(super) review: Review,
}

impl RunInput {
    /// Reads a body.
    pub(super) fn read(fields: &Fields) -> Result<Self, ApiError> {
        if fields.is_empty_body() {
            return Err(ApiError::malformed("the body is empty"));
        }
        let thread = required(fields, "threadId")?.trim();
        check_length("threadId", thread, THREAD_MAX)?;
        let run = required(fields, "runId")?;
        let thread = ThreadId::new(thread);
        let answers = answers(fields)?;
        let wants = match answers.is_empty() {
            true => start(fields, &thread, run)?,
            false => Wants::Resume(answers),
        };
        Ok(Self { thread, run: run.to_owned(), wants })
    }

    /// The run by its client's names.
    pub(super) fn wanted(&self) -> WantedRun {
        let after = match &self.wants {
            Wants::Start { .. } => Vec::new(),
            Wants::Resume(answers) => answers.iter().map(|answer| answer.request.clone()).collect(),
        };
        WantedRun { thread: self.thread.clone(), run: self.run.clone(), after }
    }
}

fn required<'a>(fields: &'a Fields, name: &str) -> Result<&'a str, ApiError> {
    fields.text_of(&[name])?.ok_or_else(|| ApiError::missing(name))
}

fn start(fields: &Fields, thread: &ThreadId, run: &str) -> Result<Wants, ApiError> {
    let prompt = prompt(fields)?;
    let context = page(fields)?;
    let key = IdempotencyKey::parse(format!("{KEY}{run}").as_bytes())
        .map_err(|_| ApiError::invalid("runId", "must be 1 to 249 visible ASCII characters"))?;
    // The whole conversation comes with every request, and grows: only what counts has to be the same.
    let sent = json!({ "thread": thread, "prompt": prompt, "context": context });
    let request = RequestHash::of("AG-UI", &sent);
    let context = PageContext::from_json(&context)
        .map_err(|error| ApiError::invalid("forwardedProps.context", &error.to_string()))?;
    let key = Box::new(RequestKey { key, request });
    Ok(Wants::Start { prompt, context: context.to_be_kept(), key })
}

/// The last message of the user.
fn prompt(fields: &Fields) -> Result<String, ApiError> {
    let messages = list(fields, "messages")?;
    let is_users = |message: &&Value| message.get("role").and_then(Value::as_str) == Some("user");
    let last = messages.iter().rev().find(is_users);
    let content = last.and_then(|message| message.get("content")).map(text_of).unwrap_or_default();
    if content.trim().is_empty() {
        let wrong = "the last message of the user must have text";
        return Err(ApiError::invalid("messages", wrong));
    }
    Ok(content)
}

/// A message's text; what is no text in it is not looked at.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part.get("text")?.as_str());
            texts.collect::<Vec<_>>().join("\n")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    }
}

/// The page: `forwardedProps.context` or `state.context`, as in the body of the stream route, with each entry
/// of `context` added to its `metadata`.
fn page(fields: &Fields) -> Result<Value, ApiError> {
    let given = |name: &str| fields.value(name)?.get("context").filter(|page| !page.is_null());
    let page = given("forwardedProps").or_else(|| given("state")).cloned();
    let mut page = page.unwrap_or_else(|| Value::Object(Map::new()));
    let entries = list(fields, "context")?;
    if entries.is_empty() {
        return Ok(page);
    }
    if let Value::Object(fields) = &mut page {
        let metadata = fields.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
        let metadata = metadata.as_object_mut().ok_or_else(|| {
            ApiError::invalid("forwardedProps.context.metadata", "must be an object")
        })?;
        for entry in entries {
            let text = |name: &str| entry.get(name).and_then(Value::as_str);
            let (Some(description), Some(value)) = (text("description"), text("value")) else {
                let wrong = "every entry must have the texts description and value";
                return Err(ApiError::invalid("context", wrong));
            };
            metadata.insert(description.to_owned(), value.into());
        }
    }
    Ok(page)
}

fn answers(fields: &Fields) -> Result<Vec<Answer>, ApiError> {
    list(fields, "resume")?.iter().map(answer).collect()
}

fn answer(entry: &Value) -> Result<Answer, ApiError> {
    let wrong = |what: &str| ApiError::invalid("resume", what);
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    let id = text("interruptId").ok_or_else(|| wrong("every entry must have an interruptId"))?;
    let request = RequestId::parse(id).ok_or_else(|| ApiError::not_found("interrupt"))?;
    let review = match text("status") {
        // Nobody has said yes.
        Some("cancelled") => rejection(ABANDONED.to_owned()),
        Some("resolved") => review(entry.get("payload").unwrap_or(&Value::Null))?,
        Some(_) | None => return Err(wrong("status must be resolved or cancelled")),
    };
    Ok(Answer { request, review })
}

/// The payload in the form that the interrupt's `responseSchema` describes.
fn review(payload: &Value) -> Result<Review, ApiError> {
    let wrong = |what: &str| ApiError::invalid("resume.payload", what);
    let approved = payload.get("approved").and_then(Value::as_bool);
    let approved = approved.ok_or_else(|| wrong("approved must be true or false"))?;
    let args = match payload.get("editedArgs") {
        None | Some(Value::Null) => None,
        Some(args @ Value::Object(_)) => Some(args.clone()),
        Some(other) => {
            let kind = json_kind(other);
            return Err(wrong(&format!("editedArgs must be an object, is {kind}")));
        }
    };
    let reason = match payload.get("reason") {
        None | Some(Value::Null) => None,
        Some(Value::String(reason)) => reason_of(reason),
        Some(other) => {
            return Err(wrong(&format!("reason must be a string, is {}", json_kind(other))));
        }
    };
    match (approved, args) {
        (true, args) => Ok(Review { verdict: Verdict::Approved, reason: None, args }),
        (false, _) => Ok(rejection(reason.unwrap_or_else(|| REJECTED.to_owned()))),
    }
}

fn rejection(reason: String) -> Review {
    Review { verdict: Verdict::Rejected, reason: Some(reason), args: None }
}

/// A list; empty if there is none.
fn list<'a>(fields: &'a Fields, name: &str) -> Result<&'a [Value], ApiError> {
    match fields.value(name) {
        None => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(other) => {
            Err(ApiError::invalid(name, &format!("must be a list, is {}", json_kind(other))))
        }
    }
}

#[cfg(test)]
mod tests;
