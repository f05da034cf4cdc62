//! Which tools there are, and who may approve them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::AppError;
use super::features::Features;
use crate::agent::{AnswerTimes, ApproverPolicy};
use crate::settings::{Mode, Settings};
use crate::shutdown::Tasks;
use crate::tools::git::{self, GitConfig};
use crate::tools::{ApprovalPolicy, Tool, Tools};

#[cfg(feature = "github")]
mod github;
#[cfg(feature = "mail")]
pub(super) mod mail;
#[cfg(feature = "mcp")]
mod mcp;

/// Tools of ours that are about one thing.
pub(super) struct Group {
    /// What they are about, in a word.
    pub(super) name: &'static str,
    pub(super) tools: Vec<Arc<dyn Tool>>,
}

/// Every tool of ours.
pub(super) async fn built_in(
    settings: &Settings,
    workspace: Option<&Path>,
    tasks: &Tasks,
) -> Result<Vec<Group>, AppError> {
    Features::BUILT_IN.check(settings)?;
    let git = git::tools(git_config(settings, workspace), tasks.clone()).await?;
    Ok(vec![
        Group { name: "git", tools: git },
        #[cfg(feature = "github")]
        Group { name: "github", tools: github::tools(settings)? },
        #[cfg(feature = "mail")]
        Group { name: "mail", tools: mail::tools(settings)? },
    ])
}

/// Every tool, with the rules of the configuration.
pub(super) async fn tools(
    settings: &Settings,
    workspace: Option<&Path>,
    tasks: &Tasks,
) -> Result<Arc<Tools>, AppError> {
    let groups = built_in(settings, workspace, tasks).await?;
    with_sources(settings, groups, tasks)
}

/// The same, of tools of ours that are there already.
pub(super) fn with_sources(
    settings: &Settings,
    groups: Vec<Group>,
    tasks: &Tasks,
) -> Result<Arc<Tools>, AppError> {
    let tools = groups.into_iter().flat_map(|group| group.tools).collect();
    #[cfg(feature = "mcp")]
    let sources = mcp::sources(settings, tasks)?;
    // Only the servers of MCP are watched over.
    #[cfg(not(feature = "mcp"))]
    let (sources, _) = (Vec::new(), tasks);
    Ok(Arc::new(Tools::with_sources(tools, sources, approval_policy(settings))?))
}

/// The rules of the configuration, without those for tools of MCP servers that are not used.
fn approval_policy(settings: &Settings) -> ApprovalPolicy {
    let unused: Vec<_> = settings.mcp_servers.iter().filter(|server| !server.enabled).collect();
    let is_of_unused = |tool: &str| {
        tool.split_once('.').is_some_and(|(of, _)| unused.iter().any(|server| server.name == of))
    };
    let approval = settings.tools.approval.iter().filter(|(tool, _)| !is_of_unused(tool));
    approval.map(|(tool, rule)| (tool.clone(), *rule)).collect()
}

fn git_config(settings: &Settings, workspace: Option<&Path>) -> GitConfig {
    GitConfig {
        workspace_root: workspace.map(Path::to_owned),
        timeout: settings.tools.timeout,
        max_memory_bytes: settings.tools.git_max_memory_bytes,
        max_output_bytes: settings.tools.max_output_bytes,
        search_path: settings.tools.git_path.clone().into(),
    }
}

/// The directory that the git tools may use: the configured one, or the sample of `--dev`. A sample
/// is put into the configured one if that is asked for and there is room.
pub(super) async fn workspace(
    settings: &Settings,
    mode: &Mode,
) -> Result<Option<PathBuf>, AppError> {
    match mode {
        Mode::Dev(setup) => match &setup.scratch {
            Some(scratch) => Ok(Some(
                git::sample::create(&scratch.workspace(), &git_config(settings, None)).await?,
            )),
            None => configured_workspace(settings).await,
        },
        Mode::Production => configured_workspace(settings).await,
    }
}

async fn configured_workspace(settings: &Settings) -> Result<Option<PathBuf>, AppError> {
    let root = settings.workspace.root.clone();
    if let Some(root) = root.as_deref().filter(|_| settings.workspace.sample)
        && let Some(sample) =
            git::sample::create_in_empty(root, &git_config(settings, None)).await?
    {
        tracing::info!(path = %sample.display(), "sample repository made");
    }
    Ok(root)
}

/// Who may approve what. A rule for a tool that is not there is a mistake.
pub(super) fn approvers(settings: &Settings, tools: &Tools) -> Result<ApproverPolicy, AppError> {
    let rules = &settings.tools.approvers;
    check_names("tools.approvers", rules.keys(), settings, tools)?;
    Ok(rules.iter().map(|(tool, approvers)| (tool.clone(), approvers.clone())).collect())
}

/// How long people may think, by tool.
pub(super) fn answer_times(settings: &Settings, tools: &Tools) -> Result<AnswerTimes, AppError> {
    let by_tool = settings.hitl.timeouts.clone();
    check_names("hitl.timeouts", by_tool.keys(), settings, tools)?;
    Ok(AnswerTimes { usual: settings.hitl.timeout, by_tool })
}

/// Whether there are the tools that a table of the settings names.
fn check_names<'a>(
    table: &'static str,
    names: impl Iterator<Item = &'a String>,
    settings: &Settings,
    tools: &Tools,
) -> Result<(), AppError> {
    // What an MCP server offers is known only once it runs.
    let is_of_server = |tool: &str| {
        let server = tool.split_once('.').map(|(server, _)| server);
        settings.mcp_servers.iter().any(|known| Some(known.name.as_str()) == server)
    };
    for tool in names.filter(|tool| !is_of_server(tool)) {
        tools.find(tool).map_err(|error| AppError::NoSuchTool {
            table,
            tool: tool.clone(),
            error,
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::settings::{Environment, Layers, Purpose};

    /// The tools in the table of `docs/TOOLS.md`, with whether they need approval.
    fn documented() -> BTreeSet<(String, bool)> {
        let page = include_str!("../../docs/TOOLS.md");
        let rows = page.lines().filter(|line| line.starts_with("| `"));
        let cells = rows.filter_map(|row| row.trim_matches(['|', ' ']).split_once(" | "));
        let tools = cells.flat_map(|(names, rest)| {
            let needs_approval = rest.starts_with("yes");
            let names = names.split('`').skip(1).step_by(2);
            names.map(move |name| (name.to_owned(), needs_approval))
        });
        tools.collect()
    }

    #[tokio::test]
    async fn the_tools_are_the_documented_ones_and_ask_as_documented() {
        let layers = Layers::read(&Environment::of([]), Purpose::Dev);
        let settings = layers.check().unwrap().settings;
        let tools = tools(&settings, None, &Tasks::new()).await.unwrap();
        let specs = tools.specs();
        let offered =
            specs.iter().map(|spec| (spec.name.clone(), tools.needs_approval(&spec.name)));
        assert_eq!(offered.collect::<BTreeSet<_>>(), documented());
    }
}
