//! `github_create_pr` and `send_email` without GitHub and without a mail server: their arguments
//! are checked and shown as they would be sent, and nothing leaves this process.

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::registry::{parse_arguments, schema_of};
use super::{Effect, Tool, ToolContext, ToolError, ToolSpec};

mod email;
mod pull_request;

/// What these tools do when they are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Show what would be sent, and say that it was not.
    DryRun,
    /// Fail, naming the missing setting, before a person is asked.
    Refuse,
}

/// Both tools, each in its mode.
pub fn tools(github: Mode, mail: Mode) -> Vec<Arc<dyn Tool>> {
    vec![Draft::<pull_request::PullRequest>::tool(github), Draft::<email::Email>::tool(mail)]
}

/// Something that a service of which nothing is known yet would be sent.
trait Sendable: DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// The tool's name.
    const NAME: &'static str;
    /// What it does, for the model.
    const DESCRIPTION: &'static str;
    /// The setting without which it cannot be sent.
    const SETTING: &'static str;

    /// What is wrong with it beyond the form of single fields: (field, fault).
    fn fault(&self) -> Option<(&'static str, &'static str)>;

    /// The question, without its mark; it is read by a person before anything is sent.
    fn question(&self) -> String;

    /// Exactly what would go over the wire.
    fn request(&self) -> Value;
}

/// A [`Sendable`] as a tool.
struct Draft<S> {
    spec: ToolSpec,
    mode: Mode,
    sendable: std::marker::PhantomData<fn() -> S>,
}

impl<S: Sendable> Draft<S> {
    fn tool(mode: Mode) -> Arc<dyn Tool> {
        let spec = ToolSpec {
            name: S::NAME.into(),
            description: S::DESCRIPTION.into(),
            parameters: schema_of::<S>(),
            effect: Effect::Writes,
        };
        Arc::new(Self { spec, mode, sendable: std::marker::PhantomData })
    }

    /// The arguments, if this tool may be used at all.
    fn accept(&self, arguments: &Value) -> Result<S, ToolError> {
        match self.mode {
            Mode::Refuse => Err(ToolError::NotConfigured { setting: S::SETTING }),
            Mode::DryRun => parse(arguments),
        }
    }
}

fn parse<S: Sendable>(arguments: &Value) -> Result<S, ToolError> {
    let sendable: S = parse_arguments(arguments)?;
    match sendable.fault() {
        Some((field, fault)) => Err(ToolError::InvalidArguments(format!("`{field}`: {fault}"))),
        None => Ok(sendable),
    }
}

#[async_trait]
impl<S: Sendable> Tool for Draft<S> {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn check(&self, arguments: &Value) -> Result<(), ToolError> {
        self.accept(arguments).map(drop)
    }

    fn question(&self, arguments: &Value) -> String {
        let question = match parse::<S>(arguments) {
            Ok(sendable) => sendable.question(),
            Err(_) => format!("{} 도구를 실행할까요?", S::NAME),
        };
        match self.mode {
            Mode::DryRun => format!("{question} (모의 실행: 실제로 전송되지 않습니다)"),
            Mode::Refuse => question,
        }
    }

    fn is_dry_run(&self) -> bool {
        self.mode == Mode::DryRun
    }

    async fn run(&self, arguments: &Value, _context: &ToolContext) -> Result<Value, ToolError> {
        let sendable = self.accept(arguments)?;
        Ok(json!({
            "dryRun": true,
            "wouldSend": sendable.request(),
            "note": "A dry run: nothing was sent.",
        }))
    }
}
