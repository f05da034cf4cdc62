//! What the page shows, from the frontend's own body to the model and the person (contract, 3 and 6).

use serde_json::{Value, json};

use crate::bodies::server;

/// The context as the platform's frontend sends it.
fn of_the_frontend() -> Value {
    json!({
        "activeApp": "mail", "path": "/mail", "itemId": "msg-123",
        "remoteState": {
            "selectedItems": [{"id": "msg-123", "title": "분기 보고"}, "msg-124"],
            "context": {"folder": "inbox"}, "viewState": {"sort": "date"},
        },
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_selected_in_the_frontend_reaches_the_model_and_the_first_thought() {
    let (server, model) = server().await;
    let body = json!({"prompt": "선택한 메일을 요약해줘", "context": of_the_frontend()});
    let mut stream = server.user().stream_with(body).await;
    stream.to_done().await;
    let requests = model.requests();
    let system = requests[0].message(0)["content"].as_str().unwrap();
    for line in [
        "현재 사용자가 보고 있는 화면: mail",
        "선택된 항목 ID: msg-123 (분기 보고), msg-124",
        "경로: /mail",
        "항목 ID: msg-123",
        "추가 정보: folder: inbox, sort: date",
    ] {
        assert!(system.lines().any(|found| found == line), "no {line:?} in {system}");
    }
    let thought = stream.all("thought")[0].data["content"].as_str().unwrap().to_owned();
    for part in ["mail", "/mail", "msg-123 (분기 보고), msg-124"] {
        assert!(thought.contains(part), "no {part:?} in {thought}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_thought_is_true_of_what_was_sent() {
    let (server, _model) = server().await;
    let user = server.user();
    for (context, says, denies) in [
        (json!({"url": "http://localhost:4200/mail"}), "http://localhost:4200/mail", false),
        (json!({"title": "메일 인박스"}), "메일 인박스", false),
        (json!({"itemId": 7}), "항목: 7", false),
        (json!({"metadata": {"folder": "inbox"}}), "folder: inbox", false),
        (json!({"own": "x"}), "", false),
        (json!({}), "", true),
        (json!({"remoteState": {"selectedItems": [], "context": {}}}), "", true),
    ] {
        let mut stream = user.stream_with(json!({"prompt": "안녕", "context": context})).await;
        let thought = stream.until("thought").await.data["content"].to_string();
        assert!(thought.contains(says), "{context}: {thought}");
        assert_eq!(thought.contains("화면 정보 없음"), denies, "{context}: {thought}");
    }
}
