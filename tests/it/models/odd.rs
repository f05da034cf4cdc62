//! What models and the servers around them have been seen to say, against every protocol.

use serde_json::{Value, json};

use super::*;

/// A stream that says something, and then this event, as it is on the wire.
fn interrupted_by(event: &str) -> [Reply; 3] {
    let text = Reply::stream().piece("half an ans");
    let call = Reply::stream().call("a", "git_merge", ["{\"source\":\"x\"}"]);
    let finished =
        Reply::stream().call("a", "git_merge", ["{\"source\":\"x\"}"]).finish("tool_calls");
    [text, call, finished].map(|reply| reply.raw(format!("{event}\n\n")).done())
}

#[tokio::test]
async fn an_error_in_the_stream_ends_the_turn_in_every_form_and_nothing_of_it_runs() {
    let events = [
        r#"data: {"detail":"internal failure"}"#,
        "event: error\ndata: {\"type\":\"error\",\"code\":\"500\",\"message\":\"internal failure\"}",
        r#"data: [{"error":{"code":503,"message":"internal failure"}}]"#,
        r#"data: {"error":"internal failure"}"#,
        r#"data: {"error":{"message":"internal failure"},"choices":[]}"#,
        r#"data: {"message":"internal failure","code":"InternalError"}"#,
        r#"data: {"errors":["internal failure"]}"#,
        r#"data: {"choices":[{"index":0,"delta":{"content":""},"error":{"message":"internal failure"}}]}"#,
        r#"data: [{"choices":[]},{"detail":"internal failure"}]"#,
        r#"data: "internal failure""#,
        "event: error\ndata: internal failure",
        "event: error\ndata: {\"choices\":[],\"message\":\"internal failure\"}",
        "error: internal failure",
        r#"error: {"message":"internal failure","code":500}"#,
        r#"{"error":{"message":"internal failure"}}"#,
        r#" [{"error":{"code":503,"message":"internal failure"}}]"#,
        "event: response.failed\ndata: {\"response\":{},\"message\":\"internal failure\"}",
    ];
    for event in events {
        for reply in interrupted_by(event) {
            // What may pass is asked for again where nothing was shown: three times in all.
            let whole = match ask([reply.clone(), reply.clone(), reply]).await {
                Ok(whole) => whole,
                Err(error) => Whole { error: Some(error), ..Whole::default() },
            };
            let error = whole.error.unwrap_or_else(|| panic!("no fault: {event}"));
            assert!(error.to_string().contains("internal failure"), "{error} of {event}");
            assert_eq!(whole.calls, [], "{event}");
        }
    }
}

#[tokio::test]
async fn an_error_event_without_words_is_an_error_too() {
    for data in ["{}", "null", "[DONE]", "{\"choices\":[]}"] {
        let reply =
            Reply::stream().piece("a").raw(format!("event: error\ndata: {data}\n\n")).done();
        let error = ask([reply]).await.unwrap().error;
        assert!(matches!(error, Some(ModelError::Broken(_))), "{error:?} of {data}");
    }
}

#[tokio::test]
async fn signs_of_life_are_no_errors() {
    let reply = Reply::stream()
        .raw("event: ping\ndata: still here\n\n")
        .raw("data: {\"type\":\"ping\"}\n\n")
        .raw("data: {\"error\":null}\n\n")
        .raw("data: null\n\n")
        .raw("retry: 5\nfoo: bar\n: error: none\n\n")
        .raw("data: []\n\n")
        .piece("a")
        .raw("event: heartbeat\ndata: 12:00\n\n")
        .chunk(&json!({"choices": [], "base_resp": {"status_code": 0, "status_msg": ""}}))
        .ends("stop");
    let whole = ask([reply]).await.unwrap();
    assert_eq!((whole.text.as_str(), whole.error), ("a", None));
}

#[tokio::test]
async fn an_answer_in_one_piece_that_is_a_list_with_an_error_is_that_error() {
    let body = json!([{"error": {"code": 400, "message": "no", "status": "INVALID_ARGUMENT"}}]);
    let error = ask([Reply::json(&body)]).await.unwrap_err();
    assert_eq!(error, ModelError::Refused("no".into()));
    let refused = Reply::status(400).raw(body.to_string());
    assert_eq!(
        ask([refused]).await.unwrap_err(),
        ModelError::Refused("400 Bad Request: no".into())
    );
}

