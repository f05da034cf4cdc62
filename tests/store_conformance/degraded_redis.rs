//! A server that answers, but cannot serve: what it says is never taken for a conflict or for
//! broken data, and once it can serve again so does the store.

use aura_platform::domain::{Decision, EventId, ProposalOutcome, Sealed, SessionId};
use aura_platform::store::{AppendError, Store, StoreError};

use crate::bench::{
    NOW_MS, Process, entries, eventually, meta, meta_of, request, sealed, some_session,
};
use crate::outage::{is_unavailable, until_it_answers, until_resubscribed};
use crate::wire::{admin, ask};
use crate::within;
use aura_testing::redis::{RedisServer, free_port};

fn refusal() -> Sealed<Decision> {
    sealed("no")
}

/// Whether every kind of write is refused as one that can be tried again.
async fn assert_no_write_is_possible(store: &dyn Store, session: &SessionId) {
    for expected in [0, 1, 7] {
        // Also where the journal ends elsewhere: whether it does is not this server's to say.
        let batch = entries([expected + 1]);
        let appended = store.append(session, EventId::new(expected), &batch).await;
        let refused = matches!(appended, Err(AppendError::Store(StoreError::Unavailable(_))));
        assert!(refused, "{appended:?}");
    }
    let meta = meta("tenant1", "user123", NOW_MS);
    let request = request(session);
    let decided = store.decide(&request.request_id, request.deadline, &refusal(), None).await;
    for refused in [
        decided.map(drop),
        store.open(&meta_of(&request.session_id), &request, "{}").await,
        store.save_checkpoint(session, "{}").await,
        store.publish_signal(session, "yes").await,
        store.register(&meta).await,
        store.remember(&meta, &[]).await,
        store.request_cancel(session).await,
    ] {
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    }
}

async fn assert_writes_are_possible(store: &dyn Store, session: &SessionId) {
    store.append(session, EventId::new(1), &entries([2])).await.unwrap();
    assert_eq!(store.newest(session, 9).await.unwrap(), entries([1, 2]));
    let request = request(session);
    let decided =
        store.decide(&request.request_id, request.deadline, &refusal(), None).await.unwrap();
    assert_eq!(decided, ProposalOutcome::Won);
    store.open(&meta_of(&request.session_id), &request, "{}").await.unwrap();
}

/// A server that takes no writes between `degrade` and `relief`, while it still answers.
async fn no_writes_between(server: &RedisServer, degrade: &[&[&str]], relief: &[&[&str]]) {
    let process = Process::on_redis(&server.url());
    let (store, session) = (&*process.store, some_session());
    store.append(&session, EventId::ZERO, &entries([1])).await.unwrap();
    let mut admin = admin(server).await;
    for words in degrade {
        let _: redis::Value = ask(&mut admin, words).await;
    }
    eventually("writes are refused", || async {
        is_unavailable(store.save_checkpoint(&session, "{}").await)
    })
    .await;
    assert_no_write_is_possible(store, &session).await;
    assert_eq!(store.newest(&session, 9).await.unwrap(), entries([1]), "reading goes on");
    for words in relief {
        let _: redis::Value = ask(&mut admin, words).await;
    }
    eventually("writes are taken again", || async {
        store.save_checkpoint(&session, "{}").await.is_ok()
    })
    .await;
    assert_writes_are_possible(store, &session).await;
}

#[tokio::test]
async fn a_server_without_memory_is_unavailable_until_it_has_some() {
    within(async {
        let server = RedisServer::start();
        let degrade: [&[&str]; 2] = [
            &["CONFIG", "SET", "maxmemory-policy", "noeviction"],
            &["CONFIG", "SET", "maxmemory", "1"],
        ];
        no_writes_between(&server, &degrade, &[&["CONFIG", "SET", "maxmemory", "0"]]).await;
    })
    .await;
}

#[tokio::test]
async fn a_server_that_lacks_its_replicas_is_unavailable() {
    within(async {
        let server = RedisServer::start();
        let degrade: [&[&str]; 1] = [&["CONFIG", "SET", "min-replicas-to-write", "1"]];
        let relief: [&[&str]; 1] = [&["CONFIG", "SET", "min-replicas-to-write", "0"]];
        no_writes_between(&server, &degrade, &relief).await;
    })
    .await;
}

#[tokio::test]
async fn a_server_that_cannot_save_is_unavailable_until_it_can() {
    within(async {
        let server = RedisServer::start();
        // Where the snapshot should go there is a directory, which nobody can write to as a file.
        std::fs::create_dir_all(server.dir().join("dump.rdb/in-the-way")).unwrap();
        let degrade: [&[&str]; 2] = [&["CONFIG", "SET", "save", "3600 1"], &["BGSAVE"]];
        let relief: [&[&str]; 1] = [&["CONFIG", "SET", "stop-writes-on-bgsave-error", "no"]];
        no_writes_between(&server, &degrade, &relief).await;
    })
    .await;
}

