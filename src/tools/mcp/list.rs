//! A server's list of tools: read page by page, and nothing of it taken as it comes.

use std::collections::BTreeSet;

use rmcp::model::{
    ClientRequest, ErrorCode, JsonObject, ListToolsRequest, PaginatedRequestParams, ServerResult,
    Tool,
};
use rmcp::{Peer, RoleClient, ServiceError};
use serde_json::{Value, json};

use super::schema::for_provider;
use super::server::Server;
use super::tool::McpTool;
use crate::domain::Language;
use crate::domain::text::{cut, excerpt, quoted, without_invisible};

/// Tools of one server that are taken; each costs the model attention.
const TOOLS_MAX: usize = 128;
/// Pages that are asked for: a server may never come to an end.
const PAGES_MAX: usize = 32;
/// Characters of a tool's name (the protocol's limit).
const NAME_MAX: usize = 128;
/// Reasons for leaving a tool out that are logged.
const LEFT_OUT_MAX: usize = 16;
/// Characters of a description.
const DESCRIPTION_MAX: usize = 4096;
/// Bytes of a schema, as JSON.
const SCHEMA_MAX: usize = 64 * 1024;

/// What a server tells.
pub(super) struct Listing {
    /// The tools that can be used, each name once.
    pub(super) tools: Vec<McpTool>,
    /// What cannot be used, and why; for the log.
    pub(super) left_out: Vec<String>,
}

/// Asks a server for its tools.
///
/// # Errors
/// The server does not answer as the protocol demands, or is lost.
pub(super) async fn read(
    peer: &Peer<RoleClient>,
    server: &Server,
) -> Result<Listing, ServiceError> {
    let mut tools = Vec::new();
    let mut left_out = Vec::new();
    let mut seen = BTreeSet::new();
    let mut cursor = None;
    for _ in 0..PAGES_MAX {
        let page = page(peer, cursor).await?;
        if page.malformed > 0 {
            left_out.push(format!("{} that are not well-formed", page.malformed));
        }
        for offered in page.tools {
            if tools.len() > TOOLS_MAX {
                break;
            }
            let name = offered.name.to_string();
            let taken = match seen.insert(name.clone()) {
                true => take(server, offered).await,
                false => Err("a second tool of this name".to_owned()),
            };
            match taken {
                Ok(tool) => tools.push(tool),
                Err(reason) => {
                    let name = excerpt(&name, NAME_MAX);
                    left_out.push(format!("{}: {reason}", quoted(&name)));
                }
            }
        }
        cursor = page.next;
        if cursor.is_none() || tools.len() > TOOLS_MAX {
            break;
        }
    }
    if cursor.is_some() || tools.len() > TOOLS_MAX {
        tools.truncate(TOOLS_MAX);
        left_out.push(format!("all beyond {PAGES_MAX} pages or {TOOLS_MAX} tools"));
    }
    left_out.truncate(LEFT_OUT_MAX);
    Ok(Listing { tools, left_out })
}

/// A part of a server's list.
#[derive(Debug)]
struct Page {
    tools: Vec<Tool>,
    /// How many more there are that the library does not understand.
    malformed: usize,
    next: Option<String>,
}

/// One page, and where the next one is. The library's own way keeps what it got and would answer
/// for a server that is gone.
async fn page(peer: &Peer<RoleClient>, cursor: Option<String>) -> Result<Page, ServiceError> {
    let mut params = PaginatedRequestParams::default();
    params.cursor = cursor;
    let request = ListToolsRequest::with_param(params);
    match peer.send_request(ClientRequest::ListToolsRequest(request)).await {
        Ok(ServerResult::ListToolsResult(page)) => {
            Ok(Page { tools: page.tools, malformed: 0, next: page.next_cursor })
        }
        // One tool that is not well-formed keeps the library from understanding any.
        Ok(ServerResult::CustomResult(page)) => salvaged(&page.0),
        Ok(_) => Err(ServiceError::UnexpectedResponse),
        Err(ServiceError::McpError(error)) if error.code == ErrorCode::METHOD_NOT_FOUND => {
            Ok(Page { tools: Vec::new(), malformed: 0, next: None })
        }
        Err(error) => Err(error),
    }
}

