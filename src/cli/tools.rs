//! `tools`: what a service with these settings could do.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::{CliError, block_on, print, settings};
use crate::app::inventory::{self, Inventory, InventoryServer, InventoryTool};
use crate::domain::text::escape_invisible;
use crate::settings::Purpose;
use crate::tools::{Approval, Readiness, SourceState};

#[derive(Debug, Args)]
#[command(after_help = "\
Reads the settings as serve does. MCP servers are started, asked for their tools, and ended.

Exit codes: 0 done, whatever state the tools are in; 2 the command line or a setting is wrong.")]
pub(super) struct Arguments {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// How long MCP servers have to tell their tools, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=600))]
    wait: u64,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), CliError> {
    let settings = settings(Purpose::Inspection)?.settings;
    let patience = Duration::from_secs(arguments.wait);
    let inventory = block_on(async { Ok(inventory::take(&settings, patience).await?) })?;
    print(&if arguments.json {
        as_json(&inventory, patience)
    } else {
        as_table(&inventory, patience)
    })
}

/// Lines of a table for people: tool, approval, source, state.
fn as_table(inventory: &Inventory, patience: Duration) -> String {
    let heading = ["TOOL", "APPROVAL", "SOURCE", "STATE"].map(str::to_owned);
    let tools = inventory.tools.iter().map(|tool| {
        let name = escape_invisible(&tool.listed.spec.name);
        [name, approval(tool), tool.source.clone(), state(&tool.listed.readiness)]
    });
    // A server whose tools are listed needs no line of its own.
    let servers = inventory.servers.iter().filter_map(|server| {
        let why = why_away(server, patience)?;
        Some([format!("{}.*", server.name), "?".to_owned(), server.name.clone(), why])
    });
    let rows: Vec<[String; 4]> = [heading].into_iter().chain(tools).chain(servers).collect();
    let width =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    let line = |row: &[String; 4]| {
        let [name, approval, source, state] = row;
        let [a, b, c] = widths;
        format!("{name:a$}  {approval:b$}  {source:c$}  {state}")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn approval(tool: &InventoryTool) -> String {
    let word = match tool.listed.approval {
        Approval::Always => "always",
        Approval::OfItself => "yes",
        Approval::Required => "yes, by tools.approval",
        Approval::NotOfItself => "no",
        Approval::SwitchedOff => "no, by tools.approval",
    };
    match tool.listed.approval.is_needed() && !tool.approvers.is_anybody() {
        true => format!("{word}, policy {}", tool.approvers),
        false => word.to_owned(),
    }
}

fn state(readiness: &Readiness) -> String {
    match readiness {
        Readiness::Ready => "ready".to_owned(),
        Readiness::DryRun { setting } => format!("dry run: set {setting}"),
        Readiness::NotConfigured { setting } => format!("not configured: set {setting}"),
        Readiness::Unavailable(why) => format!("unavailable: {}", escape_invisible(why)),
    }
}

/// Why a server's tools cannot be listed; `None`: they are.
fn why_away(server: &InventoryServer, patience: Duration) -> Option<String> {
    match &server.state {
        SourceState::Up => None,
        SourceState::Starting => {
            Some(format!("unavailable: has not told its tools within {} s", patience.as_secs()))
        }
        SourceState::Away(why) => Some(format!("unavailable: {}", escape_invisible(why))),
    }
}

fn as_json(inventory: &Inventory, patience: Duration) -> String {
    let server = |server: &InventoryServer| {
        let why = why_away(server, patience);
        json!({"name": server.name, "state": if why.is_none() { "up" } else { "unavailable" }, "why": why})
    };
    let tools: Vec<Value> = inventory.tools.iter().map(tool_as_json).collect();
    let servers: Vec<Value> = inventory.servers.iter().map(server).collect();
    json!({ "tools": tools, "mcpServers": servers }).to_string()
}

fn tool_as_json(tool: &InventoryTool) -> Value {
    let (word, missing, why) = match &tool.listed.readiness {
        Readiness::Ready => ("ready", None, None),
        Readiness::DryRun { setting } => ("dry_run", Some(*setting), None),
        Readiness::NotConfigured { setting } => ("not_configured", Some(*setting), None),
        Readiness::Unavailable(why) => ("unavailable", None, Some(why)),
    };
    let (needed, by) = match tool.listed.approval {
        Approval::Always => (true, "always"),
        Approval::OfItself | Approval::NotOfItself => (tool.listed.approval.is_needed(), "tool"),
        Approval::Required | Approval::SwitchedOff => (tool.listed.approval.is_needed(), "setting"),
    };
    json!({
        "name": tool.listed.spec.name,
        "description": tool.listed.spec.description,
        "needsApproval": needed,
        "approvalBy": by,
        "approvers": tool.approvers.to_string(),
        "source": tool.source,
        "isMcp": tool.listed.source.is_some(),
        "state": word,
        "missingSetting": missing,
        "why": why,
    })
}
