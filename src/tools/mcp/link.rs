//! The connection to one server: up while the server can be used, and aware of every call in flight.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rmcp::{Peer, RoleClient};
use tokio::sync::watch;

use crate::tools::{SourceState, ToolError};

/// The line to a server. Its supervisor puts it up and down, calls use it.
pub(super) struct Link {
    server: String,
    /// For how long a call waits for a server that is away.
    patience: Duration,
    /// The connection, while there is one and the server's tools are known.
    peer: watch::Sender<Option<Peer<RoleClient>>>,
    /// Why there is none, where that is known.
    lost: watch::Sender<Option<String>>,
    /// Calls in flight: the supervisor neither disturbs nor ends a server that works.
    calls: watch::Sender<usize>,
    /// Whether the server was given up because it does not read what it has asked for.
    unread: AtomicBool,
    /// Lines of this connection in which there was no message.
    noise: AtomicU64,
}

/// A call in flight, until it is dropped.
pub(super) struct Busy<'a>(&'a Link);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.calls.send_modify(|calls| *calls -= 1);
    }
}

impl Link {
    /// The line to a server, down as yet.
    pub(super) fn new(server: String, patience: Duration) -> Self {
        let (peer, calls) = (watch::Sender::new(None), watch::Sender::new(0));
        let lost = watch::Sender::new(None);
        let (unread, noise) = (AtomicBool::new(false), AtomicU64::new(0));
        Self { server, patience, peer, lost, calls, unread, noise }
    }

    /// The server's name.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    pub(super) fn is_up(&self) -> bool {
        self.peer.borrow().is_some()
    }

    /// Begins with a new connection, of which nothing is known yet.
    pub(super) fn begin(&self) {
        self.unread.store(false, Ordering::Relaxed);
        self.noise.store(0, Ordering::Relaxed);
    }

    /// Takes note that the server is given up for not reading. To be called before the connection
    /// ends, so that whoever waits for an answer can say why there is none.
    pub(super) fn note_unread(&self) {
        self.unread.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }

    /// Takes note of a line in which there was no message; says whether it is the first of its connection.
    pub(super) fn note_noise(&self) -> bool {
        self.noise.fetch_add(1, Ordering::Relaxed) == 0
    }

    /// How many such lines this connection has brought.
    pub(super) fn noise(&self) -> u64 {
        self.noise.load(Ordering::Relaxed)
    }

    pub(super) fn up(&self, peer: Peer<RoleClient>) {
        self.peer.send_replace(Some(peer));
        self.lost.send_replace(None);
    }

    /// Takes note of why there is no connection.
    pub(super) fn note_lost(&self, why: String) {
        self.lost.send_replace(Some(why));
    }

    /// Whether the server can be used.
    pub(super) fn state(&self) -> SourceState {
        match (self.is_up(), &*self.lost.borrow()) {
            (true, _) => SourceState::Up,
            (false, Some(why)) => SourceState::Away(why.clone()),
            (false, None) => SourceState::Starting,
        }
    }

    /// Returns once it is known whether the server can be used.
    pub(super) async fn settled(&self) {
        let (mut peer, mut lost) = (self.peer.subscribe(), self.lost.subscribe());
        // The senders are part of `self`, so they cannot be gone.
        tokio::select! {
            _ = peer.wait_for(Option::is_some) => {}
            _ = lost.wait_for(Option::is_some) => {}
        }
    }

    pub(super) fn down(&self) {
        self.peer.send_replace(None);
    }

    /// The connection; waits a little for a server that is away.
    ///
    /// # Errors
    /// The server is still away.
    pub(super) async fn peer(&self) -> Result<Peer<RoleClient>, ToolError> {
        let mut peer = self.peer.subscribe();
        let up = tokio::time::timeout(self.patience, peer.wait_for(Option::is_some)).await;
        let peer = up.ok().and_then(Result::ok).and_then(|peer| peer.clone());
        peer.ok_or_else(|| {
            let server = &self.server;
            ToolError::Failed(format!(
                "the MCP server `{server}` is not available, it is being restarted; nothing was done"
            ))
        })
    }

    /// Takes note of a call.
    pub(super) fn busy(&self) -> Busy<'_> {
        self.calls.send_modify(|calls| *calls += 1);
        Busy(self)
    }

    /// Waits until no call is in flight.
    pub(super) async fn idle(&self) {
        // The sender is part of `self`, so it cannot be gone.
        let _ = self.calls.subscribe().wait_for(|calls| *calls == 0).await;
    }
}
