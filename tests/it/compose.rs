//! The compose stack, as far as it can be tested without Docker: its files, the secrets that it makes,
//! the users of its Redis, and what its settings make of the service.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use reqwest::StatusCode;
use serde_json::json;
use tempfile::TempDir;

use aura_platform::tools::git::sample;

use crate::support::app::{Options, Server};
use crate::support::redis::RedisServer;

const COMPOSE: &str = include_str!("../../docker-compose.yml");
const EXAMPLE: &str = include_str!("../../.env.example");
const MERGE: &str = "feature 브랜치를 main에 병합해주세요";

/// The volumes that the stack's first container fills.
struct Prepared {
    directory: TempDir,
}

impl Prepared {
    /// Runs what the stack runs first, with these variables of `.env`.
    fn with(variables: &[(&str, &str)]) -> Self {
        let prepared = Self { directory: TempDir::new().unwrap() };
        prepared.again(variables);
        prepared
    }

    fn again(&self, variables: &[(&str, &str)]) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/compose/prepare.sh");
        let mut command = Command::new("sh");
        command.arg(script).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        for name in ["KEYS_DIR", "USERS_DIR"] {
            command.env(name, self.directory.path());
        }
        let output = command.envs(variables.iter().copied()).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.directory.path().join(name)).unwrap()
    }

    /// The stack's own Redis, with its users.
    fn redis(&self) -> RedisServer {
        self.redis_for(&self.read("redis_password"))
    }

    /// The same, where the password is one of a person's choice, as it is written on one line.
    fn redis_for(&self, password: &str) -> RedisServer {
        let users = self.directory.path().join("users.acl");
        let args = ["--aclfile", users.to_str().unwrap()];
        RedisServer::with_login(&format!("aura {password}"), &args)
    }

    /// The file that names that Redis, as it is reached here.
    fn url_file(&self, redis: &RedisServer) -> String {
        let url =
            self.read("redis_url").replace("@redis:6379", &format!("@127.0.0.1:{}", redis.port()));
        let file = self.directory.path().join("url_here");
        std::fs::write(&file, url).unwrap();
        file.display().to_string()
    }
}

#[test]
fn secrets_that_are_not_set_are_made_up_once_and_kept() {
    let prepared = Prepared::with(&[]);
    let names = ["jwt_secret", "redis_password", "neighbour_password", "redis_url", "users.acl"];
    let before = names.map(|name| prepared.read(name));
    assert_eq!(before[0].len(), 64, "at least 32 bytes");
    assert_eq!(before[..3].iter().collect::<BTreeSet<_>>().len(), 3, "each its own");
    prepared.again(&[]);
    assert_eq!(names.map(|name| prepared.read(name)), before);
    for secret in &before[1..3] {
        assert!(!before[4].contains(secret.as_str()), "Redis gets hashes only");
    }
    assert_ne!(Prepared::with(&[]).read("jwt_secret"), before[0]);

    prepared.again(&[("JWT_SECRET", "the Auth Server's own, of 32 bytes")]);
    assert_eq!(prepared.read("jwt_secret"), "the Auth Server's own, of 32 bytes");
}

