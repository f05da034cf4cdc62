//! What a service with these settings could do: every tool, and whether it can work.

use std::collections::HashMap;
use std::time::Duration;

use futures::future::join_all;
use tokio::time::timeout;

use super::{AppError, tools};
use crate::agent::ApproverPolicy;
use crate::domain::Approvers;
use crate::settings::Settings;
use crate::shutdown::Tasks;
use crate::tools::{ListedTool, SourceState, Tools};

/// How long what was started for it has to end.
const END: Duration = Duration::from_secs(5);

/// All of it.
#[derive(Debug)]
pub struct Inventory {
    /// The tools, in the order in which a model is told of them.
    pub tools: Vec<InventoryTool>,
    /// The MCP servers in use.
    pub servers: Vec<InventoryServer>,
}

/// A tool.
#[derive(Debug)]
pub struct InventoryTool {
    /// What is known of it.
    pub listed: ListedTool,
    /// What it is about, or the MCP server that it comes from.
    pub source: String,
    /// Who may approve it.
    pub approvers: Approvers,
}

/// An MCP server.
#[derive(Debug)]
pub struct InventoryServer {
    /// Its name.
    pub name: String,
    /// Whether its tools can be used.
    pub state: SourceState,
}

/// Finds out what there is. MCP servers are started, given so long to tell their tools, and ended.
///
/// # Errors
/// A setting is wrong, in the same words as at the start of a service.
pub async fn take(settings: &Settings, patience: Duration) -> Result<Inventory, AppError> {
    let tasks = Tasks::new();
    let taken = take_with(settings, patience, &tasks).await;
    tasks.drain(END).await;
    tasks.end().await;
    taken
}

async fn take_with(
    settings: &Settings,
    patience: Duration,
    tasks: &Tasks,
) -> Result<Inventory, AppError> {
    let groups = tools::built_in(settings, settings.workspace.root.as_deref(), tasks).await?;
    let names = groups.iter().flat_map(|group| {
        group.tools.iter().map(|tool| (tool.spec().name.clone(), group.name.to_owned()))
    });
    let groups_of: HashMap<String, String> = names.collect();
    let tools = tools::with_sources(settings, groups, tasks)?;
    let approvers = tools::approvers(settings, &tools)?;
    tools::answer_times(settings, &tools)?;
    // Who has not settled by then is told as such.
    let _ =
        timeout(patience, join_all(tools.sources().iter().map(|source| source.settled()))).await;
    Ok(Inventory { tools: listed(&tools, &groups_of, &approvers), servers: servers(&tools) })
}

fn listed(
    tools: &Tools,
    groups_of: &HashMap<String, String>,
    approvers: &ApproverPolicy,
) -> Vec<InventoryTool> {
    let tool = |listed: ListedTool| {
        let name = &listed.spec.name;
        let source = listed.source.clone().or_else(|| groups_of.get(name).cloned());
        let approvers = approvers.of(name);
        InventoryTool { source: source.unwrap_or_default(), approvers, listed }
    };
    tools.listed().into_iter().map(tool).collect()
}

fn servers(tools: &Tools) -> Vec<InventoryServer> {
    let server = |name: &str, state| InventoryServer { name: name.to_owned(), state };
    tools.sources().iter().map(|source| server(source.name(), source.state())).collect()
}
