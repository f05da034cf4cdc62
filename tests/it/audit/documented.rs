//! The example of `docs/AUDIT.md`: what anybody's shell prints is what is recorded.

use std::process::Command;

use aura_platform::domain::{
    ArgumentsHash, AuditCall, AuditFact, AuditKind, AuditReason, Author, ChainEnd, RequestId,
    SessionId, TenantId, ToolCallId, UnixMs, UserId, Verdict,
};
use serde_json::json;

const PAGE: &str = include_str!("../../../docs/AUDIT.md");

/// The documented commands, and what they are said to print.
fn commands() -> Vec<(&'static str, &'static str)> {
    let mut lines = PAGE.lines();
    let mut commands = Vec::new();
    while let Some(line) = lines.next() {
        if let Some(command) = line.strip_prefix("$ ") {
            commands.push((command, lines.next().unwrap()));
        }
    }
    commands
}

/// The two facts of the example.
fn facts() -> [AuditFact; 2] {
    let arguments = json!({"target": "main", "source": "feature"});
    let call = AuditCall {
        session_id: SessionId::new("session_user123_1795250350_c85f8a0f"),
        tool: "git_merge".into(),
        tool_call_id: ToolCallId::new("call_1"),
        arguments_hash: ArgumentsHash::of("git_merge", &arguments),
        dry_run: false,
    };
    let request = RequestId::new("req_bb2bfea723fd43d592b326dbe95821c8");
    let rejected = AuditKind::ApprovalDecided {
        verdict: Verdict::Rejected,
        reason: Some(AuditReason::new("금요일에는 병합하지 않습니다")),
        edited_arguments_hash: None,
        superseded_by: None,
    };
    let requested = AuditKind::ApprovalRequested;
    let asks = Author::Known(UserId::new("user123"));
    let decides = Author::Checked(UserId::new("kim"));
    [
        AuditFact::of_request(
            &request,
            requested,
            call.clone(),
            asks,
            UnixMs::new(1_795_250_350_034),
        ),
        AuditFact::of_request(&request, rejected, call, decides, UnixMs::new(1_795_250_351_117)),
    ]
}

#[test]
fn a_shell_prints_what_the_page_says() {
    let commands = commands();
    assert_eq!(commands.len(), 4);
    for (command, printed) in commands {
        let output = Command::new("sh").arg("-c").arg(command).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim_end(), printed, "{command}");
    }
}

#[test]
fn the_service_records_what_the_page_says() {
    let facts = facts();
    let first = ChainEnd::genesis(&TenantId::new("tenant1")).then(facts[0].to_text().unwrap());
    let second = first.end().then(facts[1].to_text().unwrap());
    let arguments = format!("{}  -", facts[0].call.as_ref().unwrap().arguments_hash);
    let genesis = format!("{}  -", first.previous);
    let shell = |entry: &aura_platform::domain::AuditEntry| {
        let (number, previous, fact) = (entry.number, &entry.previous, &entry.fact);
        format!(r"printf '%s\n%s\n%s' {number} {previous} '{fact}' | sha256sum")
    };
    let [args, start, one, two] = <[_; 4]>::try_from(commands()).unwrap();
    assert_eq!((args.1, start.1), (arguments.as_str(), genesis.as_str()));
    assert_eq!((one.0, two.0), (shell(&first).as_str(), shell(&second).as_str()));
    assert_eq!(
        (one.1, two.1),
        (format!("{}  -", first.hash).as_str(), format!("{}  -", second.hash).as_str())
    );
}
