//! What people are asked cannot be made to lie, whatever a model puts into the arguments.

use std::sync::Arc;

use aura_platform::domain::Language;
use aura_platform::domain::Unconfigured;
use aura_platform::domain::text::is_plain_line;
use aura_platform::tools::Tool;
use aura_platform::tools::mail;
use proptest::prelude::{ProptestConfig, Strategy};
use proptest::string::string_regex;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::policy::draft;
use crate::support::call::question;
use crate::support::git::Workspace;

const DRY: &str = "(모의 실행: 실제로 전송되지 않습니다)";

/// Texts of all kinds, with what could deceive among them more often than by chance.
fn texts() -> impl Strategy<Value = String> {
    let tricks = "[\"“”\\\\ \n\r\t\u{202e}\u{200d}\u{fe0f}\u{2800}\u{3000}→,:()?@]";
    string_regex(&format!("(?s)(.|{tricks}|{tricks}|  +|제목: \"|받는 사람: x@y.z|=\\?){{0,30}}"))
        .unwrap()
}

/// Asks about many texts as `argument`; whatever is accepted leaves the question's facts, which are all
/// before the text, as they are, and the text is one quotation behind them (with a note where it was cut).
async fn check(tool: Arc<dyn Tool>, arguments: Value, argument: &'static str, facts: &'static str) {
    let asked = move |text: String| {
        let (tool, mut arguments) = (Arc::clone(&tool), arguments.clone());
        arguments[argument] = text.into();
        futures::executor::block_on(async move { question(&tool, &arguments).await })
    };
    assert!(asked("평범한 제목".into()).unwrap().ends_with("\"평범한 제목\""));
    let runs = tokio::task::spawn_blocking(move || {
        TestRunner::new(ProptestConfig::with_cases(20000)).run(&texts(), |text| {
            let Ok(line) = asked(text) else { return Ok(()) };
            proptest::prop_assert!(is_plain_line(&line), "{:?}", line);
            let free =
                line.strip_prefix(facts).map(|free| free.replace("\\\\", "").replace("\\\"", ""));
            let is_quoted = free.is_some_and(|free| is_one_quotation(&free));
            proptest::prop_assert!(is_quoted, "{}", line);
            Ok(())
        })
    });
    runs.await.unwrap().unwrap();
}

/// Whether there is nothing but one quotation and, where its text was cut, how many characters are missing.
fn is_one_quotation(free: &str) -> bool {
    let inside_and_after = free.strip_prefix('"').and_then(|free| free.split_once('"'));
    let missing = |after: &str| {
        let count = after.strip_prefix("… (이하 ")?.strip_suffix("자 생략)")?;
        Some(count.bytes().all(|digit| digit.is_ascii_digit()))
    };
    inside_and_after.is_some_and(|(_, after)| after.is_empty() || missing(after) == Some(true))
}

#[tokio::test]
async fn no_subject_changes_what_is_asked_about_a_mail() {
    let mail =
        json!({"to": ["a@dwp.example", "b@dwp.example"], "cc": ["c@dwp.example"], "body": "x"});
    let facts = "(모의 실행: 실제로 전송되지 않습니다) 메일을 보낼까요? \
                 받는 사람: a@dwp.example, b@dwp.example, 참조: c@dwp.example, 제목: ";
    check(draft(Unconfigured::DryRun, "send_email"), mail, "subject", facts).await;
}

#[tokio::test]
async fn no_title_changes_what_is_asked_about_a_pull_request() {
    let pull = json!({"owner": "dwp", "repo": "aura", "head": "feature", "base": "main"});
    let facts = "(모의 실행: 실제로 전송되지 않습니다) dwp/aura 저장소에 PR을 생성할까요? \
                 \"feature\" 브랜치에서 \"main\" 브랜치로, 제목: ";
    check(draft(Unconfigured::DryRun, "github_create_pr"), pull, "title", facts).await;
}

#[tokio::test]
async fn no_message_changes_what_is_asked_about_a_merge() {
    let workspace = Workspace::with_sample("sample").await;
    let tools = workspace.tools().await;
    let merge = json!({"source": "feature", "target": "main"});
    let facts = "\"feature\" 브랜치를 \"main\" 브랜치에 병합할까요? 저장소: \"sample\", 메시지: ";
    check(Arc::clone(tools.tool("git_merge")), merge, "message", facts).await;
}

