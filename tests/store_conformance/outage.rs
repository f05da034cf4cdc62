//! What happens while Redis is away, and after.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aura_platform::domain::EventId;
use aura_platform::shutdown::{Drained, Tasks};
use aura_platform::store::{AppendError, Store, StoreError, StoreEvent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::bench::{Process, entries, eventually, meta_of, request, some_session};
use crate::wire::{admin, channels};
use crate::within;
use aura_testing::redis::RedisServer;

pub(crate) fn is_unavailable<T>(result: Result<T, StoreError>) -> bool {
    result.is_err_and(|error| matches!(error, StoreError::Unavailable(_)))
}

pub(crate) async fn until_it_answers(store: &dyn Store) {
    eventually("the store answers", || async { store.ping().await.is_ok() }).await;
}

pub(crate) async fn until_it_fails(store: &dyn Store) {
    eventually("the store is known to be away", || async { is_unavailable(store.ping().await) })
        .await;
}

/// Waits for the word that subscriptions are live again.
pub(crate) async fn until_resubscribed(process: &mut Process) {
    while process.event().await != StoreEvent::Resubscribed {}
}

#[tokio::test]
async fn after_a_crash_of_the_server_subscriptions_and_commands_come_back_by_themselves() {
    within(async {
        let mut server = RedisServer::start();
        let mut process = Process::on_redis(&server.url());
        let (session, followed) = (some_session(), some_session());
        process.store.open(&meta_of(&session), &request(&session), "{}").await.unwrap();
        process.store.append(&followed, EventId::ZERO, &entries([1])).await.unwrap();
        let mut follower = process.store.follow(&followed).await.unwrap();

        server.kill();
        until_it_fails(&*process.store).await;
        server.restart();

        until_resubscribed(&mut process).await;
        follower.changed().await;
        until_it_answers(&*process.store).await;
        process.store.publish_signal(&session, "again").await.unwrap();
        assert_eq!(process.heard().await, (session, "again".into()));
        process.store.append(&followed, EventId::new(1), &entries([2])).await.unwrap();
        follower.changed().await;
        assert_eq!(process.store.newest(&followed, 9).await.unwrap(), entries([1, 2]));
    })
    .await;
}

#[tokio::test]
async fn many_subscriptions_come_back_each_one_of_them() {
    within(async {
        let mut server = RedisServer::start();
        let mut process = Process::on_redis(&server.url());
        let sessions: Vec<_> = (0..2_500).map(|_| some_session()).collect();
        for session in &sessions {
            process.store.watch(session).await.unwrap();
        }
        for _ in 0..2 {
            server.restart();
            until_resubscribed(&mut process).await;
            until_it_answers(&*process.store).await;
            for session in sessions.iter().step_by(100) {
                process.store.publish_signal(session, "you").await.unwrap();
                assert_eq!(process.heard().await, (session.clone(), "you".into()));
            }
            let mut admin = admin(&server).await;
            assert_eq!(channels(&mut admin).await.len(), 2_501);
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_unavailable_and_then_used() {
    within(async {
        let mut server = RedisServer::absent();
        let mut process = Process::on_redis(&server.url());
        let (store, session) = (process.store.clone(), some_session());
        assert!(is_unavailable(store.ping().await));
        assert!(is_unavailable(store.watch(&session).await));
        assert!(is_unavailable(store.follow(&session).await.map(drop)));
        assert!(is_unavailable(store.open(&meta_of(&session), &request(&session), "{}").await));
        assert!(is_unavailable(store.request_cancel(&session).await));

        server.restart();
        until_it_answers(&*store).await;
        until_resubscribed(&mut process).await;
        let mut admin = admin(&server).await;
        assert_eq!(channels(&mut admin).await, ["aura:control"], "failed wishes are withdrawn");
        store.open(&meta_of(&session), &request(&session), "{}").await.unwrap();
        store.publish_signal(&session, "now").await.unwrap();
        assert_eq!(process.heard().await, (session, "now".into()));
    })
    .await;
}

#[tokio::test]
async fn who_leaves_during_an_outage_is_not_subscribed_again() {
    within(async {
        let mut server = RedisServer::start();
        let mut process = Process::on_redis(&server.url());
        let (leaves, stays) = (some_session(), some_session());
        process.store.watch(&leaves).await.unwrap();
        process.store.watch(&stays).await.unwrap();
        let follower = process.store.follow(&leaves).await.unwrap();
        server.kill();
        until_it_fails(&*process.store).await;
        process.store.unwatch(&leaves);
        drop(follower);
        server.restart();
        until_resubscribed(&mut process).await;
        let mut admin = admin(&server).await;
        let expected = ["aura:control".to_owned(), format!("hitl:channel:{stays}")];
        assert_eq!(channels(&mut admin).await, expected);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_hangs_is_noticed_and_left() {
    within(async {
        let server = RedisServer::start();
        let mut process = Process::on_redis(&server.url());
        let session = some_session();
        process.store.watch(&session).await.unwrap();
        server.pause();
        // Once it is known, nobody waits for the time-out of a command any more.
        eventually("failing at once", || async {
            let ping = tokio::time::timeout(Duration::from_millis(100), process.store.ping()).await;
            ping.is_ok_and(is_unavailable)
        })
        .await;
        assert!(is_unavailable(process.store.watch(&some_session()).await));
        server.resume();
        until_resubscribed(&mut process).await;
        until_it_answers(&*process.store).await;
        process.store.publish_signal(&session, "awake").await.unwrap();
        assert_eq!(process.heard().await, (session, "awake".into()));
    })
    .await;
}

/// A port that leads to the server. Each time `swallow` is set, the next answer is lost: its
/// connection ends instead.
async fn lossy_road(to: u16, swallow: Arc<AtomicBool>, tasks: &Tasks) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let roads = tasks.clone();
    tasks.spawn("test", async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let (swallow, mut far) =
                (swallow.clone(), TcpStream::connect(("127.0.0.1", to)).await.unwrap());
            roads.spawn("test", async move {
                let (mut asks, mut told) = near.split();
                let (mut answers, mut ask) = far.split();
                let back = async {
                    let mut answer = [0; 4096];
                    while let Ok(bytes @ 1..) = answers.read(&mut answer).await {
                        if swallow.swap(false, Ordering::SeqCst) {
                            return;
                        }
                        if told.write_all(&answer[..bytes]).await.is_err() {
                            return;
                        }
                    }
                };
                tokio::select! {
                    _ = tokio::io::copy(&mut asks, &mut ask) => {}
                    () = back => {}
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn an_append_whose_answer_was_lost_can_be_repeated() {
    within(async {
        let (server, tasks) = (RedisServer::start(), Tasks::new());
        let swallow = Arc::new(AtomicBool::new(false));
        let port = lossy_road(server.port(), swallow.clone(), &tasks).await;
        let process = Process::on_redis(&format!("redis://127.0.0.1:{port}"));
        let (store, session) = (&process.store, some_session());
        for number in 1..=5 {
            until_it_answers(&**store).await;
            swallow.store(true, Ordering::SeqCst);
            let (expected, batch) = (EventId::new(number - 1), entries([number]));
            eventually("appended", || async {
                match store.append(&session, expected, &batch).await {
                    Ok(()) => true,
                    Err(AppendError::Store(_)) => false,
                    Err(AppendError::Conflict | AppendError::Gone) => {
                        panic!("nobody else touches it")
                    }
                }
            })
            .await;
        }
        assert_eq!(store.newest(&session, 100).await.unwrap(), entries(1..=5));
    })
    .await;
}

#[tokio::test]
async fn a_store_that_comes_back_empty_says_that_its_journals_are_gone() {
    within(async {
        let mut server = RedisServer::start();
        let process = Process::on_redis(&server.url());
        let (store, session) = (&process.store, some_session());
        store.append(&session, EventId::ZERO, &entries([1])).await.unwrap();
        server.restart_empty();
        until_it_answers(&**store).await;
        let append = store.append(&session, EventId::new(1), &entries([2])).await;
        assert!(matches!(append, Err(AppendError::Gone)), "{append:?}");
        let sessions = [session];
        assert_eq!(store.missing(&sessions).await.unwrap(), sessions);
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_an_operator_cuts_is_made_again() {
    within(async {
        let server = RedisServer::start();
        let mut process = Process::on_redis(&server.url());
        let session = some_session();
        process.store.watch(&session).await.unwrap();
        process.store.ping().await.unwrap();
        let mut admin = admin(&server).await;
        for kind in ["pubsub", "normal"] {
            let mut kill = redis::cmd("CLIENT");
            kill.arg("KILL").arg("TYPE").arg(kind).arg("SKIPME").arg("yes");
            kill.exec_async(&mut admin).await.unwrap();
        }
        until_resubscribed(&mut process).await;
        until_it_answers(&*process.store).await;
        process.store.publish_signal(&session, "again").await.unwrap();
        assert_eq!(process.heard().await, (session, "again".into()));
    })
    .await;
}

#[tokio::test]
async fn a_process_that_stops_lets_its_followers_go_and_can_still_write() {
    within(async {
        let server = RedisServer::start();
        let process = Process::on_redis(&server.url());
        let session = some_session();
        let mut follower = process.store.follow(&session).await.unwrap();
        process.store.ping().await.unwrap();
        let drained = process.tasks.drain(Duration::from_secs(30)).await;
        assert_eq!(drained, Drained::Clean);
        follower.changed().await;
        process.store.append(&session, EventId::ZERO, &entries([1])).await.unwrap();
        assert!(is_unavailable(process.store.follow(&session).await.map(drop)));
    })
    .await;
}
