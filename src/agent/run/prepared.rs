//! A call that is ready to run: its tool is found and its arguments are read. Before a person is asked,
//! its effect is looked up as well.

use std::sync::Arc;

use serde_json::Value;

use super::arguments::parse_arguments;
use super::record::PlannedCall;
use super::step::Run;
use crate::domain::{ApprovalRequest, Language, Preview};
use crate::tools::{Call, Forecast, Tool, ToolError};

/// A call that can be run.
pub(crate) struct Ready {
    pub(super) tool: Arc<dyn Tool>,
    pub(super) call: Box<dyn Call>,
    /// What the call was read from.
    pub(crate) arguments: Value,
}

impl Ready {
    /// Reads a call of a tool.
    pub(crate) async fn read(tool: Arc<dyn Tool>, arguments: Value) -> Result<Self, ToolError> {
        let call = Arc::clone(&tool).call(&arguments).await?;
        Ok(Self { tool, call, arguments })
    }

    /// Looks into it, and pins what can move: what a person then approves is what runs.
    pub(crate) async fn prepare(self, language: Language) -> Result<Prepared, ToolError> {
        let Self { tool, call, mut arguments } = self;
        let Forecast { pins, preview } = call.forecast(language).await?;
        if let Value::Object(fields) = &mut arguments {
            fields.extend(pins);
        }
        // The question is the pinned call's: it may tell what is pinned.
        let question = tool.call(&arguments).await?.question(language);
        Ok(Prepared { arguments, question, preview })
    }
}

/// A call that a person can be asked about.
pub(crate) struct Prepared {
    /// Exactly what will be run.
    pub(crate) arguments: Value,
    /// What the person is asked.
    pub(super) question: String,
    /// What will happen.
    pub(super) preview: Option<Preview>,
}

/// Why a call is not run.
pub(super) enum Refusal {
    /// Its arguments are not valid.
    Invalid(String),
    /// Anything else.
    Other(String),
}

impl Run {
    /// The model's call, if it may be run or asked about.
    pub(super) async fn ready(&self, planned: &PlannedCall) -> Result<Ready, Refusal> {
        let limit = self.ctx.limits.max_tool_calls;
        if self.state.ordinal_of(&planned.call.id) >= limit as usize {
            return Err(Refusal::Other(format!("the run has used up its {limit} tool calls")));
        }
        if let Some(excess) = planned.call.excess {
            return Err(Refusal::Invalid(excess.to_string()));
        }
        let name = &planned.call.name;
        let tool = self.ctx.tools.find(name).map_err(|error| Refusal::Other(error.to_string()))?;
        let arguments = parse_arguments(&planned.call).map_err(Refusal::Invalid)?;
        let ready = Ready::read(tool, arguments).await;
        ready.map_err(|error| Refusal::Invalid(error.to_string()))
    }

    /// The call with exactly the arguments that were approved.
    pub(super) async fn ready_as_approved(
        &self,
        planned: &PlannedCall,
        request: &ApprovalRequest,
    ) -> Result<Ready, Refusal> {
        let tool = self.ctx.tools.find(&planned.call.name);
        let ready = match tool {
            Ok(tool) => Ready::read(tool, request.context.clone()).await,
            Err(error) => Err(error),
        };
        ready.map_err(|error| Refusal::Other(error.to_string()))
    }
}

#[cfg(test)]
mod tests;
