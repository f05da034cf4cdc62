//! What a conversation remembers, and whose it is (contract, section 3).

use reqwest::header::HeaderValue;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::app::{Caller, Options};
use crate::support::model::{FakeModel, Recorded, Reply};
use crate::support::stream::SseStream;
use crate::support::world::World;
use crate::with_both_stores;

const TAB: &str = "agent_9f31c6";

async fn run(request: RequestBuilder) -> SseStream {
    let mut stream = SseStream::of(request.send().await.unwrap());
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed");
    stream
}

fn post(user: &Caller, prompt: &str) -> RequestBuilder {
    user.post_stream(json!({ "prompt": prompt }))
}

fn of_tab(request: RequestBuilder, tab: &str) -> RequestBuilder {
    request.header("X-Agent-ID", HeaderValue::from_bytes(tab.as_bytes()).unwrap())
}

/// Who says what in the conversation that the model was sent.
fn conversation(request: &Recorded) -> Vec<(&str, &str)> {
    let messages = request.body["messages"].as_array().unwrap();
    let said = |message| -> (&str, &str) {
        let message: &Value = message;
        (message["role"].as_str().unwrap(), message["content"].as_str().unwrap())
    };
    messages[1..].iter().map(said).collect()
}

with_both_stores! {
    /// The frontend names no thread, ever; it sends the same `X-Agent-ID` with all requests of a tab.
    async fn the_second_prompt_of_a_tab_remembers_the_first(kind: Kind) {
        let model = FakeModel::always(Reply::text(["민수 씨, 반갑습니다."])).await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let user = world.server.user();
        let first = run(of_tab(post(&user, "나는 민수야"), TAB)).await;
        let second = run(of_tab(post(&user, "내 이름이 뭐지?"), TAB)).await;
        let requests = model.requests();
        assert_eq!(requests[1].body["messages"].as_array().unwrap().len(), 4);
        assert_eq!(requests[1].message(0)["role"], "system");
        let remembered = [
            ("user", "나는 민수야"),
            ("assistant", "민수 씨, 반갑습니다."),
            ("user", "내 이름이 뭐지?"),
        ];
        assert_eq!(conversation(&requests[1]), remembered);

        // What `start` calls the thread can be named by a client that has no tab.
        let thread = first.all("start")[0].data["threadId"].clone();
        assert_eq!(second.all("start")[0].data["threadId"], thread);
        run(user.post_stream(json!({"prompt": "더", "thread_id": thread}))).await;
        assert_eq!(conversation(&model.requests()[2]).len(), 5);
    }
}

with_both_stores! {
    async fn a_tab_of_somebody_else_and_another_tab_remember_nothing(kind: Kind) {
        let model = FakeModel::always(Reply::text(["네."])).await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let server = &world.server;
        let user = server.user();
        run(of_tab(post(&user, "비밀"), TAB)).await;
        for request in [
            of_tab(post(&server.as_user("tenant1", "lee"), "?"), TAB),
            of_tab(post(&server.as_user("tenant2", "user123"), "?"), TAB),
            of_tab(post(&user, "?"), "agent_other"),
            post(&user, "?"),
            of_tab(user.post_stream(json!({"prompt": "?", "thread_id": "named"})), TAB),
        ] {
            let what = format!("{request:?}");
            run(request).await;
            let requests = model.requests();
            assert_eq!(conversation(requests.last().unwrap()), [("user", "?")], "{what}");
        }
    }
}

with_both_stores! {
    async fn the_get_form_belongs_to_its_tab_as_well(kind: Kind) {
        let model = FakeModel::always(Reply::text(["네."])).await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let user = world.server.user();
        run(of_tab(post(&user, "하나"), TAB)).await;
        let get = user.request(Method::GET, "/aura/test/stream?message=둘");
        let mut stream = SseStream::of(of_tab(get, TAB).send().await.unwrap());
        stream.to_done().await;
        let expected = [("user", "하나"), ("assistant", "네."), ("user", "둘")];
        assert_eq!(conversation(&model.requests()[1]), expected);
    }
}

with_both_stores! {
    /// A header that comes with every request of a tab must not be able to stop them all.
    async fn a_tab_without_a_usable_name_gets_a_thread_of_its_own(kind: Kind) {
        let model = FakeModel::always(Reply::text(["네."])).await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let user = world.server.user();
        let twice = || of_tab(of_tab(post(&user, "?"), TAB), "agent_other");
        let longest = "탭".repeat(66) + "ab";
        let named = |name: &str| of_tab(post(&user, "?"), name);
        for (request, again) in [
            (named(" "), named(" ")),
            (named(&format!("{longest}c")), named(&format!("{longest}c"))),
            (twice(), twice()),
        ] {
            let what = format!("{request:?}");
            let thread = run(request).await.all("start")[0].data["threadId"].clone();
            assert!(thread.as_str().unwrap().starts_with("thread_"), "{what}");
            assert_ne!(run(again).await.all("start")[0].data["threadId"], thread, "{what}");
        }
        let thread = run(named(&longest)).await.all("start")[0].data["threadId"].clone();
        assert_eq!(thread, longest.as_str(), "200 bytes");
    }
}
