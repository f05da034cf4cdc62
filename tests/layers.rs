//! Who may use whom, and which library belongs where: the architecture as a test.
//!
//! It reads the sources of the product with `syn`. Tests inside of `src/` may use what they like, and so
//! may what fuzzing calls, which is no part of the product either. When it fails, the design has
//! changed: either the code goes elsewhere, or the tables below say so in the same commit.
//! `citations` and `documents` hold what is cited, and what documents name, against what there is.
//!
//! What it cannot see: calls of methods (a file's `impl` of another file's type names that type, its
//! callers name nothing), and names that a macro puts together.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

#[path = "layers/circles.rs"]
mod circles;
#[path = "layers/citations.rs"]
mod citations;
#[path = "layers/cuts.rs"]
mod cuts;
#[path = "layers/documents.rs"]
mod documents;
#[path = "layers/product.rs"]
mod product;
#[path = "layers/scan.rs"]
mod scan;
#[path = "layers/texts.rs"]
mod texts;
#[path = "layers/tree.rs"]
mod tree;
#[path = "layers/written.rs"]
mod written;

use circles::circles;
use tree::{Tree, file_of};

/// What of ours each part may use, besides itself. A module belongs to the part with the longest
/// name that covers it: `store::redis::hub` to `store::redis`, not to `store`, which is the port.
/// `domain` is not listed, because it uses nothing.
const MAY_USE: &[(&str, &[&str])] = &[
    ("main", &["cli"]),
    // `sse` and `backoff`, because `ask` reads a server's stream; `tools`, because `tools` tells of them.
    (
        "cli",
        &[
            "app",
            "settings",
            "token",
            "telemetry",
            "http_client",
            "sse",
            "backoff",
            "tools",
            "domain",
        ],
    ),
    // The composition root picks the adapters: it alone may name everything below it.
    ("app", ALL_BELOW_APP),
    ("settings", &["token", "telemetry", "redis_url", "origin", "public_address", "domain"]),
    (
        "http",
        &[
            "agent",
            "store",
            "sse",
            "token",
            "origin",
            "telemetry",
            "shutdown",
            "backoff",
            "ticks",
            "domain",
        ],
    ),
    // Three rooms, each of which uses only those before it, and the façade for all others.
    ("agent", &["agent::approval", "agent::run", "agent::service"]),
    ("agent::approval", &["domain"]),
    (
        "agent::run",
        // `sse`, because the owner of a run makes each frame once, for all readers.
        &[
            "agent::approval",
            "announce",
            "store",
            "llm",
            "tools",
            "sse",
            "telemetry",
            "shutdown",
            "backoff",
            "domain",
        ],
    ),
    (
        "agent::service",
        &[
            "agent::approval",
            "agent::run",
            "announce",
            "store",
            "tools",
            "telemetry",
            "shutdown",
            "backoff",
            "ticks",
            "domain",
        ],
    ),
    ("announce::webhook", &["announce", "http_client", "public_address", "domain"]),
    ("announce", &["domain"]),
    ("store::memory", &["store", "telemetry", "shutdown", "ticks", "domain"]),
    (
        "store::redis",
        &["store", "telemetry", "shutdown", "backoff", "ticks", "redis_url", "domain"],
    ),
    ("store", &["domain"]),
    ("llm::openai", &["llm", "tools", "sse", "http_client", "telemetry", "backoff", "domain"]),
    ("llm::planner", &["llm", "tools", "domain"]),
    ("llm::fallback", &["llm", "telemetry"]),
    ("llm", &["tools", "domain"]),
    ("http_client", &[]),
    ("tools::git", &["tools", "tools::read_tool", "shutdown", "domain"]),
    // A branch is a branch, and a path a path, wherever the repository is.
    (
        "tools::github",
        &[
            "tools",
            "tools::git",
            "tools::read_tool",
            "tools::write_tool",
            "http_client",
            "backoff",
            "domain",
        ],
    ),
    // People are told of approvals through the same server.
    ("tools::mail", &["tools", "tools::write_tool", "announce", "domain"]),
    ("tools::read_tool", &["tools", "domain"]),
    ("tools::write_tool", &["tools", "domain"]),
    // `sse`, because servers over HTTP answer in streams.
    ("tools::mcp", &["tools", "http_client", "sse", "shutdown", "backoff", "domain"]),
    ("tools", &["domain"]),
    ("sse", &["domain"]),
    ("token", &["domain"]),
    ("redis_url", &[]),
    ("origin", &[]),
    ("public_address", &[]),
    // The labels of its metrics are words of the domain.
    ("telemetry", &["domain"]),
    ("shutdown", &[]),
    ("backoff", &[]),
    ("ticks", &[]),
];

