//! Tools that send something to a service outside. Where the service is not configured, they show
//! what they would have sent, or name the setting that is missing.

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::registry::{parse_arguments, schema_of};
use super::{Call, Effect, Forecast, Pin, Readiness, Tool, ToolContext, ToolError, ToolSpec};
use crate::domain::{Language, Preview, Unconfigured};

/// Whether what a tool sends leaves this process.
#[derive(Clone, Debug)]
pub(in crate::tools) enum Delivery<S> {
    /// It goes to this service.
    Real(S),
    /// There is none.
    Missing(Unconfigured),
}

/// Something to send.
pub(in crate::tools) trait WriteTool:
    DeserializeOwned + JsonSchema + Send + Sync + 'static
{
    /// The tool's name.
    const NAME: &'static str;
    /// What it does, for the model.
    const DESCRIPTION: &'static str;
    /// The setting without which it cannot be sent.
    const SETTING: &'static str;
    /// Its arguments that pin what can move.
    const PINS: &'static [Pin] = &[];
    /// What is known also where nothing can be sent.
    type Facts: Send + Sync + 'static;
    /// What sends it.
    type Service: Clone + Send + Sync + 'static;

    /// What is wrong with it beyond the form of single fields: the field and the fault.
    fn fault(&self, facts: &Self::Facts) -> Option<(&'static str, String)>;

    /// The question, without its mark; a person reads it before anything is sent.
    fn question(&self, language: Language) -> String;

    /// What goes over the wire, without anything secret.
    fn request(&self, facts: &Self::Facts) -> Value;

    /// What will be sent, for a person.
    fn draft(&self, facts: &Self::Facts, language: Language) -> Preview {
        let request = serde_json::to_string_pretty(&self.request(facts)).unwrap_or_default();
        Preview::text(language.sentences().request_to_send(), &request, language)
    }

    /// What will happen when it is sent, as [`Call::forecast`] says.
    fn forecast(
        &self,
        facts: &Self::Facts,
        _service: &Self::Service,
        language: Language,
    ) -> impl Future<Output = Result<Forecast, ToolError>> + Send {
        std::future::ready(Ok(Forecast::showing(self.draft(facts, language))))
    }

    /// Sends it, at most once.
    fn send(
        self,
        facts: &Self::Facts,
        service: &Self::Service,
        context: &ToolContext,
    ) -> impl Future<Output = Result<Value, ToolError>> + Send;
}

/// An [`WriteTool`] as a tool.
pub(in crate::tools) struct WriteToolAdapter<O: WriteTool> {
    spec: ToolSpec,
    facts: Arc<O::Facts>,
    delivery: Delivery<O::Service>,
}

impl<O: WriteTool> WriteToolAdapter<O> {
    pub(in crate::tools) fn tool(
        facts: &Arc<O::Facts>,
        delivery: Delivery<O::Service>,
    ) -> Arc<dyn Tool> {
        let spec = ToolSpec {
            name: O::NAME.into(),
            description: O::DESCRIPTION.into(),
            parameters: schema_of::<O>(),
            effect: Effect::SideEffect,
            dry_run: matches!(delivery, Delivery::Missing(Unconfigured::DryRun)),
            pins: O::PINS,
        };
        Arc::new(Self { spec, facts: Arc::clone(facts), delivery })
    }
}

#[async_trait]
impl<O: WriteTool> Tool for WriteToolAdapter<O> {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn readiness(&self) -> Readiness {
        match &self.delivery {
            Delivery::Real(_) => Readiness::Ready,
            Delivery::Missing(Unconfigured::DryRun) => Readiness::DryRun { setting: O::SETTING },
            Delivery::Missing(Unconfigured::Refuse) => {
                Readiness::NotConfigured { setting: O::SETTING }
            }
        }
    }

    async fn call(self: Arc<Self>, arguments: &Value) -> Result<Box<dyn Call>, ToolError> {
        let service = match &self.delivery {
            Delivery::Real(service) => Some(service.clone()),
            Delivery::Missing(Unconfigured::DryRun) => None,
            Delivery::Missing(Unconfigured::Refuse) => {
                return Err(ToolError::NotConfigured { setting: O::SETTING });
            }
        };
        let outgoing: O = parse_arguments(arguments)?;
        if let Some((field, fault)) = outgoing.fault(&self.facts) {
            return Err(ToolError::InvalidArguments(format!("`{field}`: {fault}")));
        }
        Ok(Box::new(Sending { outgoing, facts: Arc::clone(&self.facts), service }))
    }
}

/// A call of it.
struct Sending<O: WriteTool> {
    outgoing: O,
    facts: Arc<O::Facts>,
    /// `None`: a dry run.
    service: Option<O::Service>,
}

#[async_trait]
impl<O: WriteTool> Call for Sending<O> {
    fn question(&self, language: Language) -> String {
        let question = self.outgoing.question(language);
        match self.service {
            Some(_) => question,
            None => language.sentences().dry_run(&question),
        }
    }

    async fn forecast(&self, language: Language) -> Result<Forecast, ToolError> {
        match &self.service {
            Some(service) => self.outgoing.forecast(&self.facts, service, language).await,
            None => Ok(Forecast::showing(self.outgoing.draft(&self.facts, language))),
        }
    }

    async fn run(self: Box<Self>, context: &ToolContext) -> Result<Value, ToolError> {
        let Self { outgoing, facts, service } = *self;
        match service {
            Some(service) => outgoing.send(&facts, &service, context).await,
            None => Ok(json!({
                "dryRun": true,
                "wouldSend": outgoing.request(&facts),
                "note": "A dry run: nothing was sent.",
            })),
        }
    }
}
