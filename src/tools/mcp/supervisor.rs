//! Looks after one server: connects, keeps its list of tools, and starts again after a loss.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use rmcp::model::{ClientCapabilities, ClientConfig, Implementation};
use rmcp::service::RunningService;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::{IntoTransport, StreamableHttpClientTransport};
use rmcp::{ClientHandler, Peer, RoleClient, ServiceError, ServiceExt};
use thiserror::Error;
use tokio::sync::Notify;
use tokio::time::{Instant, interval_at, sleep_until, timeout};

use super::answering::Answering;
use super::catalog::Catalog;
use super::child::Mask;
use super::http_route::LooseHttp;
use super::lines::Lines;
use super::link::Link;
use super::server::Server;
use super::{Route, list};
use crate::backoff::Backoff;
use crate::domain::text::{escape_invisible, excerpt, one_line};
use crate::shutdown::Tasks;

/// Bytes of a message that are logged; most of it may be the server's own.
const MESSAGE_MAX: usize = 500;

/// A server over HTTP.
pub(super) struct Endpoint {
    pub(super) client: reqwest::Client,
    pub(super) url: String,
    pub(super) headers: HashMap<HeaderName, HeaderValue>,
}

/// Looks after one server.
pub(super) struct Supervisor {
    server: Arc<Server>,
    catalog: Arc<Catalog>,
    route: Route,
    tasks: Tasks,
}

/// Why a server cannot be used any more.
#[derive(Debug, Error)]
enum Lost {
    #[error("cannot be started: {0}")]
    NotStarted(std::io::Error),
    #[error("did not greet and list its tools within {0} s")]
    TooSlow(u64),
    #[error("refused the greeting: {0}")]
    Refused(String),
    #[error("did not tell its tools: {0}")]
    NoList(String),
    #[error("closed the connection")]
    Closed,
    #[error("does not answer any more")]
    Silent,
    #[error("sends requests and does not read the answers")]
    Unread,
}

impl Lost {
    /// Whether it could be used before.
    fn was_up(&self) -> bool {
        match self {
            Self::Closed | Self::Silent | Self::Unread => true,
            Self::NotStarted(_) | Self::TooSlow(_) | Self::Refused(_) | Self::NoList(_) => false,
        }
    }
}

type Service = RunningService<RoleClient, Client>;

impl Supervisor {
    /// Looks after the server of this catalog, and keeps the catalog up to date.
    pub(super) fn new(catalog: Arc<Catalog>, route: Route, tasks: Tasks) -> Self {
        Self { server: Arc::clone(&catalog.server), catalog, route, tasks }
    }

    /// Keeps the server connected until the process stops; calls in flight then are let finish.
    pub(super) async fn run(self) {
        let pace = self.server.config.pace;
        let stopping = self.tasks.stopping();
        let mut backoff = Backoff::new(pace.first_pause, pace.most_pause);
        while !stopping.is_cancelled() {
            let began = Instant::now();
            let (lost, last_words) = match self.serve_once().await {
                Ok(()) => return,
                Err(lost) => lost,
            };
            if lost.was_up() && began.elapsed() >= pace.held {
                backoff.reset();
            }
            let pause = backoff.pause();
            let (server, pause_ms) = (&self.server.config.name, pause.as_millis());
            let error = self.loggable(&lost.to_string());
            self.server.link.note_lost(with_last_words(&error, &last_words));
            tracing::warn!(
                %server, %error, stderr = %last_words, pause_ms, "MCP server away; starting it again"
            );
            let _ = timeout(pause, stopping.cancelled()).await;
        }
    }

    /// The life of one connection; `Ok` if it ended because the process stops. With the loss comes
    /// what the server said last on its standard error.
    async fn serve_once(&self) -> Result<(), (Lost, String)> {
        match &self.route {
            Route::Http(endpoint) => {
                let mut config =
                    StreamableHttpClientTransportConfig::with_uri(endpoint.url.as_str());
                config.custom_headers = endpoint.headers.clone();
                let client = LooseHttp::new(endpoint.client.clone());
                let transport = StreamableHttpClientTransport::with_client(client, config);
                self.hold(transport).await.map_err(|lost| (lost, String::new()))
            }
            Route::Command(command) => {
                let started = command.start(&self.tasks);
                let (child, stdout, stdin) =
                    started.map_err(|error| (Lost::NotStarted(error), String::new()))?;
                let lines = Lines::new(stdout, noise(Arc::clone(&self.server.link), child.mask()));
                let held = self.hold(AsyncRwTransport::new_client(lines, stdin)).await;
                let last_words = child.end().await;
                held.map_err(|lost| (lost, last_words))
            }
        }
    }