const ALL_BELOW_APP: &[&str] = &[
    "http_client",
    "settings",
    "http",
    "agent",
    "announce::webhook",
    "announce",
    "store::memory",
    "store::redis",
    "store",
    "llm::openai",
    "llm::planner",
    "llm::fallback",
    "llm",
    "tools::git",
    "tools::github",
    "tools::mail",
    "tools::mcp",
    "tools::read_tool",
    "tools::write_tool",
    "tools",
    "sse",
    "token",
    "redis_url",
    "origin",
    "public_address",
    "telemetry",
    "shutdown",
    "backoff",
    "ticks",
    "domain",
];

/// Libraries that belong to some parts, and to no others.
const BELONGS_TO: &[(&str, &[&str])] = &[
    ("axum", &["http", "app"]),
    ("hyper", &["http", "app"]),
    ("hyper_util", &["http", "app"]),
    ("tower", &["http", "app"]),
    ("tower_http", &["http", "app"]),
    ("http", &["http", "llm", "tools"]),
    ("http_body", &["http", "app"]),
    ("http_body_util", &["http", "app"]),
    ("redis", &["store::redis"]),
    ("lettre", &["tools::mail"]),
    ("rmcp", &["tools::mcp"]),
    ("jsonschema", &["tools::registry"]),
    ("clap", &["cli"]),
    // Whatever goes out is described by the type that is written; a tool's arguments by the one that is read.
    ("schemars", &["domain", "http", "agent::run::state", "tools"]),
    ("base64", &["http::docs", "settings::approvals"]),
    ("standardwebhooks", &["announce::webhook"]),
    ("toml", &["settings::source"]),
    ("jsonwebtoken", &["token", "main"]),
    (
        "reqwest",
        &["http_client", "announce::webhook", "llm", "tools", "cli::healthcheck", "cli::ask"],
    ),
    ("rustls", &["http_client", "main"]),
    ("aws_lc_rs", &["domain::audit", "domain::hash", "domain::mac"]),
    ("icu_properties", &["domain::text"]),
    ("tracing_subscriber", &["telemetry"]),
    // Foreign JSON is read by `domain::json`, which knows what its doubtful forms mean. These read
    // what this service has written itself, or what `domain::json::mended` has made of another's.
    (
        "serde_json::from_slice",
        &[
            "domain::json",
            "agent::run::announced",
            "agent::run::fold",
            "agent::run::status",
            "agent::run::stored_request",
            "agent::service::sessions",
            "agent::service::fate",
            "llm",
            "tools::github",
            "tools::mcp",
        ],
    ),
    (
        "serde_json::from_str",
        &[
            "domain",
            "agent::run::stored_request",
            "agent::service::decide",
            "agent::run::model_turn",
            "app::audit",
            "http::audit",
            "http::examples",
            "store::redis::json",
            "settings",
            "llm",
            "tools::mcp",
        ],
    ),
    ("serde_json::from_reader", &[]),
    ("tokio::process", &["tools", "cli::ask::editor"]),
    ("std::process::Command", &["tools"]),
    ("std::env", &["settings::source"]),
];

/// What the pure types do without, besides everything of ours.
const NOT_IN_DOMAIN: [&str; 6] =
    ["tokio", "tokio_util", "async_trait", "futures", "std::fs", "std::net"];

fn covers(part: &str, path: &str) -> bool {
    path.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The part that a module of ours belongs to.
fn part_of(module: &str) -> Option<&'static str> {
    let parts = MAY_USE.iter().map(|(part, _)| *part).chain(["domain"]);
    parts.filter(|part| covers(part, module)).max_by_key(|part| part.len())
}

/// What is wrong with this use, if anything.
fn objection(module: &str, path: &str) -> Option<String> {
    match path.strip_prefix("crate::") {
        Some(target) => objection_to_ours(module, target),
        None => objection_to_library(module, path),
    }
}

fn objection_to_ours(module: &str, target: &str) -> Option<String> {
    let from = part_of(module)?;
    let to = part_of(target)?;
    let allowed: &[&str] = match MAY_USE.iter().find(|(part, _)| *part == from) {
        Some((_, allowed)) => allowed,
        None => &[],
    };
    let is_allowed = from == to || allowed.contains(&to);
    let names = if allowed.is_empty() { "nothing of ours".to_owned() } else { allowed.join(", ") };
    (!is_allowed).then(|| format!("`{from}` may not use `{to}` ({target}); it may use {names}"))
}

