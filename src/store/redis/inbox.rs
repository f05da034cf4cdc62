//! A tenant's inbox: two sorted sets of places, a hash of requests and a stream of changes, all in one slot.
//!
//! A place is `<time in ms, 20 digits>:<request id>`, all with the score 0, so that the order of the bytes is
//! the order of the list. What is kept of a request is
//! `<rank>:<when it was asked>:<when it was decided, or 0>:<session id>:<item>`, the numbers in 20 digits.
//!
//! A change is the entry `<id>-0`: `q` is the request, `s` the session, `d` the item, and `f` marks the very
//! first one.
//!
//! Others can write there too. What is not of these forms, or stands elsewhere than it says, is passed over.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use parking_lot::Mutex;
use redis::{FromRedisValue, Value, cmd};

use super::{RedisStore, keys};
use crate::domain::{EventId, RequestId, Sealed, SessionId, TenantId, UnixMs};
use crate::store::inbox::{CHANGES_MOST, DECIDED_MOST, WAITING_MOST};
use crate::store::{
    ChangedRequest, Follower, Inbox, InboxNote, InboxPlace, InboxStage, Noted, NotedRequest,
    ReadError, StoreError, ttl,
};
use crate::telemetry::metrics::INBOX_CHANGE;

/// Digits of a number in a place or before an item.
const DIGITS: usize = 20;
/// The largest id of a change: scripts count in doubles. What has a larger one was never ours.
const CHANGE_MAX: u64 = (1 << 53) - 1;
/// Entries that are read in one go to find one of ours.
const AT_ONCE: usize = 100;
/// How often something that is none of ours may be met in a request's place before it is given up for now.
const ATTEMPTS: u32 = 16;
/// Of how many entries it is remembered that they were told of.
const REMEMBERED: usize = 1_000;

/// Entries of which the log and the metrics were told that none of us has written them.
#[derive(Debug, Default)]
pub(super) struct ForeignChanges {
    /// By tenant and id. One lock, held for a few instructions.
    told: Mutex<HashSet<(TenantId, String)>>,
}

impl ForeignChanges {
    /// Whether this is the first time; of very many, some may be told of again.
    fn is_news(&self, tenant: &TenantId, id: &str) -> bool {
        let mut told = self.told.lock();
        if told.len() >= REMEMBERED {
            told.clear();
        }
        told.insert((tenant.clone(), id.to_owned()))
    }
}

fn part(which: Noted) -> &'static str {
    match which {
        Noted::Waiting => "waiting",
        Noted::Decided => "decided",
    }
}

fn places(tenant: &TenantId, which: Noted) -> String {
    keys::inbox_part(tenant, part(which))
}

fn requests(tenant: &TenantId) -> String {
    keys::inbox_part(tenant, "requests")
}

fn changes(tenant: &TenantId) -> String {
    keys::inbox_part(tenant, "changes")
}

fn text<'a>(value: &impl ToString) -> Cow<'a, [u8]> {
    Cow::Owned(value.to_string().into_bytes())
}

fn member(place: &InboxPlace) -> String {
    format!("{:020}:{}", place.at.get(), place.request)
}

/// What sorts before every place that has not expired.
fn expired(which: Noted, now: UnixMs) -> String {
    let kept = match which {
        Noted::Waiting => ttl::INBOX_WAITING,
        Noted::Decided => ttl::INBOX_DECIDED,
    };
    format!("({:020}", now.before(kept).unwrap_or_default().get())
}

/// What is kept of a request.
fn kept(noted: &NotedRequest) -> Vec<u8> {
    let decided = match noted.stage {
        InboxStage::Waiting { .. } => 0,
        InboxStage::Decided { at } => at.get(),
    };
    let (rank, created, session) = (noted.stage.rank(), noted.created_at.get(), &noted.session);
    let mut kept = format!("{rank:020}:{created:020}:{decided:020}:{session}:").into_bytes();
    kept.extend_from_slice(noted.item.as_bytes());
    kept
}

