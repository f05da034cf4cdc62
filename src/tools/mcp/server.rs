//! One server: what is configured of it, and the way to it.

use std::sync::Arc;

use super::McpServerConfig;
use super::link::Link;
use crate::tools::Effect;
use crate::tools::registry::Checks;

/// A server, whatever is known of its tools.
pub(super) struct Server {
    pub(super) config: McpServerConfig,
    pub(super) link: Arc<Link>,
    /// Where arguments are checked; all servers of the process share it.
    pub(super) checks: Checks,
}

impl Server {
    /// A server that nobody has spoken to yet.
    pub(super) fn new(config: McpServerConfig, checks: Checks) -> Self {
        let patience = config.pace.patience.min(config.timeout);
        let link = Arc::new(Link::new(config.name.clone(), patience));
        Self { config, link, checks }
    }

    /// What a tool of this server does, which only the configuration says.
    pub(super) fn effect(&self, tool: &str) -> Effect {
        if self.config.read_only.contains(tool) { Effect::ReadOnly } else { Effect::SideEffect }
    }
}
