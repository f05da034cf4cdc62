//! PORT: something the agent can do in the world.
//!
//! A [`Tool`] reads arguments into a [`Call`], once. From then on the call is a value that knows what a
//! person is to be asked, and how to run: nobody reads the arguments a second time and another way.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use thiserror::Error;

use crate::domain::{Exhibit, SessionId, ToolCallId};

pub mod git;
pub mod github;
pub mod mail;
pub mod mcp;
pub mod outgoing;
pub mod registry;

pub use registry::{ApprovalPolicy, Tools};

/// What a model and the approval policy know of a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolSpec {
    /// Its name, for instance `git_merge`.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// The JSON Schema of its arguments, an object.
    pub parameters: Value,
    /// Whether it changes anything.
    pub effect: Effect,
    /// Whether it only shows what it would have sent.
    pub dry_run: bool,
}

/// Whether a tool changes anything outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It only reads: it may be repeated or dropped half way, and needs nobody's approval.
    Reads,
    /// It changes something: it runs at most once per approval.
    Writes,
}

/// For whom a tool works.
#[derive(Clone, Debug)]
pub struct ToolContext {
    /// The run.
    pub session: SessionId,
    /// The call; also the idempotency key, wherever the other side takes one.
    pub call: ToolCallId,
}

/// Why a tool did not do what was asked. The message is for the model and the person, so it never
/// holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ToolError {
    /// There is no such tool.
    #[error("there is no tool named {name:?}; there are: {known}")]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The names that there are, comma separated.
        known: String,
    },
    /// The arguments are not JSON, or not what the tool's schema demands.
    #[error("the arguments are not valid: {0}")]
    InvalidArguments(String),
    /// The service behind the tool is not configured.
    #[error("the tool is not configured: set {setting}")]
    NotConfigured {
        /// The missing setting's name.
        setting: &'static str,
    },
    /// The thing that was asked for is not there, or lies outside of what the tool may touch.
    #[error("{0}")]
    NotFound(String),
    /// It cannot be done as things stand, for instance a merge conflict. Nothing was changed.
    #[error("{0}")]
    Conflict(String),
    /// It took too long.
    #[error("the tool did not finish within {seconds} s")]
    TimedOut {
        /// The limit.
        seconds: u64,
    },
    /// The other side does not let us: wrong or missing credentials, or too few rights.
    #[error("{0}")]
    Denied(String),
    /// The other side takes no more requests for now; the message says until when.
    #[error("{0}")]
    Busy(String),
    /// It was asked for, and nobody knows whether it was done.
    #[error("{0}")]
    Uncertain(String),
    /// Anything else that went wrong on the other side.
    #[error("{0}")]
    Failed(String),
}

/// A tool.
#[async_trait]
pub trait Tool: Send + Sync {
    /// Its description.
    fn spec(&self) -> &ToolSpec;

    /// Reads arguments, without doing anything: no person is asked to approve nonsense.
    async fn call(self: Arc<Self>, arguments: &Value) -> Result<Box<dyn Call>, ToolError>;

    /// Whether it only shows what it would have sent.
    fn is_dry_run(&self) -> bool {
        self.spec().dry_run
    }

    /// What people may look at in a result of [`Call::run`], beside the words of the answer.
    fn exhibit(&self, _result: &Value) -> Option<Exhibit> {
        None
    }
}

/// A call of a tool, its arguments read.
#[async_trait]
pub trait Call: Send + Sync {
    /// What a person is asked to approve, as one line in Korean.
    fn question(&self) -> String;

    /// Does it, and returns what came of it. Keeps its own time limit and bounds its result's size;
    /// on an error nothing was changed, unless the error says so.
    ///
    /// A call of a tool that [`Effect::Reads`] is dropped when its run is cancelled: that ends the
    /// request or the process behind it. Any other is always awaited.
    async fn run(self: Box<Self>, context: &ToolContext) -> Result<Value, ToolError>;
}
