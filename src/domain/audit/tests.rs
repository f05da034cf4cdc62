use serde_json::{Value, json};

use super::*;
use crate::domain::{EntryHash, TenantId};

fn call() -> AuditCall {
    AuditCall {
        session_id: SessionId::new("session_user123_1706152860_0123456789abcdef"),
        tool: "git_merge".into(),
        tool_call_id: ToolCallId::new("call_1"),
        arguments_hash: ArgumentsHash::of("git_merge", &json!({"source": "feature"})),
        dry_run: false,
    }
}

fn user(name: &str) -> Author {
    Author::Known(UserId::new(name))
}

/// One fact of each kind.
fn facts() -> Vec<AuditFact> {
    let request = RequestId::new("req_0123456789ab");
    let of_request = |kind, who| {
        AuditFact::of_request(&request, kind, call(), who, UnixMs::new(1_706_152_860_000))
    };
    let of_execution = |kind| {
        AuditFact::of_execution(1, kind, call(), user("user123"), UnixMs::new(1_706_152_861_000))
    };
    let decided = |verdict, reason: Option<&str>, edited| AuditKind::ApprovalDecided {
        verdict,
        reason: reason.map(AuditReason::new),
        edited_arguments_hash: edited,
        superseded_by: None,
    };
    let edited = ArgumentsHash::of("git_merge", &json!({"source": "other"}));
    vec![
        of_request(AuditKind::ApprovalRequested, user("user123")),
        of_request(AuditKind::ApprovalEndorsed, user("kim")),
        of_request(AuditKind::ApprovalEndorsed, user("lee")),
        of_request(decided(Verdict::Approved, None, Some(edited)), user("lee")),
        of_request(decided(Verdict::Rejected, Some("금요일에는 안 합니다"), None), user("lee")),
        of_request(decided(Verdict::TimedOut, None, None), Author::Nobody),
        of_execution(AuditKind::ExecutionStarted).for_request(&request),
        of_execution(AuditKind::ExecutionFinished { outcome: Outcome::Ok, reason: None }),
        of_execution(AuditKind::ExecutionFinished {
            outcome: Outcome::Failed,
            reason: Some(AuditReason::new("conflict")),
        }),
    ]
}

/// A chain with these facts.
fn chain(tenant: &TenantId, facts: &[AuditFact]) -> Vec<AuditEntry> {
    let mut end = ChainEnd::genesis(tenant);
    let mut entries = Vec::new();
    for fact in facts {
        let entry = end.then(fact.to_text().unwrap());
        end = entry.end();
        entries.push(entry);
    }
    entries
}

fn verify(tenant: &TenantId, entries: &[AuditEntry]) -> Result<ChainEnd, Broken> {
    entries.iter().try_fold(ChainEnd::genesis(tenant), |end, entry| end.check(entry))
}

fn tenant() -> TenantId {
    TenantId::new("tenant1")
}

#[test]
fn canonical_json_has_sorted_keys_at_every_depth_and_no_space() {
    let value: Value = serde_json::from_str(
        " { \"b\" : [ { \"z\" : 1 , \"a\" : null } , true ] , \"a\" : \"가\\u0000\\n\\\"/\" ,
           \"\\uD83D\\uDE00\" : 1.50 , \"\\uFF5E\" : -0.0, \"\" : {} } ",
    )
    .unwrap();
    let text = "{\"\":{},\"a\":\"가\\u0000\\n\\\"/\",\"b\":[{\"a\":null,\"z\":1},true],\
                \"～\":0,\"😀\":1.5}";
    assert_eq!(canonical::text(&value), text);
    assert_eq!(canonical::text(&serde_json::from_str(text).unwrap()), text);
}

