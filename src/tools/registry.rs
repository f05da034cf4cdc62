//! The tools that there are, and which of them wait for a person.

use std::sync::Arc;

use super::{Tool, ToolError, ToolSpec};

mod arguments;
mod policy;

pub use arguments::{is_plain_line, is_plain_name, parse_arguments, schema_of};
pub use policy::{ApprovalPolicy, PolicyError, Rule};

/// Every tool of this process, in the order in which a model is told of them.
///
/// Fixed once built: nothing that a request, a page or a model says changes which tools there are
/// or which of them need approval.
#[derive(Clone)]
pub struct Tools {
    entries: Arc<[Entry]>,
    specs: Arc<[ToolSpec]>,
}

struct Entry {
    tool: Arc<dyn Tool>,
    needs_approval: bool,
}

impl Tools {
    /// Puts tools and policy together.
    ///
    /// # Errors
    /// Two tools of one name; a rule for a tool that is not there; a rule that takes the approval
    /// away from a tool that must always ask.
    pub fn new(tools: Vec<Arc<dyn Tool>>, policy: ApprovalPolicy) -> Result<Self, PolicyError> {
        let specs: Arc<[ToolSpec]> = tools.iter().map(|tool| tool.spec().clone()).collect();
        let policy = policy.settle(&specs)?;
        let entries = tools
            .into_iter()
            .map(|tool| Entry { needs_approval: policy.needs_approval(tool.spec()), tool })
            .collect();
        Ok(Self { entries, specs })
    }

    /// What a model is told.
    pub fn specs(&self) -> Arc<[ToolSpec]> {
        Arc::clone(&self.specs)
    }

    /// The tool of that name.
    ///
    /// # Errors
    /// [`ToolError::Unknown`], naming the tools that there are.
    pub fn find(&self, name: &str) -> Result<&Arc<dyn Tool>, ToolError> {
        self.entry(name).map(|entry| &entry.tool).ok_or_else(|| ToolError::Unknown {
            name: name.to_owned(),
            known: policy::names(&self.specs),
        })
    }

    /// Whether a person must say yes before this tool runs. Of an unknown tool: yes.
    pub fn needs_approval(&self, name: &str) -> bool {
        self.entry(name).is_none_or(|entry| entry.needs_approval)
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tool.spec().name == name)
    }
}
