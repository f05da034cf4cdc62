//! Contract, section 5.6: what is told outlives whoever tells it, and is told by one of several.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures::future::join_all;

use crate::inbox::{asked, mailer};
use crate::resume::request_of;
use crate::support::app::{Server, eventually};
use crate::support::keys::Keys;
use crate::support::model::{FakeModel, Gate};
use crate::support::receiver::{Answering, Delivery, Receiver};
use crate::support::redis::RedisServer;
use crate::webhook::{KINDS, is_quiet, kinds, of_session, options, whole_run};

/// A server whose runs and turns are missed after a second.
async fn server(redis: &RedisServer, model: &FakeModel, receiver: &Receiver) -> Server {
    Server::start(options(model, receiver).set("REDIS_URL", redis.url())).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_that_is_killed_while_it_delivers_loses_nothing() {
    let (model, receiver, gate) = (mailer().await, Receiver::start().await, Gate::closed());
    receiver.answers([Answering::Once(gate)]);
    let redis = RedisServer::start();
    let first = server(&redis, &model, &receiver).await;
    let (stream, hitl) = asked(&first.user(), "메일").await;
    let held = receiver.received(1).await.remove(0);
    first.kill().await;

    let second = server(&redis, &model, &receiver).await;
    let again = receiver.received(2).await.remove(1);
    assert_eq!((again.id(), &again.body), (held.id(), &held.body), "the same, from another");
    let user = second.user();
    let mut rest = user.resume(&stream.session(), Some(hitl.id)).await;
    user.approve(request_of(&hitl)).await;
    rest.to_done().await;
    assert_eq!(kinds(&receiver.received(4).await)[1..], KINDS);
    is_quiet(&second).await;
    assert_eq!(receiver.deliveries().len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_owner_had_written_and_nobody_had_told_is_told() {
    let (model, mut receiver) = (mailer().await, Receiver::absent());
    let redis = RedisServer::start();
    let first = server(&redis, &model, &receiver).await;
    let session = whole_run(&first.user(), "메일").await.session();
    let (waiting, _) = asked(&first.user(), "또 메일").await;
    first.kill().await;
    receiver.come().await;
    let second = server(&redis, &model, &receiver).await;
    let deliveries = receiver.received(4).await;
    assert_eq!(of_session(&deliveries, &session), KINDS);
    assert_eq!(of_session(&deliveries, &waiting.session()), KINDS[..1]);
    is_quiet(&second).await;
    assert_eq!(receiver.deliveries().len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_was_lost_is_made_anew_by_whoever_takes_the_runs_over() {
    let (model, mut receiver) = (mailer().await, Receiver::absent());
    let redis = RedisServer::start();
    let first = server(&redis, &model, &receiver).await;
    asked(&first.user(), "메일").await;
    first.kill().await;
    let mut keys = Keys::of(&redis).await;
    let lost: Vec<String> = keys.command(&["KEYS", "aura:announcements:*"]).await;
    for key in &lost {
        keys.command::<()>(&["DEL", key]).await;
    }
    assert!(!lost.is_empty());
    receiver.come().await;
    let _second = server(&redis, &model, &receiver).await;
    assert_eq!(kinds(&receiver.received(1).await), KINDS[..1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_servers_tell_everything_once_and_in_order() {
    let (model, receiver) = (mailer().await, Receiver::start().await);
    let redis = RedisServer::start();
    let (one, other) =
        tokio::join!(server(&redis, &model, &receiver), server(&redis, &model, &receiver));
    let mut runs = Vec::new();
    for n in 0..12 {
        let user = if n % 2 == 0 { one.user() } else { other.user() };
        runs.push(async move { whole_run(&user, &format!("메일 {n}")).await.session() });
    }
    let sessions = join_all(runs).await;
    let deliveries = receiver.received(36).await;
    for session in sessions {
        assert_eq!(of_session(&deliveries, &session), KINDS);
    }
    is_quiet(&one).await;
    let deliveries = receiver.deliveries();
    let all: HashSet<_> = deliveries.iter().map(Delivery::id).collect();
    assert_eq!((all.len(), deliveries.len()), (36, 36), "nothing was told twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_that_takes_longer_than_a_turn_is_not_repeated_by_another() {
    let (model, receiver, gate) = (mailer().await, Receiver::start().await, Gate::closed());
    receiver.answers([Answering::Once(gate.clone())]);
    let redis = RedisServer::start();
    let (one, other) =
        tokio::join!(server(&redis, &model, &receiver), server(&redis, &model, &receiver));
    asked(&one.user(), "메일").await;
    receiver.received(1).await;
    let began = Instant::now();
    eventually("three turns have passed", || async { began.elapsed() > Duration::from_secs(3) })
        .await;
    assert_eq!(receiver.deliveries().len(), 1);
    gate.open();
    is_quiet(&other).await;
    assert_eq!(receiver.deliveries().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_told_to_stop_leaves_what_it_tells_to_another() {
    let (model, receiver, gate) = (mailer().await, Receiver::start().await, Gate::closed());
    receiver.answers([Answering::Once(gate)]);
    let redis = RedisServer::start();
    let first = server(&redis, &model, &receiver).await;
    let (_stream, _) = asked(&first.user(), "메일").await;
    receiver.received(1).await;
    let second = server(&redis, &model, &receiver).await;
    assert_eq!(first.terminate().await, 0, "nothing was left");
    let deliveries = receiver.received(2).await;
    assert_eq!(deliveries[0].id(), deliveries[1].id());
    is_quiet(&second).await;
    assert_eq!(receiver.deliveries().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_that_stood_still_finds_that_another_has_gone_on() {
    let (model, receiver, gate) = (mailer().await, Receiver::start().await, Gate::closed());
    receiver.answers([Answering::Once(gate.clone())]);
    let redis = RedisServer::start();
    let first = server(&redis, &model, &receiver).await;
    let (stream, _) = asked(&first.user(), "메일").await;
    receiver.received(1).await;
    first.pause();
    let second = server(&redis, &model, &receiver).await;
    let deliveries = receiver.received(2).await;
    assert_eq!(deliveries[0].id(), deliveries[1].id());
    gate.open();
    first.go_on();
    first.logged("another process goes on telling", 1).await;
    let session = stream.session();
    second.user().post(&format!("/aura/sessions/{session}/cancel"), serde_json::json!({})).await;
    assert_eq!(kinds(&receiver.received(4).await)[1..], KINDS, "and nothing comes from the first");
}
