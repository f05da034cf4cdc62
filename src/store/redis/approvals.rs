//! Requests for approval under the keys that the platform shares (contract, section 5.1), and the
//! one decision under a key of ours.

use std::borrow::Cow;
use std::time::Duration;

use async_trait::async_trait;
use redis::{Cmd, FromRedisValue, Value, cmd};
use serde_json::json;
use tracing::warn;

use super::fault::store_error;
use super::json::to_json;
use super::{RedisStore, keys};
use crate::domain::{
    ApprovalRequest, Deadline, Decision, Endorsement, ProposalOutcome, RequestId, Sealed,
    SessionId, SessionMeta, UnixMs,
};
use crate::store::{Approvals, NewSignals, Polled, RequestMark, StoreError, StoredSignals, ttl};

/// Sessions whose signals are read in one round trip.
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

/// What is read of a waiting request: its session's signal, the request if it was changed, the decision.
fn reads(polled: &Polled) -> [Cmd; 3] {
    let mut changed = cmd("EVAL");
    changed.arg(include_str!("changed_request.lua")).arg(1).arg(keys::request(&polled.request));
    changed.arg(polled.seen.as_ref().map_or(&[][..], |mark| &mark.0));
    [get(&keys::signal(&polled.session)), changed, get(&keys::decision(&polled.request))]
}

/// What was read. One key that somebody has spoilt must not hide everybody else's signals.
fn new_signals([signal, request, decision]: [Result<Value, StoreError>; 3]) -> NewSignals {
    let bytes = |value| {
        Option::<Vec<u8>>::from_redis_value(value).map_err(|error| store_error(&error.into()))
    };
    let parts =
        |value| Vec::<Vec<u8>>::from_redis_value(value).map_err(|error| store_error(&error.into()));
    let told = |error: &StoreError| warn!(%error, "a stored vote cannot be read");
    let signal = signal.and_then(bytes).inspect_err(told).unwrap_or_default();
    let decision = decision.and_then(bytes).inspect_err(told);
    let (mark, request) = match request.and_then(parts).inspect_err(told) {
        Ok(parts) => {
            let mut parts = parts.into_iter();
            (parts.next(), parts.next())
        }
        // Not absent: it is to be written anew.
        Err(_) => (None, Some(Vec::new())),
    };
    let signals = StoredSignals {
        signal: signal.as_deref().map(lenient),
        request: request.as_deref().map(lenient),
        decision: decision.unwrap_or_else(|_| Some(Vec::new())).map(Sealed::stored),
    };
    NewSignals { signals, mark: mark.map(|mark| RequestMark(mark.into())) }
}

fn set_for(key: &str, value: &str, ttl: Duration) -> Cmd {
    let mut set = cmd("SET");
    set.arg(key).arg(value).arg("EX").arg(ttl.as_secs());
    set
}

fn seconds(ttl: Duration) -> Cow<'static, [u8]> {
    Cow::Owned(ttl.as_secs().to_string().into_bytes())
}

/// Keeps what a waiting run needs besides: what is known of its session, its caller's list and its
/// conversation. Nothing that lives longer is cut short.
fn kept_for(meta: &SessionMeta, deadline: Deadline, now: UnixMs) -> [Cmd; 3] {
    // Their usual time counts from when they were written.
    let seconds = ttl::session(deadline, now).as_secs();
    let kept = [
        keys::session(&meta.session_id),
        keys::sessions(&meta.tenant, &meta.user),
        keys::thread(&meta.tenant, &meta.user, &meta.thread_id),
    ];
    kept.map(|key| {
        let mut keep = cmd("EXPIRE");
        keep.arg(key).arg(seconds).arg("GT");
        keep
    })
}

impl RedisStore {
    async fn text(&self, key: String) -> Result<Option<String>, StoreError> {
        let found: Option<Vec<u8>> = self.commands.query(&get(&key)).await?;
        Ok(found.as_deref().map(lenient))
    }

    /// What stands under many keys; empty where that is no text.
    async fn texts(
        &self,
        keys: impl Iterator<Item = String>,
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let gets: Vec<Cmd> = keys.map(|key| get(&key)).collect();
        let found = self.commands.each::<Option<Vec<u8>>>(gets).await?;
        let told =
            |error: &StoreError| warn!(%error, "what stands in a request's place is no text");
        let text = |found: Result<_, StoreError>| {
            found.inspect_err(told).unwrap_or_else(|_| Some(Vec::new()))
        };
        Ok(found.into_iter().map(text).collect())
    }
}

