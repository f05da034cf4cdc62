//! The names of the settings below `mcp.servers`: the servers' own names are the operator's choice, so
//! that no list of known keys can hold them.

/// In front of a server's name.
pub(in super::super) const SERVERS: &str = "mcp.servers";
/// What can be set of a server.
const KEYS: [&str; 8] =
    ["command", "env", "cwd", "url", "headers", "read_only", "timeout_seconds", "enabled"];
/// The two of them that are tables.
const TABLES: [&str; 2] = ["env", "headers"];

/// A key below `mcp.servers` in its parts: the server, what is set of it, and the entry if that is
/// a table.
fn parts(key: &str) -> Option<(&str, Option<&str>, Option<&str>)> {
    let mut parts = key.strip_prefix(SERVERS)?.strip_prefix('.')?.splitn(3, '.');
    Some((parts.next()?, parts.next(), parts.next()))
}

/// Whether this is a setting of an MCP server.
pub(in super::super) fn is_setting(key: &str) -> bool {
    match parts(key) {
        None => false,
        Some((_, None, _)) => true,
        Some((_, Some(key), None)) => KEYS.contains(&key),
        Some((_, Some(table), Some(entry))) => TABLES.contains(&table) && !entry.is_empty(),
    }
}

/// What there is in place of an unknown setting of a server.
pub(in super::super) fn neighbours(key: &str) -> Option<String> {
    let (server, ..) = parts(key)?;
    Some(format!("[{SERVERS}.{server}] has {}", KEYS.join(", ")))
}

/// Whether nobody may see it: what goes into a server's environment and headers is mostly keys.
pub(in super::super) fn is_secret(key: &str) -> bool {
    matches!(parts(key), Some((_, Some(table), Some(_))) if TABLES.contains(&table))
}

/// Whether it is the command of a server, whose arguments may be keys.
pub(in super::super) fn is_command(key: &str) -> bool {
    matches!(parts(key), Some((_, Some("command"), None)))
}

/// Whether it is the URL of a server, which may carry a key.
pub(in super::super) fn is_url(key: &str) -> bool {
    matches!(parts(key), Some((_, Some("url"), None)))
}

/// What of `MCP__SERVERS__X__ENV__NAME` is the name of a setting, and what is the name of a
/// variable for the server, which stays as it is written.
pub(in super::super) fn split_variable(path: &str) -> (&str, &str) {
    const ENV: &str = "__env__";
    let small = path.to_ascii_lowercase();
    let is_ours = small.starts_with("mcp__servers__");
    let end = is_ours.then(|| small.find(ENV)).flatten().map_or(path.len(), |at| at + ENV.len());
    path.split_at(end)
}