#[test]
fn a_redis_that_is_named_is_used_whole_or_in_parts() {
    let url = |variables: &[(&str, &str)]| Prepared::with(variables).read("redis_url");
    let whole = ("REDIS_URL", "redis://host.docker.internal:6379");
    assert_eq!(url(&[whole, ("REDIS_HOST", "other")]), whole.1);
    assert_eq!(url(&[("REDIS_HOST", "dwp-redis")]), "redis://dwp-redis:6379");
    let parts = [("REDIS_HOST", "dwp-redis"), ("REDIS_PORT", "6380"), ("REDIS_PASSWORD", "p@/ß")];
    assert_eq!(url(&parts), "redis://:%70%40%2f%c3%9f@dwp-redis:6380");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neighbours_may_decide_in_the_stacks_redis_and_do_nothing_else() {
    let prepared = Prepared::with(&[("REDIS_PASSWORD", "pass word@/:%"), ("JWT_SECRET", "unused")]);
    let redis = prepared.redis_for(r#""pass word@/:%""#);
    let options = Options::default().set("REDIS_URL_FILE", prepared.url_file(&redis));
    let server = Server::start(options).await;
    let mut stream = server.user().stream(MERGE).await;
    let hitl = stream.until("hitl").await;
    let id = hitl.data["requestId"].as_str().unwrap();
    let session = stream.session();

    let neighbour = format!("neighbour {}", prepared.read("neighbour_password"));
    let ask = |command: &str| redis.ask_as(&neighbour, command).unwrap();
    for refused in [
        format!("GET aura:session:{session}"),
        format!("XRANGE aura:journal:{session} - +"),
        "SET aura:decision:req_1 x".to_owned(),
        format!("PUBLISH aura:tail:{session} x"),
        "PSUBSCRIBE *".to_owned(),
        "KEYS *".to_owned(),
        "FLUSHALL".to_owned(),
        "CONFIG GET *".to_owned(),
        "ACL LIST".to_owned(),
    ] {
        assert!(ask(&refused).contains("-NOPERM"), "{refused}: {}", ask(&refused));
    }
    for login in ["", "neighbour wrong"] {
        let answer = redis.ask_as(login, &format!("GET hitl:request:{id}")).unwrap();
        assert!(answer.contains("-NOPERM"), "{login}: {answer}");
    }
    assert!(redis.ask_as("", "PING").unwrap().contains("+PONG"), "for the container's check");

    assert!(ask(&format!("GET hitl:request:{id}")).contains(id));
    assert!(ask(&format!("GET checkpoint:{session}")).contains("pending_approvals"));
    let signal = json!({"type": "approval", "requestId": id, "status": "approved"});
    let signal = signal.to_string().replace('"', "\\\"");
    ask(&format!("SET hitl:signal:{session} \"{signal}\" EX 300"));
    ask(&format!("PUBLISH hitl:channel:{session} \"{signal}\""));
    stream.to_done().await;
    assert_eq!(stream.status_at_end(), "completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_three_approvals_of_the_platforms_guide_can_be_walked_through() {
    let prepared = Prepared::with(&[]);
    let (redis, workspace) = (prepared.redis(), TempDir::new().unwrap());
    // As docker-compose.yml sets them where .env says nothing else.
    let options = Options::default()
        .set("REDIS_URL_FILE", prepared.url_file(&redis))
        .set("AURA__TOOLS__UNCONFIGURED", "dry_run")
        .set("AURA__WORKSPACE__SAMPLE", "true");
    let server = Server::deployed(options, workspace.path()).await;
    let user = server.user();
    for (prompt, tool, dry) in [
        ("GitHub PR을 생성해주세요", "github_create_pr", true),
        (MERGE, "git_merge", false),
        ("kim@example.com 에게 메일을 보내줘", "send_email", true),
    ] {
        let mut stream = user.stream(prompt).await;
        let hitl = stream.until("hitl").await;
        assert_eq!(hitl.data["actionType"], tool);
        let answer = user.approve(hitl.data["requestId"].as_str().unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK);
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "completed");
        let calls = stream.all("tool_execution");
        let done = calls.iter().rfind(|call| call.data["toolName"] == tool).unwrap();
        assert_eq!(done.data["status"], "success", "{:?}", done.data);
        assert_eq!(done.data["result"]["dryRun"] == json!(true), dry, "{:?}", done.data);
    }
}

#[tokio::test]
async fn a_sample_goes_into_an_empty_workspace_and_into_no_other() {
    let workspace = TempDir::new().unwrap();
    // What a crash left behind is nothing.
    std::fs::create_dir(workspace.path().join(".sample-x7f3")).unwrap();
    let made = sample::create_in_empty(workspace.path(), &aura_testing::defaults::git())
        .await
        .unwrap()
        .unwrap();
    assert!(made.join(".git").is_dir());
    assert_eq!(
        sample::create_in_empty(workspace.path(), &aura_testing::defaults::git()).await.unwrap(),
        None,
        "once is enough"
    );

    let used = TempDir::new().unwrap();
    std::fs::write(used.path().join(".keep"), "").unwrap();
    assert_eq!(
        sample::create_in_empty(used.path(), &aura_testing::defaults::git()).await.unwrap(),
        None
    );
    assert_eq!(used.path().read_dir().unwrap().count(), 1);
}

/// The names between `${` and `:-`.
fn variables_of(compose: &str) -> BTreeSet<&str> {
    let parts = compose.split("${").skip(1);
    parts.map(|part| part.split_once(":-").expect("every variable has a default").0).collect()
}

#[test]
fn the_example_names_exactly_what_the_stack_reads() {
    let lines = EXAMPLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut named: BTreeSet<_> = lines.map(|line| line.split_once('=').unwrap().0).collect();
    assert!(named.remove("COMPOSE_PROFILES"), "docker compose reads that itself");
    assert_eq!(named, variables_of(COMPOSE));
}

#[test]
fn nothing_but_the_gateway_is_published_beyond_this_machine() {
    let published = COMPOSE.lines().map(str::trim).filter(|line| {
        line.strip_prefix("- \"")
            .is_some_and(|rest| rest.starts_with("127.") || rest.starts_with("${"))
    });
    let published: Vec<_> = published.collect();
    assert_eq!(published.len(), COMPOSE.matches("ports:").count(), "{published:?}");
    let beyond: Vec<_> =
        published.iter().filter(|port| !port.starts_with("- \"127.0.0.1:")).collect();
    assert_eq!(beyond, [&"- \"${GATEWAY_HOST:-0.0.0.0}:${GATEWAY_PORT:-8080}:8080\""]);
}
