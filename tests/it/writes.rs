//! What a connection gets to write, polled as hyper polls it: hyper gathers what a body hands out
//! without a pause, and writes once it has to wait (contract, section 4.1).

use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use aura_platform::domain::role::RoleGrants;
use aura_platform::domain::{
    Clock, Entry, EventId, Language, Quota, RequestTrace, SessionId, SessionMeta, Shown,
    SystemClock, TenantId, ThreadId, UnixMs, UserId,
};
use aura_platform::http::console::ConsoleConfig;
use aura_platform::http::cors::Origins;
use aura_platform::http::readers::Readers;
use aura_platform::http::{Http, HttpConfig, auth, router};
use aura_platform::shutdown::Tasks;
use aura_platform::store::{Journal, Sessions, Store};
use aura_platform::telemetry::metrics::Metrics;
use aura_platform::token::{LiveKeys, TokenKey, TokenKeys};
use axum::body::{Body, Bytes, HttpBody};
use futures::poll;
use http::Request;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::panics::broken_service;
use crate::support::app::{SECRET, token};

/// The body of the stream of a finished session with these events.
async fn stream_of(kinds: &[&str]) -> Body {
    let (service, store) = broken_service();
    let session = SessionId::new("session_user123_1_ab");
    let meta = SessionMeta {
        session_id: session.clone(),
        tenant: TenantId::new("tenant1"),
        user: UserId::new("user123"),
        thread_id: ThreadId::new("thread"),
        prompt: "안녕".into(),
        prompt_hash: None,
        created_at_ms: UnixMs::new(1),
        first_event: EventId::new(1),
        trace: RequestTrace::default(),
    };
    store.register(&meta).await.unwrap();
    let event = |kind: &&str| Shown::Event { kind: (*kind).into(), payload: Bytes::from("{}") };
    let shown = kinds.iter().map(event).chain([Shown::Done]);
    let entries: Vec<Entry> = (1..)
        .zip(shown)
        .map(|(id, shown)| Entry { id: EventId::new(id), shown: Some(shown), record: None })
        .collect();
    store.append(&session, EventId::ZERO, &entries).await.unwrap();
    let store: Arc<dyn Store> = store;
    let readers = Readers::start(Arc::clone(&store), Quota::default().of_stream(), &Tasks::new());
    let http = Http {
        service,
        store,
        readers,
        clock: Arc::new(SystemClock) as Arc<dyn Clock>,
        config: HttpConfig {
            auth: auth::AuthConfig {
                keys: LiveKeys::new(TokenKeys {
                    present: TokenKey::new(&SecretString::from(SECRET)).unwrap(),
                    previous: None,
                }),
                leeway: Duration::ZERO,
                roles: RoleGrants::default(),
                close_streams_at_expiry: false,
            },
            origins: Origins::new(Vec::new()),
            prompt_bytes: 65_536,
            keep_alive: Duration::from_secs(15),
            language: Language::Korean,
            store_patience: Duration::from_secs(1),
            auditors: None,
            operators: None,
            console: ConsoleConfig::new(false, &[], false),
        },
        metrics: Metrics::default(),
        leaving: CancellationToken::new(),
        stopping: CancellationToken::new(),
    };
    let request = Request::get(format!("/aura/sessions/{session}/stream"))
        .header("Host", "aura.dwp.example")
        .header("Authorization", format!("Bearer {}", token("tenant1", "user123")))
        .header("X-Tenant-ID", "tenant1")
        .header("X-User-ID", "user123")
        .body(Body::empty())
        .unwrap();
    TowerToHyperService::new(router(http)).call(request).await.unwrap().into_body()
}

/// The writes of a body: what it hands out between two pauses.
async fn writes(mut body: Body) -> Vec<String> {
    let mut writes = vec![String::new()];
    loop {
        let next = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx));
        match poll!(next) {
            Poll::Ready(Some(frame)) => {
                let data = frame.unwrap().into_data().unwrap();
                writes.last_mut().unwrap().push_str(std::str::from_utf8(&data).unwrap());
            }
            Poll::Ready(None) => return writes,
            Poll::Pending => {
                writes.push(String::new());
                tokio::task::yield_now().await;
            }
        }
    }
}

#[tokio::test]
async fn nothing_follows_a_question_in_its_write() {
    let body = stream_of(&["start", "tool_execution", "hitl", "thought", "hitl", "end"]).await;
    let writes = writes(body).await;
    let events = |write: &String| write.matches("\nevent: ").count();
    assert_eq!(writes.iter().map(events).collect::<Vec<_>>(), [3, 2, 1], "{writes:#?}");
    assert!(writes[0].ends_with("event: hitl\ndata: {}\n\n"), "{writes:#?}");
    assert!(writes[2].ends_with("data: [DONE]\n\n"), "{writes:#?}");
}

#[tokio::test]
async fn no_write_of_several_frames_is_longer_than_it_may_be() {
    let body = stream_of(&["content"; 900]).await;
    let writes = writes(body).await;
    let sizes: Vec<usize> = writes.iter().map(String::len).collect();
    assert!(sizes.iter().all(|size| *size <= 16 * 1024), "{sizes:?}");
    assert!(sizes.len() < 10, "{sizes:?}");
}
