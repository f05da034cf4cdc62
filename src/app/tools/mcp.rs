//! The tools of MCP servers, as the settings say.

use std::sync::Arc;

use crate::settings::{McpServerSettings, McpTransport, Settings, ToolSettings};
use crate::shutdown::Tasks;
use crate::tools::mcp::{self, ConfigError, McpServerConfig, Pace, Transport};
use crate::tools::registry::ToolSource;

/// Starts to look after the servers that are in use.
pub(super) fn sources(
    settings: &Settings,
    tasks: &Tasks,
) -> Result<Vec<Arc<dyn ToolSource>>, ConfigError> {
    let used = settings.mcp_servers.iter().filter(|server| server.enabled);
    mcp::start(used.map(|server| config(server, &settings.tools)).collect(), tasks)
}

fn config(server: &McpServerSettings, tools: &ToolSettings) -> McpServerConfig {
    let transport = match server.transport.clone() {
        McpTransport::Command { program, arguments, env, cwd } => {
            Transport::Command { program, arguments, env, cwd }
        }
        McpTransport::Url { url, headers } => Transport::Http { url, headers },
    };
    McpServerConfig {
        name: server.name.clone(),
        transport,
        read_only: server.read_only.clone(),
        timeout: server.timeout.unwrap_or(tools.timeout),
        max_output_bytes: tools.max_output_bytes,
        pace: Pace::default(),
    }
}
