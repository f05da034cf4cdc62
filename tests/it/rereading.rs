//! SIGHUP reads keys, holds and the log level again (contract, sections 2 and 9).

use std::path::{Path, PathBuf};

use reqwest::StatusCode;
use serde_json::json;
use tempfile::TempDir;

use crate::support::app::{Caller, Options, SECRET, Server, eventually};
use crate::support::redis::RedisServer;

const NEXT: &str = "ff00112233445566778899aabbccddee";
const THIRD: &str = "a0b1c2d3e4f5061728394a5b6c7d8e9f";

/// The files that a server reads its keys and its log level from.
struct Files {
    directory: TempDir,
}

impl Files {
    fn new() -> Self {
        let files = Self { directory: TempDir::new().unwrap() };
        files.write("secret", SECRET);
        files.write("previous", "");
        files.write("aura.toml", "[log]\nlevel = \"warn\"\n");
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn options(&self) -> Options {
        let shown = |path: &Path| path.display().to_string();
        Options::default()
            .set("JWT_SECRET", "")
            .set("LOG_LEVEL", "")
            .set("JWT_SECRET_FILE", shown(&self.path("secret")))
            .set("JWT_SECRET_PREVIOUS_FILE", shown(&self.path("previous")))
            .set("AURA_CONFIG", shown(&self.path("aura.toml")))
    }
}

async fn is_taken(caller: &Caller) -> bool {
    let answer = caller.get("/aura/sessions").await;
    match answer.status {
        StatusCode::OK => true,
        StatusCode::UNAUTHORIZED => {
            assert_eq!(answer.body["errorCode"], "E2003");
            false
        }
        other => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_change_without_an_outage() {
    let files = Files::new();
    let server = Server::start(files.options()).await;
    let (old, new) = (server.user(), server.user().signed_with(NEXT));
    assert!(is_taken(&old).await && !is_taken(&new).await);

    // The next key is known everywhere before anybody signs with it.
    files.write("previous", NEXT);
    server.hang_up();
    eventually("the new key verifies", async || is_taken(&new).await).await;
    assert!(is_taken(&old).await);
    // Then it signs, and the former one still verifies.
    files.write("secret", NEXT);
    files.write("previous", SECRET);
    server.hang_up();
    files.write("aura.toml", "[log]\nlevel = \"info\"\n");
    server.hang_up();
    server.logged("SIGHUP: settings read again", 1).await;
    assert!(is_taken(&old).await && is_taken(&new).await);
    // In the end it is forgotten.
    files.write("previous", "");
    server.hang_up();
    eventually("the old key is forgotten", async || !is_taken(&old).await).await;
    assert!(is_taken(&new).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_and_what_is_held_outlives_any_number_of_new_keys() {
    let (files, redis) = (Files::new(), RedisServer::start());
    let server = Server::start(files.options().set("REDIS_URL", redis.url())).await;
    let operator =
        |secret: &str| server.as_user("1", "chief").in_role_signed_with("operator", secret);
    let hold = json!({"tool": "send_email", "reason": "점검"});
    assert_eq!(
        operator(SECRET).put("/aura/admin/holds/no-mail", hold).await.status,
        StatusCode::OK
    );
    let mut stream = server.user().stream("feature 브랜치를 main에 병합해주세요").await;
    let request = stream.until("hitl").await.data["requestId"].as_str().unwrap().to_owned();
    for (present, previous) in [(NEXT, SECRET), (THIRD, NEXT)] {
        files.write("secret", present);
        files.write("previous", previous);
        server.hang_up();
        eventually("the new key verifies", async || {
            is_taken(&server.user().signed_with(present)).await
        })
        .await;
        let held = async || operator(present).get("/aura/admin/holds/no-mail").await.status;
        assert_eq!(held().await, StatusCode::OK, "{present}");
    }
    assert_eq!(server.user().signed_with(THIRD).approve(&request).await.status, StatusCode::OK);
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_level_changes_and_a_bad_file_changes_nothing() {
    let files = Files::new();
    let server = Server::start(files.options()).await;
    server.user().get("/aura/sessions").await;
    assert!(!server.log().contains("request received"), "{}", server.log());
    files.write("aura.toml", "[log]\nlevel = \"info\"\n");
    server.hang_up();
    server.logged("SIGHUP: settings read again", 1).await;
    server.user().get("/aura/sessions").await;
    server.logged("request received", 1).await;

    files.write("aura.toml", "[log]\nlevel = \"inof\"\n");
    files.write("secret", "short");
    server.hang_up();
    let log = server.logged("SIGHUP: settings not read again", 1).await;
    let line = log.lines().find(|line| line.contains("not read again")).unwrap();
    for fault in ["ERROR", "auth.jwt_secret", "log.level"] {
        assert!(line.contains(fault), "{line}");
    }
    assert!(is_taken(&server.user()).await, "the old key stays");
    let before = server.log().matches("request received").count();
    server.user().get("/aura/sessions").await;
    eventually("and so does the log level", async || {
        server.log().matches("request received").count() > before
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_was_made_up_stays() {
    let server = Server::start(Options::default().set("JWT_SECRET", "")).await;
    server.hang_up();
    server.logged("SIGHUP: settings read again", 1).await;
    let refused = server.user().get("/aura/sessions").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "of another key, as before");
    assert_eq!(server.terminate().await, 0);
}
