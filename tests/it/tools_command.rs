//! `tools`: what a service with the settings in force could do, said before it is started.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::app::binary;
use crate::support::git::Workspace;

/// How the command ended.
struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

fn tools(arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let directory = TempDir::new().unwrap();
    let output = Command::new(binary())
        .arg("tools")
        .args(arguments)
        .current_dir(directory.path())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    Ended { code, stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The columns of the table after the tool's name.
fn row(ended: &Ended, tool: &str) -> Vec<String> {
    let mut rows = ended.stdout.lines().map(|line| line.split("  ").map(str::trim));
    let cells = rows.find(|row| row.clone().next() == Some(tool));
    let cells = cells.unwrap_or_else(|| panic!("no {tool} in {}", ended.stdout));
    cells.skip(1).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
}

#[test]
fn without_any_setting_every_tool_says_which_one_is_missing() {
    let ended = tools(&[], &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert!(ended.stdout.starts_with("TOOL "), "{}", ended.stdout);
    assert_eq!(row(&ended, "git_status"), ["no", "git", "not configured: set WORKSPACE_ROOT"]);
    assert_eq!(row(&ended, "git_merge"), ["always", "git", "not configured: set WORKSPACE_ROOT"]);
    assert_eq!(row(&ended, "github_get_pr"), ["no", "github", "not configured: set GITHUB_TOKEN"]);
    assert_eq!(row(&ended, "send_email"), ["always", "mail", "not configured: set SMTP_URL"]);
}

#[tokio::test]
async fn what_is_configured_is_ready_and_the_rules_of_the_settings_are_told() {
    let workspace = Workspace::with_sample("sample").await;
    let root = workspace.root();
    let ended = tools(
        &[],
        &[
            ("WORKSPACE_ROOT", root.to_str().unwrap()),
            ("GITHUB_TOKEN", "ghp_hunter2"),
            ("AURA__TOOLS__UNCONFIGURED", "dry_run"),
            ("AURA__TOOLS__APPROVAL__GIT_LOG", "required"),
            ("AURA__TOOLS__APPROVERS__GIT_MERGE", "2 of role:manager"),
        ],
    );
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(row(&ended, "git_status"), ["no", "git", "ready"]);
    assert_eq!(row(&ended, "git_log"), ["yes, by tools.approval", "git", "ready"]);
    assert_eq!(row(&ended, "git_merge"), ["always, policy 2 of role:manager", "git", "ready"]);
    assert_eq!(row(&ended, "github_merge_pr"), ["always", "github", "ready"]);
    assert_eq!(row(&ended, "send_email"), ["always", "mail", "dry run: set SMTP_URL"]);
    assert!(!ended.stdout.contains("hunter2"), "{}", ended.stdout);
}

#[test]
fn a_git_that_is_too_old_makes_its_tools_unavailable_and_says_so() {
    let (workspace, programs) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    crate::support::git::script(&programs.path().join("git"), "echo git version 2.20.1");
    let path = format!("{}:/usr/bin:/bin", programs.path().display());
    let variables = [
        ("WORKSPACE_ROOT", workspace.path().to_str().unwrap()),
        ("AURA__TOOLS__GIT_PATH", path.as_str()),
    ];
    let ended = tools(&[], &variables);
    let why = "unavailable: the git tools need git 2.38 or newer, found 2.20";
    assert_eq!(row(&ended, "git_status"), ["no", "git", why]);
    assert_eq!(row(&ended, "git_merge"), ["always", "git", why]);
}

/// One that answers, one that is not there, one that dies with a word, one that never answers.
#[test]
fn mcp_servers_are_asked_for_their_tools_and_ended_and_one_that_fails_says_why() {
    let directory = TempDir::new().unwrap();
    let script = format!("{}/tests/it/mcp/misbehaving.py", env!("CARGO_MANIFEST_DIR"));
    let pid = directory.path().join("pid");
    let silent = format!("echo $$ > {}; exec sleep 600", pid.display());
    let server = |name: &str, words: Value| {
        (format!("AURA__MCP__SERVERS__{name}__COMMAND"), words.to_string())
    };
    let variables = BTreeMap::from([
        server("BAD", json!(["python3", script])),
        ("AURA__MCP__SERVERS__BAD__READ_ONLY".to_owned(), "pid".to_owned()),
        server("AWAY", json!(["/does/not/exist"])),
        server("DYING", json!(["sh", "-c", "echo no licence >&2"])),
        server("SILENT", json!(["sh", "-c", silent])),
    ]);
    let variables: Vec<_> = variables.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let ended = tools(&["--wait", "5"], &variables);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(row(&ended, "bad.pid"), ["no", "bad", "ready"]);
    assert_eq!(row(&ended, "bad.double"), ["yes", "bad", "ready"]);
    let away = row(&ended, "away.*");
    assert!(away[2].starts_with("unavailable: cannot be started: No such file"), "{away:?}");
    let dying = row(&ended, "dying.*");
    assert!(dying[2].ends_with("; it said: no licence"), "{dying:?}");
    let silent = row(&ended, "silent.*");
    assert_eq!(silent[2], "unavailable: has not told its tools within 5 s");
    // It is gone with the command.
    let pid = std::fs::read_to_string(pid).unwrap();
    assert!(!std::fs::exists(format!("/proc/{}", pid.trim())).unwrap());
}

#[test]
fn for_scripts_there_is_one_object_that_says_the_same() {
    let variables = [
        ("AURA__TOOLS__UNCONFIGURED", "dry_run"),
        ("AURA__MCP__SERVERS__AWAY__COMMAND", "/does/not/exist"),
    ];
    let ended = tools(&["--json"], &variables);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let told: Value = serde_json::from_str(&ended.stdout).unwrap();
    let all = told["tools"].as_array().unwrap();
    let mail = all.iter().find(|tool| tool["name"] == "send_email").unwrap();
    let expected = json!({
        "needsApproval": true, "approvalBy": "always", "approvers": "tenant", "source": "mail",
        "isMcp": false, "state": "dry_run", "missingSetting": "SMTP_URL", "why": null,
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&mail[field], value, "{field}: {mail}");
    }
    assert_eq!(told["mcpServers"][0]["name"], "away");
    assert_eq!(told["mcpServers"][0]["state"], "unavailable");
}

#[test]
fn a_wrong_setting_is_told_as_at_the_start_of_a_service() {
    for (variable, value, told) in [
        (
            "AURA__TOOLS__APPROVAL__GIT_MERGE",
            "none",
            "error: tools.approval: approval of git_merge",
        ),
        (
            "AURA__TOOLS__APPROVERS__NOTHING",
            "tenant",
            "error: tools.approvers.nothing: there is no tool",
        ),
        ("WORKSPACE_ROOT", "/does/not/exist", "error: workspace.root (from WORKSPACE_ROOT)"),
    ] {
        let ended = tools(&[], &[(variable, value)]);
        assert_eq!(ended.code, 2, "{variable}: {}", ended.stderr);
        assert!(ended.stderr.starts_with(told), "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
    }
    assert_eq!(tools(&["--wait", "0"], &[]).code, 2);
}
