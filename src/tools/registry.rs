//! The tools that there are, and which of them wait for a person.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Readiness, Tool, ToolError, ToolSpec};

mod arguments;
mod policy;
#[cfg(feature = "mcp")]
mod schema;

pub use arguments::{parse_arguments, schema_of};
pub use policy::{Approval, ApprovalPolicy, PolicyError};
#[cfg(feature = "mcp")]
pub use schema::{ArgumentSchema, Checks, SchemaError};

/// Tools that come and go while the process runs. Their names all begin with the source's own and
/// a dot, so that no two sources' tools, nor a source's and a tool of ours, have one name.
#[async_trait]
pub trait ToolSource: Send + Sync {
    /// The source's name; it has no dot.
    fn name(&self) -> &str;

    /// The tools that can be used now, each name once. What a model is told.
    fn tools(&self) -> Arc<[Arc<dyn Tool>]>;

    /// The tool of that name, also while it cannot be used: then it says so when it is run.
    fn find(&self, name: &str) -> Option<Arc<dyn Tool>>;

    /// Whether its tools can be used now.
    fn state(&self) -> SourceState;

    /// Returns once it is known whether its tools can be used, for the first time or again.
    async fn settled(&self);
}

/// Whether a source's tools can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceState {
    /// They can.
    Up,
    /// Nobody knows yet.
    Starting,
    /// They cannot, and this is why.
    Away(String),
}

/// A tool, and what is to be known of it without calling it.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedTool {
    /// Its description.
    pub spec: ToolSpec,
    /// The name of the source that it comes from; `None`: it is one of ours.
    pub source: Option<String>,
    /// Whether its calls wait for a person.
    pub approval: Approval,
    /// Whether it can do what it is for.
    pub readiness: Readiness,
}

/// Every tool of this process, in the order in which a model is told of them.
///
/// The tools of ours are fixed once built; those of sources come and go. Which of them need
/// approval is settled by the configuration alone: nothing that a request, a page, a model or a
/// source says changes it.
#[derive(Clone)]
pub struct Tools {
    fixed: Arc<[Arc<dyn Tool>]>,
    /// Of the fixed ones, so that nothing is copied where there are no others.
    specs: Arc<[ToolSpec]>,
    sources: Arc<[Arc<dyn ToolSource>]>,
    policy: Arc<policy::Settled>,
}

impl Tools {
    /// Puts tools and policy together, without sources.
    ///
    /// # Errors
    /// As of [`Tools::with_sources`].
    pub fn new(tools: Vec<Arc<dyn Tool>>, policy: ApprovalPolicy) -> Result<Self, PolicyError> {
        Self::with_sources(tools, Vec::new(), policy)
    }

    /// Puts tools, sources of more of them, and policy together.
    ///
    /// # Errors
    /// Two tools of one name; a rule for a tool that is not there; a rule that takes the approval
    /// away from a tool that must always ask. A rule for a source's tool is taken as it is, because
    /// the tool may come later.
    pub fn with_sources(
        tools: Vec<Arc<dyn Tool>>,
        sources: Vec<Arc<dyn ToolSource>>,
        policy: ApprovalPolicy,
    ) -> Result<Self, PolicyError> {
        let specs: Arc<[ToolSpec]> = tools.iter().map(|tool| tool.spec().clone()).collect();
        let names: Vec<&str> = sources.iter().map(|source| source.name()).collect();
        let policy = Arc::new(policy.settle(&specs, &names)?);
        Ok(Self { fixed: tools.into(), specs, sources: sources.into(), policy })
    }

    /// What a model is told: every tool that can be used now.
    pub fn specs(&self) -> Arc<[ToolSpec]> {
        if self.sources.is_empty() {
            return Arc::clone(&self.specs);
        }
        let more: Vec<_> = self.sources.iter().map(|source| source.tools()).collect();
        let more = more.iter().flat_map(|tools| tools.iter()).map(|tool| tool.spec());
        self.specs.iter().chain(more).cloned().collect()
    }

    /// The tool of that name. One of a source is found also while its source is away.
    ///
    /// # Errors
    /// [`ToolError::Unknown`], naming the tools that there are.
    pub fn find(&self, name: &str) -> Result<Arc<dyn Tool>, ToolError> {
        let fixed = self.fixed.iter().find(|tool| tool.spec().name == name);
        fixed.cloned().or_else(|| self.find_in_source(name)).ok_or_else(|| ToolError::Unknown {
            name: name.to_owned(),
            known: policy::names(&self.specs()),
        })
    }

    /// Whether a person must say yes before this tool runs. Of an unknown tool: yes.
    pub fn needs_approval(&self, name: &str) -> bool {
        self.find(name).map_or(true, |tool| self.policy.needs_approval(tool.spec()))
    }

    /// Every tool that is known now.
    pub fn listed(&self) -> Vec<ListedTool> {
        let of_sources = self.sources.iter().flat_map(|source| {
            let name = source.name().to_owned();
            source
                .tools()
                .iter()
                .map(|tool| (Some(name.clone()), Arc::clone(tool)))
                .collect::<Vec<_>>()
        });
        let ours = self.fixed.iter().map(|tool| (None, Arc::clone(tool)));
        let listed = |(source, tool): (Option<String>, Arc<dyn Tool>)| ListedTool {
            spec: tool.spec().clone(),
            source,
            approval: self.policy.approval(tool.spec()),
            readiness: tool.readiness(),
        };
        ours.chain(of_sources).map(listed).collect()
    }

    /// Where more tools come from.
    pub fn sources(&self) -> &[Arc<dyn ToolSource>] {
        &self.sources
    }

    fn find_in_source(&self, name: &str) -> Option<Arc<dyn Tool>> {
        let (source, _) = name.split_once('.')?;
        self.sources.iter().find(|known| known.name() == source)?.find(name)
    }
}
