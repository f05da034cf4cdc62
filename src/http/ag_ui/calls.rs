//! Tool calls, from the proposal to the result, over the AG-UI runs that they take.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::event::Event;
use crate::domain::SessionId;
use crate::domain::event::told::{CallStatus, ToldCall};

/// The calls of a session.
#[derive(Clone, Debug)]
pub(super) struct Calls {
    session: SessionId,
    known: HashMap<String, Known>,
    /// The call that was proposed last: a question is about it.
    proposed: Option<String>,
}

#[derive(Clone, Debug)]
struct Known {
    /// How many calls had this id before: a model may use it again.
    before: u32,
    arguments: Value,
    is_over: bool,
}

impl Calls {
    /// None yet.
    pub(super) fn new(session: SessionId) -> Self {
        Self { session, known: HashMap::new(), proposed: None }
    }

    /// The call that a question is about.
    pub(super) fn proposed(&self) -> Option<String> {
        self.proposed.clone()
    }

    /// A call that has moved. A client is told its name and arguments once, and after an interrupt only
    /// what came of it, as the protocol wants it.
    pub(super) fn moved(&mut self, call: &ToldCall) -> Vec<Event> {
        let (id, mut events) = self.begun(call);
        if let Some(content) = result_of(call) {
            events.push(Event::ToolCallResult {
                message_id: format!("{id}:result"),
                tool_call_id: id.clone(),
                content,
                role: "tool",
            });
        }
        if let Some(known) = self.known.get_mut(&call.tool_call_id) {
            known.is_over = result_of(call).is_some();
        }
        self.proposed = Some(id);
        events
    }

    /// The call's name for clients, and what tells of it if it is new, or if it has other arguments now.
    fn begun(&mut self, call: &ToldCall) -> (String, Vec<Event>) {
        let arguments = call.tool_args.clone();
        let known = self.known.get(&call.tool_call_id);
        let (before, is_told) = match known {
            None => (0, None),
            Some(known) if known.is_over => (known.before + 1, None),
            Some(known) => (known.before, Some(known.arguments == arguments)),
        };
        let id = self.name_of(&call.tool_call_id, before);
        let events = match is_told {
            Some(true) => Vec::new(),
            Some(false) => vec![Event::Custom {
                name: "aura.arguments_changed",
                value: json!({ "toolCallId": id, "arguments": arguments }),
            }],
            None => vec![
                Event::ToolCallStart {
                    tool_call_id: id.clone(),
                    tool_call_name: call.tool_name.clone(),
                },
                Event::ToolCallArgs { tool_call_id: id.clone(), delta: arguments.to_string() },
                Event::ToolCallEnd { tool_call_id: id.clone() },
            ],
        };
        let known = Known { before, arguments, is_over: false };
        self.known.insert(call.tool_call_id.clone(), known);
        (id, events)
    }

    /// Ids are the conversation's, and models count from one in each run.
    fn name_of(&self, call: &str, before: u32) -> String {
        match before {
            0 => format!("{}:{call}", self.session),
            before => format!("{}:{call}:{before}", self.session),
        }
    }
}

/// What a call came to, as text for a tool message; `None` if it is not over.
fn result_of(call: &ToldCall) -> Option<String> {
    let failed = |word: &str| {
        let why = call.error.as_deref().unwrap_or(word);
        json!({ "status": word, "error": why }).to_string()
    };
    match call.status {
        CallStatus::Pending | CallStatus::Running => None,
        CallStatus::Success => Some(match &call.result {
            Value::String(text) => text.clone(),
            result @ (Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_)) => result.to_string(),
        }),
        CallStatus::Failed => Some(failed("failed")),
        CallStatus::Cancelled => Some(failed("cancelled")),
    }
}
