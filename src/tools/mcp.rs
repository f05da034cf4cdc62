//! The tools of MCP servers: child processes or services over HTTP that belong to others.
//!
//! Each server has a supervisor, a task of its own ([`supervisor`]), which connects in the
//! background, keeps the list of the server's tools and starts again after a loss. Calls go over
//! the [`link`], which is up as long as the server can be used. Nothing that a server says of its
//! tools is believed but their names, descriptions and schemas, and these are cut to size
//! ([`list`]): whether a tool needs approval, and whether it only reads, is for the configuration
//! alone to say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use url::Url;

use self::catalog::Catalog;
use self::server::Server;
use self::supervisor::Supervisor;
use super::registry::{Checks, ToolSource};
use crate::http_client::{self, BuildError, Patience};
use crate::shutdown::Tasks;

mod answering;
mod catalog;
mod child;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod http_route;
mod lines;
mod link;
mod list;
mod message;
mod result;
mod schema;
mod server;
mod supervisor;
mod tool;

/// For the next byte of an answer over HTTP. Calls keep their own, shorter time; the stream of a
/// server's notifications is silent for as long as there is nothing to tell.
const SILENCE: Duration = Duration::from_secs(3600);
/// For a connection over HTTP.
const HTTP_CONNECT: Duration = Duration::from_secs(10);

/// An MCP server, and what its tools may do.
#[derive(Clone, Debug)]
pub struct McpServerConfig {
    /// Its name, without a dot; its tools are called `<name>.<tool>`.
    pub name: String,
    /// How it is reached.
    pub transport: Transport,
    /// The tools that only read. Every other one counts as one that writes.
    pub read_only: BTreeSet<String>,
    /// What one call may take.
    pub timeout: Duration,
    /// Bytes of one result that are used.
    pub max_output_bytes: usize,
    /// How long to wait for it, and how often to look.
    pub pace: Pace,
}

/// How an MCP server is reached.
#[derive(Clone, Debug)]
pub enum Transport {
    /// A child process, spoken to over its standard input and output.
    Command {
        /// What is run, looked for in the `PATH` of `env`.
        program: String,
        /// Its arguments.
        arguments: Vec<String>,
        /// Its whole environment.
        env: BTreeMap<String, SecretString>,
        /// Where it runs; `None`: where this process does.
        cwd: Option<PathBuf>,
    },
    /// Streamable HTTP.
    Http {
        /// The endpoint.
        url: Url,
        /// Headers of every request.
        headers: BTreeMap<String, SecretString>,
    },
}

/// How long to wait for a server, and how often to look.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// To start, greet and list its tools. Long, because some are downloaded first.
    pub connect: Duration,
    /// To list its tools again.
    pub answer: Duration,
    /// Between two looks whether it still lives, which also find what it did not tell of.
    pub look: Duration,
    /// Between two readings of its list, however often it tells that the list has changed.
    pub rest: Duration,
    /// Before the first attempt after a loss; doubles with each, up to `most_pause`.
    pub first_pause: Duration,
    /// Before any later attempt.
    pub most_pause: Duration,
    /// After this long without a loss the next one counts as the first.
    pub held: Duration,
    /// That a call waits for a server that is away, at most as long as the call may take.
    pub patience: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(60),
            answer: Duration::from_secs(10),
            look: Duration::from_secs(30),
            rest: Duration::from_secs(1),
            first_pause: Duration::from_secs(1),
            most_pause: Duration::from_secs(60),
            held: Duration::from_secs(60),
            patience: Duration::from_secs(5),
        }
    }
}

/// Why the servers cannot be looked after.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The HTTP client cannot be built.
    #[error(transparent)]
    Client(#[from] BuildError),
    /// A header is not one.
    #[error("the header {header:?} of the MCP server `{server}` is not valid")]
    Header {
        /// The server.
        server: String,
        /// The header's name.
        header: String,
    },
}

/// Starts to look after these servers, each in a task that ends with the process. Returns at once:
/// a server's tools are there as soon as it has told of them, and a server that cannot be started
/// stops nobody.
///
/// # Errors
/// [`ConfigError`]; never because of a server.
pub fn start(
    servers: Vec<McpServerConfig>,
    tasks: &Tasks,
) -> Result<Vec<Arc<dyn ToolSource>>, ConfigError> {
    if servers.is_empty() {
        return Ok(Vec::new());
    }
    let client = http_client::build(Patience { connect: HTTP_CONNECT, read: SILENCE })?;
    let checks = Checks::default();
    let mut sources: Vec<Arc<dyn ToolSource>> = Vec::new();
    for config in servers {
        let route = route(config.transport.clone(), &config.name, &client)?;
        let catalog = Catalog::new(Server::new(config, checks.clone()));
        let supervisor = Supervisor::new(Arc::clone(&catalog), route, tasks.clone());
        tasks.spawn("MCP server", supervisor.run());
        sources.push(catalog);
    }
    Ok(sources)
}

/// A transport that is ready to be used, as often as it takes.
enum Route {
    Command(child::Command),
    Http(supervisor::Endpoint),
}

fn route(
    transport: Transport,
    server: &str,
    client: &reqwest::Client,
) -> Result<Route, ConfigError> {
    match transport {
        Transport::Command { program, arguments, env, cwd } => {
            Ok(Route::Command(child::Command { program, arguments, env, cwd }))
        }
        Transport::Http { url, headers } => {
            let parsed = headers.iter().map(|(name, value)| {
                header(name, value).ok_or_else(|| ConfigError::Header {
                    server: server.to_owned(),
                    header: name.clone(),
                })
            });
            let headers = parsed.collect::<Result<_, _>>()?;
            let client = client.clone();
            Ok(Route::Http(supervisor::Endpoint { client, url: url.to_string(), headers }))
        }
    }
}

fn header(name: &str, value: &SecretString) -> Option<(http::HeaderName, http::HeaderValue)> {
    let name = name.parse().ok()?;
    let mut value = http::HeaderValue::from_str(value.expose_secret()).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}
