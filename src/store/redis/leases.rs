//! Leases are one sorted set: the members are sessions, the scores when each runs out by the
//! server's clock. All runs of a process are renewed by one command.

use std::borrow::Cow;
use std::iter::once;
use std::time::Duration;

use async_trait::async_trait;

use super::{RedisStore, hub, keys};
use crate::domain::SessionId;
use crate::store::{Leases, StoreError};

/// A number or name as a script takes it.
pub(super) fn text(value: &impl ToString) -> Cow<'static, [u8]> {
    Cow::Owned(value.to_string().into_bytes())
}

fn names(sessions: &[SessionId]) -> impl Iterator<Item = Cow<'_, [u8]>> {
    sessions.iter().map(|session| Cow::Borrowed(session.as_str().as_bytes()))
}

#[async_trait]
impl Leases for RedisStore {
    async fn renew(&self, sessions: &[SessionId], term: Duration) -> Result<(), StoreError> {
        if sessions.is_empty() {
            return Ok(());
        }
        let args: Vec<_> = once(text(&term.as_millis())).chain(names(sessions)).collect();
        self.commands.script(&self.hold, keys::LEASES, &args).await
    }

    async fn release(&self, sessions: &[SessionId]) -> Result<(), StoreError> {
        let told = [text(&keys::CONTROL), text(&hub::RELEASED)];
        let args: Vec<_> = told.into_iter().chain(names(sessions)).collect();
        self.commands.script(&self.release, keys::LEASES, &args).await
    }

    async fn end(&self, sessions: &[SessionId]) -> Result<(), StoreError> {
        if sessions.is_empty() {
            return Ok(());
        }
        let mut end = redis::cmd("ZREM");
        end.arg(keys::LEASES);
        for session in sessions {
            end.arg(session.as_str());
        }
        self.commands.query(&end).await
    }

    async fn ensure(&self, sessions: &[SessionId], term: Duration) -> Result<(), StoreError> {
        if sessions.is_empty() {
            return Ok(());
        }
        let args: Vec<_> = once(text(&term.as_millis())).chain(names(sessions)).collect();
        self.commands.script(&self.ensure, keys::LEASES, &args).await
    }

    async fn claim(&self, limit: usize, term: Duration) -> Result<Vec<SessionId>, StoreError> {
        let args = [text(&limit), text(&term.as_millis())];
        let taken: Vec<String> = self.commands.script(&self.claim, keys::LEASES, &args).await?;
        Ok(taken.into_iter().map(SessionId::new).collect())
    }
}
