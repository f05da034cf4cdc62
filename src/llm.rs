//! PORT: a chat model that streams.

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use thiserror::Error;

use crate::domain::{Certainty, Message, ToolCall, Usage};
use crate::tools::ToolSpec;

pub mod fallback;
pub mod openai;
pub mod planner;
pub mod tokens;

/// One turn asked of a model.
#[derive(Clone, Debug)]
pub struct ChatRequest {
    /// The conversation, the system prompt first.
    pub messages: Vec<Message>,
    /// The tools that it may ask for; empty: it must answer in words.
    pub tools: Arc<[ToolSpec]>,
    /// What of this turn's text was shown already, by an owner of the run that is gone: it stays
    /// said. The turn's text is then only what follows it. Empty: a fresh turn.
    pub partial: String,
}

/// A piece of a model's turn.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta {
    /// What the model thinks aloud, in order; never empty. It is no part of the answer: it is not
    /// sent back to a model, and it may come again where the turn is asked for again.
    Reasoning(String),
    /// The model is asked again, or another one is: what it thought aloud so far is not gone on with.
    Restarted,
    /// Text, in order; never empty. All of a turn's text follows [`ChatRequest::partial`] and repeats
    /// nothing of it; there may be none, where what was shown is the whole answer.
    Text(String),
    /// One whole tool call, assembled from its fragments. Comes after all text, also in a turn that
    /// goes on from what was shown.
    ToolCall(ToolCall),
    /// The end of the turn; exactly one, the last item of a stream that did not fail.
    End(TurnEnd),
}

impl Delta {
    /// Whether it belongs to the answer. Once such a piece was handed out, the turn is the work of
    /// one model and one request; before that, it may be asked for again.
    pub fn is_of_answer(&self) -> bool {
        match self {
            Self::Reasoning(_) | Self::Restarted => false,
            Self::Text(_) | Self::ToolCall(_) | Self::End(_) => true,
        }
    }
}

/// What a model says of a turn when it is over.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TurnEnd {
    /// Tokens, where the model counts them.
    pub usage: Option<Usage>,
    /// How sure it was, where it says so.
    pub confidence: Option<Certainty>,
    /// Whether the answer was cut off by a length limit.
    pub truncated: bool,
}

/// Why a model did not answer. No variant carries the conversation or a key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ModelError {
    /// It could not be reached, or failed on its side (5xx), and trying again did not help.
    #[error("the model cannot be reached: {0}")]
    Unavailable(String),
    /// It said too often that it was asked too often (429).
    #[error("the model refuses more requests for now: {0}")]
    RateLimited(String),
    /// A limit of time was reached; the text says which one.
    #[error("the model did not answer in time: {0}")]
    TimedOut(String),
    /// It would refuse every request (401, 402, 404): wrong key, no such model.
    #[error("the model's provider denies access: {0}")]
    Denied(String),
    /// It refused this request (another 4xx), for instance because it is too long.
    #[error("the model refused the request: {0}")]
    Refused(String),
    /// The provider's content filter stopped the request or the answer.
    #[error("the model refused the request: {0}")]
    Filtered(String),
    /// Its stream broke off or cannot be understood.
    #[error("the model's answer broke off: {0}")]
    Broken(String),
    /// Two models were asked, and both failed.
    #[error("{first}; {second}")]
    Both {
        /// How the one that is asked first failed.
        first: Box<Failed>,
        /// How its fallback failed.
        second: Box<Failed>,
    },
}

/// One of several models that failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{model}: {error}")]
pub struct Failed {
    /// Its name.
    pub model: String,
    /// How it failed.
    pub error: ModelError,
}

/// The turn as it arrives. After an `Err` nothing more comes. Dropping it cancels the request.
pub type Turn = BoxStream<'static, Result<Delta, ModelError>>;

/// A request under way, which hands a turn out piece by piece.
trait Pieces: Send + Sized + 'static {
    /// The next piece; `None` once the end has been handed out.
    fn next(&mut self) -> impl Future<Output = Result<Option<Delta>, ModelError>> + Send;

    /// The turn, once its first piece is there.
    fn begin(mut self) -> impl Future<Output = Result<Turn, ModelError>> + Send {
        async move {
            let first = self.next().await?;
            let rest = stream::try_unfold(self, |mut pieces| async move {
                Ok(pieces.next().await?.map(|delta| (delta, pieces)))
            });
            Ok(stream::iter(first.map(Ok)).chain(rest).boxed())
        }
    }
}

/// A chat model.
#[async_trait]
pub trait ChatModel: Send + Sync {
    /// What `start.model` says, for instance `gpt-4o` or `builtin-planner`.
    fn name(&self) -> &str;

    /// Asks for one turn; returns with its first piece. Errors before the first piece of the answer
    /// (see [`Delta::is_of_answer`]) have been retried already, as far as that is sensible, whether
    /// they are returned here or end the turn; nothing is retried once such a piece was handed out.
    async fn chat(&self, request: ChatRequest) -> Result<Turn, ModelError>;
}
