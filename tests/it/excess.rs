//! What a model writes without measure is bounded, and the model is told.

use aura_platform::domain::call::ARGUMENTS_MAX;
use serde_json::json;

use crate::support::app::Options;
use crate::support::model::{FakeModel, Reply, tool_result};
use crate::support::world::{Kind, World};
use crate::with_both_stores;

/// Most bytes of one frame (contract, section 4.1).
const FRAME_MAX: usize = 16 * 1024;

/// Most bytes that the store may keep of one run of these tests, in all its keys.
const KEPT_MAX: usize = 256 * 1024;

/// A call with arguments of so many bytes, in so many pieces.
pub fn call_of(id: &str, name: &str, bytes: usize, pieces: usize) -> Reply {
    let part = "x".repeat(bytes / pieces);
    let parts = std::iter::repeat_n(part.as_str(), pieces);
    let arguments = ["{\"text\":\""].into_iter().chain(parts).chain(["\"}"]);
    Reply::stream().call(id, name, arguments).ends("tool_calls").in_pieces_of(64 * 1024)
}

/// What the store keeps, in bytes: of Redis what all of its keys hold, as it tells itself, where a key that has
/// gone since it was listed holds nothing.
pub async fn kept(world: &World) -> usize {
    let Some(redis) = &world.redis else {
        return world.server.metric("aura_embedded_bytes").await.try_into().unwrap();
    };
    let keys = redis.ask("KEYS *").unwrap();
    let names =
        keys.split("\r\n").filter(|line| line.contains(':') && !line.starts_with(['*', '$']));
    let size = |key: &str| -> usize {
        let answer = redis.ask(&format!("MEMORY USAGE {key} SAMPLES 0")).unwrap();
        match answer.lines().next().unwrap() {
            "$-1" => 0,
            held => held.trim_start_matches(':').parse().unwrap(),
        }
    };
    names.map(size).sum()
}

with_both_stores! {
    async fn too_much_of_a_call_is_told_to_the_model_and_neither_shown_nor_kept(kind: Kind) {
        let (long_id, long_name) = ("i".repeat(400_000), "n".repeat(500_000));
        let replies = [
            call_of("call_1", "git_status", 3_000_000, 6),
            call_of("call_2", "git_merge", 300_000, 15_000),
            call_of("call_3", &long_name, 10, 1),
            call_of(&long_id, "git_status", 10, 1),
            Reply::text(["끝"]),
        ];
        let model = FakeModel::scripted(replies).await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let mut stream = world.server.user().stream("많이 써줘").await;
        stream.to_done().await;
        assert_eq!(stream.status_at_end(), "completed", "{:#?}", stream.summary());

        let told: Vec<String> = model.requests()[1..]
            .iter()
            .map(|request| tool_result(request.message(-1))["error"].to_string())
            .collect();
        assert!(told[0].contains("the arguments are 3000011 bytes long"), "{}", told[0]);
        assert!(told[1].contains("the arguments are 300011 bytes long"), "{}", told[1]);
        assert!(told[2].contains("the tool's name is 500000 bytes long"), "{}", told[2]);
        let ids: Vec<_> = stream.all("tool_execution").iter().map(|f| f.data["toolCallId"].clone()).collect();
        assert!(ids.iter().all(|id| id.as_str().unwrap().len() <= 256));
        assert_eq!(ids[..2], [json!("call_1"), json!("call_2")], "{ids:?}");

        let longest = stream.bytes().split("\n\n").map(str::len).max().unwrap();
        assert!(longest < FRAME_MAX, "a frame of {longest} bytes");
        let kept = kept(&world).await;
        assert!((1..KEPT_MAX).contains(&kept), "{kept} bytes kept");
    }
}

with_both_stores! {
    async fn as_much_as_may_be_is_taken(kind: Kind) {
        let arguments = json!({"text": "x".repeat(ARGUMENTS_MAX - 11)}).to_string();
        assert_eq!(arguments.len(), ARGUMENTS_MAX);
        let id = "i".repeat(256);
        let call = Reply::stream().call(&id, "git_status", [arguments.as_str()]).ends("tool_calls");
        let model = FakeModel::scripted([call, Reply::text(["끝"])]).await;
        let world = World::with(kind, Options::default().model(&model)).await;
        let mut stream = world.server.user().stream("많이 써줘").await;
        stream.to_done().await;
        let ended = stream.all("tool_execution").pop().unwrap().data.clone();
        assert_eq!(ended["toolCallId"], id.as_str());
        let error = ended["error"].as_str().unwrap();
        assert!(error.contains("text") && !error.contains("bytes long"), "{error}");
    }
}

/// What a person was asked about stands in the request and in the journal: the audit stream, which is kept
/// for ever, has its hash.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_stream_repeats_nothing_of_what_its_hashes_stand_for() {
    let body = "비밀 ".repeat(9_000);
    let mail = json!({"to": ["kim@example.com"], "subject": "보고", "body": body});
    let call = Reply::stream()
        .call(&"i".repeat(256), "send_email", [mail.to_string().as_str()])
        .ends("tool_calls");
    let model = FakeModel::scripted([call, Reply::text(["끝"])]).await;
    let options = Options::default().model(&model).set("AURA__TOOLS__UNCONFIGURED", "dry_run");
    let world = World::with(Kind::Redis, options).await;
    let user = world.server.user();
    let mut stream = user.stream("메일").await;
    let hitl = stream.until("hitl").await;
    assert_eq!(user.approve(hitl.data["requestId"].as_str().unwrap()).await.status, 200);
    stream.to_done().await;
    let auditor = world.server.user().in_role("auditor");
    let answer = auditor.get("/aura/audit").await;
    let entries = answer.data()["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 4, "{answer:?}");
    for entry in entries {
        let text = entry.to_string();
        assert!(
            !text.contains("비밀") && !text.contains("보고") && !text.contains("kim@"),
            "{text}"
        );
        assert!(text.contains("argumentsHash") && text.len() < 2_048, "{} bytes", text.len());
    }
}