/// The well-formed tools of a page that has others, too.
fn salvaged(page: &Value) -> Result<Page, ServiceError> {
    let Some(offered) = page.get("tools").and_then(Value::as_array) else {
        return Err(ServiceError::UnexpectedResponse);
    };
    let tools: Vec<Tool> =
        offered.iter().filter_map(|tool| serde_json::from_value(tool.clone()).ok()).collect();
    let malformed = offered.len() - tools.len();
    let next = page.get("nextCursor").and_then(Value::as_str).map(str::to_owned);
    Ok(Page { tools, malformed, next })
}

async fn take(server: &Server, offered: Tool) -> Result<McpTool, String> {
    let name = offered.name.into_owned();
    if !is_name(&name) {
        return Err("not a name of a tool".to_owned());
    }
    let description = without_invisible(offered.description.as_deref().unwrap_or_default());
    let description = cut(&description, DESCRIPTION_MAX, Language::default());
    let meant = parameters(&offered.input_schema)?;
    let schema = server.checks.take(meant.clone()).await.map_err(|error| error.to_string())?;
    let parameters = for_provider(&meant)?;
    check_size(&parameters)?;
    Ok(McpTool::new(server, name, description, (parameters, schema)))
}

/// What the protocol says of names.
fn is_name(name: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"_-./".contains(&b);
    (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(is_plain)
}

/// A schema of arguments as they are checked, with nothing in it that is only there to deceive.
pub(super) fn parameters(schema: &JsonObject) -> Result<Value, String> {
    let mut schema = schema.clone();
    schema.entry("type").or_insert_with(|| json!("object"));
    let mut schema = Value::Object(schema);
    make_readable(&mut schema);
    check_size(&schema)?;
    Ok(schema)
}

/// What is combined in a schema is written out for a provider, which may make it longer.
fn check_size(schema: &Value) -> Result<(), String> {
    let size = schema.to_string().len();
    if size > SCHEMA_MAX { Err(format!("a schema of {size} bytes")) } else { Ok(()) }
}

/// Takes out of what is only there to be read whatever cannot be seen.
fn make_readable(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            for (key, value) in members {
                match value {
                    Value::String(text) if matches!(key.as_str(), "title" | "description") => {
                        *text = without_invisible(text);
                    }
                    value => make_readable(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(make_readable),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(schema: Value) -> JsonObject {
        serde_json::from_value(schema).unwrap()
    }

    #[test]
    fn names_are_what_the_protocol_says() {
        for name in ["get_time", "a.b", "read/file", "A-1"] {
            assert!(is_name(name), "{name:?}");
        }
        for name in ["", "a b", "도구", "a\n", "x\u{202e}", &"a".repeat(129)] {
            assert!(!is_name(name), "{name:?}");
        }
    }

    #[test]
    fn a_schema_is_of_an_object_and_has_nothing_unseen_to_read() {
        let given = object(json!({"properties": {"a": {"description": "x\u{202e}\0y"}}}));
        let expected = json!({"properties": {"a": {"description": "xy"}}, "type": "object"});
        assert_eq!(parameters(&given), Ok(expected));
        let long = object(json!({"properties": {"a": {"description": "x".repeat(SCHEMA_MAX)}}}));
        assert!(parameters(&long).is_err());
    }

    #[test]
    fn of_a_page_with_one_malformed_tool_the_others_are_taken() {
        let page = json!({"tools": [{"name": "no_schema"}, {"name": "a", "inputSchema": {}}]});
        let page = salvaged(&page).unwrap();
        assert_eq!((page.tools.len(), page.malformed, page.next), (1, 1, None));
        assert_eq!(page.tools[0].name, "a");
        assert!(salvaged(&json!({"tools": 7})).is_err());
    }
}
