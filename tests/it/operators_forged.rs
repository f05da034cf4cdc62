//! What others write into the index of runs hides none of them from operators (contract, section 5.7).

use aura_platform::store::HOLDS_MAX;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::app::{Caller, Options, Server};
use crate::support::keys::Keys;
use crate::support::redis::RedisServer;

const INDEX: &str = "aura:run-index";

async fn listed(operator: &Caller) -> Value {
    let answer = operator.get("/aura/admin/runs").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.data()["runs"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_run_in_the_index_hides_none() {
    let redis = RedisServer::start();
    let server = Server::start(Options::default().set("REDIS_URL", redis.url())).await;
    let operator = server.as_user("ops", "chief").in_role("operator");
    let mut keys = Keys::of(&redis).await;
    let _: String = keys.command(&["SET", INDEX, "x"]).await;
    assert_eq!(listed(&operator).await, json!([]), "where no index is");
    let mut stream = server.user().stream("안녕하세요").await;
    stream.to_done().await;
    let forged = r"
        for n = 1, 300 do redis.call('ZADD', KEYS[1], 0, 'zzz' .. n) end
        redis.call('ZADD', KEYS[1], 0, '\255\254')";
    let _: () = keys.command(&["EVAL", forged, "1", INDEX]).await;
    let runs = listed(&operator).await;
    assert_eq!(runs[0]["sessionId"], Value::from(stream.session()), "{runs}");
    let _: usize = keys.command(&["ZADD", INDEX, "7", "0", "-7", "1"]).await;
    let mut later = server.user().stream("안녕하세요").await;
    later.to_done().await;
    let scores: usize = keys.command(&["ZCOUNT", INDEX, "(0", "+inf"]).await;
    assert_eq!((scores, listed(&operator).await.as_array().unwrap().len()), (0, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_hold_leaves_room_for_holds() {
    let redis = RedisServer::start();
    let server = Server::start(Options::default().set("REDIS_URL", redis.url())).await;
    let operator = server.as_user("ops", "chief").in_role("operator");
    let forged = r"
        for n = 1, 150 do redis.call('HSET', KEYS[1], 'forged-' .. n, '{}') end
        for n = 1, 150 do redis.call('HSET', KEYS[1], 'No name ' .. n .. '\255', '{}') end";
    let _: () = Keys::of(&redis).await.command(&["EVAL", forged, "1", "aura:holds"]).await;
    for name in ["stop", "stop-too"] {
        let hold = json!({"runs": true, "reason": "점검"});
        let put = operator.put(&format!("/aura/admin/holds/{name}"), hold).await;
        assert_eq!(put.status, StatusCode::OK, "{put:?}");
    }
    let again = r"for n = 1, 300 do redis.call('HSET', KEYS[1], 'again-' .. n, '{}') end";
    let _: () = Keys::of(&redis).await.command(&["EVAL", again, "1", "aura:holds"]).await;
    let hold = json!({"runs": true, "reason": "점검"});
    assert_eq!(operator.put("/aura/admin/holds/third", hold).await.status, StatusCode::OK);
    let holds = operator.get("/aura/admin/holds").await;
    assert_eq!(holds.data()["holds"].as_array().unwrap().len(), 3, "{holds:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_for_which_there_is_no_room_is_not_recorded_as_put() {
    let server = Server::start(Options::default()).await;
    let operator = server.as_user("ops", "chief").in_role("operator");
    let hold = json!({"tool": "git_merge", "reason": "점검"});
    for n in 0..HOLDS_MAX {
        let put = operator.put(&format!("/aura/admin/holds/stop-{n}"), hold.clone()).await;
        assert_eq!(put.status, StatusCode::OK, "{put:?}");
    }
    let more = operator.put("/aura/admin/holds/one-more", hold).await;
    assert_eq!(more.status, StatusCode::BAD_REQUEST, "{more:?}");
    let auditor = server.as_user("ops", "auditor").in_role("auditor");
    let page = auditor.get("/aura/audit?limit=1000").await;
    assert_eq!(page.data()["entries"].as_array().unwrap().len(), HOLDS_MAX, "{page:?}");
}