#[async_trait]
impl Approvals for RedisStore {
    async fn open(
        &self,
        meta: &SessionMeta,
        request: &ApprovalRequest,
        checkpoint: &str,
    ) -> Result<(), StoreError> {
        let (session, now, deadline) = (&request.session_id, self.clock.now(), request.deadline);
        let text = to_json(request)?;
        let pointer = json!({
            "sessionId": session,
            "requestId": request.request_id,
            // Whose session it is, also where somebody else asks.
            "userId": meta.user,
            "tenantId": request.tenant_id,
        });
        let mut forget = cmd("DEL");
        forget.arg(keys::signal(session));
        let checkpoint_ttl = ttl::outliving(ttl::CHECKPOINT, deadline, now);
        let own = [
            forget,
            set_for(&keys::request(&request.request_id), &text, ttl::request(deadline, now)),
            set_for(&keys::pointer(session), &pointer.to_string(), ttl::pointer(deadline, now)),
            set_for(&keys::checkpoint(session), checkpoint, checkpoint_ttl),
        ];
        let stored = self.commands.all(own.into_iter().chain(kept_for(meta, deadline, now)));
        let (watch, ()) = tokio::try_join!(self.hub.watch(session), stored)?;
        watch.keep();
        Ok(())
    }

    async fn tell_asked(&self, request: &ApprovalRequest) -> Result<(), StoreError> {
        let mut tell = cmd("PUBLISH");
        tell.arg(keys::requests(&request.tenant_id)).arg(to_json(request)?);
        self.commands.query(&tell).await
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

    async fn requests(&self, ids: &[RequestId]) -> Result<Vec<Option<String>>, StoreError> {
        let found = self.texts(ids.iter().map(keys::request)).await?;
        Ok(found.into_iter().map(|text| text.as_deref().map(lenient)).collect())
    }

    async fn save_request(&self, request: &ApprovalRequest) -> Result<(), StoreError> {
        let key = keys::request(&request.request_id);
        let kept = ttl::request(request.deadline, self.clock.now());
        let text = |arg: String| Cow::Owned(arg.into_bytes());
        let args =
            [text(to_json(request)?), text(keys::requests(&request.tenant_id)), seconds(kept)];
        self.commands.script(&self.save_request, &key, &args).await
    }

    async fn signal(&self, session: &SessionId) -> Result<Option<String>, StoreError> {
        self.text(keys::signal(session)).await
    }

    async fn new_signals(&self, waiting: &[Polled]) -> Result<Vec<NewSignals>, StoreError> {
        let mut signals = Vec::with_capacity(waiting.len());
        for waiting in waiting.chunks(AT_ONCE) {
            let reads: Vec<Cmd> = waiting.iter().flat_map(reads).collect();
            let mut found = self.commands.each::<Value>(reads).await?.into_iter();
            let mut next = || found.next().unwrap_or(Ok(Value::Nil));
            signals.extend(waiting.iter().map(|_| new_signals([next(), next(), next()])));
        }
        Ok(signals)
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

    async fn decide(
        &self,
        id: &RequestId,
        deadline: Deadline,
        decision: &Sealed<Decision>,
        void: Option<&Sealed<Decision>>,
    ) -> Result<ProposalOutcome<Sealed<Decision>>, StoreError> {
        let kept = ttl::outliving(ttl::DECISION, deadline, self.clock.now());
        let mut args = vec![Cow::Borrowed(decision.as_bytes()), seconds(kept)];
        args.extend(void.map(|void| Cow::Borrowed(void.as_bytes())));
        let key = keys::decision(id);
        let standing: Option<Vec<u8>> = self.commands.script(&self.decide, &key, &args).await?;
        Ok(standing
            .map_or(ProposalOutcome::Won, |bytes| ProposalOutcome::Lost(Sealed::stored(bytes))))
    }

    async fn record_approval(
        &self,
        id: &RequestId,
        deadline: Deadline,
        yes: &Sealed<Endorsement>,
    ) -> Result<Vec<Sealed<Endorsement>>, StoreError> {
        let kept = ttl::outliving(ttl::DECISION, deadline, self.clock.now());
        let args = [Cow::Borrowed(yes.as_bytes()), seconds(kept)];
        let key = keys::endorsements(id);
        let noted: Vec<Vec<u8>> = self.commands.script(&self.endorse, &key, &args).await?;
        Ok(noted.into_iter().map(Sealed::stored).collect())
    }

    async fn decision(&self, id: &RequestId) -> Result<Option<Sealed<Decision>>, StoreError> {
        match self.commands.query::<Option<Vec<u8>>>(&get(&keys::decision(id))).await {
            Ok(standing) => Ok(standing.map(Sealed::stored)),
            Err(StoreError::Corrupt(_)) => Ok(Some(Sealed::stored(Vec::new()))),
            Err(error) => Err(error),
        }
    }

    async fn decisions(
        &self,
        ids: &[RequestId],
    ) -> Result<Vec<Option<Sealed<Decision>>>, StoreError> {
        let found = self.texts(ids.iter().map(keys::decision)).await?;
        Ok(found.into_iter().map(|bytes| bytes.map(Sealed::stored)).collect())
    }

    async fn approvals_of(&self, id: &RequestId) -> Result<Vec<Sealed<Endorsement>>, StoreError> {
        let mut members = cmd("SMEMBERS");
        members.arg(keys::endorsements(id));
        match self.commands.query::<Vec<Vec<u8>>>(&members).await {
            Ok(noted) => Ok(noted.into_iter().map(Sealed::stored).collect()),
            // What is no set was never ours.
            Err(StoreError::Corrupt(_)) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
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