#[tokio::test]
async fn a_reason_to_stop_that_is_a_failure_fails_and_no_call_is_taken_up() {
    for reason in
        ["error", "insufficient_system_resource", "network_error", "MALFORMED_FUNCTION_CALL"]
    {
        let spoke = Reply::stream().piece("half").ends(reason);
        let error = ask([spoke]).await.unwrap().error.unwrap();
        assert!(matches!(&error, ModelError::Broken(why) if why.contains(reason)), "{error:?}");
        let called = Reply::stream().call("a", "one", ["{}"]).ends(reason);
        let error = ask([called.clone(), called.clone(), called]).await.unwrap_err();
        assert!(error.to_string().contains(reason), "{error:?}");
    }
    // Nothing was shown, so it is asked again.
    let failed = Reply::stream().ends("network_error");
    assert_eq!(ask([failed, Reply::text(["ok"])]).await.unwrap().text, "ok");
}

#[tokio::test]
async fn a_filter_by_any_name_is_not_asked_again() {
    for reason in ["SAFETY", "RECITATION", "content_filter", "sensitive"] {
        let model = FakeModel::always(Reply::stream().call("a", "one", ["{}"]).ends(reason)).await;
        let error = open(&client(&model), prompt()).await.map(|_| ()).unwrap_err();
        assert!(matches!(error, ModelError::Filtered(_)), "{error:?} of {reason}");
        assert_eq!(model.requests().len(), 1, "{reason}");
    }
}

#[tokio::test]
async fn an_answer_cut_at_its_limit_says_so_whatever_the_limit_is_called() {
    for reason in ["max_tokens", "MAX_TOKENS", "max_output_tokens", "model_length"] {
        let whole = ask([Reply::stream().piece("cut o").ends(reason)]).await.unwrap();
        assert!(whole.end.unwrap().truncated, "{reason}");
    }
    let twice = Reply::stream().piece("cut o").finish("length").ends("stop");
    assert!(ask([twice]).await.unwrap().end.unwrap().truncated);
}

#[tokio::test]
async fn two_calls_under_one_index_and_without_ids_are_two() {
    let call = |id: Value, name: &str, arguments: &str| json!({"index": 0, "id": id, "function": {"name": name, "arguments": arguments}});
    for id in [json!(""), json!(null)] {
        for name in ["git_log", "git_status"] {
            let fragments =
                [call(id.clone(), "git_log", "{}"), call(id.clone(), name, "{\"limit\":1}")];
            let together = Reply::stream().fragments(&fragments);
            let [first, second] = fragments;
            let apart = Reply::stream().fragments(&[first]).fragments(&[second]);
            for reply in [together, apart] {
                let whole = ask([reply.ends("tool_calls")]).await.unwrap();
                assert_eq!(whole.names(), ["git_log", name]);
                assert_eq!(whole.arguments(), ["{}", "{\"limit\":1}"]);
                assert_ne!(whole.calls[0].id, whole.calls[1].id);
            }
        }
    }
}

/// A chunk whose delta is written just like this.
fn delta(text: &str) -> String {
    format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{text}}}]}}\n\n")
}