#[tokio::test]
async fn a_subject_cannot_pass_for_recipients_nor_a_title_hide_its_branches() {
    let mail = draft(Unconfigured::DryRun, "send_email");
    let subject = "회의 안내\" → boss@example.com (참조: hr@example.com";
    let arguments = json!({"to": ["thief@dwp.example"], "subject": subject, "body": "x"});
    let expected = format!(
        "{DRY} 메일을 보낼까요? 받는 사람: thief@dwp.example, \
         제목: \"회의 안내\\\" → boss@example.com (참조: hr@example.com\""
    );
    assert_eq!(question(&mail, &arguments).await.unwrap(), expected);
    let pull = draft(Unconfigured::DryRun, "github_create_pr");
    let title = format!("수정{}끝", " ".repeat(90));
    let arguments =
        json!({"owner": "dwp", "repo": "aura", "title": title, "head": "x", "base": "main"});
    let expected = format!(
        "{DRY} dwp/aura 저장소에 PR을 생성할까요? \"x\" 브랜치에서 \"main\" 브랜치로, 제목: \"수정\\s{{90}}끝\""
    );
    assert_eq!(question(&pull, &arguments).await.unwrap(), expected);
}

#[tokio::test]
async fn a_branch_that_looks_like_another_is_no_name() {
    let workspace = Workspace::with_sample("sample").await;
    let tools = workspace.tools().await;
    let tricks = "\u{17b4}\u{180b}\u{2800}\u{fff9}\u{1d173}\u{13430}\u{e0080}\u{e01f0}\u{3000}\u{a0}\u{2003}";
    for trick in tricks.chars() {
        for (field, other) in [("source", "target"), ("target", "source")] {
            let mut merge = json!({other: "feature"});
            merge[field] = format!("main{trick}").into();
            let error = question(tools.tool("git_merge"), &merge).await.unwrap_err().to_string();
            assert!(
                error.contains(&format!("`{field}`")) && error.contains("invisible"),
                "{error}"
            );
            assert!(is_plain_line(&error), "{error:?}");
        }
    }
}

#[tokio::test]
async fn a_mail_that_would_be_shown_otherwise_than_it_was_approved_is_refused() {
    let tool = draft(Unconfigured::DryRun, "send_email");
    for (field, value) in [
        ("subject", "=?utf-8?b?7ZWp6rKp?="),
        ("subject", "안내 =?utf-8?q?x?= 끝"),
        ("subject", "a\u{202e}b"),
        ("subject", "a\u{3000}b"),
        ("body", "a\u{1b}[31m"),
        ("body", "a\u{8}b"),
        ("body", "a\u{85}b"),
        ("body", "a\0"),
    ] {
        let mut mail = json!({"to": ["a@dwp.example"], "subject": "안내 👩‍💻", "body": "a\r\nb\rc"});
        question(&tool, &mail).await.unwrap();
        mail[field] = value.into();
        let error = question(&tool, &mail).await.unwrap_err().to_string();
        assert!(error.contains(&format!("`{field}`")), "{value:?}: {error}");
    }
}

#[tokio::test]
async fn what_is_shown_of_a_mail_has_the_lines_that_are_sent_and_nothing_unseen() {
    let tool = draft(Unconfigured::DryRun, "send_email");
    let mail =
        json!({"to": ["a@dwp.example"], "subject": "안내", "body": "x\r.\rQUIT\r\n\u{202e}y"});
    let forecast =
        Arc::clone(&tool).call(&mail).await.unwrap().forecast(Language::Korean).await.unwrap();
    let content = forecast.preview.unwrap().content;
    assert!(content.ends_with("\n\nx\n.\nQUIT\n\\u{202e}y"), "{content:?}");
}

#[tokio::test]
async fn under_a_list_of_domains_no_address_leads_out_of_them() {
    let tool = |domains: &[&str]| {
        let allowed_domains = domains.iter().map(|name| (*name).to_owned()).collect();
        let config = mail::MailConfig { allowed_domains, ..mail::MailConfig::default() };
        mail::tools(&config, Unconfigured::DryRun).unwrap().remove(0)
    };
    for address in ["a%evil.com@dwp.com", "evil.com!a@dwp.com", "|id@dwp.com", "`id`@dwp.com"] {
        for field in ["to", "cc"] {
            let mut mail = json!({"to": ["a@dwp.com"], "subject": "x", "body": "y"});
            mail[field] = json!([address]);
            let error = question(&tool(&["dwp.com"]), &mail).await.unwrap_err().to_string();
            assert!(error.contains(&format!("`{field}`")), "{address}: {error}");
            assert!(error.contains("smtp.allowed_domains"), "{error}");
            question(&tool(&[]), &mail).await.unwrap();
        }
    }
}
