//! MCP servers, a table each.

use std::time::Duration;

use secrecy::ExposeSecret;

use super::{McpTransport, settings, with_file};

#[test]
fn an_mcp_server_is_a_command_or_a_url_and_its_environment_starts_empty() {
    let file = r#"
        [mcp.servers.time]
        command = ["uvx", "mcp-server-time", "--local-timezone=Asia/Seoul"]
        env = { API_KEY = "hunter2", TZ = "UTC" }
        read_only = ["get_current_time"]
        timeout_seconds = 7
        [mcp.servers.wiki]
        url = "https://wiki.example.com/mcp?key=hunter2"
        headers = { Authorization = "Bearer hunter2" }
        enabled = false
    "#;
    let layers = with_file(file, &[("PATH", "/bin"), ("LANG", "C")]);
    let servers = layers.check().unwrap().settings.mcp_servers;
    let [time, wiki] = servers.as_slice() else { panic!("{servers:?}") };
    let McpTransport::Command { program, arguments, env, cwd } = &time.transport else {
        panic!("{time:?}");
    };
    assert_eq!((time.name.as_str(), program.as_str(), arguments.len()), ("time", "uvx", 2));
    assert_eq!((time.timeout, time.enabled, cwd), (Some(Duration::from_secs(7)), true, &None));
    let env: Vec<_> =
        env.iter().map(|(name, value)| (name.as_str(), value.expose_secret())).collect();
    assert_eq!(env, [("API_KEY", "hunter2"), ("PATH", "/bin"), ("TZ", "UTC")]);
    assert!(time.read_only.contains("get_current_time") && wiki.read_only.is_empty());
    assert!(matches!(&wiki.transport, McpTransport::Url { headers, .. } if headers.len() == 1));
    assert!(!wiki.enabled);

    let shown = layers.to_toml();
    assert!(!shown.contains("hunter2") && !format!("{servers:?}").contains("Bearer"), "{shown}");
    let line = "servers.time.command = [\"uvx\", \"mcp-server-time\", ";
    assert!(shown.contains(line) && shown.contains("servers.wiki.enabled = false"), "{shown}");
}

#[test]
fn an_mcp_server_can_be_set_in_the_environment_where_its_variables_keep_their_case() {
    let settings = settings(&[
        ("AURA__MCP__SERVERS__TIME__COMMAND", "uvx mcp-server-time"),
        ("AURA__MCP__SERVERS__TIME__ENV__Api_Key", "x"),
        ("AURA__MCP__SERVERS__TIME__READ_ONLY", "[\"get time\"]"),
        ("AURA__MCP__SERVERS__TIME__ENABLED", "true"),
    ]);
    let [time] = settings.mcp_servers.as_slice() else { panic!("{:?}", settings.mcp_servers) };
    let McpTransport::Command { arguments, env, .. } = &time.transport else { panic!("{time:?}") };
    assert_eq!(arguments, &["mcp-server-time"]);
    assert_eq!(env.keys().collect::<Vec<_>>(), ["Api_Key"]);
    assert!(time.read_only.contains("get time"));
}

#[test]
fn what_is_wrong_with_an_mcp_server_is_told_precisely() {
    let file = r#"
        [mcp.servers.both]
        command = ["a"]
        url = "http://b"
        [mcp.servers.neither]
        enabled = true
        [mcp.servers.Big]
        command = ["a"]
        [mcp.servers.mixed]
        url = "https://b"
        env = { A = "b" }
        headers = { Host = "c" }
        [mcp.servers.table]
        command = ["a"]
        env = "A=b"
        [mcp.servers.wrong]
        command = [1]
        comand = ["a"]
        enabled = "yes"
        timeout_seconds = 0
    "#;
    let faults = with_file(file, &[]).check().unwrap_err();
    let faults: Vec<_> =
        faults.iter().map(|fault| format!("{}: {}", fault.setting, fault.problem)).collect();
    let rule =
        "a server's name is made of lower-case letters, digits, `-` and `_`, at most 32 of them";
    assert_eq!(
        faults,
        [
            "mcp.servers.wrong.comand: no such setting; [mcp.servers.wrong] has command, env, cwd, \
             url, headers, read_only, timeout_seconds, enabled",
            &format!("mcp.servers.Big: {rule}"),
            "mcp.servers.both: has both `command` and `url`: a server is reached in one way",
            "mcp.servers.mixed.env: goes with `command`, which is not set",
            "mcp.servers.mixed.headers.Host: is set by the protocol itself",
            "mcp.servers.neither: has neither `command` (a program and its arguments) nor `url`: \
             set one",
            "mcp.servers.table.env: must be a table of texts",
            "mcp.servers.wrong.command: must be a list of texts",
            "mcp.servers.wrong.timeout_seconds: must be 1 to 3600, is 0",
            "mcp.servers.wrong.enabled: must be true or false",
        ]
    );
}
