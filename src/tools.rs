//! PORT: something the agent can do in the world.
//!
//! A [`Tool`] reads arguments into a [`Call`], once. From then on the call is a value that knows what a
//! person is to be asked, what will happen, and how to run: nobody reads the arguments a second time
//! and another way.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::domain::{Artifact, Language, Preview, SessionId, ToolCallId};

pub mod git;
#[cfg(feature = "github")]
pub mod github;
#[cfg(feature = "mail")]
pub mod mail;
#[cfg(feature = "mcp")]
pub mod mcp;
pub mod read_tool;
pub mod registry;
#[cfg(any(feature = "github", feature = "mail"))]
pub mod write_tool;

pub use registry::{Approval, ApprovalPolicy, ListedTool, SourceState, Tools};

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
    /// Its arguments that pin what can move.
    pub pins: &'static [Pin],
}

impl ToolSpec {
    /// The arguments with the pins of others that are about the same things: whoever changes one thing
    /// has seen the rest as it was.
    #[must_use]
    pub fn with_pins_of(&self, others: &Value, mut arguments: Value) -> Value {
        for Pin { argument, of } in self.pins {
            let is_same = of.iter().all(|name| others.get(name) == arguments.get(name));
            if let (true, Some(pin), Value::Object(fields)) =
                (is_same, others.get(argument), &mut arguments)
            {
                fields.entry(*argument).or_insert_with(|| pin.clone());
            }
        }
        arguments
    }
}

/// An argument that says where something has to be that others can move. Nobody has to give it: a
/// [`Forecast`] does, before a person is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Its name.
    pub argument: &'static str,
    /// The arguments that say what it pins.
    pub of: &'static [&'static str],
}

/// What a call will do, as things stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forecast {
    /// Where what can move is now: a value for each [`Pin`] of the tool. A call with these arguments
    /// besides its own does what was foreseen, or fails and says what has moved.
    pub pins: Map<String, Value>,
    /// What will happen, for the person who is asked.
    pub preview: Option<Preview>,
}

impl Forecast {
    /// Nothing can move.
    pub fn showing(preview: Preview) -> Self {
        Self { preview: Some(preview), ..Self::default() }
    }
}

/// Whether a tool changes anything outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It only reads: it may be repeated or dropped half way, and needs nobody's approval.
    ReadOnly,
    /// It changes something: it runs at most once per approval.
    SideEffect,
}

/// Whether a tool can do what it is for, as far as that is known without calling it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It can.
    Ready,
    /// It only shows what it would have sent, until this setting is there.
    DryRun {
        /// The missing setting's name.
        setting: &'static str,
    },
    /// It fails for want of this setting.
    NotConfigured {
        /// The missing setting's name.
        setting: &'static str,
    },
    /// It fails, and this is why.
    Unavailable(String),
}

impl Readiness {
    /// Of a tool that looks for what it needs before it does anything.
    pub(in crate::tools) fn of(looked: Result<(), ToolError>) -> Self {
        match looked {
            Ok(()) => Self::Ready,
            Err(ToolError::NotConfigured { setting }) => Self::NotConfigured { setting },
            Err(
                error @ (ToolError::Unknown { .. }
                | ToolError::InvalidArguments(_)
                | ToolError::NotFound(_)
                | ToolError::Conflict(_)
                | ToolError::TimedOut { .. }
                | ToolError::Denied(_)
                | ToolError::Busy(_)
                | ToolError::Uncertain(_)
                | ToolError::Failed(_)),
            ) => Self::Unavailable(error.to_string()),
        }
    }
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

    /// Whether it can do what it is for.
    fn readiness(&self) -> Readiness {
        Readiness::Ready
    }

    /// What people may look at in a result of [`Call::run`], beside the words of the answer.
    fn artifact(&self, _result: &Value, _language: Language) -> Option<Artifact> {
        None
    }
}

/// A call of a tool, its arguments read.
#[async_trait]
pub trait Call: Send + Sync {
    /// What a person is asked to approve, as one line.
    fn question(&self, language: Language) -> String;

    /// Finds out what it will do, and changes nothing. Asked before a person is: an error says why it
    /// cannot work as things stand, and is told to the model instead. The preview is in `language`. Keeps
    /// its own time limit, and may be dropped half way.
    async fn forecast(&self, _language: Language) -> Result<Forecast, ToolError> {
        Ok(Forecast::default())
    }

    /// Does it, and returns what came of it. Keeps its own time limit and bounds its result's size;
    /// on an error nothing was changed, unless the error says so.
    ///
    /// A call of a tool that [`Effect::ReadOnly`] is dropped when its run is cancelled: that ends the
    /// request or the process behind it. Any other is always awaited.
    async fn run(self: Box<Self>, context: &ToolContext) -> Result<Value, ToolError>;
}
