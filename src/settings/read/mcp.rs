//! Section `mcp.servers`: one table for each MCP server, under a name of the operator's choice.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::SecretString;

use super::super::check::Check;
use super::super::headers;
use super::super::names::mcp::SERVERS;
use super::super::sections::{McpServerSettings, McpTransport};
use super::directory;

/// Longest name of a server: with a tool's name it is still readable.
const NAME_MAX: usize = 32;
/// Headers that the protocol sets itself.
const RESERVED: [&str; 7] = [
    "accept",
    "content-length",
    "content-type",
    "host",
    "last-event-id",
    "mcp-protocol-version",
    "mcp-session-id",
];

/// Reads every server. Faults are told with the setting that they are of.
pub(super) fn read(check: &mut Check) -> Vec<McpServerSettings> {
    let below = check.below(SERVERS);
    let names: BTreeSet<_> =
        below.iter().map(|key| key.split('.').next().unwrap_or(key).to_owned()).collect();
    names.into_iter().filter_map(|name| read_server(check, name)).collect()
}

fn read_server(check: &mut Check, name: String) -> Option<McpServerSettings> {
    let base = format!("{SERVERS}.{name}");
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    if !(1..=NAME_MAX).contains(&name.len()) || !name.bytes().all(is_plain) {
        let rule = "a server's name is made of lower-case letters, digits, `-` and `_`";
        check.fault(&base, format!("{rule}, at most {NAME_MAX} of them"));
        return None;
    }
    let transport = read_transport(check, &base);
    let read_only = check.texts(&format!("{base}.read_only")).unwrap_or_default();
    let timeout_key = format!("{base}.timeout_seconds");
    let timeout = check.has(&timeout_key).then(|| check.seconds(&timeout_key, 1..=3600));
    let enabled = check.flag(&format!("{base}.enabled")).unwrap_or(true);
    let read_only = read_only.into_iter().collect();
    Some(McpServerSettings { name, transport: transport?, read_only, timeout, enabled })
}

fn read_transport(check: &mut Check, base: &str) -> Option<McpTransport> {
    let (command_key, url_key) = (format!("{base}.command"), format!("{base}.url"));
    match (check.has(&command_key), check.has(&url_key)) {
        (true, true) => {
            check.fault(base, "has both `command` and `url`: a server is reached in one way");
            None
        }
        (false, false) => {
            let rule = "has neither `command` (a program and its arguments) nor `url`: set one";
            check.fault(base, rule);
            None
        }
        (true, false) => {
            refuse(check, base, "headers", "url");
            read_command(check, base, &command_key)
        }
        (false, true) => {
            refuse(check, base, "env", "command");
            refuse(check, base, "cwd", "command");
            let headers = headers::read(check, &format!("{base}.headers"), &RESERVED);
            let url = check.http_url_for_key(&url_key, !headers.is_empty())?;
            Some(McpTransport::Url { url, headers })
        }
    }
}

/// Tells that something is set that has no meaning for the way in which the server is reached.
fn refuse(check: &mut Check, base: &str, key: &str, goes_with: &str) {
    let key = format!("{base}.{key}");
    if check.has(&key) || !check.below(&key).is_empty() {
        check.fault(&key, format!("goes with `{goes_with}`, which is not set"));
    }
}

fn read_command(check: &mut Check, base: &str, command_key: &str) -> Option<McpTransport> {
    let command = check.texts(command_key)?;
    let cwd = check.parsed(&format!("{base}.cwd"), directory);
    let mut env: BTreeMap<_, _> = check
        .inherited()
        .iter()
        .map(|(name, value)| (name.clone(), SecretString::from(value.as_str())))
        .collect();
    env.extend(headers::texts(check, &format!("{base}.env")));
    for name in env.keys().filter(|name| name.contains(['=', '\0'])) {
        check.fault(&format!("{base}.env.{name}"), "is no name of an environment variable");
    }
    let mut words = command.into_iter();
    let Some(program) = words.next().filter(|program| !program.is_empty()) else {
        check.fault(command_key, "must begin with a program");
        return None;
    };
    Some(McpTransport::Command { program, arguments: words.collect(), env, cwd })
}
