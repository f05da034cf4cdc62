//! Requests for approval under the keys that the platform shares (contract, section 5.1), and the
//! one decision under a key of ours.

use std::borrow::Cow;
use std::time::Duration;

use async_trait::async_trait;
use redis::{Cmd, cmd};
use serde_json::json;
use tracing::warn;

use super::json::{from_json, to_json};
use super::{RedisStore, keys};
use crate::domain::{ApprovalRequest, Decision, RequestId, SessionId, UserId};
use crate::store::{Approvals, Decided, StoreError, StoredVotes, ttl};

/// Sessions whose votes are read in one round trip.
const AT_ONCE: usize = 500;

/// What somebody else may have written: text, or at least shown as text.
fn lenient(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn get(key: &str) -> Cmd {
    let mut get = cmd("GET");
    get.arg(key);
    get
}

fn set_for(key: &str, value: &str, ttl: Duration) -> Cmd {
    let mut set = cmd("SET");
    set.arg(key).arg(value).arg("EX").arg(ttl.as_secs());
    set
}

fn seconds(ttl: Duration) -> Cow<'static, [u8]> {
    Cow::Owned(ttl.as_secs().to_string().into_bytes())
}

impl RedisStore {
    async fn text(&self, key: String) -> Result<Option<String>, StoreError> {
        let found: Option<Vec<u8>> = self.commands.query(&get(&key)).await?;
        Ok(found.as_deref().map(lenient))
    }
}

#[async_trait]
impl Approvals for RedisStore {
    async fn open(&self, request: &ApprovalRequest, checkpoint: &str) -> Result<(), StoreError> {
        let session = &request.session_id;
        let pointer = json!({
            "sessionId": session,
            "requestId": request.request_id,
            "userId": request.user_id,
            "tenantId": request.tenant_id,
        });
        let mut forget = cmd("DEL");
        forget.arg(keys::signal(session));
        let request_key = keys::request(&request.request_id);
        let steps = [
            forget,
            set_for(&request_key, &to_json(request)?, ttl::REQUEST),
            set_for(&keys::pointer(session), &pointer.to_string(), ttl::POINTER),
            set_for(&keys::checkpoint(session), checkpoint, ttl::CHECKPOINT),
        ];
        let stored = self.commands.all(steps);
        let (watch, ()) = tokio::try_join!(self.hub.watch(session), stored)?;
        watch.keep();
        Ok(())
    }

    async fn watch(&self, session: &SessionId) -> Result<(), StoreError> {
        self.hub.watch(session).await?.keep();
        Ok(())
    }

    fn unwatch(&self, session: &SessionId) {
        self.hub.unwatch(session);
    }

    async fn request(&self, id: &RequestId) -> Result<Option<String>, StoreError> {
        self.text(keys::request(id)).await
    }

    async fn save_request(&self, request: &ApprovalRequest) -> Result<(), StoreError> {
        let mut set = cmd("SET");
        set.arg(keys::request(&request.request_id)).arg(to_json(request)?);
        self.commands.query(set.arg("XX").arg("KEEPTTL")).await
    }

    async fn signal(&self, session: &SessionId) -> Result<Option<String>, StoreError> {
        self.text(keys::signal(session)).await
    }

    async fn votes(
        &self,
        waiting: &[(SessionId, RequestId)],
    ) -> Result<Vec<StoredVotes>, StoreError> {
        let mut votes = Vec::with_capacity(waiting.len());
        for waiting in waiting.chunks(AT_ONCE) {
            let keys = waiting.iter().flat_map(|(session, request)| {
                [keys::signal(session), keys::request(request), keys::decision(request)]
            });
            let gets: Vec<Cmd> = keys.map(|key| get(&key)).collect();
            let found = self.commands.each::<Option<Vec<u8>>>(gets).await?;
            // One key that somebody has spoilt must not hide everybody else's votes.
            let mut found = found.into_iter().map(|value| match value {
                Ok(value) => value.as_deref().map(lenient),
                Err(error) => {
                    warn!(%error, "a stored vote cannot be read");
                    None
                }
            });
            votes.extend(waiting.iter().map(|_| {
                let (signal, request) = (found.next().flatten(), found.next().flatten());
                let decision = found.next().flatten().map(|text| from_json("decision", &text));
                StoredVotes { signal, request, decision: decision.and_then(Result::ok) }
            }));
        }
        Ok(votes)
    }

    async fn store_signal(&self, session: &SessionId, signal: &str) -> Result<(), StoreError> {
        self.commands.query(&set_for(&keys::signal(session), signal, ttl::SIGNAL)).await
    }

    async fn publish_signal(&self, session: &SessionId, signal: &str) -> Result<(), StoreError> {
        let mut publish = cmd("PUBLISH");
        publish.arg(keys::signals(session)).arg(signal);
        let store = set_for(&keys::signal(session), signal, ttl::SIGNAL);
        self.commands.in_turn([store, publish]).await
    }

    async fn decide(&self, id: &RequestId, decision: &Decision) -> Result<Decided, StoreError> {
        let mut set = set_for(&keys::decision(id), &to_json(decision)?, ttl::DECISION);
        let standing: Option<String> = self.commands.query(set.arg("NX").arg("GET")).await?;
        match standing {
            None => Ok(Decided::Won),
            Some(text) => from_json("decision", &text).map(Decided::Lost),
        }
    }

    async fn endorse(&self, id: &RequestId, user: &UserId) -> Result<usize, StoreError> {
        let args = [Cow::Borrowed(user.as_str().as_bytes()), seconds(ttl::DECISION)];
        self.commands.script(&self.endorse, &keys::endorsements(id), &args).await
    }

    async fn decision(&self, id: &RequestId) -> Result<Option<Decision>, StoreError> {
        let standing = self.text(keys::decision(id)).await?;
        standing.map(|text| from_json("decision", &text)).transpose()
    }

    async fn save_checkpoint(
        &self,
        session: &SessionId,
        checkpoint: &str,
    ) -> Result<(), StoreError> {
        self.commands.query(&set_for(&keys::checkpoint(session), checkpoint, ttl::CHECKPOINT)).await
    }

    async fn checkpoint(&self, session: &SessionId) -> Result<Option<String>, StoreError> {
        self.text(keys::checkpoint(session)).await
    }
}
