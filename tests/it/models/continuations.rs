//! Turns that go on from what was shown before an interruption.

use serde_json::json;

use super::*;
use crate::support::model::Gate;

fn after(begun: &str) -> ChatRequest {
    ChatRequest { partial: begun.into(), ..prompt() }
}

/// The continuation of a text, by a model that answers so.
async fn go_on(begun: &str, reply: Reply) -> Whole {
    let model = FakeModel::always(reply).await;
    read(open(&client(&model), after(begun)).await.unwrap()).await
}

#[tokio::test]
async fn the_model_sees_what_it_said_and_is_asked_to_go_on() {
    let model = FakeModel::always(Reply::text([" is clean."])).await;
    let client = client(&model);
    let rest = read(open(&client, after("The repository")).await.unwrap()).await;
    assert_eq!(rest.text, " is clean.");
    read(open(&client, prompt()).await.unwrap()).await;
    let [continued, fresh] = model.requests().try_into().unwrap();
    assert_eq!(continued.message(-2), &json!({"role": "assistant", "content": "The repository"}));
    assert_eq!(continued.message(-1)["role"], "user");
    let asked = continued.message(-1)["content"].as_str().unwrap().to_owned();
    assert!(asked.contains("Continue it exactly where its text stops"), "{asked}");
    let messages = |request: &crate::support::model::Recorded| request.body["messages"].clone();
    let (continued, fresh) = (messages(&continued), messages(&fresh));
    assert_eq!(continued.as_array().unwrap()[..2], fresh.as_array().unwrap()[..]);
}

#[tokio::test]
async fn a_model_that_starts_over_is_heard_from_where_the_text_stopped() {
    for pieces in [
        vec!["저장소는 ", "깨끗하고 ", "브랜치는 main입니다."],
        vec!["깨끗하고 브랜치는 main입니다."],
        vec!["깨", "끗", "하고 브랜", "치는 main입니다."],
        vec!["브랜치는 main입니다."],
    ] {
        let rest = go_on("저장소는 깨끗하고 ", Reply::text(pieces.iter().copied())).await;
        assert_eq!(rest.text, "브랜치는 main입니다.", "{pieces:?}");
    }
}

#[tokio::test]
async fn what_is_no_repetition_is_shown_before_the_model_has_finished() {
    let gate = Gate::closed();
    let reply = Reply::stream().piece("저장소에는 ").gate(&gate).piece("변경이 없습니다.");
    let model = FakeModel::always(reply.ends("stop")).await;
    let mut turn = open(&client(&model), after("저장소는 깨끗하고 ")).await.unwrap();
    assert_eq!(next(&mut turn).await, Some(Ok(Delta::Text("저장소에는 ".into()))));
    gate.open();
    assert_eq!(read(turn).await.text, "변경이 없습니다.");
}

#[tokio::test]
async fn nothing_to_add_is_a_turn_too() {
    for reply in [Reply::text([]), Reply::text(["It is ", "clean."])] {
        let rest = go_on("It is clean.", reply).await;
        assert_eq!((rest.text.as_str(), rest.error), ("", None));
        assert!(rest.end.is_some());
    }
}

#[tokio::test]
async fn calls_follow_a_text_that_was_shown_before() {
    let start = Reply::stream().piece("I will ").piece("look");
    let reply = start.call("c1", "git_status", ["{}"]).ends("tool_calls");
    let rest = go_on("I will look", reply).await;
    assert_eq!((rest.text.as_str(), rest.names()), ("", vec!["git_status"]));
    let reply = Reply::stream().piece("I will").call("c1", "git_status", ["{}"]);
    let rest = go_on("I will look", reply.ends("tool_calls")).await;
    assert_eq!(rest.text, "I will", "only a part: not surely a repetition, so it is not kept back");
    assert_eq!(rest.names(), ["git_status"]);
}