#[test]
fn arguments_hash_alike_however_they_are_written_and_differ_where_they_differ() {
    let of = |tool: &str, text: &str| ArgumentsHash::of(tool, &serde_json::from_str(text).unwrap());
    let hash = of("git_merge", r#"{"source":"feature","target":"main"}"#);
    // printf '%s' '["git_merge",{"source":"feature","target":"main"}]' | sha256sum
    let expected = "8a715161fa4af3fc3014387320358e50444e42640117654c258cccc4f41d0cab";
    assert_eq!(hash.as_str(), expected);
    assert_eq!(hash, of("git_merge", r#"{ "target": "main", "source": "f\u0065ature" }"#));
    assert_eq!(of("merge", r#"{"number":5.0}"#), of("merge", r#"{"number":5}"#));
    assert_ne!(of("merge", r#"{"number":5.5}"#), of("merge", r#"{"number":5}"#));
    for other in [
        of("git_merge", r#"{"source":"main","target":"feature"}"#),
        of("git_merge", r#"{"source":"feature","target":"main","x":null}"#),
        of("git_pull", r#"{"source":"feature","target":"main"}"#),
        of("git_merge\",{\"source\":\"feature\",\"target\":\"main\"}]", "0"),
    ] {
        assert_ne!(hash, other);
    }
}

#[test]
fn a_fact_is_recorded_in_exactly_these_bytes_and_reads_back() {
    let hash = call().arguments_hash;
    let session = call().session_id;
    let rejected = format!(
        "{{\"argumentsHash\":\"{hash}\",\"atMs\":1706152860000,\"dryRun\":false,\
         \"factId\":\"req_0123456789ab:approval_decided\",\"kind\":\"approval_decided\",\
         \"reason\":\"금요일에는 안 합니다\",\"requestId\":\"req_0123456789ab\",\
         \"sessionId\":\"{session}\",\"tool\":\"git_merge\",\"toolCallId\":\"call_1\",\
         \"verdict\":\"rejected\",\"who\":\"lee\"}}"
    );
    let facts = facts();
    assert_eq!(facts[4].to_text().unwrap(), rejected);
    for (fact, entry) in facts.iter().zip(chain(&tenant(), &facts)) {
        assert_eq!(entry.parsed().unwrap(), *fact);
        let text: Value = serde_json::from_str(&entry.fact).unwrap();
        assert_eq!(text["kind"], fact.kind.name());
    }
}

#[test]
fn a_repetition_has_the_same_fact_id_and_another_fact_has_another() {
    let ids: Vec<String> = facts().iter().map(|fact| fact.fact_id.to_string()).collect();
    let session = call().session_id;
    assert_eq!(
        ids,
        [
            "req_0123456789ab:approval_requested".to_owned(),
            "req_0123456789ab:approval_endorsed:kim".to_owned(),
            "req_0123456789ab:approval_endorsed:lee".to_owned(),
            "req_0123456789ab:approval_decided".to_owned(),
            "req_0123456789ab:approval_decided".to_owned(),
            "req_0123456789ab:approval_decided".to_owned(),
            format!("{session}:call_1:1:execution_started"),
            format!("{session}:call_1:1:execution_finished"),
            format!("{session}:call_1:1:execution_finished"),
        ]
    );
    let again = AuditFact::of_execution(
        2,
        AuditKind::ExecutionStarted,
        call(),
        Author::Nobody,
        UnixMs::new(0),
    );
    assert_eq!(again.fact_id.as_str(), format!("{session}:call_1:2:execution_started"));
}

#[test]
fn a_long_reason_is_cut_between_characters() {
    assert_eq!(AuditReason::new(&"가".repeat(1_000)).as_str(), "가".repeat(1_000));
    let cut = AuditReason::new(&"가".repeat(1_007));
    assert_eq!(cut.as_str(), format!("{}… (이하 7자 생략)", "가".repeat(1_000)));
}

#[test]
fn a_whole_chain_verifies_and_only_for_its_tenant() {
    let entries = chain(&tenant(), &facts());
    let end = verify(&tenant(), &entries).unwrap();
    assert_eq!(end, entries.last().unwrap().end());
    assert_eq!(end.number, 9);
    assert_eq!(end.check_reaches(9), Ok(()));
    assert_eq!(end.check_reaches(11), Err(Broken::Missing { first: 10, last: 11 }));
    let other = verify(&TenantId::new("tenant2"), &entries);
    assert_eq!(other, Err(Broken::Detached { number: 1 }));
}

#[test]
fn every_kind_of_tampering_is_found_and_placed() {
    let whole = chain(&tenant(), &facts());
    let broken = |change: &dyn Fn(&mut Vec<AuditEntry>)| {
        let mut entries = whole.clone();
        change(&mut entries);
        verify(&tenant(), &entries).unwrap_err()
    };
    let altered = |number| Broken::Altered { number };
    assert_eq!(broken(&|all| all[3].fact = all[3].fact.replace("lee", "kim")), altered(4));
    assert_eq!(broken(&|all| all[3].previous = all[0].hash.clone()), altered(4));
    assert_eq!(broken(&|all| all[3].hash = all[0].hash.clone()), altered(4));
    assert_eq!(broken(&|all| all[3].number = 5), Broken::Missing { first: 4, last: 4 });
    assert_eq!(broken(&|all| drop(all.remove(3))), Broken::Missing { first: 4, last: 4 });
    assert_eq!(broken(&|all| drop(all.drain(..3))), Broken::Missing { first: 1, last: 3 });
    assert_eq!(broken(&|all| all.swap(3, 4)), Broken::Missing { first: 4, last: 4 });
    let repeated = Broken::OutOfOrder { number: 4, after: 4 };
    assert_eq!(broken(&|all| all.insert(4, all[3].clone())), repeated);
    // The places swapped, the numbers kept.
    let swap_facts = |all: &mut Vec<AuditEntry>| {
        let (fourth, fifth) = (all[3].fact.clone(), all[4].fact.clone());
        (all[3].fact, all[4].fact) = (fifth, fourth);
    };
    assert_eq!(broken(&swap_facts), altered(4));
    // Forged with a hash of its own: the entry after it tells.
    let forge = |all: &mut Vec<AuditEntry>| {
        all[3] = all[2].end().then(all[3].fact.replace("lee", "kim"));
    };
    assert_eq!(broken(&forge), Broken::Detached { number: 5 });
    assert_eq!(broken(&forge).number(), 5);
}

#[test]
fn a_fact_of_a_later_version_verifies_although_it_is_not_understood() {
    let entry = ChainEnd::genesis(&tenant()).then(r#"{"kind":"tool_unlearned"}"#.into());
    assert!(verify(&tenant(), std::slice::from_ref(&entry)).is_ok());
    assert!(entry.parsed().is_err());
}

#[test]
fn only_hex_digits_in_lower_case_are_a_hash() {
    let hash = "0123456789abcdef".repeat(4);
    assert_eq!(EntryHash::parse(&hash).unwrap().as_str(), hash);
    for text in ["", &hash[1..], &hash.to_uppercase(), &hash.replace('f', "g")] {
        assert!(EntryHash::parse(text).is_none(), "{text}");
        assert!(serde_json::from_value::<ArgumentsHash>(json!(text)).is_err(), "{text}");
    }
}

proptest::proptest! {
    /// What was asked is read back from the journal before it runs: its hash must survive that.
    #[test]
    fn arguments_that_were_stored_and_read_back_have_the_same_hash(
        number in proptest::num::f64::NORMAL, text in ".*",
    ) {
        let arguments = json!({"text": text, "numbers": [number, 1, -1]});
        let read: Value = serde_json::from_str(&arguments.to_string()).unwrap();
        let hash = |arguments: &Value| ArgumentsHash::of("weather.at", arguments);
        proptest::prop_assert_eq!(hash(&read), hash(&arguments));
    }
}
