//! Sessions, each caller's list of them, and conversations.
//!
//! A caller's list is a sorted set whose members are `<first event id, 20 digits>:<session id>`, all
//! with the score 0, so that the order of the bytes is the order of the list. (As a score the id
//! would be a double, which is not exact for the ids that a client may choose.)

use std::borrow::Cow;
use std::collections::BTreeMap;

use async_trait::async_trait;
use redis::{Cmd, cmd};

use super::json::{from_json, to_json};
use super::{RedisStore, keys};
use crate::domain::{EventId, Message, SessionId, SessionMeta, TenantId, ThreadId, UserId};
use crate::store::{Sessions, StoreError, ttl};

/// The most records that are asked for in one go.
const AT_ONCE: usize = 256;

/// A session's place among others; places sort as text.
fn place(first_event: EventId, session: &str) -> String {
    format!("{:020}:{session}", first_event.get())
}

fn session_at(place: &str) -> Result<SessionId, StoreError> {
    let id = place.split_once(':').map(|(_, session)| SessionId::new(session));
    id.ok_or_else(|| StoreError::Corrupt(format!("a place in a list of sessions: {place:?}")))
}

/// Nothing, where one thing of many cannot be read: it must not hide the others.
fn pass_over<T>(key: &str, error: &StoreError) -> Option<T> {
    tracing::warn!(key, %error, "something stored cannot be read, and is passed over");
    None
}

fn command(name: &str, key: &str) -> Cmd {
    let mut command = cmd(name);
    command.arg(key);
    command
}

impl RedisStore {
    /// The records of these places, in their order. Places whose record has expired leave the list; one
    /// that cannot be read is passed over.
    async fn records(&self, list: &str, places: &[String]) -> Result<Vec<SessionMeta>, StoreError> {
        let sessions = places.iter().filter_map(|place| match session_at(place) {
            Ok(session) => Some((place, session)),
            Err(error) => pass_over(list, &error),
        });
        let (places, wanted): (Vec<_>, Vec<_>) = sessions
            .map(|(place, session)| (place, command("GET", &keys::session(&session))))
            .unzip();
        let found = self.commands.each::<Option<String>>(wanted).await?;
        let (mut records, mut expired) = (Vec::new(), Vec::new());
        for (place, found) in places.into_iter().zip(found) {
            let read = |text: Option<String>| text.map(|text| from_json(place, &text)).transpose();
            match found.and_then(read) {
                Ok(Some(record)) => records.push(record),
                Ok(None) => expired.push(place),
                Err(error) => records.extend(pass_over(list, &error)),
            }
        }
        if !expired.is_empty() {
            self.commands.query::<()>(redis::cmd("ZREM").arg(list).arg(expired)).await?;
        }
        Ok(records)
    }
}

#[async_trait]
impl Sessions for RedisStore {
    async fn register(&self, meta: &SessionMeta) -> Result<(), StoreError> {
        let list = keys::sessions(&meta.tenant, &meta.user);
        // No id is less than the clock was when its session began, so these have expired, also if they
        // have waited for an answer.
        let expired = self.clock.now().before(ttl::LISTED).unwrap_or_default();
        let expired = EventId::new(expired.get());
        let seconds = ttl::SESSION.as_secs();
        let mut record = command("SET", &keys::session(&meta.session_id));
        record.arg(to_json(meta)?).arg("EX").arg(seconds);
        let mut clear = command("ZREMRANGEBYLEX", &list);
        clear.arg("-").arg(format!("({}", place(expired, "")));
        let mut add = command("ZADD", &list);
        add.arg(0).arg(place(meta.first_event, meta.session_id.as_str()));
        // A list that is kept longer for a run that waits is not cut short. To `GT`, a new list that
        // has no end yet is one that lives for ever.
        let keep = ["NX", "GT"].map(|unless| {
            let mut keep = command("EXPIRE", &list);
            keep.arg(seconds).arg(unless);
            keep
        });
        // The record first: a place without one would be taken for expired and leave the list.
        let known = self.commands.in_turn([record, clear, add].into_iter().chain(keep));
        tokio::try_join!(known, self.list_run(meta)).map(|_| ())
    }

