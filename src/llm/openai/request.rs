//! A turn as providers want to be asked for it.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use crate::domain::json::read;
use crate::domain::{Message, ToolCall};
use crate::llm::ChatRequest;
use crate::tools::ToolSpec;

use super::Parameters;
use super::extras::{Extra, Extras};
use super::names::ToolNames;
use super::untrusted::Marks;

/// Asks for the rest of an answer that was interrupted.
const GO_ON: &str = "Your last answer was interrupted. Continue it exactly where its text stops: \
    do not repeat any of it, do not start over, and do not comment on the interruption. If it needs \
    tools, call them now. If nothing is missing, answer with nothing.";

/// The body of a request.
#[derive(Debug, Serialize)]
pub(super) struct Body<'a> {
    model: &'a str,
    messages: Vec<WireMessage<'a>>,
    /// Absent rather than empty: providers refuse an empty list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<WireTool<'a>>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u64>,
}

/// What is asked of a model besides the conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    /// The model's name.
    pub(super) model: &'a str,
    /// How it is to answer.
    pub(super) parameters: &'a Parameters,
    /// The parts of the request that the provider takes.
    pub(super) extras: Extras,
    /// The name of the limit of the answer's length.
    pub(super) output_limit: OutputLimitName,
}

/// What the limit of an answer's length is called: newer models of OpenAI refuse the older name,
/// and most servers that speak its protocol do not know the newer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutputLimitName {
    /// `max_tokens`.
    MaxTokens,
    /// `max_completion_tokens`.
    MaxCompletionTokens,
}

impl OutputLimitName {
    /// The other name.
    pub(super) fn other(self) -> Self {
        match self {
            Self::MaxTokens => Self::MaxCompletionTokens,
            Self::MaxCompletionTokens => Self::MaxTokens,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(tag = "role", rename_all = "snake_case")]
enum WireMessage<'a> {
    System {
        content: &'a str,
    },
    User {
        content: &'a str,
    },
    Assistant {
        /// `null` beside tool calls, where there is no text.
        content: Option<&'a str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<WireCall<'a>>,
    },
    Tool {
        tool_call_id: &'a str,
        content: String,
    },
}

/// How things are called and marked on the wire.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wording<'a> {
    /// The tools' names.
    pub(super) names: &'a ToolNames,
    /// What stands around their results.
    pub(super) marks: &'a Marks,
}

#[derive(Debug, Serialize)]
struct WireCall<'a> {
    id: &'a str,
    r#type: &'static str,
    function: CalledFunction<'a>,
}

#[derive(Debug, Serialize)]
struct CalledFunction<'a> {
    name: &'a str,
    arguments: Cow<'a, str>,
}

#[derive(Debug, Serialize)]
struct WireTool<'a> {
    r#type: &'static str,
    function: OfferedFunction<'a>,
}

#[derive(Debug, Serialize)]
struct OfferedFunction<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a Value,
}

#[derive(Debug, Serialize)]
struct StreamOptions {
    include_usage: bool,
}

impl<'a> Body<'a> {
    /// Asks for the turn.
    pub(super) fn new(asked: Asked<'a>, request: &'a ChatRequest, wording: Wording<'a>) -> Self {
        let Asked { model, parameters, extras, output_limit } = asked;
        let limit_if = |name| parameters.max_output_tokens.filter(|_| output_limit == name);
        Self {
            model,
            messages: conversation(request, wording),
            tools: request.tools.iter().map(|tool| offered(tool, wording.names)).collect(),
            stream: true,
            stream_options: extras
                .has(Extra::Usage)
                .then_some(StreamOptions { include_usage: true }),
            logprobs: extras.has(Extra::Logprobs).then_some(true),
            temperature: parameters.temperature.filter(|_| extras.has(Extra::Temperature)),
            reasoning_effort: parameters
                .reasoning_effort
                .as_deref()
                .filter(|_| extras.has(Extra::ReasoningEffort)),
            max_tokens: limit_if(OutputLimitName::MaxTokens),
            max_completion_tokens: limit_if(OutputLimitName::MaxCompletionTokens),
        }
    }
}

/// Every tool name that occurs in the request.
pub(super) fn names(request: &ChatRequest) -> ToolNames {
    let offered = request.tools.iter().map(|tool| tool.name.as_str());
    ToolNames::new(offered.chain(calls(request).map(|call| call.name.as_str())))
}

/// The calls of the conversation so far.
pub(super) fn calls(request: &ChatRequest) -> impl Iterator<Item = &ToolCall> + Clone {
    request.messages.iter().flat_map(|message| match message {
        Message::Assistant { tool_calls, .. } => tool_calls.as_slice(),
        Message::System { .. } | Message::User { .. } | Message::Tool { .. } => &[],
    })
}

/// The conversation, with the turn so far at its end if it was interrupted.
fn conversation<'a>(request: &'a ChatRequest, wording: Wording<'a>) -> Vec<WireMessage<'a>> {
    let mut messages: Vec<_> =
        request.messages.iter().map(|message| on_wire(message, wording)).collect();
    if !request.partial.is_empty() {
        let content = Some(request.partial.as_str());
        messages.push(WireMessage::Assistant { content, tool_calls: Vec::new() });
        // From the user: servers with strict chat templates refuse a system message here.
        messages.push(WireMessage::User { content: GO_ON });
    }
    messages
}

fn on_wire<'a>(message: &'a Message, wording: Wording<'a>) -> WireMessage<'a> {
    match message {
        Message::System { content } => WireMessage::System { content },
        Message::User { content } => WireMessage::User { content },
        Message::Assistant { content, tool_calls } => WireMessage::Assistant {
            content: (!content.is_empty() || tool_calls.is_empty()).then_some(content),
            tool_calls: tool_calls.iter().map(|call| called(call, wording.names)).collect(),
        },
        Message::Tool { call_id, name: _, content } => {
            let content = wording.marks.around(call_id, content);
            WireMessage::Tool { tool_call_id: call_id.as_str(), content }
        }
    }
}

fn called<'a>(call: &'a ToolCall, names: &'a ToolNames) -> WireCall<'a> {
    let arguments = sent_arguments(&call.arguments);
    let function = CalledFunction { name: names.to_wire(&call.name), arguments };
    WireCall { id: call.id.as_str(), r#type: "function", function }
}

/// Models write broken JSON at times. It is answered with an error that says so, but strict servers
/// would refuse every later request whose history holds it, or half a surrogate pair.
fn sent_arguments(text: &str) -> Cow<'_, str> {
    match read(text.as_bytes()) {
        Ok(Value::Object(_)) if serde_json::from_str::<Value>(text).is_ok() => Cow::Borrowed(text),
        Ok(whole @ Value::Object(_)) => Cow::Owned(whole.to_string()),
        Ok(_) | Err(_) => Cow::Borrowed("{}"),
    }
}

fn offered<'a>(tool: &'a ToolSpec, names: &'a ToolNames) -> WireTool<'a> {
    let function = OfferedFunction {
        name: names.to_wire(&tool.name),
        description: &tool.description,
        parameters: &tool.parameters,
    };
    WireTool { r#type: "function", function }
}
