//! `audit verify`: whether the audit streams are what was recorded.

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use serde_json::json;

use super::{CliError, block_on, print, settings};
use crate::app::audit::{self, Report};
use crate::domain::{TenantId, UnixMs};
use crate::settings::Purpose;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check that no entry was changed, removed, added or moved
    Verify(Verify),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Reads the Redis that the settings name, as serve does, and writes nothing. With the audit key of the
settings (AURA__AUDIT__KEY) also what somebody has rebuilt or cut who knows how a chain is made is found;
without it only by comparing with a last hash that was kept elsewhere.

Exit codes: 0 every chain is whole; 1 one is broken, or Redis cannot be read; 2 the command line or a
setting is wrong, or no Redis is set.")]
struct Verify {
    /// Whose stream to check, may be given several times; by default all that there are
    #[arg(long = "tenant", value_name = "TENANT", value_parser = NonEmptyStringValueParser::new())]
    tenants: Vec<String>,
    /// Print one JSON object for each tenant
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), CliError> {
    match &arguments.command {
        Command::Verify(arguments) => verify(arguments),
    }
}

fn verify(arguments: &Verify) -> Result<(), CliError> {
    let settings = settings(Purpose::Inspection)?.settings;
    let (redis, key) = (settings.redis.server.ok_or_else(no_redis)?, settings.audit.key);
    let max_events = settings.journal.max_events;
    let tenants = arguments.tenants.iter().map(TenantId::new).collect();
    let reports =
        block_on(async { Ok(audit::verify(&redis, max_events, key.as_ref(), tenants).await?) })?;
    for report in &reports {
        print(&if arguments.json { as_json(report) } else { in_words(report) })?;
    }
    if reports.is_empty() && !arguments.json {
        print("no tenant has an audit stream")?;
    }
    match reports.iter().filter(|report| report.damage.is_some()).count() {
        0 => Ok(()),
        broken => {
            let all = reports.len();
            Err(CliError::Failed(format!("{broken} of {all} audit streams broken")))
        }
    }
}

fn no_redis() -> CliError {
    CliError::Input(
        "no Redis is set (REDIS_URL): the embedded store's audit streams end with its process"
            .into(),
    )
}

fn as_json(report: &Report) -> String {
    let Report { tenant, entries, first_at_ms, last_at_ms, last_hash, damage } = report;
    let line = json!({
        "tenant": tenant,
        "whole": damage.is_none(),
        "entries": entries,
        "firstAtMs": first_at_ms,
        "lastAtMs": last_at_ms,
        "lastHash": last_hash,
        "brokenAt": damage.as_ref().map(|damage| damage.number),
        "problem": damage.as_ref().map(|damage| &damage.problem),
    });
    line.to_string()
}

fn in_words(report: &Report) -> String {
    // Others choose the names of tenants.
    let mut line = format!("{}: ", report.tenant.as_str().escape_debug());
    match &report.damage {
        Some(damage) => {
            line.push_str(&format!("BROKEN at entry {}: {}\n", damage.number, damage.problem));
            line.push_str("  whole up to there: ");
        }
        None => line.push_str("whole: "),
    }
    match &report.last_hash {
        Some(hash) => {
            let (first, last) = (time(report.first_at_ms), time(report.last_at_ms));
            let entries = counted(report.entries);
            line.push_str(&format!("{entries}, {first} to {last}, last hash {hash}"));
        }
        None => line.push_str("no entries"),
    }
    line
}

fn counted(entries: u64) -> String {
    if entries == 1 { "1 entry".into() } else { format!("{entries} entries") }
}

fn time(at: Option<UnixMs>) -> String {
    at.and_then(UnixMs::timestamp).map_or_else(|| "?".into(), |at| at.to_string())
}
