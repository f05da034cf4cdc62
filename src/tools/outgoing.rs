//! Tools that send something to a service outside. Where the service is not configured, they show
//! what they would have sent, or name the setting that is missing.

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::registry::{parse_arguments, schema_of};
use super::{Effect, Tool, ToolContext, ToolError, ToolSpec};

/// What a tool does whose service is not configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unconfigured {
    /// Show what would be sent, and say that it was not.
    DryRun,
    /// Fail, naming the missing setting, before a person is asked.
    Refuse,
}

/// Whether what a tool sends leaves this process.
#[derive(Clone, Debug)]
pub(in crate::tools) enum Delivery<S> {
    /// It goes to this service.
    Real(S),
    /// There is none.
    Missing(Unconfigured),
}

/// Something to send.
pub(in crate::tools) trait Outgoing:
    DeserializeOwned + JsonSchema + Send + Sync + 'static
{
    /// The tool's name.
    const NAME: &'static str;
    /// What it does, for the model.
    const DESCRIPTION: &'static str;
    /// The setting without which it cannot be sent.
    const SETTING: &'static str;
    /// What is known also where nothing can be sent.
    type Terms: Send + Sync + 'static;
    /// What sends it.
    type Service: Clone + Send + Sync + 'static;

    /// What is wrong with it beyond the form of single fields: the field and the fault.
    fn fault(&self, terms: &Self::Terms) -> Option<(&'static str, String)>;

    /// The question, without its mark; a person reads it before anything is sent.
    fn question(&self) -> String;

    /// What goes over the wire, without anything secret.
    fn request(&self, terms: &Self::Terms) -> Value;

    /// Sends it, at most once.
    fn send(
        self,
        terms: &Self::Terms,
        service: &Self::Service,
        context: &ToolContext,
    ) -> impl Future<Output = Result<Value, ToolError>> + Send;
}

/// An [`Outgoing`] as a tool.
pub(in crate::tools) struct Sender<O: Outgoing> {
    spec: ToolSpec,
    terms: Arc<O::Terms>,
    delivery: Delivery<O::Service>,
}

impl<O: Outgoing> Sender<O> {
    pub(in crate::tools) fn tool(
        terms: &Arc<O::Terms>,
        delivery: Delivery<O::Service>,
    ) -> Arc<dyn Tool> {
        let spec = ToolSpec {
            name: O::NAME.into(),
            description: O::DESCRIPTION.into(),
            parameters: schema_of::<O>(),
            effect: Effect::Writes,
            dry_run: matches!(delivery, Delivery::Missing(Unconfigured::DryRun)),
        };
        Arc::new(Self { spec, terms: Arc::clone(terms), delivery })
    }

    /// The arguments, if this tool may be used at all.
    fn accept(&self, arguments: &Value) -> Result<O, ToolError> {
        match self.delivery {
            Delivery::Missing(Unconfigured::Refuse) => {
                Err(ToolError::NotConfigured { setting: O::SETTING })
            }
            Delivery::Real(_) | Delivery::Missing(Unconfigured::DryRun) => self.parse(arguments),
        }
    }

    fn parse(&self, arguments: &Value) -> Result<O, ToolError> {
        let outgoing: O = parse_arguments(arguments)?;
        match outgoing.fault(&self.terms) {
            Some((field, fault)) => Err(ToolError::InvalidArguments(format!("`{field}`: {fault}"))),
            None => Ok(outgoing),
        }
    }
}

#[async_trait]
impl<O: Outgoing> Tool for Sender<O> {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn check(&self, arguments: &Value) -> Result<(), ToolError> {
        self.accept(arguments).map(drop)
    }

    fn question(&self, arguments: &Value) -> String {
        let question = match self.parse(arguments) {
            Ok(outgoing) => outgoing.question(),
            Err(_) => format!("{} 도구를 실행할까요?", O::NAME),
        };
        if self.is_dry_run() {
            format!("{question} (모의 실행: 실제로 전송되지 않습니다)")
        } else {
            question
        }
    }

    async fn run(&self, arguments: &Value, context: &ToolContext) -> Result<Value, ToolError> {
        let outgoing = self.accept(arguments)?;
        match &self.delivery {
            Delivery::Real(service) => outgoing.send(&self.terms, service, context).await,
            Delivery::Missing(_) => Ok(json!({
                "dryRun": true,
                "wouldSend": outgoing.request(&self.terms),
                "note": "A dry run: nothing was sent.",
            })),
        }
    }
}
