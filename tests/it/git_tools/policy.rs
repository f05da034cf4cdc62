//! The registry with the real tools: who asks, what is unknown, what runs dry.

use std::sync::Arc;
use std::time::Duration;

use aura_platform::domain::ApprovalRule;
use aura_platform::domain::Unconfigured;
use aura_platform::shutdown::Tasks;
use aura_platform::tools::registry::PolicyError;
use aura_platform::tools::{ApprovalPolicy, Effect, Tool, ToolError, Tools};
use aura_platform::tools::{git, github, mail};
use serde_json::{Value, json};

use crate::support::call::{question, run};
use crate::support::git::Workspace;

async fn all() -> Vec<Arc<dyn Tool>> {
    let workspace = Workspace::with_sample("sample").await;
    let mut tools = workspace.tools().await.0;
    tools.extend(outside(Unconfigured::DryRun));
    tools
}

/// The tools of GitHub and mail where neither is configured.
fn outside(unconfigured: Unconfigured) -> Vec<Arc<dyn Tool>> {
    let github = github::GitHubConfig {
        api: "https://api.github.com".parse().unwrap(),
        token: None,
        anonymous: false,
        timeout: Duration::from_secs(1),
        max_output_bytes: 65536,
    };
    let mut tools = github::tools(github, unconfigured).unwrap();
    tools.extend(mail::tools(&mail::MailConfig::default(), unconfigured).unwrap());
    tools
}

fn rules(rules: &[(&str, ApprovalRule)]) -> ApprovalPolicy {
    rules.iter().map(|(tool, rule)| ((*tool).to_owned(), *rule)).collect()
}

pub(super) fn draft(unconfigured: Unconfigured, name: &str) -> Arc<dyn Tool> {
    outside(unconfigured).into_iter().find(|tool| tool.spec().name == name).unwrap()
}

fn pull_request() -> Value {
    json!({"owner": "dwp", "repo": "aura", "title": "로그인 개선", "head": "feature", "base": "main"})
}

#[tokio::test]
async fn by_default_what_writes_asks_and_what_reads_does_not() {
    let tools = Tools::new(all().await, ApprovalPolicy::default()).unwrap();
    let specs = tools.specs();
    let asking: Vec<_> = specs
        .iter()
        .filter(|spec| tools.needs_approval(&spec.name))
        .map(|spec| spec.name.as_str())
        .collect();
    assert_eq!(asking, ["git_merge", "github_create_pr", "github_merge_pr", "send_email"]);
    assert!(specs.iter().all(|spec| {
        let schema = &spec.parameters;
        let strict = schema["type"] == "object" && schema["additionalProperties"] == false;
        strict && schema.get("$schema").is_none() && !spec.description.is_empty()
    }));
    let writing = specs.iter().filter(|spec| spec.effect == Effect::SideEffect).count();
    assert_eq!((specs.len(), writing), (13, 4));
}

#[tokio::test]
async fn an_unknown_tool_is_named_with_those_there_are_and_would_ask() {
    let tools = Tools::new(all().await, ApprovalPolicy::default()).unwrap();
    let error = tools.find("rm_rf").err().unwrap().to_string();
    let expected = "there is no tool named \"rm_rf\"; there are: git_status, git_diff, git_log, \
                    git_show_file, git_branch_list, git_merge, github_get_pr, github_list_prs, \
                    github_get_pr_diff, github_get_file, github_create_pr, github_merge_pr, \
                    send_email";
    assert_eq!(error, expected);
    assert!(tools.needs_approval("rm_rf"));
    assert_eq!(tools.find("git_log").unwrap().spec().name, "git_log");
}

#[tokio::test]
async fn the_configuration_tightens_but_never_takes_the_person_out() {
    let tools = Tools::new(all().await, rules(&[("git_log", ApprovalRule::Required)])).unwrap();
    assert!(tools.needs_approval("git_log"));
    for tool in ["git_merge", "github_create_pr", "github_merge_pr", "send_email"] {
        let error = Tools::new(all().await, rules(&[(tool, ApprovalRule::None)])).err().unwrap();
        assert_eq!(error, PolicyError::AlwaysAsks { tool: tool.into() });
    }
    let error = Tools::new(all().await, rules(&[("gti_log", ApprovalRule::None)])).err().unwrap();
    assert!(matches!(error, PolicyError::UnknownTool { tool, .. } if tool == "gti_log"));
}

