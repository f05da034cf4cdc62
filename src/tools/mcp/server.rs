//! One server as the registry sees it: its tools, as far as they are known.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::ServerConfig;
use super::link::Link;
use super::tool::{McpTool, question};
use crate::tools::registry::ToolSource;
use crate::tools::{Effect, Tool, ToolContext, ToolError, ToolSpec};

/// Tools as of one moment.
type Listed = Arc<[Arc<dyn Tool>]>;

/// A server and what is known of its tools.
pub(super) struct Server {
    pub(super) config: ServerConfig,
    pub(super) link: Arc<Link>,
    /// The tools that it told of last; `None` until it has told of any.
    listed: watch::Sender<Option<Listed>>,
    /// Whoever holds a tool that was not listed yet holds the server, too.
    this: std::sync::Weak<Self>,
}

impl Server {
    /// A server that nobody has spoken to yet.
    pub(super) fn new(config: ServerConfig) -> Arc<Self> {
        let patience = config.pace.patience.min(config.timeout);
        let link = Arc::new(Link::new(config.name.clone(), patience));
        let listed = watch::Sender::new(None);
        Arc::new_cyclic(|this| Self { config, link, listed, this: this.clone() })
    }

    /// What a tool of this server does, which only the configuration says.
    pub(super) fn effect(&self, tool: &str) -> Effect {
        if self.config.read_only.contains(tool) { Effect::Reads } else { Effect::Writes }
    }

    /// Takes the list that the server tells; tells how it differs from the last one.
    pub(super) fn take_list(&self, tools: Vec<McpTool>) {
        let names = |tools: &[Arc<dyn Tool>]| -> Vec<String> {
            tools.iter().map(|tool| tool.spec().name.clone()).collect()
        };
        let tools: Listed = tools.into_iter().map(|tool| Arc::new(tool) as Arc<dyn Tool>).collect();
        let now = names(&tools);
        let before = self.listed.send_replace(Some(tools)).map(|tools| names(&tools));
        if before.as_ref() != Some(&now) {
            let (server, tools) = (&self.config.name, now.join(", "));
            tracing::info!(%server, %tools, "MCP server tells its tools");
        }
        self.warn_of_unmatched(&now);
    }

    /// A name in `read_only` that no tool has is most likely misspelt.
    fn warn_of_unmatched(&self, known: &[String]) {
        let server = &self.config.name;
        for tool in &self.config.read_only {
            if !known.contains(&format!("{server}.{tool}")) {
                tracing::warn!(%server, %tool, "named as read-only, but the server has no such tool");
            }
        }
    }

    fn listed(&self, name: &str) -> Option<Arc<dyn Tool>> {
        self.listed.borrow().as_ref()?.iter().find(|tool| tool.spec().name == name).cloned()
    }

    /// A tool of which nothing is known but its name.
    fn unlisted(&self, name: &str) -> Option<Arc<dyn Tool>> {
        let server = self.this.upgrade()?;
        let (_, tool) = name.split_once('.')?;
        let spec = ToolSpec {
            name: name.to_owned(),
            description: String::new(),
            parameters: json!({"type": "object"}),
            effect: self.effect(tool),
        };
        Some(Arc::new(Unlisted { spec, server }))
    }
}

impl ToolSource for Server {
    fn name(&self) -> &str {
        &self.config.name
    }

    fn tools(&self) -> Listed {
        let listed = self.listed.borrow().clone().filter(|_| self.link.is_up());
        listed.unwrap_or_else(|| Arc::new([]))
    }

    fn find(&self, name: &str) -> Option<Arc<dyn Tool>> {
        if self.listed.borrow().is_some() { self.listed(name) } else { self.unlisted(name) }
    }
}

/// A tool that a run knows of, in a process whose server has not told of its tools yet: the run was
/// begun by another process, or by this one before it was started anew.
struct Unlisted {
    spec: ToolSpec,
    server: Arc<Server>,
}

#[async_trait]
impl Tool for Unlisted {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    /// There is no schema to hold them against; [`Tool::run`] does that, before it does anything.
    fn check(&self, arguments: &Value) -> Result<(), ToolError> {
        match arguments {
            Value::Null | Value::Object(_) => Ok(()),
            _ => Err(ToolError::InvalidArguments("they must be an object".into())),
        }
    }

    fn question(&self, arguments: &Value) -> String {
        question(&self.spec.name, arguments)
    }

    async fn run(&self, arguments: &Value, context: &ToolContext) -> Result<Value, ToolError> {
        self.server.link.peer().await?;
        let tool = self.server.listed(&self.spec.name).ok_or_else(|| {
            let (server, name) = (&self.server.config.name, &self.spec.name);
            ToolError::NotFound(format!("the MCP server `{server}` has no tool named {name:?}"))
        })?;
        tool.check(arguments)?;
        tool.run(arguments, context).await
    }
}
