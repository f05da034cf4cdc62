//! A journal is one stream: entry `<id>-0` is the session's entry `<id>`.
//!
//! | field | holds |
//! |---|---|
//! | `t`, `d` | an event's type and payload |
//! | `z` | nothing: the `[DONE]` trailer |
//! | `r` | the record |
//! | `p` | the id of the entry before; where it is missing, that is this id less one |
//! | `n` | on the last entry of a batch: the batch's nonce |
//!
//! `p` is what makes a cut visible: a reader that asks for what comes after `a` and gets an entry
//! whose predecessor is greater than `a` has missed something. It needs no second look, between
//! which and the first the log could be cut again.
//!
//! `n` is what makes a repeated append recognisable: a hash of the batch, keyed at random for each
//! store. It agrees if this process sent these very entries, and never with another's, even if
//! both wrote the same.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hash, Hasher};

use async_trait::async_trait;
use bytes::Bytes;
use redis::Value;

use super::{RedisStore, keys};
use crate::domain::{Deadline, Entry, EventId, SessionId, Shown};
use crate::store::journal::in_order;
use crate::store::{AppendError, Follower, Journal, ReadError, StoreError, ttl};

/// Journals that are looked for in one round trip.
const AT_ONCE: usize = 500;

type Args<'a> = Vec<Cow<'a, [u8]>>;

fn text<'a>(value: &impl ToString) -> Cow<'a, [u8]> {
    Cow::Owned(value.to_string().into_bytes())
}

fn stream_id(id: EventId) -> String {
    format!("{id}-0")
}

/// An entry's id, then how many arguments follow, then its fields and values.
fn add_entry<'a>(args: &mut Args<'a>, entry: &'a Entry, before: EventId, nonce: Option<&str>) {
    args.push(text(&stream_id(entry.id)));
    let width = args.len();
    args.push(Cow::Borrowed(b""));
    let mut field = |name: &'static str, value: Cow<'a, [u8]>| {
        args.extend([Cow::Borrowed(name.as_bytes()), value]);
    };
    match &entry.shown {
        Some(Shown::Event { kind, payload }) => {
            field("t", Cow::Borrowed(kind.as_bytes()));
            field("d", Cow::Borrowed(payload));
        }
        Some(Shown::Done) => field("z", Cow::Borrowed(b"")),
        None => {}
    }
    if let Some(record) = &entry.record {
        field("r", Cow::Borrowed(record));
    }
    if let Some(nonce) = nonce {
        field("n", text(&nonce));
    }
    let empty = entry.shown.is_none() && entry.record.is_none() && nonce.is_none();
    // Redis refuses an entry without fields.
    if empty || before.get().checked_add(1) != Some(entry.id.get()) {
        field("p", text(&before));
    }
    args[width] = text(&(args.len() - width - 1));
}

/// An entry as it was stored, and the id of the one before it.
struct Stored {
    entry: Entry,
    before: EventId,
}

impl Stored {
    fn parse(value: Value) -> Option<Self> {
        let [id, fields] = <[Value; 2]>::try_from(array(value)?).ok()?;
        let id = String::from_utf8(bulk(id)?).ok()?;
        let id = EventId::new(id.strip_suffix("-0")?.parse().ok()?);
        let (mut kind, mut payload, mut done, mut record) = (None, None, false, None);
        let mut before = EventId::new(id.get().checked_sub(1)?);
        let mut fields = array(fields)?.into_iter();
        while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
            let value = bulk(value)?;
            match bulk(name)?.as_slice() {
                b"t" => kind = Some(String::from_utf8(value).ok()?),
                b"d" => payload = Some(Bytes::from(value)),
                b"z" => done = true,
                b"r" => record = Some(Bytes::from(value)),
                b"p" => before = EventId::new(std::str::from_utf8(&value).ok()?.parse().ok()?),
                // The nonce, and what later versions may add.
                _ => {}
            }
        }
        let shown = match (kind, payload, done) {
            (Some(kind), Some(payload), false) => Some(Shown::Event { kind: kind.into(), payload }),
            (None, None, true) => Some(Shown::Done),
            (None, None, false) => None,
            _ => return None,
        };
        (before < id).then_some(Self { entry: Entry { id, shown, record }, before })
    }
}

fn array(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(items) => Some(items),
        _ => None,
    }
}

fn bulk(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        _ => None,
    }
}