fn objection_to_library(module: &str, path: &str) -> Option<String> {
    let in_domain = covers("domain", module);
    if in_domain && NOT_IN_DOMAIN.iter().any(|library| covers(library, path)) {
        return Some(format!("`domain` is pure: it does without `{path}`"));
    }
    let (library, owners) = BELONGS_TO.iter().find(|(library, _)| covers(library, path))?;
    let is_owner = owners.iter().any(|owner| covers(owner, module));
    (!is_owner).then(|| format!("`{library}` belongs to {} ({path})", owners.join(", ")))
}

/// Every source file below a directory.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// `src/store/redis/hub.rs` is `store::redis::hub`.
fn module_of(path: &Path, root: &Path) -> String {
    let path = path.strip_prefix(root).unwrap().with_extension("");
    let parts: Vec<_> = path.iter().map(|part| part.to_str().unwrap()).collect();
    parts.join("::")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The product, read once for all tests.
static PRODUCT: LazyLock<Tree> = LazyLock::new(|| Tree::load(&root()));

#[test]
fn everybody_uses_only_what_lies_below() {
    let mut objections = Vec::new();
    // The root module names its children, and does nothing else.
    for (module, source) in PRODUCT.files().filter(|(module, _)| !module.is_empty()) {
        for used in &source.usages {
            if let Some(objection) = objection(module, &used.path) {
                objections.push(format!("src/{}:{}: {objection}", file_of(module), used.line));
            }
        }
    }
    assert!(objections.is_empty(), "\n{}\n", objections.join("\n"));
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let faults: Vec<String> = circles(&PRODUCT).iter().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_module_belongs_to_a_part_and_none_is_a_mod_rs() {
    let root = root();
    for file in sources(&root) {
        let module = module_of(&file, &root);
        assert!(!module.ends_with("::mod"), "{}: the file is named {module}.rs", file.display());
    }
    for (module, _) in PRODUCT.files().filter(|(module, _)| !module.is_empty()) {
        let is_placed = part_of(module).is_some();
        assert!(is_placed, "src/{}: say in tests/layers.rs who may use it", file_of(module));
    }
}

#[test]
fn long_texts_are_cut_by_the_one_module_for_it() {
    let root = root();
    let files: Vec<(PathBuf, String, &str)> = PRODUCT
        .files()
        .filter(|(module, _)| !module.is_empty())
        .map(|(module, _)| {
            let file = root.join(file_of(module));
            let source = fs::read_to_string(&file).unwrap();
            (file, source, module)
        })
        .collect();
    let mut objections = Vec::new();
    for (file, source, module) in &files {
        for cuts::Cut { how, line } in cuts::forbidden(source, module) {
            objections.push(format!("{}:{line}: `{how}`: use `domain::text`", file.display()));
        }
    }
    assert!(objections.is_empty(), "\n{}\n", objections.join("\n"));
    let all = files.iter().map(|(_, source, module)| (source.as_str(), *module));
    assert_eq!(cuts::needless(all), [], "exceptions in tests/layers/cuts.rs that nothing needs");
}

#[test]
fn the_rules_say_what_the_design_says() {
    let objects = |module: &str, path: &str| objection(module, path).is_some();
    for (module, path) in [
        ("http::stream", "crate::agent::AgentService"),
        ("http", "crate::store::Store"),
        ("agent::run::ask", "crate::store::Approvals"),
        ("agent::service::signals", "crate::agent::run::state::State"),
        ("app", "crate::store::redis::RedisStore"),
        ("store::redis::hub", "crate::store::StoreEvent"),
        ("store::redis::hub", "redis::aio::MultiplexedConnection"),
        ("settings::source", "std::env::vars_os"),
        ("domain::event", "crate::domain::ids::EventId"),
    ] {
        assert!(!objects(module, path), "{module} uses {path}");
    }
    for (module, path) in [
        ("http::stream", "crate::store::redis::RedisStore"),
        ("agent::run::step", "crate::http::stream"),
        ("agent::run::step", "crate::agent::service::runs::AgentService"),
        ("agent::approval::pending", "crate::store::Approvals"),
        ("agent::approval::pending", "crate::agent::run::state::State"),
        ("http::stream", "crate::agent::service::runs::AgentService"),
        ("agent::run", "crate::store::memory::MemoryStore"),
        ("agent::run", "crate::settings::Settings"),
        ("domain::event", "crate::sse::Frame"),
        ("domain::event", "tokio::sync::watch"),
        ("store::memory", "crate::store::redis::keys"),
        ("store", "crate::store::redis::keys"),
        ("agent::run", "axum::Json"),
        ("store", "redis::Client"),
        ("http::auth", "std::env::var"),
        ("http::auth", "jsonwebtoken::decode"),
        ("http::body", "serde_json::from_slice"),
        ("agent::service::signals", "serde_json::from_slice"),
    ] {
        assert!(objects(module, path), "{module} uses {path}");
    }
}
