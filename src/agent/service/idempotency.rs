//! One run for each `Idempotency-Key`, however often the request comes, to whichever process, and
//! whatever becomes of the process that took it first (contract, section 3).
//!
//! The key is made to stand for a session before that has begun. Whoever comes later waits until its
//! journal begins. If that takes longer than a start which is heard of can take, the start is given
//! up for good (`withdraw.rs`), and the key is taken over for another session, in one step. Once the
//! session has begun the key says so: should the journal be lost, the request that comes again is told
//! of that, and starts nothing.

use std::sync::Arc;

use tokio::time::{Instant, sleep_until};

use super::drive::AgentService;
use super::fate::Fate;
use super::start::{StartError, StartRun, Started};
use crate::domain::{Caller, KeyClaim, KeyStanding, RequestKey, ScopedKey, SessionId};
use crate::store::Claimed;

/// What is certain of the session that a key stands for.
enum Settled {
    /// It has begun. Its journal may be gone since, which its readers will be told.
    Begun(SessionId),
    /// It will never begin.
    Withdrawn(SessionId),
}

impl AgentService {
    /// The session that the key stands for, if there is one.
    pub async fn session_of_key(
        &self,
        caller: &Caller,
        key: &RequestKey,
    ) -> Result<Option<SessionId>, StartError> {
        let scoped = ScopedKey::of(caller, &key.key);
        match self.ctx.store.join_key(&scoped, &key.request).await? {
            Some(standing) => Ok(match self.settle(&scoped, standing, key).await? {
                Settled::Begun(session) => Some(session),
                Settled::Withdrawn(_) => None,
            }),
            None => Ok(None),
        }
    }

    /// Starts a run, or finds the one that the key has started.
    pub(super) async fn start_once(
        self: &Arc<Self>,
        caller: &Caller,
        wanted: StartRun,
        key: &RequestKey,
    ) -> Result<Started, StartError> {
        let scoped = ScopedKey::of(caller, &key.key);
        let mut withdrawn = None;
        loop {
            // A run that is there already needs no permit here.
            let Some(permit) = self.permit() else {
                let standing = self.session_of_key(caller, key).await?;
                return standing.map(Started::Before).ok_or(self.too_many());
            };
            let session = self.new_session(caller);
            let standing = self.claim(&scoped, key, &session, withdrawn.as_ref()).await?;
            let Some(standing) = standing else {
                match self.begin(caller, wanted.clone(), session, permit).await {
                    // Somebody has waited too long for it, and has the key now.
                    Err(StartError::Withdrawn) => continue,
                    begun => return begun,
                }
            };
            drop(permit);
            match self.settle(&scoped, standing, key).await? {
                Settled::Begun(session) => return Ok(Started::Before(session)),
                Settled::Withdrawn(session) => withdrawn = Some(session),
            }
        }
    }

    /// Claims the key for `session`; returns what it stands for instead, if it was taken.
    async fn claim(
        &self,
        scoped: &ScopedKey,
        key: &RequestKey,
        session: &SessionId,
        withdrawn: Option<&SessionId>,
    ) -> Result<Option<KeyStanding>, StartError> {
        let claim = KeyClaim { session: session.clone(), request: key.request.clone() };
        match self.ctx.store.claim_key(scoped, &claim, withdrawn).await {
            Ok(Claimed::Won) => Ok(None),
            Ok(Claimed::Taken(standing)) => Ok(Some(standing)),
            Err(error) => {
                // It may have been claimed all the same.
                self.free_unused(Some(scoped), session).await;
                Err(error.into())
            }
        }
    }

    /// Waits until it is certain what becomes of the session that a key stands for.
    async fn settle(
        &self,
        scoped: &ScopedKey,
        standing: KeyStanding,
        key: &RequestKey,
    ) -> Result<Settled, StartError> {
        let KeyStanding { claim: KeyClaim { session, request }, begun } = standing;
        if request != key.request {
            return Err(StartError::AnotherRequest);
        }
        if begun {
            return Ok(Settled::Begun(session));
        }
        match self.await_start(&session).await? {
            Fate::Begun { .. } => {
                self.ctx.store.key_begun(scoped, &session).await?;
                Ok(Settled::Begun(session))
            }
            Fate::Withdrawn => Ok(Settled::Withdrawn(session)),
        }
    }

    /// Waits until a run has begun, or has been given up. A start that is not heard of for as long as
    /// a lease lasts is given up here.
    async fn await_start(&self, session: &SessionId) -> Result<Fate, StartError> {
        if let Some(fate) = self.fate(session).await? {
            return Ok(fate);
        }
        let gives_up = Instant::now() + self.ctx.terms.silent_start();
        let stopping = self.ctx.tasks.stopping();
        let mut follower = self.ctx.store.follow(session).await?;
        loop {
            if let Some(fate) = self.fate(session).await? {
                return Ok(fate);
            }
            tokio::select! {
                () = stopping.cancelled() => return Err(StartError::Stopping),
                () = follower.changed() => {}
                () = sleep_until(gives_up) => return Ok(self.withdraw(session).await?),
            }
        }
    }
}