/// The request of which this is kept; `None` if it is nothing that [`kept`] makes.
fn noted(request: RequestId, text: &[u8]) -> Option<NotedRequest> {
    let mut parts = text.splitn(5, |byte| *byte == b':');
    let mut next = || parts.next();
    let mut number = || -> Option<u64> {
        let digits = next().filter(|digits| digits.len() == DIGITS)?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    };
    let (rank, created, decided) = (number()?, number()?, number()?);
    let session = SessionId::new(std::str::from_utf8(next()?).ok()?);
    let stage = match u32::try_from(rank) {
        Ok(approvals) => InboxStage::Waiting { approvals },
        Err(_) => InboxStage::Decided { at: UnixMs::new(decided) },
    };
    let item = Sealed::stored(next()?);
    let noted = NotedRequest { request, session, created_at: UnixMs::new(created), stage, item };
    // Numbers can be written in more than one way.
    (kept(&noted) == text).then_some(noted)
}

fn request_at(place: &[u8]) -> Option<RequestId> {
    let id = std::str::from_utf8(place.get(DIGITS + 1..)?).ok()?;
    Some(RequestId::new(id))
}

/// The request that stands at a place of this list; `None` unless both say so.
fn noted_at(place: &[u8], which: Noted, kept: &[u8]) -> Option<NotedRequest> {
    let noted = noted(request_at(place)?, kept)?;
    let at = noted.place(which).filter(|_| noted.stage.is_of(which))?;
    (member(&at).as_bytes() == place).then_some(noted)
}

/// A bound of a list just before a place.
fn exclusive(place: &[u8]) -> Vec<u8> {
    [b"(", place].concat()
}

fn stream_id(id: EventId) -> String {
    format!("{id}-0")
}

/// An entry as XRANGE tells it.
type Entry = (String, HashMap<String, Value>);

/// The id of a change of ours.
fn change_id(id: &str) -> Option<EventId> {
    let id = id.strip_suffix("-0").and_then(EventId::parse)?;
    (id.get() <= CHANGE_MAX).then_some(id)
}

/// The change that an entry is, and whether it is the very first; `None` if it is none of ours.
fn changed((id, fields): &Entry) -> Option<(ChangedRequest, bool)> {
    let field = |name: &str| Vec::<u8>::from_redis_value(fields.get(name)?.clone()).ok();
    let name = |name: &str| String::from_utf8(field(name)?).ok();
    let change = ChangedRequest {
        id: change_id(id)?,
        request: RequestId::new(name("q")?),
        session: SessionId::new(name("s")?),
        item: Sealed::stored(field("d")?),
    };
    Some((change, fields.contains_key("f")))
}

impl RedisStore {
    /// A page of places, each with what is noted there, if anything of ours is.
    async fn page(
        &self,
        tenant: &TenantId,
        which: Noted,
        below: &[u8],
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Option<NotedRequest>)>, StoreError> {
        let keys = [places(tenant, which), requests(tenant)];
        let oldest = expired(which, self.clock.now());
        let args = [Cow::Borrowed(below), text(&oldest), text(&limit)];
        let found: Vec<Vec<u8>> =
            self.commands.script_on(&self.noted_requests, &keys, &args).await?;
        let mut found = found.into_iter();
        let pairs = std::iter::from_fn(|| Some((found.next()?, found.next()?)));
        let read = |(place, kept): (Vec<u8>, Vec<u8>)| {
            let noted = noted_at(&place, which, &kept);
            (place, noted)
        };
        Ok(pairs.map(read).collect())
    }

