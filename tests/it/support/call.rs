//! A tool called as the agent calls it.
#![allow(clippy::expect_used, reason = "a test that hangs fails")]

use std::sync::Arc;
use std::time::Duration;

use aura_platform::domain::{Language, SessionId, ToolCallId};
use aura_platform::tools::{Tool, ToolContext, ToolError};
use serde_json::Value;

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Reads the arguments and runs the call.
pub(crate) async fn run(tool: &Arc<dyn Tool>, arguments: &Value) -> Result<Value, ToolError> {
    let call = Arc::clone(tool).call(arguments).await?;
    let context =
        ToolContext { session: SessionId::new("session_x"), call: ToolCallId::new("call_1") };
    tokio::time::timeout(PATIENCE, call.run(&context)).await.expect("the tool hangs")
}

/// Whether a request's context has all of these arguments; it may pin what can move besides.
pub(crate) fn names(context: &Value, arguments: &Value) -> bool {
    let mut fields = arguments.as_object().into_iter().flatten();
    fields.all(|(name, value)| context.get(name) == Some(value))
}

/// What a person would be asked.
pub(crate) async fn question(tool: &Arc<dyn Tool>, arguments: &Value) -> Result<String, ToolError> {
    Ok(Arc::clone(tool).call(arguments).await?.question(Language::Korean))
}
