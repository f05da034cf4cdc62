//! One tool of a server, and a call of it.

use std::sync::Arc;

use async_trait::async_trait;
use rmcp::ServiceError;
use rmcp::model::{CallToolRequestParams, CallToolResponse, JsonObject};
use serde_json::Value;

use super::link::Link;
use super::result;
use super::server::Server;
use crate::domain::Language;
use crate::domain::text::{excerpt, json_start, without_invisible};
use crate::tools::registry::{ArgumentSchema, Checks};
use crate::tools::{Call, Effect, Forecast, Tool, ToolContext, ToolError, ToolSpec};

/// Characters of the arguments that the question shows; the request for approval has all of them.
const SHOWN: usize = 600;
/// Bytes of a server's own message of what went wrong that are told.
const MESSAGE_MAX: usize = 2000;

/// A tool that a server has told of.
pub(super) struct McpTool {
    spec: ToolSpec,
    /// Its name on the server.
    name: String,
    schema: ArgumentSchema,
    checks: Checks,
    timeout: std::time::Duration,
    max_output_bytes: usize,
    link: Arc<Link>,
}

impl McpTool {
    /// A tool of this server; description and schema fit to be shown.
    pub(super) fn new(
        server: &Server,
        name: String,
        description: String,
        (parameters, schema): (Value, ArgumentSchema),
    ) -> Self {
        let config = &server.config;
        let effect = server.effect(&name);
        let spec = ToolSpec {
            name: format!("{}.{name}", config.name),
            description,
            parameters,
            effect,
            dry_run: false,
            pins: &[],
        };
        let (timeout, max_output_bytes) = (config.timeout, config.max_output_bytes);
        let (checks, link) = (server.checks.clone(), Arc::clone(&server.link));
        Self { spec, name, schema, checks, timeout, max_output_bytes, link }
    }

    /// What came of a call that was sent. Of one that writes nobody knows then whether it was done.
    fn failure(&self, error: &ServiceError) -> ToolError {
        let server = self.link.server();
        match error {
            ServiceError::McpError(error) => {
                ToolError::Failed(excerpt(&without_invisible(&error.message), MESSAGE_MAX))
            }
            ServiceError::UnexpectedResponse => ToolError::Failed(format!(
                "the answer of the MCP server `{server}` is not the result of a call{}",
                self.doubt()
            )),
            _ if self.link.is_unread() => ToolError::Failed(format!(
                "the MCP server `{server}` was lost during the call, because it sends requests and \
                 does not read the answers{}",
                self.doubt()
            )),
            // What the error says may hold the server's URL, and with it a key.
            _ => ToolError::Failed(format!(
                "the MCP server `{server}` was lost during the call{}",
                self.doubt()
            )),
        }
    }

    /// A call that was not answered in time. Which call a line was about that is no message, nobody knows.
    fn late(&self, noise: u64) -> ToolError {
        let seconds = self.timeout.as_secs();
        let heard = match noise {
            0 => String::new(),
            lines => format!(
                "; meanwhile the server wrote what is no message of the protocol on its standard output \
                 ({lines} lines), and the answer may have been among that"
            ),
        };
        match (self.spec.effect, noise) {
            (Effect::ReadOnly, 0) => ToolError::TimedOut { seconds },
            (Effect::ReadOnly | Effect::SideEffect, _) => ToolError::Failed(format!(
                "the tool did not finish within {seconds} s{heard}{}",
                self.doubt()
            )),
        }
    }

    fn doubt(&self) -> &'static str {
        match self.spec.effect {
            Effect::ReadOnly => "",
            Effect::SideEffect => "; whether it was done is not known",
        }
    }
}

#[async_trait]
impl Tool for McpTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(self: Arc<Self>, arguments: &Value) -> Result<Box<dyn Call>, ToolError> {
        let given = object(arguments)?;
        self.checks.check(&self.schema, arguments).await?;
        Ok(Box::new(McpCall { tool: self, arguments: given }))
    }
}

/// A call of it.
struct McpCall {
    tool: Arc<McpTool>,
    arguments: Option<JsonObject>,
}

#[async_trait]
impl Call for McpCall {
    fn question(&self, language: Language) -> String {
        let arguments = self.arguments.clone().map_or(Value::Null, Value::Object);
        question(&self.tool.spec.name, &arguments, language)
    }

    async fn forecast(&self, _language: Language) -> Result<Forecast, ToolError> {
        self.tool.link.peer().await?;
        Ok(Forecast::default())
    }

    async fn run(self: Box<Self>, _context: &ToolContext) -> Result<Value, ToolError> {
        let Self { tool, arguments } = *self;
        let mut call = CallToolRequestParams::new(tool.name.clone());
        call.arguments = arguments;
        let peer = tool.link.peer().await?;
        let _busy = tool.link.busy();
        let noise = tool.link.noise();
        // A call that is dropped before its answer tells the server that it is cancelled.
        let answer = tokio::time::timeout(tool.timeout, peer.call_tool_once(call)).await;
        match answer.map_err(|_| tool.late(tool.link.noise().saturating_sub(noise)))? {
            Ok(CallToolResponse::Complete(result)) => {
                result::rendered(result, tool.max_output_bytes)
            }
            // A question to a person, or a task to be asked after: nothing of it was offered.
            Ok(_) => Err(tool.failure(&ServiceError::UnexpectedResponse)),
            Err(error) => Err(tool.failure(&error)),
        }
    }
}

/// The arguments as the protocol has them.
pub(super) fn object(arguments: &Value) -> Result<Option<JsonObject>, ToolError> {
    match arguments {
        Value::Null => Ok(None),
        Value::Object(members) => Ok(Some(members.clone())),
        _ => Err(ToolError::InvalidArguments("they must be an object".into())),
    }
}

/// What a person is asked: the server, the tool and, as far as they are short enough to be read,
/// the arguments, with everything invisible made visible.
pub(super) fn question(name: &str, arguments: &Value, language: Language) -> String {
    let (server, tool) = name.split_once('.').unwrap_or(("?", name));
    let arguments = json_start(arguments, SHOWN, language);
    language.sentences().may_call(server, tool, &arguments)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_question_names_server_tool_and_arguments_on_one_plain_line() {
        assert_eq!(
            question(
                "files.write",
                &json!({"path": "a\u{202e}b", "text": "x\ny"}),
                Language::Korean
            ),
            r#"MCP 서버 files의 write 도구를 실행할까요? 인자: {"path":"a\u{202e}b","text":"x\ny"}"#,
        );
    }

    #[test]
    fn a_long_argument_is_cut_in_the_question() {
        let question =
            question("files.write", &json!({"text": "가".repeat(10_000)}), Language::Korean);
        assert!(question.chars().count() < 700, "{question}");
        assert!(question.ends_with("자 생략)"), "{question}");
    }
}
