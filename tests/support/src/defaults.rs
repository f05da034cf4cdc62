//! Stores and git as `config/default.toml` has them, where nobody has set anything.

use aura_platform::settings::{Environment, Layers, Purpose, Settings};
use aura_platform::store::memory::MemoryStoreConfig;
use aura_platform::store::redis::RedisStoreConfig;
use aura_platform::telemetry::metrics::Metrics;
use aura_platform::tools::git::GitConfig;

/// The settings of a deployment that has set these variables.
fn settings(variables: &[(&str, &str)]) -> Settings {
    let environment = Environment::of(variables.iter().copied());
    Layers::read(&environment, Purpose::Inspection).check().unwrap().settings
}

/// A store in the Redis of this URL.
pub fn redis_store(url: &str) -> RedisStoreConfig {
    let settings = settings(&[("REDIS_URL", url)]);
    let server = settings.redis.server.unwrap();
    RedisStoreConfig {
        url: server.url,
        ca: server.ca,
        max_events: settings.journal.max_events,
        command_timeout: server.command_timeout,
        audit_key: settings.audit.key,
        publishes_audit: false,
        metrics: Metrics::default(),
    }
}

/// An embedded store.
pub fn memory_store() -> MemoryStoreConfig {
    let settings = settings(&[]);
    MemoryStoreConfig {
        max_events: settings.journal.max_events,
        max_bytes: settings.embedded.max_bytes,
        metrics: Metrics::default(),
    }
}

/// Git, and no workspace for its tools.
pub fn git() -> GitConfig {
    let tools = settings(&[]).tools;
    GitConfig {
        workspace_root: None,
        timeout: tools.timeout,
        max_memory_bytes: tools.git_max_memory_bytes,
        max_output_bytes: tools.max_output_bytes,
        search_path: tools.git_path.into(),
    }
}