    /// Notes it, also if this is what stands there; returns what stands there instead.
    async fn note_over(
        &self,
        note: &InboxNote,
        void: Option<&[u8]>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let InboxNote { tenant, noted, change, missed, .. } = note;
        let keys = [
            places(tenant, Noted::Waiting),
            places(tenant, Noted::Decided),
            requests(tenant),
            changes(tenant),
        ];
        let place = |which| noted.place(which).map(|place| member(&place)).unwrap_or_default();
        let now = self.clock.now();
        let args = [
            Cow::Borrowed(noted.request.as_str().as_bytes()),
            Cow::Borrowed(noted.session.as_str().as_bytes()),
            Cow::Borrowed(change.as_bytes()),
            Cow::Owned(kept(noted)),
            text(&place(Noted::Waiting)),
            text(&place(Noted::Decided)),
            text(&now.get()),
            text(&ttl::INBOX.as_secs()),
            text(&keys::inbox(tenant)),
            text(&WAITING_MOST),
            text(&DECIDED_MOST),
            text(&expired(Noted::Waiting, now)),
            text(&expired(Noted::Decided, now)),
            text(&CHANGES_MOST),
            Cow::Borrowed(missed.as_ref().map_or(&[][..], Sealed::as_bytes)),
            Cow::Borrowed(void.unwrap_or_default()),
        ];
        let (word, standing): (String, Vec<u8>) =
            self.commands.script_on(&self.note_request, &keys, &args).await?;
        if word == "anew" {
            self.metrics.unverified(INBOX_CHANGE);
            tracing::warn!(%tenant, "the inbox's changes begin anew: what stood there was none of ours");
        }
        Ok((word == "known").then_some(standing))
    }

    /// The first `limit` changes from an id on, and whether each is the very first.
    async fn changes_from(
        &self,
        tenant: &TenantId,
        from: EventId,
        limit: usize,
    ) -> Result<Vec<(ChangedRequest, bool)>, StoreError> {
        let (key, mut from, mut all) = (changes(tenant), stream_id(from), Vec::new());
        while all.len() < limit {
            let missing = limit - all.len();
            let mut range = cmd("XRANGE");
            range.arg(&key).arg(&from).arg("+").arg("COUNT").arg(missing);
            let found: Vec<Entry> = self.commands.query(&range).await?;
            let is_last = found.len() < missing;
            if let Some((last, _)) = found.last() {
                from = format!("({last}");
            }
            all.extend(found.iter().filter_map(|entry| self.ours(tenant, entry)));
            if is_last {
                break;
            }
        }
        Ok(all)
    }

    /// The change that an entry is; of anything else the log and a metric tell, once.
    fn ours(&self, tenant: &TenantId, entry: &Entry) -> Option<(ChangedRequest, bool)> {
        let change = changed(entry);
        let (id, _) = entry;
        if change.is_none() && self.foreign_changes.is_news(tenant, id) {
            self.metrics.unverified(INBOX_CHANGE);
            tracing::warn!(%tenant, id, "an entry of the inbox's changes is passed over: it is none of ours");
        }
        change
    }
}

#[async_trait]
impl Inbox for RedisStore {
    async fn note(&self, note: &InboxNote) -> Result<Option<NotedRequest>, StoreError> {
        let mut void = note.void.as_ref().map(kept);
        for _ in 0..ATTEMPTS {
            let Some(standing) = self.note_over(note, void.as_deref()).await? else {
                return Ok(None);
            };
            let known = noted(note.noted.request.clone(), &standing);
            if known.is_some() {
                return Ok(known);
            }
            void = Some(standing);
        }
        Err(StoreError::Contended("somebody keeps writing in an inbox"))
    }

    async fn noted(
        &self,
        tenant: &TenantId,
        which: Noted,
        before: Option<&InboxPlace>,
        limit: usize,
    ) -> Result<Vec<NotedRequest>, StoreError> {
        let below = before.map(|place| exclusive(member(place).as_bytes()));
        let mut below = below.unwrap_or_else(|| b"+".to_vec());
        let mut all = Vec::new();
        while all.len() < limit {
            let missing = limit - all.len();
            let page = self.page(tenant, which, &below, missing).await?;
            let whole = page.len() < missing;
            if let Some((place, _)) = page.last() {
                below = exclusive(place);
            }
            all.extend(page.into_iter().filter_map(|(_, noted)| noted));
            if whole {
                break;
            }
        }
        Ok(all)
    }

    async fn noted_request(
        &self,
        tenant: &TenantId,
        id: &RequestId,
    ) -> Result<Option<NotedRequest>, StoreError> {
        let mut get = cmd("HGET");
        get.arg(requests(tenant)).arg(id.as_str());
        let kept: Option<Vec<u8>> = self.commands.query(&get).await?;
        Ok(kept.and_then(|kept| noted(id.clone(), &kept)))
    }