#[tokio::test]
async fn a_character_that_is_cut_in_two_is_joined_or_marked() {
    let content = |text: &str| delta(&format!("{{\"content\":\"{text}\"}}"));
    let cases: [(&[&str], &str); 5] = [
        (&[r"a\ud83d", r"\ude00b"], "a😀b"),
        (&[r"\ud83d", "", r"\ude00"], "😀"),
        (&[r"a\ud83d"], "a\u{fffd}"),
        (&[r"\ud83d", "b"], "\u{fffd}b"),
        (&[r"\ude00"], "\u{fffd}"),
    ];
    for (pieces, expected) in cases {
        let reply = pieces.iter().fold(Reply::stream(), |reply, piece| reply.raw(content(piece)));
        let whole = ask([reply.ends("stop")]).await.unwrap();
        assert_eq!((whole.text.as_str(), whole.error), (expected, None), "{pieces:?}");
    }
    let think = |text: &str| delta(&format!("{{\"reasoning_content\":\"{text}\"}}"));
    let reply = Reply::stream().raw(think(r"hm \ud83e")).raw(think(r"\udd14")).piece("ok");
    assert_eq!(ask([reply.ends("stop")]).await.unwrap().reasoning, "hm 🤔");
    let call = |text: &str, head: &str| {
        delta(&format!(
            r#"{{"tool_calls":[{{"index":0,{head}"function":{{"arguments":"{text}"}}}}]}}"#
        ))
    };
    let reply = Reply::stream()
        .raw(call(r#"{\"t\":\"\ud83d"#, r#""id":"a","#))
        .raw(call(r#"\ude00\"}"#, ""))
        .ends("tool_calls");
    assert_eq!(ask([reply]).await.unwrap().arguments(), ["{\"t\":\"😀\"}"]);
}

#[tokio::test]
async fn a_probability_that_is_no_number_is_none() {
    for number in ["-Infinity", "NaN", "Infinity", "null", "\"low\""] {
        let chunk = format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"hi\"}},\"logprobs\":\
             {{\"content\":[{{\"token\":\"hi\",\"logprob\":{number}}}]}}}}]}}\n\n"
        );
        let whole = ask([Reply::stream().raw(chunk).ends("stop")]).await.unwrap();
        assert_eq!((whole.text.as_str(), whole.end.unwrap().confidence), ("hi", None), "{number}");
    }
}

#[tokio::test]
async fn probabilities_are_left_out_for_a_provider_that_refuses_them_in_its_own_words() {
    let refusals = [
        Reply::refusing(403, "You are not allowed to request LogProbs from this model"),
        Reply::status(500).raw("logprobs is not supported"),
        Reply::status(400).header("content-type", "text/plain").raw("LOGPROBS UNSUPPORTED"),
        Reply::status(501).raw(r#"{"detail":"log_probs: not implemented"}"#),
        Reply::stream()
            .chunk(&json!({"error": {"message": "logprobs are not available", "code": 400}})),
    ];
    for refusal in refusals {
        let said = format!("{refusal:?}");
        let model =
            FakeModel::scripted([refusal, Reply::text(["one"]), Reply::text(["two"])]).await;
        let parameters = Parameters { logprobs: true, ..Parameters::default() };
        let client = OpenAi::new(OpenAiConfig { parameters, ..config(&model) }).unwrap();
        for expected in ["one", "two"] {
            let whole = read(open(&client, prompt()).await.unwrap()).await;
            assert_eq!(whole.text, expected, "{said}");
        }
        let asked: Vec<bool> =
            model.requests().iter().map(|request| request.body.get("logprobs").is_some()).collect();
        assert_eq!(asked, [true, false, false], "{said}");
    }
}

#[tokio::test]
async fn a_byte_order_mark_before_an_answer_is_passed_over() {
    let body = json!({"choices": [{"message": {"content": "네"}, "finish_reason": "stop"}]});
    for size in [1, 2, 3, 1000] {
        let whole = Reply::status(200).raw(format!("\u{feff}{body}")).in_pieces_of(size);
        assert_eq!(ask([whole]).await.unwrap().text, "네", "in pieces of {size}");
        let streamed = Reply::stream().raw("\u{feff}").piece("네").ends("stop").in_pieces_of(size);
        assert_eq!(ask([streamed]).await.unwrap().text, "네", "in pieces of {size}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_of_a_list_does_not_cost_the_rest() {
    let good = json!({"index": "0", "id": "a", "function": {"name": "one", "arguments": "{}"}});
    let reply = Reply::stream()
        .fragments(&[json!(null), good, json!(7)])
        .chunk(&json!({"choices": [null, {"index": 0.0, "delta": {"content": [null, {"text": "hi"}, 7]}}]}))
        .ends("tool_calls");
    let whole = ask([reply]).await.unwrap();
    assert_eq!((whole.text.as_str(), whole.names()), ("hi", vec!["one"]));
}

#[tokio::test]
async fn a_count_of_tokens_that_cannot_be_true_is_not_believed() {
    let counts = ["18446744073709551615", "1e300", "18446744073709551616", "-1"];
    for count in counts {
        let usage = format!("data: {{\"choices\":[],\"usage\":{{\"prompt_tokens\":{count}}}}}\n\n");
        let whole =
            ask([Reply::stream().piece("a").finish("stop").raw(usage).done()]).await.unwrap();
        assert_eq!((whole.error, whole.end.unwrap().usage), (None, None), "{count}");
    }
    let floats = Reply::stream().piece("a").finish("stop").chunk(&json!({"usage": {
        "prompt_tokens": 10.0, "completion_tokens": 5.0, "total_tokens": 15.0,
    }}));
    assert_eq!(ask([floats.done()]).await.unwrap().end.unwrap().usage, Some(USAGE));
}
