//! Tool calls, as the many servers stream them.

use std::collections::HashSet;

use aura_platform::domain::ToolCallId;
use serde_json::{Value, json};

use super::*;

async fn calls_of(fragments: &[Value]) -> Whole {
    let chunks = fragments.iter().map(|chunk| chunk.as_array().unwrap());
    let reply = chunks.fold(Reply::stream(), |reply, chunk| reply.fragments(chunk));
    ask([reply.ends("tool_calls")]).await.unwrap()
}

fn call(id: &str, name: &str, arguments: &str) -> ToolCall {
    ToolCall::new(ToolCallId::new(id), name, arguments)
}

#[tokio::test]
async fn a_call_is_put_together_from_its_fragments_and_comes_after_the_text() {
    let reply = Reply::stream()
        .piece("보겠습니다")
        .call("call_1", "git_merge", ["{\"sou", "rce\":\"", "기능\"}"])
        .piece(".")
        .ends("tool_calls");
    let whole = ask([reply.in_pieces_of(11)]).await.unwrap();
    assert_eq!(whole.text, "보겠습니다.");
    assert_eq!(whole.calls, [call("call_1", "git_merge", r#"{"source":"기능"}"#)]);
    assert_eq!(whole.end.unwrap().usage, Some(USAGE));
}

#[tokio::test]
async fn parallel_calls_stay_apart_though_their_fragments_are_mixed() {
    let whole = calls_of(&[
        json!([{"index": 0, "id": "a", "function": {"name": "one", "arguments": ""}}]),
        json!([{"index": 1, "id": "b", "function": {"name": "two", "arguments": "{"}}]),
        json!([{"index": 0, "function": {"arguments": "{\"x\":1"}}, {"index": 1, "function": {"arguments": "}"}}]),
        json!([{"index": 0, "id": "a", "function": {"name": "one", "arguments": "}"}}]),
    ])
    .await;
    assert_eq!(whole.calls, [call("a", "one", r#"{"x":1}"#), call("b", "two", "{}")]);
}

#[tokio::test]
async fn calls_without_an_index_are_told_apart_by_their_ids() {
    let whole = calls_of(&[
        json!([{"id": "a", "function": {"name": "one", "arguments": "{"}}]),
        json!([{"function": {"arguments": "}"}}]),
        json!([{"id": "b", "function": {"name": "two", "arguments": "{"}}]),
        json!([{"id": "b", "function": {"arguments": "\"y\":"}}]),
        json!([{"id": "", "function": {"arguments": "2}"}}]),
    ])
    .await;
    assert_eq!(whole.calls, [call("a", "one", "{}"), call("b", "two", r#"{"y":2}"#)]);
}

#[tokio::test]
async fn calls_with_neither_index_nor_id_are_told_apart_by_place_and_name() {
    let whole = calls_of(&[
        json!([{"function": {"name": "one", "arguments": "{"}}, {"function": {"name": "two", "arguments": "["}}]),
        json!([{"function": {"arguments": "}"}}, {"function": {"arguments": "]"}}]),
        json!([{"function": {"name": "two", "arguments": {"n": 1}}}]),
    ])
    .await;
    assert_eq!(whole.names(), ["one", "two", "two"]);
    assert_eq!(whole.arguments(), ["{}", "[]", r#"{"n":1}"#]);
    assert_eq!(distinct_ids(&whole), 3);
}

#[tokio::test]
async fn calls_that_all_claim_the_same_index_are_told_apart_by_their_ids() {
    let whole = calls_of(&[
        json!([{"index": 0, "id": "a", "function": {"name": "one", "arguments": "{}"}}]),
        json!([{"index": 0, "id": "b", "function": {"name": "one", "arguments": "{"}}]),
        json!([{"index": 0, "function": {"arguments": "}"}}]),
    ])
    .await;
    assert_eq!(whole.calls, [call("a", "one", "{}"), call("b", "one", "{}")]);
}

#[tokio::test]
async fn ids_that_are_missing_or_used_before_are_replaced() {
    let reply = Reply::stream()
        .call("old", "one", ["{}"])
        .call("same", "two", ["{}"])
        .call("same", "three", ["{}"])
        .call("", "four", ["{}"])
        .ends("tool_calls");
    let model = FakeModel::always(reply).await;
    let mut request = prompt();
    let old = call("old", "one", "{}");
    request.messages.push(Message::Assistant { content: String::new(), tool_calls: vec![old] });
    let whole = read(open(&client(&model), request).await.unwrap()).await;
    assert_eq!(whole.names(), ["one", "two", "three", "four"]);
    assert_eq!(distinct_ids(&whole), 4);
    let ids: Vec<&str> = whole.calls.iter().map(|call| call.id.as_str()).collect();
    assert!(ids[0] != "old" && ids[1] == "same" && !ids.contains(&""), "{ids:?}");
}

#[tokio::test]
async fn arguments_that_are_not_json_are_passed_on_and_none_at_all_are_an_empty_object() {
    let reply = Reply::stream().call("a", "one", ["{not json"]).call("b", "two", []);
    let whole = ask([reply.ends("tool_calls")]).await.unwrap();
    assert_eq!(whole.calls, [call("a", "one", "{not json"), call("b", "two", "{}")]);
}

#[tokio::test]
async fn calls_beyond_all_measure_are_refused() {
    let many = (0..200).fold(Reply::stream(), |reply, n| reply.call(&n.to_string(), "one", ["{}"]));
    let error = ask([many.clone(), many.clone(), many]).await.unwrap_err();
    assert!(matches!(error, ModelError::Broken(_)), "{error:?}");
}

fn distinct_ids(whole: &Whole) -> usize {
    whole.calls.iter().map(|call| call.id.as_str()).collect::<HashSet<_>>().len()
}
