use serde_json::{Value, json};

use super::*;
use crate::domain::Message;

mod by_name;
mod long;
mod pulls;
mod talk;

use talk::{ALL_TOOLS, Talk, collect, user};

fn commits(list: &[(&str, &str)]) -> Value {
    let commit = |(hash, subject): &(&str, &str)| json!({"hash": hash, "shortHash": hash, "author": "kim", "date": "2026-01-16", "subject": subject});
    json!({"commits": list.iter().map(commit).collect::<Vec<_>>()})
}

#[tokio::test]
async fn a_greeting_is_answered_with_what_the_planner_can_do() {
    let said = Talk::new("안녕하세요").words().await;
    assert!(said.contains("안녕하세요") && said.contains("브랜치 병합"), "{said}");
    let said = Talk::new("hello").offering(&["git_status"]).words().await;
    assert!(said.contains("tell how the repository stands"), "{said}");
    assert!(!said.contains("mail"), "a tool that is not offered: {said}");
}

#[tokio::test]
async fn a_merge_without_a_target_goes_to_the_base_that_the_repository_has() {
    let merge = |target: &str| ("git_merge", json!({"source": "feature", "target": target}));
    let listing = || [("git_branch_list", json!({}))];
    for (names, target) in [(["feature", "master"], "master"), (["feature", "release"], "release")]
    {
        let mut talk = Talk::new("feature 브랜치 병합해줘");
        let branches = names.map(|name| json!({"name": name, "current": name == target}));
        talk.step(&listing(), &[json!({"branches": branches})]).await;
        talk.step(&[merge(target)], &[json!({})]).await;
    }
    let mut talk = Talk::new("merge feature please").offering(&["git_merge"]);
    talk.step(&[merge("main")], &[json!({})]).await;
    let mut talk = Talk::new("main 브랜치 병합해줘");
    talk.step(&listing(), &[json!({"branches": [{"name": "main", "current": true}]})]).await;
    let said = talk.words().await;
    assert!(said.contains("어느 브랜치"), "{said}");
}

#[tokio::test]
async fn a_tool_that_failed_is_reported_and_not_tried_again() {
    let mut talk = Talk::new("feature 브랜치를 main에 병합해주세요");
    let asked = talk.turn().await;
    talk.answer(&asked, &[json!({"error": "merge conflict in a.txt"})]);
    let said = talk.turn().await;
    assert_eq!(said.text, "git_merge 도구가 실패했습니다: merge conflict in a.txt");
    assert!(said.calls.is_empty());
    assert!(said.end.confidence < asked.end.confidence);
}