    /// Greets, lists, and keeps the connection for as long as it holds.
    async fn hold<T, E, A>(&self, transport: T) -> Result<(), Lost>
    where
        T: IntoTransport<RoleClient, E, A>,
        E: std::error::Error + Send + Sync + 'static,
    {
        let stopping = self.tasks.stopping();
        let (link, pace) = (&self.server.link, self.server.config.pace);
        let (connect, changed) = (pace.connect, Arc::new(Notify::new()));
        link.begin();
        let transport = transport.into_transport();
        let transport =
            Answering::new(transport, Arc::clone(link), Arc::clone(&changed), pace.answer);
        let greeting = async {
            let service = Client.serve(transport).await;
            let service = service.map_err(|error| Lost::Refused(error.to_string()))?;
            self.list(service.peer()).await.map_err(|error| Lost::NoList(error.to_string()))?;
            Ok::<Service, Lost>(service)
        };
        let service = tokio::select! {
            () = stopping.cancelled() => return Ok(()),
            greeted = timeout(connect, greeting) => match greeted {
                Ok(Err(_)) if link.is_unread() => return Err(Lost::Unread),
                Ok(greeted) => greeted?,
                Err(_) => return Err(Lost::TooSlow(connect.as_secs())),
            },
        };
        link.up(service.peer().clone());
        let lost = tokio::select! {
            lost = self.watch(service, &changed) => Err(lost),
            () = async { stopping.cancelled().await; link.idle().await } => Ok(()),
        };
        link.down();
        lost
    }

    /// Follows changes of the list, and looks from time to time whether the server still lives.
    /// Ends with the connection, and the connection ends with it.
    async fn watch(&self, service: Service, changed: &Notify) -> Lost {
        let peer = service.peer().clone();
        tokio::select! {
            _ = service.waiting() => match self.server.link.is_unread() {
                true => Lost::Unread,
                false => Lost::Closed,
            },
            Err(lost) = self.follow(&peer, changed) => lost,
        }
    }

    async fn follow(&self, peer: &Peer<RoleClient>, changed: &Notify) -> Result<Infallible, Lost> {
        let pace = self.server.config.pace;
        let mut look = interval_at(Instant::now() + pace.look, pace.look);
        loop {
            let rest = Instant::now() + pace.rest;
            tokio::select! {
                () = async { changed.notified().await; sleep_until(rest).await } => {}
                _ = look.tick() => {}
            }
            match timeout(self.quiet().await, self.list(peer)).await {
                Ok(Ok(())) => {}
                Ok(Err(ServiceError::McpError(error))) => {
                    let server = &self.server.config.name;
                    let error = self.loggable(&error.message);
                    tracing::warn!(%server, %error, "MCP server does not tell its tools; keeping the last list");
                }
                Ok(Err(ServiceError::UnexpectedResponse)) => {
                    return Err(Lost::NoList("not an answer to the question".to_owned()));
                }
                Ok(Err(_)) => return Err(Lost::Closed),
                Err(_) => return Err(Lost::Silent),
            }
        }
    }

    /// Waits for a moment in which no call is in flight, and returns how long the server may then
    /// take to answer. It may well do one thing after the other: where there is no such moment, it
    /// has the time of a call more.
    async fn quiet(&self) -> Duration {
        let config = &self.server.config;
        match timeout(config.timeout, self.server.link.idle()).await {
            Ok(()) => config.pace.answer,
            Err(_) => config.pace.answer + config.timeout,
        }
    }

    async fn list(&self, peer: &Peer<RoleClient>) -> Result<(), ServiceError> {
        let listing = list::read(peer, &self.server).await?;
        self.catalog.take_list(listing);
        Ok(())
    }

    /// A message for the log, cut to size. The server's URL may carry a key, so it is left out.
    fn loggable(&self, message: &str) -> String {
        let message = match &self.route {
            Route::Http(endpoint) => message.replace(&endpoint.url, "its URL"),
            Route::Command(_) => message.to_owned(),
        };
        excerpt(&escape_invisible(&message), MESSAGE_MAX)
    }
}

/// Why a server is away, with what it said last on its standard error, if anything.
fn with_last_words(error: &str, last_words: &str) -> String {
    match last_words.trim() {
        "" => error.to_owned(),
        said => format!("{error}; it said: {}", one_line(said, MESSAGE_MAX)),
    }
}

/// Takes note of each line that is no message; the log is told of the first. It may well be the answer that
/// somebody waits for, but most often a server only talks where it should not.
fn noise(link: Arc<Link>, mask: Mask) -> impl FnMut(&[u8]) + Send + Unpin {
    move |line| {
        if link.note_noise() {
            let (server, said) = (link.server(), excerpt(&mask.of(line), MESSAGE_MAX));
            tracing::warn!(
                %server, %said,
                "MCP server writes what is no message of the protocol on its standard output; passed over"
            );
        }
    }
}

/// Our side of the connection, which offers the server nothing.
struct Client;

impl ClientHandler for Client {
    fn get_info(&self) -> ClientConfig {
        let this = Implementation::new("aura-platform", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(ClientCapabilities::default(), this)
    }
}
