//! A primary, its replica and the sentinel that watches them.

use std::fs;
use std::process::{Child, Command, Stdio};

use aura_platform::domain::{EventId, SessionId};
use tempfile::TempDir;

use crate::bench::{Process, entries, eventually, some_session};
use crate::outage::{is_unavailable, until_it_answers, until_resubscribed};
use crate::wire::{admin, ask};
use crate::within;
use aura_testing::guardian::Watched;
use aura_testing::redis::{RedisServer, free_port};

/// A sentinel that promotes on its own authority, gone when dropped.
pub(crate) struct Sentinel {
    pub(crate) port: u16,
    child: Child,
    _watched: Watched,
    _dir: TempDir,
}

impl Sentinel {
    fn of(master: &RedisServer) -> Self {
        Self::listening("port", master.port(), "")
    }

    /// A sentinel whose own port is told by this option, of the master at that port.
    pub(crate) fn listening(option: &str, master: u16, more: &str) -> Self {
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
        let file = dir.path().join("sentinel.conf");
        let conf = format!(
            "{option} {port}\nbind 127.0.0.1\ndir {}\n\
             sentinel monitor mymaster 127.0.0.1 {master} 1\n\
             sentinel down-after-milliseconds mymaster 500\n\
             sentinel failover-timeout mymaster 5000\n\
             {more}",
            dir.path().display(),
        );
        fs::write(&file, conf).unwrap();
        let mut command = Command::new("redis-server");
        command.arg(&file).arg("--sentinel");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        let _watched = Watched::with_directory(child.id(), dir.path());
        Self { port, child, _watched, _dir: dir }
    }

    /// Waits until it knows of the replica, without which it can promote nobody.
    async fn until_it_knows_the_replica(&self) {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port)).unwrap();
        eventually("the sentinel knows the replica", || async {
            let Ok(mut sentinel) = client.get_multiplexed_async_connection().await else {
                return false;
            };
            let info: String = ask(&mut sentinel, &["INFO", "sentinel"]).await;
            info.contains("status=ok") && info.contains("slaves=1")
        })
        .await;
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn replica_of(master: &RedisServer) -> RedisServer {
    let port = master.port().to_string();
    RedisServer::told(move || ["--replicaof", "127.0.0.1", &port].map(str::to_owned).to_vec())
}

/// How many entries this server has of a journal in this database.
async fn length(server: &RedisServer, db: u8, session: &SessionId) -> u64 {
    let mut admin = admin(server).await;
    let _: () = ask(&mut admin, &["SELECT", &db.to_string()]).await;
    ask(&mut admin, &["XLEN", &format!("aura:journal:{session}")]).await
}

#[tokio::test]
async fn when_the_master_dies_commands_and_subscriptions_go_on_at_the_new_one() {
    within(async {
        let mut master = RedisServer::start();
        let replica = replica_of(&master);
        let sentinel = Sentinel::of(&master);
        sentinel.until_it_knows_the_replica().await;
        let nobody = free_port();
        let url =
            format!("redis+sentinel://127.0.0.1:{nobody},127.0.0.1:{}/mymaster/2", sentinel.port);
        let mut process = Process::on_redis(&url);
        let (store, session) = (process.store.clone(), some_session());
        until_it_answers(&*store).await;
        store.watch(&session).await.unwrap();
        let mut follower = store.follow(&session).await.unwrap();
        store.append(&session, EventId::ZERO, &entries([1])).await.unwrap();
        // What was appended must have reached the replica before the master dies with it.
        eventually("the replica has it", || async { length(&replica, 2, &session).await == 1 })
            .await;

        master.kill();
        until_resubscribed(&mut process).await;
        until_it_answers(&*store).await;
        follower.changed().await;
        store.append(&session, EventId::new(1), &entries([2])).await.unwrap();
        assert_eq!(length(&replica, 2, &session).await, 2);
        follower.changed().await;
        store.publish_signal(&session, "again").await.unwrap();
        assert_eq!(process.heard().await, (session, "again".into()));
    })
    .await;
}

#[tokio::test]
async fn a_master_that_was_demoted_while_it_lives_is_left_for_the_new_one() {
    within(async {
        let master = RedisServer::start();
        let replica = replica_of(&master);
        let sentinel = Sentinel::of(&master);
        sentinel.until_it_knows_the_replica().await;
        let url = format!("redis+sentinel://127.0.0.1:{}/mymaster", sentinel.port);
        let mut process = Process::on_redis(&url);
        until_it_answers(&*process.store).await;
        let session = some_session();
        process.store.watch(&session).await.unwrap();
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", sentinel.port)).unwrap();
        let command = client.get_multiplexed_async_connection().await.unwrap();
        eventually("the sentinel agrees to a fail-over", || {
            let mut command = command.clone();
            async move {
                let mut failover = redis::cmd("SENTINEL");
                failover.arg("FAILOVER").arg("mymaster");
                failover.exec_async(&mut command).await.is_ok()
            }
        })
        .await;
        // Until then the old master takes writes that are lost once it follows the new one.
        eventually("the old master follows the new one", || async {
            master.ask("INFO replication\r\n").unwrap_or_default().contains("role:slave")
        })
        .await;
        until_resubscribed(&mut process).await;
        eventually("appended on whom the sentinel names", || async {
            process.store.append(&session, EventId::ZERO, &entries([1])).await.is_ok()
        })
        .await;
        assert_eq!(length(&replica, 0, &session).await, 1);
    })
    .await;
}

#[tokio::test]
async fn sentinels_with_a_password_are_told_the_servers() {
    within(async {
        let master = RedisServer::with_password("correct-horse");
        let login = "requirepass correct-horse\nsentinel auth-pass mymaster correct-horse\n";
        let sentinel = Sentinel::listening("port", master.port(), login);
        let at = |login: &str, name: &str| {
            format!("redis+sentinel://{login}127.0.0.1:{}/{name}", sentinel.port)
        };
        let process = Process::on_redis(&at(":correct-horse@", "mymaster"));
        until_it_answers(&*process.store).await;

        let unknown = Process::on_redis(&at(":correct-horse@", "nobody"));
        assert!(is_unavailable(unknown.store.ping().await));
        let error = unknown.store.ping().await.unwrap_err().to_string();
        assert!(error.contains("knows no master of this name"), "{error}");
        let stranger = Process::on_redis(&at(":battery-staple@", "mymaster"));
        let error = stranger.store.ping().await.unwrap_err().to_string();
        assert!(!error.contains("battery-staple"), "{error}");
    })
    .await;
}