#[tokio::test]
#[rustfmt::skip]
async fn every_tool_that_failed_is_named_with_its_reason_whatever_was_asked() {
    for prompt in [
        "GitHub PR을 분석해주세요", "GitHub PR을 생성해주세요", "acme/shop 저장소에 feature 브랜치에서 main으로 PR을 생성해줘", "acme/shop#12 PR을 분석해줘",
        "acme/shop#12 PR을 병합해줘", "acme/shop 저장소의 열린 PR 목록", "feature 브랜치를 main에 병합해주세요", "feature 브랜치 병합해줘",
        "kim@dwp.com에게 회의 일정 메일 보내줘", "저장소 상태 알려줘", "최근 커밋 5개 보여줘", "main과 feature 비교해줘", "README.md 보여줘",
        "list branches", "review acme/shop#12", "merge feature", "git_status",
    ] {
        let mut talk = Talk::new(prompt);
        let mut failed = Vec::new();
        let answer = loop {
            let said = talk.turn().await;
            if said.calls.is_empty() {
                break said.text;
            }
            assert!(failed.len() < 10, "{prompt}: it goes on for ever");
            failed.extend(said.tools().iter().map(|(tool, _)| (*tool).to_owned()));
            talk.answer(&said, &vec![json!({"error": "the wire is cut"}); said.calls.len()]);
        };
        assert!(!failed.is_empty() && answer.contains("the wire is cut"), "{prompt}: {answer}");
        for tool in failed {
            assert!(answer.contains(&tool), "{prompt}: {tool} is not named in {answer:?}");
        }
        for claim in ["병합했습니다", "만들었습니다", "보냈습니다", "깨끗합니다", "Merged"]
        {
            assert!(!answer.contains(claim), "{prompt}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_result_that_was_cut_to_fit_is_no_failure() {
    let mut talk = Talk::new("git status");
    let asked = talk.turn().await;
    talk.messages.push(Message::Tool {
        call_id: ToolCallId::new(&asked.calls[0].0),
        name: "git_status".into(),
        content: "{\"branch\": \"ma\n[cut]".into(),
    });
    let said = talk.turn().await.text;
    assert_eq!(said, "The result of git_status was too long to be read to its end.");
}

#[tokio::test]
#[rustfmt::skip]
async fn a_request_runs_the_tool_that_does_it_with_what_was_named() {
    for (prompt, tool, arguments) in [
        ("저장소 상태 알려줘", "git_status", json!({})),
        ("git status", "git_status", json!({})),
        ("최근 커밋 3개 보여줘", "git_log", json!({"limit": 3})),
        ("feature 브랜치 로그 보여줘", "git_log", json!({"ref": "feature"})),
        ("git_log {\"limit\": 1}", "git_log", json!({"limit": 1})),
        ("브랜치 목록", "git_branch_list", json!({})),
        ("main과 feature 비교해줘", "git_diff", json!({"from": "main", "to": "feature"})),
        ("git diff", "git_diff", json!({})),
        ("main 브랜치의 README.md 보여줘", "git_show_file", json!({"path": "README.md", "ref": "main"})),
        ("dwp/aura 저장소의 README.md 보여줘", "github_get_file", json!({"owner": "dwp", "repo": "aura", "path": "README.md"})),
        ("dwp/aura 저장소의 PR 목록", "github_list_prs", json!({"owner": "dwp", "repo": "aura"})),
        ("dwp/aura#3 PR을 병합해줘", "github_merge_pr", json!({"owner": "dwp", "repo": "aura", "number": 3})),
        ("feature 브랜치를 main에 병합해주세요", "git_merge", json!({"source": "feature", "target": "main"})),
        ("merge --upload-pack=x into main", "git_merge", json!({"source": "--upload-pack=x", "target": "main"})),
        ("kim@dwp.com에게 \"회의\" 제목으로 \"3시\"라고 메일 보내줘", "send_email", json!({"to": ["kim@dwp.com"], "subject": "회의", "body": "3시"})),
    ] {
        let said = Talk::new(prompt).turn().await;
        assert_eq!(said.tools(), [(tool, &arguments)], "{prompt}");
        assert_eq!((said.calls[0].0.as_str(), said.text.as_str()), ("call_1", ""), "{prompt}");
    }
}

#[tokio::test]
async fn what_takes_no_tool_and_what_is_missing_is_said_in_words() {
    for (prompt, part) in [
        ("브랜치를 병합해줘", "어느 브랜치"),
        ("메일 보내줘", "메일 주소"),
        ("a@b.c@d.e에게 메일 보내줘", "메일 주소"),
        ("PR 12번 병합해줘", "어느 PR"),
        ("PR 12번 분석해줘", "어느 PR"),
        ("list open PRs", "Which GitHub repository"),
        ("오늘 날씨 어때?", "이해하지 못했습니다"),
        ("이 화면이 뭐야?", "받지 못했습니다"),
        ("", "did not understand"),
        ("감사합니다", "천만에요"),
        ("thank you!", "You are welcome"),
    ] {
        let said = Talk::new(prompt).words().await;
        assert!(said.contains(part), "{prompt}: {said}");
    }
    for (prompt, part) in [("feature를 main에 병합해줘", "git_merge"), ("hello", "No tools")]
    {
        let said = Talk::new(prompt).offering(&[]).words().await;
        assert!(said.contains(part), "{prompt}: {said}");
    }
}

#[tokio::test]
async fn a_question_about_the_screen_is_answered_from_the_page_context() {
    let page = json!({"activeApp": "mail", "selectedItemIds": [1, 2]});
    let said = Talk::on_page("메일 화면 설명해줘", &page).words().await;
    assert!(said.contains("화면: mail\n- 선택된 항목 ID: 1, 2"), "{said}");
}

#[tokio::test]
async fn without_tools_the_results_that_are_there_are_told() {
    let mut talk = Talk::new("저장소 상태 알려줘");
    let status = json!({"branch": "main", "head": "abc", "clean": true});
    talk.step(&[("git_status", json!({}))], &[status]).await;
    let said = talk.offering(&[]).words().await;
    assert!(said.starts_with("현재 브랜치: main (abc)"), "{said}");
}

#[tokio::test]
async fn a_follow_up_means_the_branch_that_was_named_last() {
    let mut talk = Talk::new("feature/login 브랜치 로그 보여줘");
    talk.step(&[("git_log", json!({"ref": "feature/login"}))], &[commits(&[])]).await;
    talk.words().await;
    talk.ask("그 브랜치를 main에 병합해줘");
    let merge = ("git_merge", json!({"source": "feature/login", "target": "main"}));
    let ids = talk.step(&[merge], &[json!({})]).await;
    assert_eq!(ids, ["call_2"], "ids are unique within the conversation");
}

#[tokio::test]
async fn call_ids_stay_unique_when_the_oldest_part_of_a_conversation_is_gone() {
    let mut talk = Talk::new("git status");
    let call = |id: &str| ToolCall::new(ToolCallId::new(id), "git_log", "{}");
    let tool_calls = vec![call("call_41"), call("other")];
    talk.messages.insert(0, Message::Assistant { content: String::new(), tool_calls });
    assert_eq!(talk.turn().await.calls[0].0, "call_42");
}

#[tokio::test]
async fn a_benchmark_gets_exactly_as_many_words_as_it_asks_for() {
    for prompt in ["words=500", "안녕하세요 words=500", "hello (words=500)"] {
        let said = Talk::new(prompt).turn().await;
        assert_eq!(said.text.split_whitespace().count(), 500, "{prompt}");
    }
    let said = Talk::new("안녕하세요 words=100000").turn().await.text;
    assert_eq!(said.split_whitespace().count(), 5000);
    assert!(said.starts_with("(최대 5,000 단어까지만 답합니다.)"), "{said:.100}");
    let mut talk = Talk::new("저장소 상태 알려줘 words=7");
    let status = json!({"branch": "main", "clean": true});
    talk.step(&[("git_status", json!({}))], &[status]).await;
    assert_eq!(talk.words().await.split_whitespace().count(), 7);
}

#[tokio::test]
async fn a_prompt_that_stands_wholly_in_quotes_is_understood() {
    let bare = Talk::new("main 브랜치에 feature를 병합해줘").turn().await;
    assert_eq!(bare.tools()[0].0, "git_merge");
    for prompt in [
        "\"main 브랜치에 feature를 병합해줘\"",
        " “main 브랜치에 feature를 병합해줘”\n",
        "'main 브랜치에 feature를 병합해줘'",
        "「main 브랜치에 feature를 병합해줘」",
    ] {
        assert_eq!(Talk::new(prompt).turn().await.tools(), bare.tools(), "{prompt}");
    }
    let two = Talk::new("\"feature를 병합해줘\" 라는 말과 \"main에 병합해줘\"").turn().await;
    assert!(two.calls.is_empty(), "what is only quoted is no wish: {:?}", two.tools());
}

#[tokio::test]
async fn an_answer_that_was_interrupted_anywhere_goes_on_as_if_it_had_not_been() {
    for prompt in ["hello words=40", "안녕하세요 words=40", "안녕하세요"] {
        let whole = Talk::new(prompt).turn().await;
        for (at, _) in whole.text.char_indices().chain([(whole.text.len(), ' ')]) {
            let begun = &whole.text[..at];
            let rest = Talk::new(prompt).after(begun).turn().await;
            assert_eq!(format!("{begun}{}", rest.text), whole.text, "cut at {at}");
            assert_eq!(rest.end, whole.end, "the counts are those of the whole turn");
        }
    }
}

#[tokio::test]
async fn an_answer_that_another_model_began_is_said_from_where_they_differ() {
    let whole = Talk::new("안녕").turn().await.text;
    let other = whole.replacen("DWP", "다른", 1);
    let rest = Talk::new("안녕").after(&other).turn().await.text;
    assert!(rest.starts_with("DWP") && whole.ends_with(&rest), "{rest}");
}

#[tokio::test]
async fn a_turn_that_asks_for_tools_does_so_whatever_was_said_before() {
    let said = Talk::new("git status").after("Let me see.").turn().await;
    assert_eq!((said.text.as_str(), said.tools()), ("", vec![("git_status", &json!({}))]));
}

#[tokio::test]
async fn the_same_conversation_gets_the_same_turn_with_its_tokens_counted() {
    let (one, other) = (Talk::new("안녕").turn().await, Talk::new("안녕").turn().await);
    assert_eq!((&one.text, one.end), (&other.text, other.end));
    let usage = one.end.usage.unwrap();
    assert_eq!(usage.prompt_tokens, 2);
    assert!(usage.completion_tokens > 0);
    assert_eq!(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
    assert_eq!(Planner::new().name(), "builtin-planner");
}

proptest::proptest! {
    #[test]
    fn no_prompt_and_no_result_makes_it_panic(prompt in ".{0,80}", result in ".{0,40}", at in 0..ALL_TOOLS.len()) {
        for prompt in [prompt.clone(), format!("{prompt} main에 병합 PR 메일 words={prompt}")] {
            let call = ToolCall::new(ToolCallId::new("call_1"), ALL_TOOLS[at], result.as_str());
            let messages = vec![
                user(&prompt),
                Message::Assistant { content: String::new(), tool_calls: vec![call] },
                Message::Tool { call_id: ToolCallId::new("call_1"), name: ALL_TOOLS[at].into(), content: result.clone() },
            ];
            let request = ChatRequest { messages, tools: [].into(), partial: String::new() };
            let said = collect(turn(&request).collect());
            proptest::prop_assert!(!said.text.is_empty());
        }
    }
}