    async fn session(&self, id: &SessionId) -> Result<Option<SessionMeta>, StoreError> {
        let key = keys::session(id);
        let record: Option<String> = self.commands.query(redis::cmd("GET").arg(&key)).await?;
        record.map(|record| from_json(&key, &record)).transpose()
    }

    async fn sessions_of(
        &self,
        tenant: &TenantId,
        user: &UserId,
        before: Option<&SessionMeta>,
        limit: usize,
    ) -> Result<Vec<SessionMeta>, StoreError> {
        let list = keys::sessions(tenant, user);
        let exclusive = |place: &str| format!("({place}");
        let mut below = before.map_or("+".to_owned(), |meta| {
            exclusive(&place(meta.first_event, meta.session_id.as_str()))
        });
        let mut records = Vec::new();
        while records.len() < limit {
            let missing = (limit - records.len()).min(AT_ONCE);
            let mut next = redis::cmd("ZRANGE");
            next.arg(&list).arg(&below).arg("-").arg("BYLEX").arg("REV");
            next.arg("LIMIT").arg(0).arg(missing);
            let places: Vec<String> = self.commands.query(&next).await?;
            let Some(last) = places.last() else { break };
            below = exclusive(last);
            records.extend(self.records(&list, &places).await?);
        }
        Ok(records)
    }

    async fn begun_by(
        &self,
        tenant: &TenantId,
        user: &UserId,
        event: EventId,
        limit: usize,
    ) -> Result<Vec<SessionId>, StoreError> {
        let list = keys::sessions(tenant, user);
        // After all places of that id: what separates an id from its session sorts below this.
        let below = format!("({:020};", event.get());
        let mut newest = command("ZRANGE", &list);
        newest.arg(below).arg("-").arg("BYLEX").arg("REV").arg("LIMIT").arg(0).arg(limit);
        let places: Vec<String> = self.commands.query(&newest).await?;
        let readable =
            |place: &String| session_at(place).map_err(|e| pass_over::<()>(&list, &e)).ok();
        Ok(places.iter().filter_map(readable).collect())
    }

    async fn history(
        &self,
        tenant: &TenantId,
        user: &UserId,
        thread: &ThreadId,
    ) -> Result<Vec<Message>, StoreError> {
        let key = keys::thread(tenant, user, thread);
        let turns: BTreeMap<String, String> =
            self.commands.query(redis::cmd("HGETALL").arg(&key)).await?;
        let said = turns.values().filter_map(|turn| match from_json::<Vec<Message>>(&key, turn) {
            Ok(said) => Some(said),
            Err(error) => pass_over(&key, &error),
        });
        Ok(said.flatten().collect())
    }

    async fn remember(&self, meta: &SessionMeta, said: &[Message]) -> Result<(), StoreError> {
        let key = keys::thread(&meta.tenant, &meta.user, &meta.thread_id);
        let args = [
            place(meta.first_event, meta.session_id.as_str()),
            to_json(said)?,
            ttl::THREAD_RUNS.to_string(),
            ttl::THREAD.as_secs().to_string(),
        ];
        let args = args.map(|arg| Cow::Owned(arg.into_bytes()));
        self.commands.script(&self.remember, &key, &args).await
    }

    async fn request_cancel(&self, id: &SessionId) -> Result<(), StoreError> {
        let mut keep = command("SET", &keys::cancel(id));
        keep.arg(1).arg("EX").arg(ttl::CANCEL.as_secs());
        let mut tell = command("PUBLISH", keys::CONTROL);
        tell.arg(super::hub::Hub::cancel_message(id));
        self.commands.in_turn([keep, tell]).await
    }

    async fn cancel_requested(&self, id: &SessionId) -> Result<bool, StoreError> {
        self.commands.query(redis::cmd("EXISTS").arg(keys::cancel(id))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_sort_by_event_id_and_then_by_session_also_beyond_what_a_double_can_hold() {
        let largest = EventId::MAX_FROM_CLIENT;
        let ids = [(9, "b"), (10, "a"), (10, "b"), (largest - 1, "z"), (largest, "a")];
        let places: Vec<_> = ids.iter().map(|(id, s)| place(EventId::new(*id), s)).collect();
        assert!(places.is_sorted());
        assert_eq!(session_at(&places[1]).unwrap(), SessionId::new("a"));
    }
}
