//! `aura-platform audit verify`, against a Redis whose streams somebody has been at.

use std::process::Stdio;

use aura_platform::domain::{ChainEnd, EntryHash, TenantId};
use redis::aio::MultiplexedConnection;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use super::{FIRST_MS, Recorder};
use crate::support::app::PATIENCE;
use crate::support::redis::RedisServer;

const KEY: &str = "aura:audit:tenant1";
const ANCHOR: &str = "aura:audit-anchor:tenant1";
const AUDIT_KEY: &str = "a key that only auditors and servers have";

/// How the command ended.
struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

/// Runs `audit verify` with these arguments and variables, and no others.
async fn verify(arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let directory = TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_aura-platform"));
    command.args(["audit", "verify"]).args(arguments).current_dir(directory.path());
    command.env_clear().envs(variables.iter().copied());
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(PATIENCE, command.output()).await.expect("no end").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended {
        code: output.status.code().unwrap(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// A Redis with chains of five entries for tenant1 and of one for tenant2.
struct Scene {
    redis: RedisServer,
    recorder: Recorder,
    admin: MultiplexedConnection,
    key: Option<&'static str>,
}

/// An entry as XRANGE tells it.
type Stored = (String, Vec<String>);

impl Scene {
    async fn new() -> Self {
        Self::recorded_with(None).await
    }

    /// With chains that are sealed with an audit key.
    async fn sealed() -> Self {
        Self::recorded_with(Some(AUDIT_KEY)).await
    }

    async fn recorded_with(key: Option<&'static str>) -> Self {
        let redis = RedisServer::start();
        let recorder = Recorder::sealing(&redis, key).await;
        recorder.record("tenant1", 0..5).await;
        recorder.record("tenant2", [7]).await;
        let client = redis::Client::open(redis.url()).unwrap();
        let admin = client.get_multiplexed_async_connection().await.unwrap();
        Self { redis, recorder, admin, key }
    }

    async fn verify(&self, arguments: &[&str]) -> Ended {
        self.verify_with(self.key.unwrap_or_default(), arguments).await
    }

    async fn verify_with(&self, key: &str, arguments: &[&str]) -> Ended {
        verify(arguments, &[("REDIS_URL", &self.redis.url()), ("AURA__AUDIT__KEY", key)]).await
    }

    async fn command(&mut self, words: &[&str]) {
        let mut command = redis::cmd(words[0]);
        let _: redis::Value = command.arg(&words[1..]).query_async(&mut self.admin).await.unwrap();
    }

    /// The number and the problem that are told of tenant1; tenant2 is always whole.
    async fn damage(&self) -> (u64, String) {
        let ended = self.verify(&["--json"]).await;
        assert_eq!(ended.code, 1, "{}", ended.stdout);
        assert_eq!(ended.stderr, "error: 1 of 2 audit streams broken\n");
        let lines: Vec<Value> =
            ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((&lines[0]["tenant"], &lines[0]["whole"]), (&json!("tenant1"), &json!(false)));
        assert_eq!((&lines[1]["tenant"], &lines[1]["whole"]), (&json!("tenant2"), &json!(true)));
        let (number, problem) = (lines[0]["brokenAt"].as_u64().unwrap(), &lines[0]["problem"]);
        assert_eq!(lines[0]["entries"].as_u64(), Some(number - 1));
        (number, problem.as_str().unwrap().to_owned())
    }

    async fn entries(&mut self) -> Vec<Stored> {
        let mut range = redis::cmd("XRANGE");
        range.arg(KEY).arg("-").arg("+").query_async(&mut self.admin).await.unwrap()
    }

    /// Puts other entries in the place of all.
    async fn rebuild(&mut self, entries: &[Stored]) {
        let mut pipe = redis::pipe();
        pipe.del(KEY).ignore();
        for (id, fields) in entries {
            pipe.cmd("XADD").arg(KEY).arg(id).arg(fields).ignore();
        }
        let _: () = pipe.query_async(&mut self.admin).await.unwrap();
    }

    async fn remove(&mut self, id: &str) {
        let removed: u64 =
            redis::cmd("XDEL").arg(KEY).arg(id).query_async(&mut self.admin).await.unwrap();
        assert_eq!(removed, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whole_chains_are_told_with_their_length_their_times_and_their_last_hash() {
    let mut scene = Scene::new().await;
    let last = scene.entries().await.pop().unwrap().1.pop().unwrap();
    let ended = scene.verify(&[]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(
        lines[0],
        format!(
            "tenant1: whole: 5 entries, 2026-11-21T08:39:10.025Z to 2026-11-21T08:39:14.025Z, \
             last hash {last}"
        )
    );
    assert!(lines[1].starts_with("tenant2: whole: 1 entry, 2026-11-21T08:39:17.025Z to "));
    assert_eq!(lines.len(), 2);

    let ended = scene.verify(&["--tenant", "tenant1", "--json"]).await;
    let line: Value = serde_json::from_str(ended.stdout.trim()).unwrap();
    assert_eq!(
        line,
        json!({
            "tenant": "tenant1", "whole": true, "entries": 5, "firstAtMs": FIRST_MS,
            "lastAtMs": FIRST_MS + 4_000, "lastHash": last, "brokenAt": null, "problem": null,
        })
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_tenants_that_are_named_are_looked_at() {
    let mut scene = Scene::new().await;
    scene.remove("1-0").await;
    let ended = scene.verify(&["--tenant", "tenant2", "--tenant", "nobody"]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert!(ended.stdout.starts_with("tenant2: whole: 1 entry, "), "{}", ended.stdout);
    assert!(ended.stdout.ends_with("\nnobody: whole: no entries\n"), "{}", ended.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_entry_is_named() {
    let mut scene = Scene::new().await;
    let mut entries = scene.entries().await;
    assert!(entries[2].1[3].contains("user123"));
    entries[2].1[3] = entries[2].1[3].replace("user123", "nobody1");
    scene.rebuild(&entries).await;
    let (number, problem) = scene.damage().await;
    assert_eq!(number, 3);
    assert!(problem.contains("has been altered"), "{problem}");

    let words = scene.verify(&["--tenant", "tenant1"]).await;
    let told = "tenant1: BROKEN at entry 3: entry 3 has been altered: its hash is not that of its \
                content\n  whole up to there: 2 entries, ";
    assert!(words.stdout.starts_with(told), "{}", words.stdout);
    assert_eq!((words.code, words.stderr.as_str()), (1, "error: 1 of 1 audit streams broken\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_entry_is_missed_wherever_it_was() {
    for (id, number) in [("1-0", 1), ("3-0", 3), ("5-0", 5)] {
        let mut scene = Scene::new().await;
        scene.remove(id).await;
        let (found, problem) = scene.damage().await;
        assert_eq!(found, number);
        assert_eq!(
            problem,
            format!("entry {number} is missing (the gap ends with entry {number})")
        );
        // Recording goes on, and covers nothing up.
        scene.recorder.record("tenant1", [9]).await;
        assert_eq!(scene.damage().await, (found, problem));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn moved_repeated_and_foreign_entries_are_named() {
    let mut scene = Scene::new().await;
    let whole = scene.entries().await;

    let mut moved = whole.clone();
    let (second, third) = (moved[1].1.clone(), moved[2].1.clone());
    (moved[1].1, moved[2].1) = (third, second);
    scene.rebuild(&moved).await;
    assert_eq!(scene.damage().await.0, 2);

    let mut repeated = whole.clone();
    repeated.push(("6-0".into(), whole[4].1.clone()));
    scene.rebuild(&repeated).await;
    assert_eq!(scene.damage().await.0, 6);

    let mut renumbered = whole.clone();
    renumbered.remove(1);
    for (entry, number) in renumbered.iter_mut().zip(1..) {
        entry.0 = format!("{number}-0");
    }
    scene.rebuild(&renumbered).await;
    assert_eq!(scene.damage().await.0, 2);

    for foreign in [("3-1", vec!["x", "y"]), ("3-1", vec!["hash", "", "fact", "", "previous", ""])]
    {
        let mut slipped_in = whole.clone();
        let fields = foreign.1.into_iter().map(str::to_owned).collect();
        slipped_in.insert(3, (foreign.0.into(), fields));
        scene.rebuild(&slipped_in).await;
        let (number, problem) = scene.damage().await;
        assert_eq!(number, 4, "the first that cannot be relied on");
        assert!(problem.contains("entry 3-1 "), "{problem}");
    }

    scene.rebuild(&whole).await;
    assert_eq!(scene.verify(&[]).await.code, 0);
}

/// Another reader might take the first of two, or show the one that nobody has hashed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_is_added_or_doubled_is_named() {
    let mut scene = Scene::new().await;
    let whole = scene.entries().await;
    let fact = whole[2].1[3].replace("user123", "nobody1");
    for (at, field, value) in
        [(6, "note", "approved by the board"), (0, "fact", fact.as_str()), (6, "hash", "")]
    {
        let mut changed = whole.clone();
        changed[2].1.splice(at..at, [field.to_owned(), value.to_owned()]);
        scene.rebuild(&changed).await;
        let (number, problem) = scene.damage().await;
        assert_eq!((number, problem.contains("entry 3-0 ")), (3, true), "{field}: {problem}");
    }
    let mut turned = whole.clone();
    turned[2].1.rotate_left(2);
    scene.rebuild(&turned).await;
    assert_eq!(scene.damage().await.0, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_of_another_tenant_do_not_fit() {
    let mut scene = Scene::new().await;
    let mut copy = redis::cmd("COPY");
    let copied: u64 = copy
        .arg("aura:audit:tenant2")
        .arg(KEY)
        .arg("REPLACE")
        .query_async(&mut scene.admin)
        .await
        .unwrap();
    assert_eq!(copied, 1);
    assert_eq!(scene.damage().await.0, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_no_stream_is_broken() {
    let mut scene = Scene::new().await;
    let _: () = redis::cmd("SET").arg(KEY).arg("x").query_async(&mut scene.admin).await.unwrap();
    assert_eq!(scene.damage().await.0, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_of_many_pages_is_read_to_its_end() {
    let scene = Scene::new().await;
    let store = &scene.recorder.store;
    let tenant = aura_platform::domain::TenantId::new("tenant3");
    futures::future::join_all((0..2_500).map(|n| {
        let tenant = &tenant;
        async move { aura_platform::store::Audit::record(&**store, tenant, &super::fact(n)).await }
    }))
    .await
    .into_iter()
    .for_each(Result::unwrap);
    let ended = scene.verify(&["--tenant", "tenant3"]).await;
    assert!(ended.stdout.starts_with("tenant3: whole: 2500 entries, "), "{}", ended.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_redis_there_is_nothing_to_verify_and_that_is_told() {
    let ended = verify(&[], &[]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert!(ended.stderr.starts_with("error: no Redis is set (REDIS_URL): "), "{}", ended.stderr);

    let mut redis = RedisServer::start();
    let url = redis.url();
    let ended = verify(&[], &[("REDIS_URL", &url)]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "no tenant has an audit stream\n"));
    redis.kill();
    let ended = verify(&[], &[("REDIS_URL", &url)]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""));
    assert!(ended.stderr.starts_with("error: redis.url (REDIS_URL): the store cannot be reached"));
}

/// Entries from `from` on as somebody makes them who knows how chains are made, and has not the key.
fn rebuilt(entries: &[Stored], from: usize, forge: impl Fn(&str) -> String) -> Vec<Stored> {
    let mut end = match from.checked_sub(1) {
        Some(before) => {
            let (number, hash) = (before as u64 + 1, EntryHash::parse(&entries[before].1[5]));
            ChainEnd { number, hash: hash.unwrap() }
        }
        None => ChainEnd::genesis(&TenantId::new("tenant1")),
    };
    let mut all = entries[..from].to_vec();
    for (id, fields) in &entries[from..] {
        let entry = end.then(forge(&fields[3]));
        end = entry.end();
        let (previous, hash) = (entry.previous.as_str(), entry.hash.as_str());
        let mut fields = fields.clone();
        (fields[1], fields[3], fields[5]) = (previous.to_owned(), entry.fact, hash.to_owned());
        all.push((id.clone(), fields));
    }
    all
}

fn without_seals(entries: &[Stored]) -> Vec<Stored> {
    entries.iter().map(|(id, fields)| (id.clone(), fields[..6].to_vec())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_an_audit_key_a_whole_chain_is_whole_also_after_a_restart() {
    let mut scene = Scene::sealed().await;
    assert_eq!(scene.verify(&[]).await.code, 0);
    // Others read the chain as before.
    assert_eq!(scene.verify_with("", &[]).await.code, 0);
    let again = Recorder::sealing(&scene.redis, Some(AUDIT_KEY)).await;
    again.record("tenant1", 5..8).await;
    scene.recorder.record("tenant1", 8..10).await;
    assert_eq!(scene.entries().await.len(), 10);
    let ended = scene.verify(&[]).await;
    assert!(ended.code == 0 && ended.stdout.starts_with("tenant1: whole: 10 "), "{}", ended.stdout);
    let other = scene.verify_with("another key, of at least 32 bytes", &[]).await;
    assert!(other.stdout.contains("tenant1: BROKEN at entry 1: "), "{}", other.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_an_audit_key_a_chain_rebuilt_by_its_own_rules_is_found() {
    let mut scene = Scene::sealed().await;
    let whole = scene.entries().await;
    let nobody = |fact: &str| fact.replace("user123", "nobody1");
    for (from, kept_seals) in [(4, true), (4, false), (2, true), (2, false), (0, true)] {
        let mut forged = rebuilt(&whole, from, nobody);
        if !kept_seals {
            let unsealed = without_seals(&forged.split_off(from));
            forged.extend(unsealed);
        }
        scene.rebuild(&forged).await;
        let (found, problem) = scene.damage().await;
        assert_eq!(found, from as u64 + 1, "{problem}");
        assert!(problem.contains("does not carry the seal"), "{problem}");
        // Nothing but the key tells.
        assert_eq!(scene.verify_with("", &[]).await.code, 0);
    }
    // As if no key had ever been set.
    scene.rebuild(&without_seals(&rebuilt(&whole, 0, nobody))).await;
    let (found, problem) = scene.damage().await;
    assert!(found == 5 && problem.contains("is not the one that the anchor knows"), "{problem}");
    scene.command(&["DEL", ANCHOR]).await;
    let (found, problem) = scene.damage().await;
    assert!(found == 6 && problem.contains("its anchor was removed"), "{problem}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_an_audit_key_a_cut_or_deleted_stream_is_missed_and_never_grown_over() {
    for after_a_restart in [false, true] {
        for deleted in [false, true] {
            let mut scene = Scene::sealed().await;
            let whole = scene.entries().await;
            let left = if deleted { 0 } else { 3 };
            scene.rebuild(&whole[..left]).await;
            let expected = (
                left as u64 + 1,
                format!("entry {} is missing (the gap ends with entry 5)", left + 1),
            );
            assert_eq!(scene.damage().await, expected);
            if !deleted {
                // The stream says that it has never been longer.
                scene.command(&["XSETID", KEY, "3-0"]).await;
                assert_eq!(scene.damage().await, expected);
            }
            if after_a_restart {
                Recorder::sealing(&scene.redis, Some(AUDIT_KEY))
                    .await
                    .record("tenant1", 5..9)
                    .await;
            } else {
                scene.recorder.record("tenant1", 5..9).await;
            }
            assert_eq!(scene.damage().await, expected, "recording goes on after the gap");
            assert_eq!(scene.entries().await.last().unwrap().0, "9-0");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_an_audit_key_a_forged_anchor_is_no_anchor() {
    let mut scene = Scene::sealed().await;
    let whole = scene.entries().await;
    scene.rebuild(&whole[..3]).await;
    let hash = whole[2].1[5].clone();
    for forged in [
        vec!["HSET", ANCHOR, "number", "3", "hash", hash.as_str()],
        vec!["SET", ANCHOR, "x"],
        vec!["DEL", ANCHOR],
    ] {
        scene.command(&forged).await;
        let (found, problem) = scene.damage().await;
        assert!(found == 4 && problem.contains("removed or forged"), "{problem}");
    }
    let nobody = scene.verify(&["--tenant", "nobody"]).await;
    assert!(nobody.stdout.starts_with("nobody: BROKEN at entry 1: "), "{}", nobody.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_anchor_that_was_taken_away_or_made_up_stays_missed_whoever_records_next() {
    let garbage = |number: &'static str| {
        let (hash, mac) = ("0".repeat(64), "0".repeat(64));
        ["HSET", ANCHOR, "number", number, "hash", &hash, "mac", &mac].map(str::to_owned).to_vec()
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    for taken_away in
        [words(&["DEL", ANCHOR]), words(&["SET", ANCHOR, "x"]), garbage("0"), garbage("1")]
    {
        for after_a_restart in [false, true] {
            let mut scene = Scene::sealed().await;
            let whole = scene.entries().await;
            scene.rebuild(&whole[..3]).await;
            scene.command(&["XSETID", KEY, "3-0"]).await;
            let taken_away: Vec<&str> = taken_away.iter().map(String::as_str).collect();
            scene.command(&taken_away).await;
            if after_a_restart {
                let recorder = Recorder::sealing(&scene.redis, Some(AUDIT_KEY)).await;
                recorder.record("tenant1", 5..9).await;
            } else {
                scene.recorder.record("tenant1", 5..9).await;
            }
            scene.damage().await;
        }
    }
}
