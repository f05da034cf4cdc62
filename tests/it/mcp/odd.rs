//! Servers that do not keep to the letter of the protocol, over both transports.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use aura_platform::tools::mcp::Transport;
use aura_platform::tools::{ToolError, ToolSpec};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Fixture, command, config, script};

async fn odd() -> Fixture {
    let script = script("odd.py");
    Fixture::start(config("odd", command(Path::new("python3"), [&script], None))).up().await
}

#[tokio::test]
async fn an_answer_that_can_be_understood_is_taken_at_once() {
    let fixture = odd().await;
    for (tool, text) in [
        ("error_null", "ok"),
        ("no_version", "ok"),
        ("marked", "ok"),
        ("batch", "ok"),
        ("bare", "ok"),
        ("not_utf8", "caf\u{fffd}"),
        ("half", "a\u{fffd}"),
    ] {
        assert_eq!(fixture.text(tool).await, text, "{tool}");
    }
    let result = fixture.call("not_a_number", json!({})).await.unwrap();
    assert_eq!(result, json!({"structured": {"n": null}, "text": "ok"}));
    fixture.end().await;
}

#[tokio::test]
async fn an_error_is_told_with_its_words_whatever_its_form() {
    let fixture = odd().await;
    for tool in ["error_text", "error_beside_null", "error_without_words"] {
        assert_eq!(fixture.fault(tool, json!({})).await, "disk full", "{tool}");
    }
    let fault = fixture.fault("neither", json!({})).await;
    assert_eq!(fault, "the answer holds neither a result nor an error");
    fixture.end().await;
}

#[tokio::test]
async fn what_is_not_known_of_a_result_becomes_a_note_beside_the_rest() {
    let fixture = odd().await;
    let told =
        "ok\n[content of the kind \"video\": https://a/b.mp4]\n[link to resource file:///c]\n";
    assert_eq!(fixture.text("video").await, told);
    fixture.end().await;
}

#[tokio::test]
async fn a_text_that_the_structured_result_repeats_is_told_once() {
    let fixture = odd().await;
    let result = fixture.call("twice", json!({})).await.unwrap();
    assert_eq!(result, json!({"structured": {"result": "ok"}}));
    let result = fixture.call("spelled", json!({})).await.unwrap();
    assert_eq!(result, json!({"structured": {"a": 2, "b": 1}}));
    let result = fixture.call("same", json!({})).await.unwrap();
    assert_eq!(result, json!({"text": "ok", "cut": "texts left out that repeat another one: 1"}));
    fixture.end().await;
}

#[tokio::test]
async fn an_answer_that_is_no_json_to_its_end_is_told_at_once() {
    let fixture = odd().await;
    let fault = fixture.fault("broken", json!({})).await;
    assert!(fault.starts_with("the answer is not JSON (EOF while parsing"), "{fault}");
    assert_eq!(fixture.text("bare").await, "ok", "the connection goes on");
    fixture.end().await;
}

#[tokio::test]
async fn a_call_that_is_answered_with_what_is_no_message_says_so_when_its_time_is_over() {
    let script = script("odd.py");
    let mut config = config("odd", command(Path::new("python3"), [&script], None));
    config.timeout = Duration::from_secs(1);
    config.read_only.insert("noise".to_owned());
    let fixture = Fixture::start(config).up().await;
    let expected = "the tool did not finish within 1 s; meanwhile the server wrote what is no message of the \
                    protocol on its standard output (2 lines), and the answer may have been among that";
    assert_eq!(fixture.fault("noise", json!({})).await, expected);
    fixture.end().await;
}

