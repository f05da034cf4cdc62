//! Models that fail, and when they are asked again.

use aura_platform::llm::openai::Endpoint;
use serde_json::json;
use tokio::net::TcpListener;

use super::*;
use crate::support::model::Gate;

/// The error of a turn that never begins, and the number of attempts.
async fn fails(reply: Reply) -> (ModelError, usize) {
    let model = FakeModel::always(reply).await;
    let error = open(&client(&model), prompt()).await.map(|_| ()).unwrap_err();
    (error, model.requests().len())
}

#[tokio::test]
async fn what_passes_is_tried_again_until_it_works() {
    for status in [408, 409, 429, 500, 502, 503, 529] {
        let replies = [Reply::status(status), Reply::status(status), Reply::text(["ok"])];
        assert_eq!(ask(replies).await.unwrap().text, "ok", "{status}");
    }
    let late = Reply::status(429).header("retry-after", "Fri, 31 Dec 2100 23:59:59 GMT");
    let soon = Reply::status(503).header("retry-after", "3600");
    assert_eq!(ask([late, soon, Reply::text(["ok"])]).await.unwrap().text, "ok");
}

#[tokio::test]
async fn what_does_not_pass_is_a_typed_error_in_the_end() {
    let (error, attempts) = fails(Reply::refusing(429, "slow down")).await;
    let expected = ModelError::RateLimited("429 Too Many Requests: slow down".into());
    assert_eq!((error, attempts), (expected, 3));
    let (error, attempts) = fails(Reply::status(500).raw("<html>oops</html>")).await;
    let expected = ModelError::Unavailable("500 Internal Server Error".into());
    assert_eq!((error, attempts), (expected, 3));
}

#[tokio::test]
async fn a_refusal_is_not_repeated_and_says_why_without_the_key() {
    let said = "Incorrect API key: 'sk-test-key', \u{1b}also sk-proj-abc***.\n".to_owned();
    let (error, attempts) = fails(Reply::refusing(401, &(said + &"x".repeat(1000)))).await;
    assert_eq!(attempts, 1);
    let ModelError::Denied(text) = error else { panic!("{error:?}") };
    assert!(
        text.starts_with("401 Unauthorized: Incorrect API key: '[key]', also [key] xx"),
        "{text}"
    );
    assert!(text.len() < 600 && text.ends_with("xx… (1039 bytes)"), "{text}");
}

#[tokio::test]
async fn errors_in_other_forms_are_read_too_and_huge_ones_not_to_the_end() {
    for body in [json!({"error": "no"}), json!({"message": "no"}), json!({"detail": "no"})] {
        let (error, _) = fails(Reply::status(404).raw(body.to_string())).await;
        assert_eq!(error, ModelError::Denied("404 Not Found: no".into()));
    }
    let endless = Reply::status(400).raw(vec![b' '; 1 << 20]).goes_silent();
    assert_eq!(fails(endless).await.0, ModelError::Refused("400 Bad Request".into()));
}

#[tokio::test]
async fn a_used_up_quota_is_not_asked_again() {
    let body = json!({"error": {"message": "pay", "code": "insufficient_quota"}});
    let (error, attempts) = fails(Reply::status(429).raw(body.to_string())).await;
    assert!(matches!(error, ModelError::RateLimited(_)), "{error:?}");
    assert_eq!(attempts, 1);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (error, attempts) = fails(Reply::status(302).header("location", "/v2")).await;
    assert_eq!((error, attempts), (ModelError::Refused("302 Found".into()), 1));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let model = FakeModel::scripted([]).await;
    let endpoint = Endpoint::OpenAi { base_url, api_key: None };
    let client = OpenAi::new(OpenAiConfig { endpoint, ..config(&model) }).unwrap();
    let error = open(&client, prompt()).await.map(|_| ()).unwrap_err();
    assert!(matches!(&error, ModelError::Unavailable(why) if why.contains("refused")), "{error:?}");
}

#[tokio::test]
async fn a_stream_cut_before_anything_was_shown_is_asked_for_again() {
    let empty = Reply::stream().cut();
    let half_a_call = Reply::stream().call("a", "one", ["{\"x\":"]).cut();
    let whole = ask([empty, half_a_call, Reply::text(["ok"])]).await.unwrap();
    assert_eq!((whole.text.as_str(), whole.calls.len()), ("ok", 0));
}

