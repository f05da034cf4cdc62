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
        "branch": "feature", "head": "0123456789abcdef", "clean": false,
        "staged": ["a.rs"], "unstaged": [{"path": "b.rs"}], "untracked": ["c", "d"],
    });
    assert_eq!(
        korean("git_status", status.clone()),
        "현재 브랜치: feature (0123456789ab)\n- 스테이징됨 1: a.rs\n- 수정됨 1: b.rs\n- 추적되지 않음 2: c, d"
    );
    assert_eq!(
        english("git_status", status),
        "Current branch: feature (0123456789ab)\n- Staged 1: a.rs\n- Modified 1: b.rs\n- Untracked 2: c, d"
    );
    assert_eq!(
        english("git_status", json!({"branch": "main", "clean": true})),
        "Current branch: main\nThe working tree is clean: there is nothing to commit."
    );
}

#[test]
fn lists_are_cut_and_say_so() {
    let commits: Vec<Value> = (0..12)
        .map(|i| json!({"hash": format!("{i:040}"), "subject": format!("c{i}"), "author": "kim"}))
        .collect();
    let log = english("git_log", json!({"commits": commits}));
    assert!(log.starts_with("12 recent commit(s)\n- 0000000 c0 (kim)\n"), "{log}");
    assert!(log.ends_with("c9 (kim)\n- … (+2)"), "{log}");
    assert_eq!(korean("git_log", json!({"commits": []})), "최근 커밋 0개");
}

#[test]
fn differences_are_summed_up() {
    let files = json!([{"path": "a", "added": 3, "deleted": 1}, {"path": "b"}]);
    let diff = json!({"from": "main", "to": "x", "files": files, "truncated": true});
    assert_eq!(
        korean("git_diff", diff),
        "main → x: 파일 2개 변경 (+3 −1)\n- a (+3 −1)\n- b\n(변경이 커서 일부만 읽었습니다.)"
    );
    assert_eq!(english("git_diff", json!({"files": []})), "no differences.");
}

#[test]
fn branches_files_and_mails_are_told() {
    let branches = json!({"branches": [{"name": "main", "current": true}, {"name": "x"}, {}]});
    assert_eq!(korean("git_branch_list", branches), "브랜치 2개: main (현재), x");
    let file = json!({"path": "a.md", "content": "```\nx\n```\n"});
    assert_eq!(korean("git_show_file", file), "a.md:\n\n``````\n```\nx\n```\n``````");
    let mail = json!({"to": ["a@b.co", "c@d.co"], "subject": "회의"});
    assert_eq!(
        told("send_email", mail, json!({"sent": true}), Language::Korean),
        "메일을 보냈습니다.\n- 받는 사람: a@b.co, c@d.co\n- 제목: 회의"
    );
}

#[test]
fn pull_requests_are_told_whatever_their_fields_are_called() {
    let ours = json!({"number": 3, "title": "T", "state": "open", "author": "kim", "head": "f",
        "base": "main", "changedFiles": 2, "additions": 5, "deletions": 1, "body": "why"});
    let githubs = json!({"number": 3, "title": "T", "state": "open", "user": {"login": "kim"},
        "head": {"ref": "f"}, "base": {"ref": "main"}, "changed_files": 2, "additions": 5,
        "deletions": 1, "body": "why"});
    let expected = "#3 T (open, kim)\n- f → main\n- Files changed: 2 (+5 −1)\n\nwhy";
    assert_eq!(english("github_get_pr", ours), expected);
    assert_eq!(english("github_get_pr", githubs), expected);
    let made = json!({"number": 3, "title": "T", "url": "https://x/3"});
    assert_eq!(korean("github_create_pr", made), "PR을 만들었습니다: #3 T\nhttps://x/3");
    let list = json!({"pulls": [{"number": 1, "title": "A"}]});
    assert_eq!(english("github_list_prs", list), "Pull requests: 1\n- #1 A");
    assert_eq!(english("github_list_prs", json!([])), "Pull requests: 0");
    assert_eq!(english("github_merge_pr", json!({"merged": true})), "The pull request is merged");
}

#[test]
fn what_github_had_done_already_or_left_out_is_told_as_such() {
    let there = json!({"number": 3, "title": "T", "created": false, "alreadyExists": true});
    assert_eq!(korean("github_create_pr", there), "같은 PR이 이미 있습니다: #3 T");
    let merged = json!({"merged": true, "alreadyMerged": true});
    assert_eq!(english("github_merge_pr", merged), "The pull request was merged already");
    let list = json!({"pullRequests": [{"number": 1, "title": "A"}], "truncated": true});
    assert_eq!(korean("github_list_prs", list), "PR: 1 (더 있음)\n- #1 A");
    let diff =
        json!({"diff": "+++ b/a.rs\n+x\n[... 9 more bytes]", "fileCount": 40, "truncated": true});
    let told = english("github_get_pr_diff", diff);
    assert_eq!(told, "40 file(s) changed (+1 −0)\n- a.rs\n(Only part was read.)");
}

#[test]
fn a_result_without_the_usual_fields_is_still_told() {
    for tool in [
        "git_status",
        "git_log",
        "git_diff",
        "git_branch_list",
        "git_show_file",
        "git_merge",
        "github_get_pr_diff",
        "github_list_prs",
        "github_create_pr",
        "mcp_thing",
    ] {
        for odd in
            [json!({}), json!(null), json!([1]), json!("x"), json!({"files": 1, "commits": {}})]
        {
            assert!(!korean(tool, odd.clone()).is_empty(), "{tool} {odd}");
        }
    }
    assert_eq!(english("mcp_thing", json!({"a": 1})), r#"Result of mcp_thing: {"a":1}"#);
}

#[test]
fn nothing_is_claimed_that_a_result_does_not_say() {
    for tool in ["git_status", "git_merge", "github_create_pr", "github_merge_pr", "send_email"] {
        for odd in [json!({}), json!({"note": "queued"}), json!([]), json!("later")] {
            let told = english(tool, odd.clone());
            for claim in ["clean", "Merged", "is open", "is merged", "is sent"] {
                assert!(!told.contains(claim), "{tool} {odd}: {told}");
            }
        }
    }
}

#[test]
fn a_long_text_is_cut_and_says_how_long_it_is() {
    let file = english("git_show_file", json!({"path": "a", "content": "가".repeat(5000)}));
    assert_eq!(file.chars().filter(|c| *c == '가').count(), TEXT_MAX / "가".len());
    assert!(file.contains("… (15000 bytes)\n```"), "{file}");
}