    async fn unnoted(
        &self,
        tenant: &TenantId,
        ids: &[RequestId],
    ) -> Result<Vec<RequestId>, StoreError> {
        let key = requests(tenant);
        let looks = ids.iter().map(|id| {
            let mut exists = cmd("HEXISTS");
            exists.arg(&key).arg(id.as_str());
            exists
        });
        let found = self.commands.each::<bool>(looks).await?;
        let mut unnoted = Vec::new();
        for (id, exists) in ids.iter().zip(found) {
            if !exists? {
                unnoted.push(id.clone());
            }
        }
        Ok(unnoted)
    }

    async fn drop_noted(&self, tenant: &TenantId, noted: &NotedRequest) -> Result<(), StoreError> {
        let place = |which| {
            let place = noted.place(which)?;
            let mut drop = cmd("ZREM");
            drop.arg(places(tenant, which)).arg(member(&place));
            Some(drop)
        };
        let mut forget = cmd("HDEL");
        forget.arg(requests(tenant)).arg(noted.request.as_str());
        let drops = [Noted::Waiting, Noted::Decided].into_iter().filter_map(place);
        self.commands.all(drops.chain([forget])).await
    }

    async fn newest_change(&self, tenant: &TenantId) -> Result<EventId, StoreError> {
        let (key, mut to) = (changes(tenant), "+".to_owned());
        loop {
            let mut newest = cmd("XREVRANGE");
            newest.arg(&key).arg(&to).arg("-").arg("COUNT").arg(AT_ONCE);
            let found: Vec<Entry> = self.commands.query(&newest).await?;
            if let Some((change, _)) = found.iter().find_map(|entry| self.ours(tenant, entry)) {
                return Ok(change.id);
            }
            let Some((oldest, _)) = found.last().filter(|_| found.len() == AT_ONCE) else {
                return Ok(EventId::ZERO);
            };
            to = format!("({oldest}");
        }
    }

    async fn changes(
        &self,
        tenant: &TenantId,
        after: EventId,
        limit: usize,
    ) -> Result<Vec<ChangedRequest>, ReadError> {
        // With the one that was read last, if it is kept.
        let mut found =
            self.changes_from(tenant, after, limit.saturating_add(1)).await?.into_iter();
        let first = found.next();
        match first {
            Some((first, is_first)) if after == EventId::ZERO => {
                if !is_first {
                    return Err(ReadError::Gap { after, first: first.id });
                }
                let all = std::iter::once(first).chain(found.map(|(change, _)| change));
                Ok(all.take(limit).collect())
            }
            Some((first, _)) if first.id == after => Ok(found.map(|(change, _)| change).collect()),
            Some((first, _)) => Err(ReadError::Gap { after, first: first.id }),
            None if after == EventId::ZERO => Ok(Vec::new()),
            None => Err(ReadError::Gap { after, first: self.newest_change(tenant).await? }),
        }
    }

    async fn follow_inbox(&self, tenant: &TenantId) -> Result<Follower, StoreError> {
        self.hub.follow(keys::inbox(tenant)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_request_reads_back_whatever_its_item_is() {
        let request = RequestId::new("req_0123456789ab");
        for (stage, item) in [
            (InboxStage::Waiting { approvals: 0 }, &b"{\"a\":\"b:c\"}"[..]),
            (InboxStage::Waiting { approvals: u32::MAX }, b""),
            (InboxStage::Decided { at: UnixMs::new(9) }, b"\xff::\0"),
        ] {
            let asked = NotedRequest {
                request: request.clone(),
                session: SessionId::new("session_a@b.c_1_ab"),
                created_at: UnixMs::new(7),
                stage,
                item: Sealed::stored(item),
            };
            assert_eq!(noted(request.clone(), &kept(&asked)), Some(asked));
        }
        for nobodys in ["", "1:2:3:s:x", "00000000000000000000:00000000000000000001:x"] {
            assert_eq!(noted(request.clone(), nobodys.as_bytes()), None, "{nobodys}");
        }
    }
}
