use http::HeaderMap;
use serde_json::json;

use super::*;

fn read(body: &Value) -> Result<RunInput, ApiError> {
    RunInput::read(&Fields::parse(&HeaderMap::new(), body.to_string().as_bytes())?)
}

fn body() -> Value {
    json!({"threadId": "t", "runId": "r", "messages": [{"id": "1", "role": "user", "content": "hello"}]})
}

fn with(fields: &Value) -> Value {
    let mut body = body();
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    body
}

fn started(body: &Value) -> (String, PageContext, RequestKey) {
    match read(body).unwrap().wants {
        Wants::Start { prompt, context, key } => (prompt, context, *key),
        Wants::Resume(answers) => panic!("{answers:?}"),
    }
}

fn answered(payload: &Value) -> Result<Review, String> {
    let entry =
        json!({"interruptId": "req_0123456789ab", "status": "resolved", "payload": payload});
    match read(&with(&json!({"resume": [entry]}))) {
        Ok(RunInput { wants: Wants::Resume(mut answers), .. }) => Ok(answers.remove(0).review),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.detail().to_owned()),
    }
}

#[test]
fn the_last_message_of_the_user_is_the_prompt_in_whatever_parts_it_comes() {
    let messages = json!([
        {"id": "1", "role": "user", "content": "first"},
        {"id": "2", "role": "assistant", "content": "second"},
        {"id": "3", "role": "user", "content": [
            {"type": "text", "text": "a"}, {"type": "image", "source": {}}, {"type": "text", "text": "b"},
        ]},
        {"id": "4", "role": "assistant", "content": "x"},
    ]);
    assert_eq!(started(&with(&json!({ "messages": messages }))).0, "a\nb");
}

#[test]
fn the_page_comes_from_the_properties_or_the_state_and_its_entries_are_added() {
    let entries = json!([{"description": "folder", "value": "inbox"}]);
    let forwarded = json!({"context": {"activeApp": "mail", "metadata": {"a": 1}}});
    let fields = json!({"context": entries, "forwardedProps": forwarded, "state": {"context": {"url": "x"}}});
    let (_, context, _) = started(&with(&fields));
    let expected = json!({"activeApp": "mail", "metadata": {"a": 1, "folder": "inbox"}});
    assert_eq!(Value::Object(context.as_map().clone()), expected);
    let (_, context, _) = started(&with(&json!({"state": {"context": {"url": "x"}}})));
    assert_eq!(Value::Object(context.as_map().clone()), json!({"url": "x"}));
    assert_eq!(started(&body()).1, PageContext::default());
}

#[test]
fn one_run_id_is_one_request_however_the_conversation_has_grown() {
    let (.., key) = started(&body());
    let grown = json!([
        {"id": "1", "role": "user", "content": "hello"}, {"id": "2", "role": "assistant", "content": "hi"},
    ]);
    assert_eq!(started(&with(&json!({ "messages": grown, "state": {"x": 1} }))).2, key);
    assert_eq!(key.key.as_str(), "ag-ui:r");
    let other = json!({"messages": [{"id": "1", "role": "user", "content": "other"}]});
    assert_ne!(started(&with(&other)).2.request, key.request);
    assert_ne!(started(&with(&json!({"threadId": "u"}))).2.request, key.request);
}

#[test]
fn an_answer_is_a_yes_only_where_it_says_so() {
    let yes = answered(&json!({"approved": true, "editedArgs": {"a": 1}})).unwrap();
    assert_eq!((yes.verdict, yes.args), (Verdict::Approved, Some(json!({"a": 1}))));
    let no =
        answered(&json!({"approved": false, "reason": "not now", "editedArgs": {"a": 1}})).unwrap();
    assert_eq!(
        (no.verdict, no.reason.as_deref(), no.args),
        (Verdict::Rejected, Some("not now"), None)
    );
    let no = answered(&json!({"approved": false})).unwrap();
    assert_eq!(no.reason.as_deref(), Some(REJECTED));
    for bad in [json!(null), json!({}), json!({"approved": "true"}), json!(true), json!("yes")] {
        assert!(answered(&bad).unwrap_err().starts_with("resume.payload: approved"), "{bad}");
    }
    let wrong = answered(&json!({"approved": true, "editedArgs": [1]})).unwrap_err();
    assert_eq!(wrong, "resume.payload: editedArgs must be an object, is a list");
    for approved in [true, false] {
        let wrong = answered(&json!({"approved": approved, "reason": 5})).unwrap_err();
        assert_eq!(wrong, "resume.payload: reason must be a string, is a number");
        assert!(answered(&json!({"approved": approved, "reason": null})).is_ok());
    }
}

#[test]
fn a_question_that_is_left_is_rejected() {
    let entry = json!({"interruptId": "req_0123456789ab", "status": "cancelled"});
    let input = read(&with(&json!({"resume": [entry]}))).unwrap();
    assert_eq!(input.wanted().after, [RequestId::new("req_0123456789ab")]);
    let Wants::Resume(answers) = input.wants else { panic!("no answer") };
    assert_eq!(answers[0].review.verdict, Verdict::Rejected);
    assert_eq!(answers[0].review.reason.as_deref(), Some(ABANDONED));
}
