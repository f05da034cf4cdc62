//! The port of sessions: which there are, and what their conversations said so far.

use async_trait::async_trait;

use super::errors::StoreError;
use crate::domain::{EventId, Message, SessionId, SessionMeta, TenantId, ThreadId, UserId};

/// Which sessions there are, and what a conversation said so far.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Makes a session known, under its id, in its caller's list and in the index of all runs
    /// ([`crate::store::RunIndex`]). Its journal does not exist yet.
    async fn register(&self, meta: &SessionMeta) -> Result<(), StoreError>;

    /// The session of that id, if there is one; to whom it exists is for the caller to check.
    async fn session(&self, id: &SessionId) -> Result<Option<SessionMeta>, StoreError>;

    /// The sessions that this user of this tenant started, newest first, at most `limit`, those
    /// started before `before` (exclusive, by first event id; ties are broken by session id,
    /// descending) where it is given. Sessions whose record has expired, or cannot be read, are left out.
    async fn sessions_of(
        &self,
        tenant: &TenantId,
        user: &UserId,
        before: Option<&SessionMeta>,
        limit: usize,
    ) -> Result<Vec<SessionMeta>, StoreError>;

    /// Of the sessions that this user of this tenant started, those whose first event id is at most
    /// `event`: the newest `limit` of them, newest first, in one step. Some may have expired.
    async fn begun_by(
        &self,
        tenant: &TenantId,
        user: &UserId,
        event: EventId,
        limit: usize,
    ) -> Result<Vec<SessionId>, StoreError>;

    /// What earlier runs of the thread said, oldest first, at most the newest 50 runs.
    async fn history(
        &self,
        tenant: &TenantId,
        user: &UserId,
        thread: &ThreadId,
    ) -> Result<Vec<Message>, StoreError>;

    /// Adds one run's messages to its thread. Repeating it with the same session replaces what that
    /// session had said. Kept for 7 days after the last addition.
    async fn remember(&self, meta: &SessionMeta, said: &[Message]) -> Result<(), StoreError>;

    /// Asks whoever runs the session to stop: every process gets [`StoreEvent::Cancel`], as far as
    /// it is connected, and [`Sessions::cancel_requested`] says `true` for 24 h.
    async fn request_cancel(&self, id: &SessionId) -> Result<(), StoreError>;

    /// Whether somebody asked for this.
    async fn cancel_requested(&self, id: &SessionId) -> Result<bool, StoreError>;
}
