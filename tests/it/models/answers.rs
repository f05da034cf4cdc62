//! Answers in words.

use aura_platform::domain::{Certainty, Confidence};
use serde_json::json;

use super::*;
use crate::support::model::Gate;

#[tokio::test]
async fn text_arrives_piece_by_piece_as_the_model_writes_it() {
    let gate = Gate::closed();
    let reply = Reply::stream().piece("안녕").gate(&gate).piece("하세요").ends("stop");
    let model = FakeModel::always(reply).await;
    let mut turn = open(&client(&model), prompt()).await.unwrap();
    assert_eq!(next(&mut turn).await, Some(Ok(Delta::Text("안녕".into()))));
    gate.reached().await;
    gate.open();
    assert_eq!(next(&mut turn).await, Some(Ok(Delta::Text("하세요".into()))));
    let end = TurnEnd { usage: Some(USAGE), ..TurnEnd::default() };
    assert_eq!(next(&mut turn).await, Some(Ok(Delta::End(end))));
    assert_eq!(next(&mut turn).await, None);
}

#[tokio::test]
async fn an_answer_is_the_same_wherever_the_network_cuts_it() {
    for size in [1, 2, 3, 7, 64, 1000] {
        let reply = Reply::text(["안녕", "하세요 ", "😀\n"]).in_pieces_of(size);
        let whole = ask([reply]).await.unwrap();
        assert_eq!(whole.text, "안녕하세요 😀\n", "in pieces of {size}");
        assert_eq!(whole.end.unwrap().usage, Some(USAGE));
    }
}

#[tokio::test]
async fn confidence_is_the_geometric_mean_of_the_tokens_probabilities() {
    let reply = Reply::stream()
        .piece_with_logprobs("a", &[0.9_f64.ln()])
        .piece_with_logprobs("bc", &[0.4_f64.ln(), 0.9_f64.ln()])
        .ends("stop");
    let end = ask([reply]).await.unwrap().end.unwrap();
    let mean = (0.9_f64 * 0.4 * 0.9).powf(1.0 / 3.0);
    assert_eq!(end.confidence, Some(Certainty::Measured(Confidence::new(mean))));
    assert_eq!(ask([Reply::text(["a"])]).await.unwrap().end.unwrap().confidence, None);
}

#[tokio::test]
async fn an_answer_that_reached_the_length_limit_says_so() {
    let whole = ask([Reply::stream().piece("cut o").ends("length")]).await.unwrap();
    assert!(whole.end.unwrap().truncated);
}

#[tokio::test]
async fn a_stream_may_end_without_done_once_the_model_has_finished() {
    let whole = ask([Reply::stream().piece("a").finish("stop").usage(10, 5)]).await.unwrap();
    assert_eq!(whole.end.unwrap().usage, Some(USAGE));
    let whole = ask([Reply::stream().piece("a").finish("stop").cut()]).await.unwrap();
    assert_eq!((whole.text.as_str(), whole.error), ("a", None));
}

#[tokio::test]
async fn the_last_event_counts_without_a_blank_line_behind_it() {
    let last =
        json!({"choices": [{"index": 0, "delta": {"content": "b"}, "finish_reason": "stop"}]});
    for end in ["\n", ""] {
        let reply = Reply::stream().piece("a").raw(format!("data: {last}{end}"));
        let whole = ask([reply]).await.unwrap();
        assert_eq!((whole.text.as_str(), whole.error), ("ab", None));
    }
    let done = Reply::stream().piece("a").finish("stop").raw("data: [DONE]");
    assert_eq!(ask([done]).await.unwrap().error, None);
    let cut_count = Reply::stream().piece("a").finish("stop").raw("data: {\"choices\":[],\"us");
    assert_eq!(ask([cut_count]).await.unwrap().error, None);
    let cut = Reply::stream().piece("a").raw("data: {\"choices\":[{\"del");
    assert!(matches!(ask([cut]).await.unwrap().error, Some(ModelError::Broken(_))));
}

#[tokio::test]
async fn a_reason_to_finish_that_nobody_has_heard_of_ends_the_turn_too() {
    for reason in ["OTHER", "eos", "function_call"] {
        let whole = ask([Reply::stream().piece("a").finish(reason)]).await.unwrap();
        assert_eq!((whole.text.as_str(), whole.error), ("a", None), "{reason}");
    }
}

#[tokio::test]
async fn an_empty_reason_is_no_end() {
    let choice = json!({"index": 0, "delta": {"content": "a"}, "finish_reason": ""});
    let reply = Reply::stream().chunk(&json!({"choices": [choice]})).piece("b").ends("stop");
    assert_eq!(ask([reply]).await.unwrap().text, "ab");
}

#[tokio::test]
async fn what_compatible_servers_leave_out_or_get_wrong_does_not_matter() {
    let reply = Reply::stream()
        .chunk(&json!({"choices": [], "prompt_filter_results": [{"prompt_index": 0}]}))
        .chunk(&json!({"created": 1.5, "model": null, "service_tier": "odd"}))
        .delta(&json!({"role": "", "content": null, "tool_calls": null}))
        .delta(&json!({"role": 7, "content": "a", "tool_calls": "none", "refusal": false}))
        .chunk(&json!({"choices": [{"delta": {"content": "b"}, "logprobs": "no", "index": "0"}]}))
        .chunk(&json!({"choices": [{"delta": {"content": [{"type": "text", "text": "c"}]}}], "usage": {}}))
        .chunk(&json!({"choices": [{"index": 1, "delta": {"content": "another answer"}}]}))
        .raw("event: ping\ndata:\n\n")
        .ends("stop");
    let whole = ask([reply]).await.unwrap();
    assert_eq!((whole.text.as_str(), whole.end.unwrap().usage), ("abc", Some(USAGE)));
}

#[tokio::test]
async fn a_refusal_is_text_and_thinking_aloud_is_not() {
    let reply = Reply::stream()
        .delta(&json!({"reasoning_content": "hm", "reasoning": "hm"}))
        .delta(&json!({"refusal": "I'd rather not."}))
        .ends("stop");
    let whole = ask([reply]).await.unwrap();
    assert_eq!((whole.reasoning.as_str(), whole.text.as_str()), ("hm", "I'd rather not."));
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_understood() {
    let body = json!({
        "choices": [{
            "message": {"role": "assistant", "content": "네", "reasoning_content": "음", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "git_status", "arguments": "{}"}},
            ]},
            "logprobs": {"content": [{"logprob": 0.5_f64.ln()}]},
            "finish_reason": "tool_calls",
        }],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5},
    });
    let replies =
        [Reply::json(&body), Reply::stream().raw(format!("\n \n{body:#}\n")).in_pieces_of(5)];
    for reply in replies {
        let whole = ask([reply]).await.unwrap();
        assert_eq!((whole.text.as_str(), whole.names()), ("네", vec!["git_status"]));
        assert_eq!(whole.reasoning, "음");
        let confidence = Some(Certainty::Measured(Confidence::new(0.5)));
        let end = TurnEnd { usage: Some(USAGE), confidence, truncated: false };
        assert_eq!(whole.end, Some(end));
    }
}
