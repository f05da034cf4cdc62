//! What must hold for everything that an MCP server says.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::executor::block_on;
use rmcp::model::{CallToolResult, JsonObject, ServerJsonRpcMessage};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

use super::lines::Lines;
use super::list;
use super::message::messages;
use super::result::rendered;
use super::schema::for_provider;
use crate::domain::json::is_too_deep;
use crate::tools::ToolError;

/// What a server writes means the same however the pipe hands it out. Each message is one that the
/// library takes, so that nobody waits for an answer that has come; results are cut to size, and the
/// schemas of tools are such as every provider takes.
pub fn mcp_message(output: &[u8]) {
    let said = read(output, usize::MAX);
    for pieces in [1, 3, 7] {
        assert_eq!(read(output, pieces), said, "in pieces of {pieces} bytes it is another one");
    }
    let lines = output.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
    let expected: Vec<Value> = lines.flat_map(messages).collect();
    let said: Vec<Value> = said.lines().flat_map(|line| messages(line.as_bytes())).collect();
    assert_eq!(said, expected, "what was repaired is repaired once more");
    messages(output).iter().for_each(check);
}

/// All that comes out of a pipe that hands out so many bytes at a time.
fn read(output: &[u8], at_once: usize) -> String {
    let mut said = String::new();
    let mut lines = Lines::new(Pipe { output, at_once }, |_: &[u8]| ());
    match block_on(lines.read_to_string(&mut said)) {
        Ok(_) => said,
        Err(error) => panic!("messages are not UTF-8: {error}"),
    }
}

struct Pipe<'a> {
    output: &'a [u8],
    at_once: usize,
}

impl AsyncRead for Pipe<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let size = self.output.len().min(self.at_once).min(into.remaining());
        let (now, later) = self.output.split_at(size);
        into.put_slice(now);
        self.output = later;
        Poll::Ready(Ok(()))
    }
}

fn check(message: &Value) {
    let again = messages(message.to_string().as_bytes());
    assert_eq!(again, std::slice::from_ref(message), "a repaired message is whole");
    if message.get("method").is_some() {
        return;
    }
    let has_id = message["id"].is_i64() || message["id"].is_string();
    if has_id {
        let read = serde_json::from_value::<ServerJsonRpcMessage>(message.clone());
        let is_answer =
            matches!(read, Ok(ServerJsonRpcMessage::Response(_) | ServerJsonRpcMessage::Error(_)));
        assert!(is_answer, "whoever waits for this waits in vain: {message}");
    }
    check_result(&message["result"]);
    check_tools(&message["result"]);
}

fn check_result(result: &Value) {
    let Ok(result) = serde_json::from_value::<CallToolResult>(result.clone()) else { return };
    for max in [0, 10, 1000] {
        match rendered(result.clone(), max) {
            Ok(told) => {
                let text = told["text"].as_str().map_or(0, str::len);
                let structured = told.get("structured");
                let size = structured.map_or(0, |value| value.to_string().len());
                assert!(text + size <= max, "more than {max} bytes: {told}");
                assert!(!structured.is_some_and(is_too_deep), "{told}");
            }
            Err(ToolError::Failed(why)) => assert!(why.len() <= max + 100, "{why}"),
            Err(other) => panic!("a failed call is a failed call: {other}"),
        }
    }
}

fn check_tools(result: &Value) {
    let tools = result.get("tools").and_then(Value::as_array);
    for schema in tools.into_iter().flatten().filter_map(|tool| tool["inputSchema"].as_object()) {
        check_schema(schema);
    }
}

/// One schema that a provider refuses makes it refuse every request.
fn check_schema(schema: &JsonObject) {
    let Ok(meant) = list::parameters(schema) else { return };
    let Ok(fit) = for_provider(&meant) else { return };
    assert_eq!(fit["type"], "object", "{fit}");
    let top = ["$ref", "anyOf", "oneOf", "allOf", "not", "enum", "const", "if"];
    assert!(top.iter().all(|keyword| fit.get(*keyword).is_none()), "{fit}");
    let Some(properties) = fit["properties"].as_object() else { panic!("no properties: {fit}") };
    let required = fit["required"].as_array();
    let is_described =
        |name: &Value| name.as_str().is_some_and(|name| properties.contains_key(name));
    assert!(required.into_iter().flatten().all(is_described), "{fit}");
    assert_eq!(for_provider(&fit).as_ref(), Ok(&fit), "what is fit stays as it is");
}
