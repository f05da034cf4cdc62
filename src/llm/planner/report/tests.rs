use serde_json::json;

use super::*;

fn told(tool: &str, arguments: Value, result: Value, language: Language) -> String {
    of(&Done { tool, arguments, result: Ok(result) }, language)
}

fn korean(tool: &str, result: Value) -> String {
    told(tool, json!({}), result, Language::Korean)
}

fn english(tool: &str, result: Value) -> String {
    told(tool, json!({}), result, Language::English)
}

#[test]
fn a_status_names_what_is_changed() {
    let status = json!({
        "branch": "feature", "head": "0123456789abcdef", "clean": false, "staged": ["a.rs"],
        "unstaged": [{"path": "b.rs"}], "conflicted": ["e"], "untracked": ["c", "d"],
    });
    assert_eq!(
        korean("git_status", status.clone()),
        "현재 브랜치: feature (0123456789ab)\n- 스테이징됨 1: a.rs\n- 수정됨 1: b.rs\n- 충돌 1: e\n- 추적되지 않음 2: c, d"
    );
    assert_eq!(
        english("git_status", status),
        "Current branch: feature (0123456789ab)\n- Staged 1: a.rs\n- Modified 1: b.rs\n- In conflict 1: e\n- Untracked 2: c, d"
    );
    assert_eq!(
        english("git_status", json!({"branch": "main", "clean": true})),
        "Current branch: main\nThe working tree is clean: there is nothing to commit."
    );
}

#[test]
fn lists_are_cut_and_say_so() {
    let commit =
        |i| json!({"shortHash": format!("{i:07}"), "subject": format!("c{i}"), "author": "kim"});
    let log = english("git_log", json!({"commits": (0..12).map(commit).collect::<Vec<_>>()}));
    assert!(log.starts_with("12 recent commit(s)\n- 0000000 c0 (kim)\n"), "{log}");
    assert!(log.ends_with("c9 (kim)\n- … (+2)"), "{log}");
    assert_eq!(korean("git_log", json!({"commits": []})), "최근 커밋 0개");
}

#[test]
fn what_is_read_is_told() {
    let files = json!([{"path": "a", "added": 3, "deleted": 1}, {"path": "b"}]);
    let diff = json!({"from": "main", "to": "x", "files": files, "truncated": true});
    let expected = "main → x: 파일 2개 변경 (+3 −1)\n- a (+3 −1)\n- b\n(일부만 읽었습니다.)";
    assert_eq!(korean("git_diff", diff), expected);
    assert_eq!(english("git_diff", json!({"files": []})), "no differences.");
    let branches = json!({"branches": [{"name": "main", "current": true}, {"name": "x"}, {}]});
    assert_eq!(korean("git_branch_list", branches), "브랜치 2개: main (현재), x");
    let file = json!({"path": "a.md", "content": "```\nx\n```\n"});
    assert_eq!(korean("git_show_file", file), "a.md:\n\n``````\n```\nx\n```\n``````");
    let binary = json!({"path": "a.png", "content": null, "note": "a binary file of 9 bytes"});
    assert_eq!(english("github_get_file", binary), "a.png:\n- a binary file of 9 bytes");
    let long = english("git_show_file", json!({"path": "a", "content": "가".repeat(5000)}));
    assert!(long.contains("… (15000 bytes)\n```"), "{long}");
}

#[test]
fn pull_requests_are_told() {
    let pull = json!({"number": 3, "title": "T", "state": "open", "author": "kim",
        "head": {"ref": "f"}, "base": {"ref": "main"},
        "changedFiles": 2, "additions": 5, "deletions": 1, "body": "why"});
    let expected = "#3 T (open, kim)\n- f → main\n- Files changed: 2 (+5 −1)\n\nwhy";
    assert_eq!(english("github_get_pr", pull), expected);
    let made = json!({"number": 3, "title": "T", "url": "https://x/3"});
    assert_eq!(korean("github_create_pr", made), "PR을 만들었습니다: #3 T\nhttps://x/3");
    let there = json!({"number": 3, "title": "T", "created": false, "alreadyExists": true});
    assert_eq!(korean("github_create_pr", there), "같은 PR이 이미 있습니다: #3 T");
    let list = json!({"pullRequests": [{"number": 1, "title": "A"}], "truncated": true});
    assert_eq!(korean("github_list_prs", list), "PR: 1 (더 있음)\n- #1 A");
    assert_eq!(english("github_merge_pr", json!({"merged": true})), "The pull request is merged");
    let merged = json!({"merged": true, "alreadyMerged": true});
    assert_eq!(english("github_merge_pr", merged), "The pull request was merged already");
    let diff =
        json!({"diff": "+++ b/a.rs\n+x\n[... 9 more bytes]", "fileCount": 40, "truncated": true});
    let told = english("github_get_pr_diff", diff);
    assert_eq!(told, "40 file(s) changed (+1 −0)\n- a.rs\n(Only part was read.)");
}

#[test]
fn what_changed_something_is_told_with_what_it_was_asked_to_do() {
    let mail = json!({"to": ["a@b.co", "c@d.co"], "subject": "회의"});
    assert_eq!(
        told("send_email", mail, json!({"sent": true}), Language::Korean),
        "메일을 보냈습니다.\n- 받는 사람: a@b.co, c@d.co\n- 제목: 회의"
    );
    let merged = json!({"merged": true, "source": "feature", "target": "main", "commit": "abc123"});
    let told = korean("git_merge", merged.clone());
    assert_eq!(told, "병합했습니다: feature → main\n- 커밋: abc123");
    assert_eq!(english("git_merge", merged), "Merged feature into main.\n- Commit: abc123");
}

#[test]
fn a_result_of_which_nothing_is_known_is_shown_and_nothing_is_claimed_of_it() {
    let tools = abilities::ABILITIES.iter().map(|ability| ability.tool);
    for tool in tools.chain(["time.now"]) {
        for odd in [
            json!({}),
            json!(null),
            json!([1]),
            json!("later"),
            json!({"files": 1, "note": "queued"}),
        ] {
            let told = english(tool, odd.clone());
            assert!(!told.is_empty(), "{tool} {odd}");
            for claim in ["clean", "Merged", "is open", "is merged", "is sent"] {
                assert!(!told.contains(claim), "{tool} {odd}: {told}");
            }
        }
    }
    let json = "Result of time.now:\n\n```json\n{\n  \"structured\": 1\n}\n```";
    assert_eq!(english("time.now", json!({"structured": 1})), json);
    assert_eq!(korean("time.now", json!({"text": "9시"})), "time.now 결과:\n\n9시");
}
