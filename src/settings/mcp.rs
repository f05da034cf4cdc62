//! Section `mcp.servers`: one table for each MCP server, under a name of the operator's choice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::check::Check;
use super::headers;
use super::read::directory;

/// In front of a server's name.
pub(super) const SERVERS: &str = "mcp.servers";
/// What can be set of a server.
const KEYS: [&str; 8] =
    ["command", "env", "cwd", "url", "headers", "read_only", "timeout_seconds", "enabled"];
/// The two of them that are tables.
const TABLES: [&str; 2] = ["env", "headers"];
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

/// An MCP server: a table below `mcp.servers`.
#[derive(Clone, Debug)]
pub struct McpServerSettings {
    /// Lower-case letters, digits, `-` and `_`; its tools are called `<name>.<tool>`.
    pub name: String,
    /// How it is reached.
    pub transport: McpTransport,
    /// The tools that change nothing, so that nobody has to approve them.
    pub read_only: BTreeSet<String>,
    /// What one call may take; `None`: what every tool's call may take.
    pub timeout: Option<Duration>,
    /// Whether it is used at all.
    pub enabled: bool,
}

/// How an MCP server is reached.
#[derive(Clone, Debug)]
pub enum McpTransport {
    /// A child process, spoken to over its standard input and output.
    Command {
        /// What is run; looked for in `PATH` if it is a bare name.
        program: String,
        /// Its arguments.
        arguments: Vec<String>,
        /// Its whole environment.
        env: BTreeMap<String, SecretString>,
        /// Where it runs; `None`: where this process does.
        cwd: Option<PathBuf>,
    },
    /// Streamable HTTP.
    Url {
        /// The endpoint.
        url: Url,
        /// Headers of every request, for instance `authorization`.
        headers: BTreeMap<String, SecretString>,
    },
}

/// A key below `mcp.servers` in its parts: the server, what is set of it, and the entry if that is
/// a table.
fn parts(key: &str) -> Option<(&str, Option<&str>, Option<&str>)> {
    let mut parts = key.strip_prefix(SERVERS)?.strip_prefix('.')?.splitn(3, '.');
    Some((parts.next()?, parts.next(), parts.next()))
}

/// Whether this is a setting of an MCP server.
pub(super) fn is_setting(key: &str) -> bool {
    match parts(key) {
        None => false,
        Some((_, None, _)) => true,
        Some((_, Some(key), None)) => KEYS.contains(&key),
        Some((_, Some(table), Some(entry))) => TABLES.contains(&table) && !entry.is_empty(),
    }
}

/// What there is in place of an unknown setting of a server.
pub(super) fn neighbours(key: &str) -> Option<String> {
    let (server, ..) = parts(key)?;
    Some(format!("[{SERVERS}.{server}] has {}", KEYS.join(", ")))
}

/// Whether nobody may see it: what goes into a server's environment and headers is mostly keys.
pub(super) fn is_secret(key: &str) -> bool {
    matches!(parts(key), Some((_, Some(table), Some(_))) if TABLES.contains(&table))
}

/// Whether it is the command of a server, whose arguments may be keys.
pub(super) fn is_command(key: &str) -> bool {
    matches!(parts(key), Some((_, Some("command"), None)))
}

/// Whether it is the URL of a server, which may carry a key.
pub(super) fn is_url(key: &str) -> bool {
    matches!(parts(key), Some((_, Some("url"), None)))
}

/// What of `MCP__SERVERS__X__ENV__NAME` is the name of a setting, and what is the name of a
/// variable for the server, which stays as it is written.
pub(super) fn split_variable(path: &str) -> (&str, &str) {
    const ENV: &str = "__env__";
    let small = path.to_ascii_lowercase();
    let is_ours = small.starts_with("mcp__servers__");
    let end = is_ours.then(|| small.find(ENV)).flatten().map_or(path.len(), |at| at + ENV.len());
    path.split_at(end)
}

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
