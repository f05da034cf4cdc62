//! Tools of MCP servers: a reference server and the official SDK's from the ecosystem, and one that
//! misbehaves.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use aura_platform::domain::ApprovalRule;
use aura_platform::shutdown::{Drained, Tasks};
use aura_platform::tools::mcp::{self, McpServerConfig, Pace, Transport};
use aura_platform::tools::{ApprovalPolicy, ToolError, Tools};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::support::app::{PATIENCE, eventually};
use crate::support::call;

mod misbehaving;
mod odd;
mod real;
mod through_the_server;

/// The Python that has the official SDK and a reference server; `None` where it is not installed,
/// which is said on stderr. With `CI` set that is a failure, so that it cannot go unnoticed.
fn python() -> Option<PathBuf> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/mcp/bin/python");
    if python.exists() {
        return Some(python);
    }
    assert!(std::env::var_os("CI").is_none(), "no MCP servers are installed: see scripts/test");
    eprintln!("skipped: no MCP servers are installed; scripts/test installs them");
    None
}

fn script(name: &str) -> String {
    format!("{}/tests/it/mcp/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A command for a server that gets no environment but `PATH`.
fn command<const N: usize>(program: &Path, arguments: [&str; N], cwd: Option<&Path>) -> Transport {
    let path = SecretString::from(std::env::var("PATH").unwrap());
    Transport::Command {
        program: program.to_str().unwrap().to_owned(),
        arguments: arguments.map(str::to_owned).into(),
        env: BTreeMap::from([("PATH".to_owned(), path)]),
        cwd: cwd.map(Path::to_owned),
    }
}

/// A server whose supervisor is as quick as a test wants it.
fn config(name: &str, transport: Transport) -> McpServerConfig {
    let quick = Duration::from_millis(20);
    let pace = Pace { rest: quick, first_pause: quick, most_pause: quick, ..Pace::default() };
    McpServerConfig {
        name: name.to_owned(),
        transport,
        read_only: BTreeSet::new(),
        timeout: PATIENCE,
        max_output_bytes: 4096,
        pace,
    }
}

/// The tools of one server, through the registry, as the agent meets them.
struct Fixture {
    name: String,
    tools: Tools,
    tasks: Tasks,
}

impl Fixture {
    /// Starts to look after a server.
    fn start(config: McpServerConfig) -> Self {
        Self::with_rules(config, [])
    }

    fn with_rules<const N: usize>(
        config: McpServerConfig,
        rules: [(&str, ApprovalRule); N],
    ) -> Self {
        let (name, tasks) = (config.name.clone(), Tasks::new());
        let sources = mcp::start(vec![config], &tasks).unwrap();
        let rules: ApprovalPolicy =
            rules.into_iter().map(|(tool, rule)| (tool.to_owned(), rule)).collect();
        let tools = Tools::with_sources(Vec::new(), sources, rules).unwrap();
        Self { name, tools, tasks }
    }

    /// The names of the tools that a model is told of, without the server's.
    fn told(&self) -> Vec<String> {
        let prefix = format!("{}.", self.name);
        let specs = self.tools.specs();
        specs.iter().map(|spec| spec.name.strip_prefix(&prefix).unwrap().to_owned()).collect()
    }

    /// Waits until a model is told of some tool.
    async fn up(self) -> Self {
        self.tells("any tools", |told| !told.is_empty()).await;
        self
    }

    async fn tells(&self, what: &str, condition: impl Fn(&[String]) -> bool) {
        eventually(what, async || condition(&self.told())).await;
    }

    /// Finds, checks and runs, as the agent does.
    async fn call(&self, tool: &str, arguments: Value) -> Result<Value, ToolError> {
        let tool = self.tools.find(&format!("{}.{tool}", self.name))?;
        call::run(&tool, &arguments).await
    }

    /// The text of a call that succeeds.
    async fn text(&self, tool: &str) -> String {
        let result = self.call(tool, json!({})).await.unwrap();
        result["text"].as_str().unwrap_or_else(|| panic!("no text: {result}")).to_owned()
    }

    /// The message of a call that fails.
    async fn fault(&self, tool: &str, arguments: Value) -> String {
        self.call(tool, arguments).await.unwrap_err().to_string()
    }

    fn needs_approval(&self, tool: &str) -> bool {
        self.tools.needs_approval(&format!("{}.{tool}", self.name))
    }

    /// Ends as the process does.
    async fn end(self) {
        assert_eq!(self.tasks.drain(PATIENCE).await, Drained::Clean);
    }
}
