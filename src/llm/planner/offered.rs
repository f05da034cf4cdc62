//! The tools that a turn may ask for.

use crate::tools::ToolSpec;

/// What is offered in this turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offered<'a>(&'a [ToolSpec]);

impl<'a> Offered<'a> {
    pub(super) fn of(tools: &'a [ToolSpec]) -> Self {
        Self(tools)
    }

    pub(super) fn all(self) -> impl Iterator<Item = &'a ToolSpec> {
        self.0.iter()
    }

    /// Whether there is such a tool.
    pub(super) fn has(self, tool: &str) -> bool {
        self.find(tool).is_some()
    }

    /// Whether there is, and it only shows what it would send.
    pub(super) fn runs_dry(self, tool: &str) -> bool {
        self.find(tool).is_some_and(|spec| spec.dry_run)
    }

    /// What is known of it.
    pub(super) fn find(self, tool: &str) -> Option<&'a ToolSpec> {
        self.all().find(|spec| spec.name == tool)
    }
}