impl RedisStore {
    fn nonce(&self, expected: EventId, entries: &[Entry]) -> String {
        let mut hasher = self.nonces.build_hasher();
        expected.hash(&mut hasher);
        for Entry { id, shown, record } in entries {
            id.hash(&mut hasher);
            record.hash(&mut hasher);
            match shown {
                Some(Shown::Event { kind, payload }) => (1_u8, kind, payload).hash(&mut hasher),
                Some(Shown::Done) => 2_u8.hash(&mut hasher),
                None => 3_u8.hash(&mut hasher),
            }
        }
        format!("{:016x}", hasher.finish())
    }

    async fn range(
        &self,
        verb: &str,
        session: &SessionId,
        bounds: [&str; 2],
        limit: usize,
    ) -> Result<Vec<Stored>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let mut cmd = redis::cmd(verb);
        cmd.arg(keys::journal(session)).arg(&bounds).arg("COUNT").arg(limit);
        let found: Vec<Value> = self.commands.query(&cmd).await?;
        parsed(session, found)
    }
}

fn parsed(session: &SessionId, found: Vec<Value>) -> Result<Vec<Stored>, StoreError> {
    let entries: Option<Vec<Stored>> = found.into_iter().map(Stored::parse).collect();
    entries.ok_or_else(|| StoreError::Corrupt(format!("an entry of the journal of {session}")))
}

#[async_trait]
impl Journal for RedisStore {
    async fn append_waiting(
        &self,
        session: &SessionId,
        expected: EventId,
        entries: &[Entry],
        until: Option<Deadline>,
    ) -> Result<(), AppendError> {
        let last = match entries.last() {
            Some(last) if in_order(expected, entries) => last.id,
            Some(_) | None => {
                return Err(StoreError::Rejected("entries out of order".into()).into());
            }
        };
        let nonce = self.nonce(expected, entries);
        let now = self.clock.now();
        let kept = until.map_or(ttl::JOURNAL, |until| ttl::outliving(ttl::JOURNAL, until, now));
        let mut args = vec![
            text(&stream_id(expected)),
            text(&stream_id(last)),
            text(&nonce),
            text(&self.max_events),
            text(&kept.as_secs()),
            text(&keys::tail(session)),
        ];
        let mut before = expected;
        for entry in entries {
            let nonce = (entry.id == last).then_some(nonce.as_str());
            add_entry(&mut args, entry, before, nonce);
            before = entry.id;
        }
        match self.commands.script(&self.append, &keys::journal(session), &args).await? {
            1 | 2 => Ok(()),
            0_i64 => Err(AppendError::Conflict),
            3 => Err(AppendError::Gone),
            other => Err(StoreError::Corrupt(format!("append answered {other}")).into()),
        }
    }

    async fn read(
        &self,
        session: &SessionId,
        after: EventId,
        limit: usize,
    ) -> Result<Vec<Entry>, ReadError> {
        let Some(from) = after.get().checked_add(1) else {
            return Ok(Vec::new());
        };
        let from = stream_id(EventId::new(from));
        let found = self.range("XRANGE", session, [&from, "+"], limit).await?;
        match found.first() {
            Some(first) if first.before > after => {
                Err(ReadError::Gap { after, first: first.entry.id })
            }
            Some(_) | None => Ok(found.into_iter().map(|stored| stored.entry).collect()),
        }
    }

    async fn newest(&self, session: &SessionId, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let found = self.range("XREVRANGE", session, ["+", "-"], limit).await?;
        Ok(found.into_iter().rev().map(|stored| stored.entry).collect())
    }

    async fn glimpse(
        &self,
        session: &SessionId,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let args = [text(&limit), text(&max_bytes)];
        let found = self.commands.script(&self.glimpse, &keys::journal(session), &args).await?;
        Ok(parsed(session, found)?.into_iter().rev().map(|stored| stored.entry).collect())
    }

    async fn missing(&self, sessions: &[SessionId]) -> Result<Vec<SessionId>, StoreError> {
        let mut missing = Vec::new();
        for sessions in sessions.chunks(AT_ONCE) {
            let looks = sessions.iter().map(|session| {
                let mut exists = redis::cmd("EXISTS");
                exists.arg(keys::journal(session));
                exists
            });
            let found = self.commands.each::<bool>(looks).await?;
            for (session, exists) in sessions.iter().zip(found) {
                if !exists? {
                    missing.push(session.clone());
                }
            }
        }
        Ok(missing)
    }

    async fn holds(&self, session: &SessionId, id: EventId) -> Result<bool, StoreError> {
        let id = stream_id(id);
        Ok(!self.range("XRANGE", session, [&id, &id], 1).await?.is_empty())
    }

    async fn follow(&self, session: &SessionId) -> Result<Follower, StoreError> {
        self.hub.follow(keys::tail(session)).await
    }
}

#[cfg(test)]
mod tests;
