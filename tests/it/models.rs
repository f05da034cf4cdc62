//! Models behind the chat-completions API, asked through the port, as real servers answer.
#![allow(clippy::unwrap_used, reason = "test code: a panic is a failed test")]

use std::collections::BTreeMap;
use std::time::Duration;

use aura_platform::domain::{Message, ToolCall, Usage};
use aura_platform::llm::openai::{Endpoint, OpenAi, OpenAiConfig, Parameters};
use aura_platform::llm::{ChatModel, ChatRequest, Delta, ModelError, Turn, TurnEnd};
use futures::StreamExt;

use crate::support::model::{FakeModel, Reply, soon};

mod answers;
mod calls;
mod continuations;
mod failures;
mod fallbacks;
mod odd;
mod parameters;
mod patience;
mod reasoning;
mod requests;

/// A client that is patient, but quick to try again.
fn config(model: &FakeModel) -> OpenAiConfig {
    config_of(model.openai())
}

fn config_of(endpoint: Endpoint) -> OpenAiConfig {
    OpenAiConfig {
        endpoint,
        model: "fake-model".into(),
        parameters: Parameters::default(),
        headers: BTreeMap::new(),
        connect_timeout: Duration::from_secs(5),
        first_token_timeout: Duration::from_secs(30),
        idle_timeout: Duration::from_secs(30),
        turn_timeout: Duration::from_secs(600),
        max_retries: 2,
        backoff: Duration::from_millis(1),
        max_retry_after: Duration::from_millis(5),
    }
}

fn client(model: &FakeModel) -> OpenAi {
    OpenAi::new(config(model)).unwrap()
}

fn prompt() -> ChatRequest {
    let system = Message::System { content: "You help.".into() };
    let user = Message::User { content: "안녕하세요".into() };
    ChatRequest { messages: vec![system, user], tools: [].into(), partial: String::new() }
}

async fn open(client: &OpenAi, request: ChatRequest) -> Result<Turn, ModelError> {
    soon("the model's turn", client.chat(request)).await
}

async fn next(turn: &mut Turn) -> Option<Result<Delta, ModelError>> {
    soon("the next piece", turn.next()).await
}

/// Everything that a turn brings.
#[derive(Debug, Default, PartialEq)]
struct Whole {
    reasoning: String,
    text: String,
    calls: Vec<ToolCall>,
    end: Option<TurnEnd>,
    error: Option<ModelError>,
}

impl Whole {
    fn names(&self) -> Vec<&str> {
        self.calls.iter().map(|call| call.name.as_str()).collect()
    }

    fn arguments(&self) -> Vec<&str> {
        self.calls.iter().map(|call| call.arguments.as_str()).collect()
    }
}

/// Reads a turn to its end, and checks what the port promises of every turn.
async fn read(mut turn: Turn) -> Whole {
    let mut whole = Whole::default();
    while let Some(piece) = next(&mut turn).await {
        assert!(whole.end.is_none() && whole.error.is_none(), "nothing comes after the end");
        match piece {
            Ok(Delta::Reasoning(text)) => {
                assert!(!text.is_empty() && whole.calls.is_empty(), "{text:?}");
                whole.reasoning.push_str(&text);
            }
            Ok(Delta::Restarted) => assert!(!whole.reasoning.is_empty() && whole.text.is_empty()),
            Ok(Delta::Text(text)) => {
                assert!(!text.is_empty() && whole.calls.is_empty(), "{text:?}");
                whole.text.push_str(&text);
            }
            Ok(Delta::ToolCall(call)) => whole.calls.push(call),
            Ok(Delta::End(end)) => whole.end = Some(end),
            Err(error) => whole.error = Some(error),
        }
    }
    assert!(whole.end.is_some() != whole.error.is_some(), "a turn ends, or fails: {whole:?}");
    whole
}

/// Asks a model that gives these replies, one for each attempt.
async fn ask(replies: impl IntoIterator<Item = Reply>) -> Result<Whole, ModelError> {
    let model = FakeModel::scripted(replies).await;
    Ok(read(open(&client(&model), prompt()).await?).await)
}

const USAGE: Usage = Usage { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
