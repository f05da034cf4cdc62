//! The tools of one server, as far as they are known: what the registry sees of it.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::list::Listing;
use super::server::Server;
use super::tool::{object, question};
use crate::domain::Language;
use crate::tools::registry::ToolSource;
use crate::tools::{Call, Forecast, SourceState, Tool, ToolContext, ToolError, ToolSpec};

/// Tools as of one moment.
type Listed = Arc<[Arc<dyn Tool>]>;

/// What the log is told of a list.
#[derive(PartialEq)]
struct Told {
    tools: Vec<String>,
    left_out: Vec<String>,
}

/// What is known of a server's tools.
pub(super) struct Catalog {
    pub(super) server: Arc<Server>,
    /// The tools that it told of last; `None` until it has told of any.
    listed: watch::Sender<Option<Listed>>,
    /// What the log was told of them last.
    told: watch::Sender<Option<Told>>,
    /// Whoever holds a tool that was not listed yet holds the catalog, too.
    this: std::sync::Weak<Self>,
}

impl Catalog {
    /// Of a server that has not told of any tools yet.
    pub(super) fn new(server: Server) -> Arc<Self> {
        let (listed, told) = (watch::Sender::new(None), watch::Sender::new(None));
        let server = Arc::new(server);
        Arc::new_cyclic(|this| Self { server, listed, told, this: this.clone() })
    }

    /// Takes the list that the server tells. The log hears of it only if it is another one than the
    /// last time: the list is read again and again.
    pub(super) fn take_list(&self, listing: Listing) {
        let Listing { tools, left_out } = listing;
        let tools: Listed = tools.into_iter().map(|tool| Arc::new(tool) as Arc<dyn Tool>).collect();
        let now =
            Told { tools: tools.iter().map(|tool| tool.spec().name.clone()).collect(), left_out };
        self.listed.send_replace(Some(tools));
        let is_new = self.told.send_if_modified(|told| {
            let before = told.replace(now);
            before != *told
        });
        if let (true, Some(told)) = (is_new, &*self.told.borrow()) {
            self.tell(told);
        }
    }

    fn tell(&self, told: &Told) {
        let config = &self.server.config;
        let server = &config.name;
        tracing::info!(%server, tools = %told.tools.join(", "), "MCP server tells its tools");
        for left_out in &told.left_out {
            tracing::warn!(%server, tool = %left_out, "tool of an MCP server left out");
        }
        // Such a name is most likely misspelt.
        for tool in &config.read_only {
            if !told.tools.contains(&format!("{server}.{tool}")) {
                tracing::warn!(%server, %tool, "named as read-only, but the server has no such tool");
            }
        }
    }

    fn listed(&self, name: &str) -> Option<Arc<dyn Tool>> {
        self.listed.borrow().as_ref()?.iter().find(|tool| tool.spec().name == name).cloned()
    }

    /// A tool of which nothing is known but its name.
    fn unlisted(&self, name: &str) -> Option<Arc<dyn Tool>> {
        let catalog = self.this.upgrade()?;
        let (_, tool) = name.split_once('.')?;
        let spec = ToolSpec {
            name: name.to_owned(),
            description: String::new(),
            parameters: json!({"type": "object"}),
            effect: self.server.effect(tool),
            dry_run: false,
            pins: &[],
        };
        Some(Arc::new(Unlisted { spec, catalog }))
    }
}

#[async_trait]
impl ToolSource for Catalog {
    fn name(&self) -> &str {
        &self.server.config.name
    }

    fn tools(&self) -> Listed {
        let listed = self.listed.borrow().clone().filter(|_| self.server.link.is_up());
        listed.unwrap_or_else(|| Arc::new([]))
    }

    fn find(&self, name: &str) -> Option<Arc<dyn Tool>> {
        if self.listed.borrow().is_some() { self.listed(name) } else { self.unlisted(name) }
    }

    fn state(&self) -> SourceState {
        self.server.link.state()
    }

    async fn settled(&self) {
        self.server.link.settled().await;
    }
}

/// A tool that a run knows of, in a process whose server has not told of its tools yet: the run was
/// begun by another process, or by this one before it was started anew.
struct Unlisted {
    spec: ToolSpec,
    catalog: Arc<Catalog>,
}

#[async_trait]
impl Tool for Unlisted {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    /// There is no schema to hold them against yet.
    async fn call(self: Arc<Self>, arguments: &Value) -> Result<Box<dyn Call>, ToolError> {
        object(arguments)?;
        Ok(Box::new(UnlistedCall { tool: self, arguments: arguments.clone() }))
    }
}

/// A call of it.
struct UnlistedCall {
    tool: Arc<Unlisted>,
    arguments: Value,
}

impl UnlistedCall {
    /// The same call of the tool that the server has told of meanwhile; waits for it.
    async fn listed(&self) -> Result<Box<dyn Call>, ToolError> {
        let Unlisted { spec, catalog } = &*self.tool;
        let server = &catalog.server;
        server.link.peer().await?;
        let tool = catalog.listed(&spec.name).ok_or_else(|| {
            let (server, name) = (&server.config.name, &spec.name);
            ToolError::NotFound(format!("the MCP server `{server}` has no tool named {name:?}"))
        })?;
        tool.call(&self.arguments).await
    }
}

#[async_trait]
impl Call for UnlistedCall {
    fn question(&self, language: Language) -> String {
        question(&self.tool.spec.name, &self.arguments, language)
    }

    /// Nobody is asked about a tool that nobody has ever seen.
    async fn forecast(&self, language: Language) -> Result<Forecast, ToolError> {
        self.listed().await?.forecast(language).await
    }

    async fn run(self: Box<Self>, context: &ToolContext) -> Result<Value, ToolError> {
        self.listed().await?.run(context).await
    }
}