#[tokio::test]
async fn a_stream_cut_after_something_was_shown_is_broken_and_not_asked_for_again() {
    let cuts = [Reply::stream().piece("a").cut(), Reply::stream().piece("a")];
    for reply in cuts {
        let model = FakeModel::always(reply).await;
        let whole = read(open(&client(&model), prompt()).await.unwrap()).await;
        assert_eq!(whole.text, "a");
        assert!(matches!(whole.error, Some(ModelError::Broken(_))), "{whole:?}");
        assert_eq!(model.requests().len(), 1);
    }
}

#[tokio::test]
async fn an_answer_with_nothing_in_it_is_broken() {
    let empty = [
        Reply::stream(),
        Reply::stream().done(),
        Reply::status(200).raw("<html>welcome</html>"),
        Reply::stream().raw("data: {oops\n\n"),
        Reply::stream().raw("data: [1]\n\n"),
        Reply::json(&json!({})),
    ];
    for reply in empty {
        let (error, attempts) = fails(reply.clone()).await;
        assert!(matches!(error, ModelError::Broken(_)), "{error:?} of {reply:?}");
        assert_eq!(attempts, 3);
    }
}

#[tokio::test]
async fn an_event_over_the_limit_is_broken() {
    let (error, _) = fails(Reply::stream().piece(&"x".repeat(1 << 20))).await;
    assert!(matches!(&error, ModelError::Broken(why) if why.contains("1048576")), "{error:?}");
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_stream_is_typed() {
    let cases = [
        (json!({"code": "rate_limit_exceeded"}), ModelError::RateLimited("why".into())),
        (json!({"type": "server_error"}), ModelError::Unavailable("why".into())),
        (json!({"code": 503}), ModelError::Unavailable("why".into())),
        (json!({"code": "content_filter"}), ModelError::Filtered("why".into())),
        (json!({"type": "authentication_error"}), ModelError::Denied("why".into())),
        (json!({"type": "invalid_request_error"}), ModelError::Refused("why".into())),
        (json!({"type": "surprise"}), ModelError::Broken("why".into())),
    ];
    for (mut error, expected) in cases {
        error["message"] = "why".into();
        let reply = Reply::stream().piece("a").chunk(&json!({"error": error})).done();
        let whole = ask([reply]).await.unwrap();
        assert_eq!((whole.text.as_str(), whole.error), ("a", Some(expected)));
    }
}

#[tokio::test]
async fn an_error_at_the_start_of_a_stream_is_asked_for_again_if_it_may_pass() {
    let error = |kind: &str| json!({"error": {"message": "why", "type": kind}});
    let passes = Reply::stream().chunk(&error("server_error"));
    assert_eq!(ask([passes, Reply::text(["ok"])]).await.unwrap().text, "ok");
    let (refused, attempts) = fails(Reply::json(&error("invalid_request_error"))).await;
    assert_eq!((refused, attempts), (ModelError::Refused("why".into()), 1));
}

#[tokio::test]
async fn an_answer_that_the_content_filter_stops_is_refused() {
    let whole = ask([Reply::stream().piece("a").ends("content_filter")]).await.unwrap();
    assert!(matches!(whole.error, Some(ModelError::Filtered(_))), "{whole:?}");
}

#[tokio::test]
async fn a_model_that_writes_more_than_a_mebibyte_is_stopped() {
    let page = "x".repeat(256 * 1024);
    let four = (0..4).fold(Reply::stream(), |reply, _| reply.piece(&page));
    let whole = ask([four.clone().ends("stop")]).await.unwrap();
    assert_eq!((whole.text.len(), whole.error), (1024 * 1024, None));
    let whole = ask([four.piece("!").ends("stop")]).await.unwrap();
    assert!(matches!(whole.error, Some(ModelError::Broken(_))), "{:?}", whole.error);
}

#[tokio::test]
async fn dropping_the_turn_cancels_the_request() {
    let model = FakeModel::always(Reply::stream().piece("a").goes_silent()).await;
    let mut turn = open(&client(&model), prompt()).await.unwrap();
    assert_eq!(next(&mut turn).await, Some(Ok(Delta::Text("a".into()))));
    drop(turn);
    model.wait_for_hang_ups(1).await;
}

#[tokio::test]
async fn dropping_the_question_cancels_the_request_too() {
    let gate = Gate::closed();
    let model = FakeModel::always(Reply::stream().gate(&gate).piece("a").ends("stop")).await;
    let client = client(&model);
    tokio::select! {
        _ = client.chat(prompt()) => panic!("the model says nothing before the gate"),
        () = gate.reached() => {}
    }
    model.wait_for_hang_ups(1).await;
}