#[tokio::test]
async fn every_schema_that_a_model_is_told_is_one_that_providers_take() {
    let fixture = odd().await;
    let specs = fixture.tools.specs();
    let of = |name: &str| -> Option<&ToolSpec> {
        specs.iter().find(|spec| spec.name == format!("odd.{name}"))
    };
    for spec in specs.iter() {
        let schema = &spec.parameters;
        assert_eq!(schema["type"], "object", "{schema}");
        assert!(schema["properties"].is_object(), "{schema}");
        for keyword in ["$ref", "anyOf", "oneOf", "allOf", "enum", "not"] {
            assert!(schema.get(keyword).is_none(), "{schema}");
        }
    }
    assert!(of("schema_object").is_some() && of("schema_closed").is_some());
    assert_eq!(of("schema_ref").unwrap().parameters["required"], json!(["n"]));
    assert!(of("schema_any").unwrap().parameters["properties"]["b"].is_object());
    assert!(of("schema_endless").is_none(), "only that one is left out");
    // What the server says still counts.
    let refused = fixture.call("schema_any", json!({"c": "x"})).await;
    assert!(matches!(refused, Err(ToolError::InvalidArguments(_))), "{refused:?}");
    assert_eq!(fixture.call("schema_ref", json!({"n": 1})).await.unwrap()["text"], "{\"n\": 1}");
    fixture.end().await;
}

/// How a server over HTTP answers a call.
#[derive(Clone, Copy, Debug)]
enum Style {
    PingsBefore,
    OtherCase,
    NoType,
    ErrorNull,
    NotUtf8,
}

fn answer(style: Style, request: &Value) -> Response {
    let result = match request["method"].as_str() {
        Some("initialize") => json!({
            "protocolVersion": request["params"]["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "odd", "version": "1"},
        }),
        Some("tools/list") => json!({"tools": [{"name": "hi", "inputSchema": {"type": "object"}}]}),
        Some("tools/call") => json!({"content": [{"type": "text", "text": "hi"}]}),
        Some("server/discover") => return StatusCode::BAD_REQUEST.into_response(),
        _ => return StatusCode::ACCEPTED.into_response(),
    };
    let message = json!({"jsonrpc": "2.0", "id": request["id"], "result": result});
    let stream = |before: &str| format!("{before}event: message\ndata: {message}\n\n");
    match style {
        Style::PingsBefore => {
            let before = "event: ping\ndata: still here\n\ndata: hello\n\n: c\n\nid: 7\ndata:\n\n";
            ([("content-type", "Text/Event-Stream; charset=utf-8")], stream(before)).into_response()
        }
        Style::OtherCase => {
            ([("content-type", "Application/JSON")], message.to_string()).into_response()
        }
        Style::NoType => {
            let mut response = message.to_string().into_response();
            response.headers_mut().remove("content-type");
            response
        }
        Style::ErrorNull => {
            let body = message.to_string().replace("\"result\"", "\"error\":null,\"result\"");
            ([("content-type", "application/json")], body).into_response()
        }
        Style::NotUtf8 => {
            let mut body = b"event: message\ndata: ".to_vec();
            let text = message.to_string().replace("\"hi\"}", "\"caf\u{1}\"}");
            body.extend(text.bytes().map(|byte| if byte == 1 { 0xe9 } else { byte }));
            body.extend(b"\n\n");
            ([("content-type", "text/event-stream")], body).into_response()
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the double is not part of the service")]
async fn over_http(style: Style) -> Transport {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap()).parse().unwrap();
    let handler = move |_: HeaderMap, body: Bytes| async move {
        answer(style, &serde_json::from_slice(&body).unwrap())
    };
    let app = Router::new().route("/mcp", post(handler));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    Transport::Http { url, headers: BTreeMap::new() }
}

#[tokio::test]
async fn a_server_over_http_is_understood_whatever_it_says_beside_its_answers() {
    for style in
        [Style::PingsBefore, Style::OtherCase, Style::NoType, Style::ErrorNull, Style::NotUtf8]
    {
        let fixture = Fixture::start(config("web", over_http(style).await)).up().await;
        let expected = if matches!(style, Style::NotUtf8) { "caf\u{fffd}" } else { "hi" };
        assert_eq!(fixture.text("hi").await, expected, "{style:?}");
        fixture.end().await;
    }
}