#[tokio::test]
async fn a_server_that_became_a_replica_is_left_until_it_is_the_primary_again() {
    within(async {
        let server = RedisServer::start();
        let mut process = Process::on_redis(&server.url());
        let (store, session) = (process.store.clone(), some_session());
        store.watch(&session).await.unwrap();
        store.append(&session, EventId::ZERO, &entries([1])).await.unwrap();
        let mut admin = admin(&server).await;
        let nowhere = free_port().to_string();
        let _: () = ask(&mut admin, &["REPLICAOF", "127.0.0.1", &nowhere]).await;

        assert_no_write_is_possible(&*store, &session).await;
        // Neither reads nor subscriptions are left on a server that may be behind.
        eventually("the replica is left", || async {
            is_unavailable(store.newest(&session, 9).await)
                && is_unavailable(store.watch(&some_session()).await)
        })
        .await;

        let _: () = ask(&mut admin, &["REPLICAOF", "NO", "ONE"]).await;
        until_resubscribed(&mut process).await;
        until_it_answers(&*store).await;
        assert_writes_are_possible(&*store, &session).await;
        store.publish_signal(&session, "again").await.unwrap();
        assert_eq!(process.heard().await, (session, "again".into()));
    })
    .await;
}

#[tokio::test]
async fn a_replica_that_serves_nothing_old_is_left_too() {
    within(async {
        let server = RedisServer::start();
        let mut process = Process::on_redis(&server.url());
        let (store, session) = (process.store.clone(), some_session());
        store.append(&session, EventId::ZERO, &entries([1])).await.unwrap();
        let mut admin = admin(&server).await;
        let _: () = ask(&mut admin, &["CONFIG", "SET", "replica-serve-stale-data", "no"]).await;
        let nowhere = free_port().to_string();
        let _: () = ask(&mut admin, &["REPLICAOF", "127.0.0.1", &nowhere]).await;
        assert_no_write_is_possible(&*store, &session).await;
        let _: () = ask(&mut admin, &["REPLICAOF", "NO", "ONE"]).await;
        until_resubscribed(&mut process).await;
        until_it_answers(&*store).await;
        assert_writes_are_possible(&*store, &session).await;
    })
    .await;
}

#[tokio::test]
async fn a_server_that_still_loads_its_data_is_waited_for() {
    within(async {
        // While it loads, a server looks at its clients once for each so many bytes.
        let as_they_are = || ["--rdbcompression", "no"].map(str::to_owned).to_vec();
        let mut server = RedisServer::told(as_they_are);
        let process = Process::on_redis(&server.url());
        let (store, session) = (process.store.clone(), some_session());
        store.append(&session, EventId::ZERO, &entries([1])).await.unwrap();
        let mut fill = redis::pipe();
        for key in 0..3_000 {
            fill.set(key, "x".repeat(1_024)).ignore();
        }
        fill.exec_async(&mut admin(&server).await).await.unwrap();
        // Keys are loaded one by one from a snapshot, not from a log.
        server.ask("BGREWRITEAOF").unwrap();
        eventually("the snapshot is there", || async {
            let info = server.ask("INFO persistence").unwrap();
            info.contains("aof_rewrites:1") && info.contains("aof_rewrite_in_progress:0")
        })
        .await;

        server.restart_loading();
        eventually("the store has heard why", || async {
            store.ping().await.is_err_and(|error| error.to_string().contains("loading the dataset"))
        })
        .await;
        assert_no_write_is_possible(&*store, &session).await;
        let told = server.ask("CONFIG SET key-load-delay 0").unwrap();
        assert!(told.starts_with("+OK"), "{told}");
        until_it_answers(&*store).await;
        eventually("subscribed", || async { store.watch(&session).await.is_ok() }).await;
        assert_writes_are_possible(&*store, &session).await;
    })
    .await;
}

#[tokio::test]
async fn an_append_that_was_given_up_and_happened_later_can_be_repeated() {
    within(async {
        let server = RedisServer::start();
        let process = Process::on_redis(&server.url());
        let (store, session) = (&process.store, some_session());
        store.append(&session, EventId::ZERO, &entries([1])).await.unwrap();
        let mut admin = admin(&server).await;
        // Reads and beats are answered, writes wait.
        let _: () = ask(&mut admin, &["CLIENT", "PAUSE", "600000", "WRITE"]).await;
        let given_up = store.append(&session, EventId::new(1), &entries([2])).await;
        let is_away = matches!(given_up, Err(AppendError::Store(StoreError::Unavailable(_))));
        assert!(is_away, "{given_up:?}");
        let _: () = ask(&mut admin, &["CLIENT", "UNPAUSE"]).await;
        store.append(&session, EventId::new(1), &entries([2])).await.unwrap();
        store.append(&session, EventId::new(2), &entries([3])).await.unwrap();
        assert_eq!(store.newest(&session, 9).await.unwrap(), entries([1, 2, 3]));
    })
    .await;
}