#[tokio::test]
async fn a_dry_run_shows_what_would_have_been_sent() {
    let tool = draft(Unconfigured::DryRun, "github_create_pr");
    assert!(tool.is_dry_run());
    let expected = "(모의 실행: 실제로 전송되지 않습니다) dwp/aura 저장소에 PR을 생성할까요? \
                    \"feature\" 브랜치에서 \"main\" 브랜치로, 제목: \"로그인 개선\"";
    assert_eq!(question(&tool, &pull_request()).await.unwrap(), expected);
    let sent = json!({
        "dryRun": true,
        "wouldSend": {
            "method": "POST",
            "url": "https://api.github.com/repos/dwp/aura/pulls",
            "headers": {
                "accept": "application/vnd.github+json",
                "x-github-api-version": "2022-11-28",
            },
            "body": {"title": "로그인 개선", "head": "feature", "base": "main"},
        },
        "note": "A dry run: nothing was sent.",
    });
    assert_eq!(run(&tool, &pull_request()).await.unwrap(), sent);
}

#[tokio::test]
async fn without_its_setting_a_tool_refuses_before_anybody_is_asked() {
    let mail = json!({"to": ["a@dwp.example"], "subject": "x", "body": "y"});
    let pull = json!({"owner": "dwp", "repo": "aura", "number": 1});
    let file = json!({"owner": "dwp", "repo": "aura", "path": "README.md"});
    let repository = json!({"owner": "dwp", "repo": "aura"});
    for (name, setting, arguments) in [
        ("github_create_pr", "GITHUB_TOKEN", pull_request()),
        ("github_merge_pr", "GITHUB_TOKEN", pull.clone()),
        ("github_get_pr", "GITHUB_TOKEN", pull.clone()),
        ("github_get_pr_diff", "GITHUB_TOKEN", pull),
        ("github_list_prs", "GITHUB_TOKEN", repository),
        ("github_get_file", "GITHUB_TOKEN", file),
        ("send_email", "SMTP_URL", mail),
    ] {
        let tool = draft(Unconfigured::Refuse, name);
        let expected = ToolError::NotConfigured { setting };
        assert_eq!(question(&tool, &arguments).await, Err(expected));
        assert!(!tool.is_dry_run());
    }
}

#[tokio::test]
async fn without_a_workspace_root_the_git_tools_are_there_and_name_the_setting() {
    let tools = git::tools(aura_testing::defaults::git(), Tasks::new()).await.unwrap();
    assert_eq!(tools.len(), 6);
    let expected = ToolError::NotConfigured { setting: "WORKSPACE_ROOT" };
    let merge = json!({"source": "feature", "target": "main"});
    for (name, arguments) in [("git_status", json!({})), ("git_merge", merge)] {
        let tool = tools.iter().find(|tool| tool.spec().name == name).unwrap();
        assert_eq!(question(tool, &arguments).await, Err(expected.clone()));
    }
    let tools = Tools::new(tools, rules(&[("git_merge", ApprovalRule::Required)])).unwrap();
    assert!(tools.needs_approval("git_merge"));
}

#[tokio::test]
async fn a_mail_cannot_carry_headers_or_other_recipients_in() {
    let tool = draft(Unconfigured::DryRun, "send_email");
    let good = json!({
        "to": ["minsu.kim@dwp.example"], "cc": ["a@dwp.example"], "subject": "안내", "body": "내용\n",
    });
    let expected = "(모의 실행: 실제로 전송되지 않습니다) 메일을 보낼까요? \
                    받는 사람: minsu.kim@dwp.example, 참조: a@dwp.example, 제목: \"안내\"";
    assert_eq!(question(&tool, &good).await.unwrap(), expected);
    for (field, value) in [
        ("subject", json!("x\r\nBcc: all@dwp.example")),
        ("subject", json!(" ")),
        ("to", json!([])),
        ("to", json!(["a@dwp.example\r\nBcc: b@dwp.example"])),
        ("to", json!(["a@dwp.example, b@dwp.example"])),
        ("cc", json!(["nobody"])),
        ("to", json!("a@dwp.example")),
        ("body", Value::Null),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        let error = question(&tool, &bad).await.unwrap_err().to_string();
        assert!(error.contains(&format!("`{field}`")), "{error}");
    }
}

#[tokio::test]
async fn a_pull_request_cannot_go_to_another_address() {
    let tool = draft(Unconfigured::DryRun, "github_create_pr");
    question(&tool, &pull_request()).await.unwrap();
    for (field, value) in [
        ("owner", "../../user"),
        ("owner", "-x"),
        ("owner", ""),
        ("repo", ".."),
        ("repo", "a/b"),
        ("repo", "a?x=1"),
        ("title", "  "),
        ("title", "a\nb"),
        ("head", "-x"),
        ("head", "fork:a b"),
        ("base", "feature"),
        ("base", "a..b"),
    ] {
        let mut bad = pull_request();
        bad[field] = value.into();
        let error = question(&tool, &bad).await.unwrap_err().to_string();
        assert!(error.contains(&format!("`{field}`")), "{field} {value:?}: {error}");
    }
    let mut fork = pull_request();
    fork["head"] = "minsu:feature".into();
    question(&tool, &fork).await.unwrap();
}
