//! Section `mcp.servers`: one table for each MCP server, under a name of the operator's choice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::check::Check;
use super::files::directory;
use super::key::{Key, Kind, Spelling, keys};
use super::kinds::{Command, Flag, HttpUrl, Parsed, Texts, Time, parsed, seconds};
use super::network::NetworkSettings;
use super::tables::{Line, Table, Tables, headers, read_headers, said};

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

keys! { KEYS;
    SERVERS: Tables = "mcp.servers", Tables(OF_SERVER);
}

keys! { OF_SERVER;
    COMMAND: Command = "command", Command;
    ENV: Table<Line> = "env", headers(Spelling::AsWritten);
    CWD: Parsed<PathBuf> = "cwd", parsed(directory);
    URL: HttpUrl = "url", HttpUrl;
    HEADERS: Table<Line> = "headers", headers(Spelling::LowerCase);
    READ_ONLY: Texts = "read_only", Texts;
    TIMEOUT: Time = "timeout_seconds", seconds(1..=3600);
    ENABLED: Flag = "enabled", Flag;
}

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

/// Reads every server. Faults are told with the setting that they are of.
pub(super) fn read(check: &mut Check, network: &NetworkSettings) -> Vec<McpServerSettings> {
    let names = SERVERS.read(check).into_iter();
    names.filter_map(|name| read_server(check, network, name)).collect()
}

fn read_server(
    check: &mut Check,
    network: &NetworkSettings,
    name: String,
) -> Option<McpServerSettings> {
    let server = format!("{}.{name}", SERVERS.name);
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    if !(1..=NAME_MAX).contains(&name.len()) || !name.bytes().all(is_plain) {
        let rule = "a server's name is made of lower-case letters, digits, `-` and `_`";
        check.fault(&server, format!("{rule}, at most {NAME_MAX} of them"));
        return None;
    }
    let transport = read_transport(check, network, &server);
    let read_only = READ_ONLY.of(&server).read(check).unwrap_or_default();
    let timeout = TIMEOUT.of(&server).read_if_set(check);
    let enabled = ENABLED.of(&server).read_if_set(check).unwrap_or(true);
    let read_only = read_only.into_iter().collect();
    Some(McpServerSettings { name, transport: transport?, read_only, timeout, enabled })
}

fn read_transport(
    check: &mut Check,
    network: &NetworkSettings,
    server: &str,
) -> Option<McpTransport> {
    let (command, url) = (COMMAND.of(server), URL.of(server));
    match (command.is_there(check), url.is_there(check)) {
        (true, true) => {
            check.fault(server, "has both `command` and `url`: a server is reached in one way");
            None
        }
        (false, false) => {
            let rule = "has neither `command` (a program and its arguments) nor `url`: set one";
            check.fault(server, rule);
            None
        }
        (true, false) => {
            refuse(check, &HEADERS.of(server), URL.name);
            read_command(check, server, &command)
        }
        (false, true) => {
            refuse(check, &ENV.of(server), COMMAND.name);
            refuse(check, &CWD.of(server), COMMAND.name);
            let headers = read_headers(check, &HEADERS.of(server), &RESERVED);
            let url = network.url_for_key(check, &url, !headers.is_empty())?;
            Some(McpTransport::Url { url, headers })
        }
    }
}

/// Tells that something is set that has no meaning for the way in which the server is reached.
fn refuse<K: Kind>(check: &mut Check, key: &Key<K, String>, goes_with: &str) {
    if key.is_there(check) || !check.below(key.name()).is_empty() {
        key.fault(check, format!("goes with `{goes_with}`, which is not set"));
    }
}

fn read_command(
    check: &mut Check,
    server: &str,
    command: &Key<Command, String>,
) -> Option<McpTransport> {
    let words = command.read(check)?;
    let cwd = CWD.of(server).read(check);
    let mut env: BTreeMap<_, _> = check
        .inherited()
        .iter()
        .map(|(name, value)| (name.clone(), SecretString::from(value.as_str())))
        .collect();
    let variables = ENV.of(server);
    env.extend(said(variables.read(check)));
    for name in env.keys().filter(|name| name.contains(['=', '\0'])) {
        let key = format!("{}.{name}", variables.name());
        check.fault(&key, "is no name of an environment variable");
    }
    let mut words = words.into_iter();
    let Some(program) = words.next().filter(|program| !program.is_empty()) else {
        command.fault(check, "must begin with a program");
        return None;
    };
    Some(McpTransport::Command { program, arguments: words.collect(), env, cwd })
}
