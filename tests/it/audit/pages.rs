//! `GET /aura/audit`.

use aura_platform::domain::{AuditEntry, ChainEnd, EntryHash, TenantId};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Recorder, fact};
use crate::support::app::{Answer, Caller, Options, Server};
use crate::support::redis::RedisServer;
use crate::support::world::World;
use crate::with_both_stores;

const PATH: &str = "/aura/audit";

async fn world() -> (Server, Recorder, RedisServer) {
    let redis = RedisServer::start();
    let server = Server::start(Options::default().set("REDIS_URL", redis.url())).await;
    let recorder = Recorder::on(&redis).await;
    (server, recorder, redis)
}

async fn page(auditor: &Caller, query: &str) -> Value {
    let answer = auditor.get(&format!("{PATH}{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.data().clone()
}

fn numbers(page: &Value) -> Vec<u64> {
    let entries = page["entries"].as_array().unwrap();
    entries.iter().map(|entry| entry["number"].as_u64().unwrap()).collect()
}

fn code(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), answer.body["errorCode"].as_str().unwrap())
}

/// The entry, made of nothing but the answer.
fn entry(shown: &Value) -> AuditEntry {
    let hash = |field: &str| EntryHash::parse(shown[field].as_str().unwrap()).unwrap();
    AuditEntry {
        number: shown["number"].as_u64().unwrap(),
        previous: hash("previous"),
        fact: shown["fact"].to_string(),
        hash: hash("hash"),
        mac: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_follow_each_other_and_hold_what_verifies_the_chain() {
    let (server, recorder, _redis) = world().await;
    recorder.record("audited", 1..=120).await;
    let auditor = server.as_user("audited", "kim").in_role("auditor");

    let first = page(&auditor, "").await;
    assert_eq!((numbers(&first), &first["next"]), ((1..=100).collect(), &json!(100)));
    let second = page(&auditor, "?after=100").await;
    assert_eq!((numbers(&second), &second["next"]), ((101..=120).collect(), &Value::Null));
    let exact = page(&auditor, "?after=110&limit=10").await;
    assert_eq!((numbers(&exact), &exact["next"]), ((111..=120).collect(), &Value::Null));
    let all = page(&auditor, "?limit=1000").await;
    assert_eq!((numbers(&all), &all["next"]), ((1..=120).collect(), &Value::Null));
    let none = page(&auditor, "?after=18446744073709551615").await;
    assert_eq!(none, json!({"entries": [], "next": null}));

    assert_eq!(first["entries"][0]["fact"], json!(fact(1)));
    let mut end = ChainEnd::genesis(&TenantId::new("audited"));
    for shown in all["entries"].as_array().unwrap() {
        end = end.check(&entry(shown)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_auditor_sees_the_facts_of_its_own_tenant_alone() {
    let (server, recorder, _redis) = world().await;
    recorder.record("audited", [1]).await;
    recorder.record("other", [2, 3]).await;
    for (tenant, count) in [("audited", 1), ("other", 2), ("nobody", 0)] {
        let auditor = server.as_user(tenant, "kim").in_role("auditor");
        assert_eq!(numbers(&page(&auditor, "").await).len(), count, "{tenant}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_that_make_no_sense_are_named() {
    let server = Server::embedded().await;
    let auditor = server.as_user("audited", "kim").in_role("auditor");
    let after = "after: must be the number of an entry, or 0";
    let limit = "limit: must be a number from 1 to 1000";
    for (query, detail) in [
        ("after=-1", after),
        ("after=x", after),
        ("after=18446744073709551616", after),
        ("limit=0", limit),
        ("limit=1001", limit),
        ("limit=ten", limit),
    ] {
        let answer = auditor.get(&format!("{PATH}?{query}")).await;
        assert_eq!(code(&answer).0, 400, "{query}");
        assert_eq!(answer.body["detail"], detail, "{query}");
    }
}

with_both_stores! {
    async fn only_the_role_that_is_named_may_read(kind: Kind) {
        let named = Options::default().set("AURA__AUDIT__ROLE", "revision");
        for (options, right) in [(Options::default(), "auditor"), (named, "revision")] {
            let world = World::with(kind, options).await;
            let person = world.server.as_user("audited", "kim");
            assert_eq!(code(&person.get(PATH).await), (403, "E2001"), "no role");
            for role in ["auditor", "revision", "Auditor", "ADMIN", ""] {
                let answer = person.clone().in_role(role).get(&format!("{PATH}?limit=0")).await;
                if role == right {
                    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{role}");
                    let page = page(&person.clone().in_role(role), "").await;
                    assert_eq!(page, json!({"entries": [], "next": null}));
                } else {
                    // Before anything else is looked at.
                    assert_eq!(code(&answer), (403, "E2001"), "{role:?}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_role_is_named_nobody_may_read() {
    let server = Server::start(Options::default().set("AURA__AUDIT__ROLE", "none")).await;
    let person = server.as_user("audited", "kim");
    for role in ["auditor", "none", ""] {
        let answer = person.clone().in_role(role).get(PATH).await;
        assert_eq!(code(&answer), (403, "E2001"), "{role:?}");
    }
    assert_eq!(code(&person.get(PATH).await), (403, "E2001"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_store_is_away_the_answer_says_so() {
    let (server, _recorder, mut redis) = world().await;
    redis.kill();
    let auditor = server.as_user("audited", "kim").in_role("auditor");
    let answer = auditor.get(PATH).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
}
