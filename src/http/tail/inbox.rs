//! Reading the inbox of the caller's tenant: first what waits, then how that changes.
//!
//! The id of a snapshot is that of the newest change which it has in it, so whoever comes back with any id gets
//! what has changed since. Where that is not kept any more, there is a new snapshot; its id is above the one that
//! was sent, even if the changes were lost with the store.

use std::sync::Arc;

use bytes::Bytes;

use super::super::Shared;
use super::super::approvals::events::{SNAPSHOT, change, snapshot};
use super::super::error::{ApiError, CutShort};
use super::super::render::{closing_frames, ids_after};
use super::write::Write;
use super::{Feed, PAGE, Stop};
use crate::agent::{InboxFollower, InboxNews, RecentFrame};
use crate::domain::{Caller, Entry, EventId, Shown, UnixMs};
use crate::sse::frame::Form;
use crate::store::{ReadError, StoreError};

/// The most requests of a snapshot: of more than so many, which have some 600 bytes each at least, no frame has room.
const SNAPSHOT_MOST: usize = 25;
/// A caller's place in the inbox of their tenant.
pub struct InboxFeed {
    http: Shared,
    caller: Arc<Caller>,
    follower: InboxFollower,
    /// The change after which to go on; `None`: with what waits now.
    after: Option<EventId>,
    /// The newest id on this stream.
    shown: Option<EventId>,
    /// Frames that were read and not yet handed out, the next one last.
    ready: Vec<RecentFrame>,
    caught_up: bool,
}

impl InboxFeed {
    /// A reader of what has changed since that id, or of what waits and then changes. Fails if that cannot be
    /// read at all.
    pub async fn open(
        http: &Shared,
        caller: Arc<Caller>,
        after: Option<EventId>,
    ) -> Result<Self, ApiError> {
        let follower = http.service.follow_inbox(&caller);
        let mut feed = Self {
            http: Arc::clone(http),
            caller,
            follower,
            after,
            shown: None,
            ready: Vec::new(),
            caught_up: false,
        };
        match feed.look().await {
            // The client comes back, and finds the same.
            Ok(()) | Err(Stop::Told(_) | Stop::BrokenOff) => Ok(feed),
            Err(Stop::Unread(error)) => Err(error.into()),
        }
    }

    async fn take_changes(&mut self, after: EventId) -> Result<(), Stop> {
        let service = &self.http.service;
        match service.inbox_changes(&mut self.follower, after, PAGE).await {
            Ok(changes) => {
                self.caught_up = changes.len() < PAGE;
                self.after = Some(changes.last().map_or(after, |last| last.id));
                let frames = changes.iter().filter_map(|change| self.frame_of(change)).collect();
                self.take(frames);
                Ok(())
            }
            Err(ReadError::Gap { .. }) => self.take_snapshot().await,
            Err(ReadError::Store(error)) => Err(error.into()),
        }
    }

    async fn take_snapshot(&mut self) -> Result<(), Stop> {
        let service = &self.http.service;
        let (page, newest) =
            service.inbox_snapshot(&self.caller, &self.follower, SNAPSHOT_MOST).await?;
        if self.shown.is_some_and(|shown| newest <= shown) {
            // The store has come back with less than it had. On one stream ids only grow.
            return Err(Stop::BrokenOff);
        }
        let now = self.http.clock.now();
        let payload = snapshot(page, now.second());
        let id = above(self.after, newest, now);
        self.after = Some(newest);
        self.caught_up = false;
        self.take(frame(id, SNAPSHOT, payload).into_iter().collect());
        Ok(())
    }

    fn frame_of(&self, news: &InboxNews) -> Option<RecentFrame> {
        let line = self.http.service.inbox_line(&self.caller, news.item.clone()?);
        // Ids follow the clock.
        let (kind, payload) = change(line, UnixMs::new(news.id.get()).second());
        frame(news.id, kind, payload)
    }

    fn take(&mut self, mut frames: Vec<RecentFrame>) {
        if let Some(last) = frames.last() {
            self.shown = Some(last.id);
        }
        frames.reverse();
        self.ready = frames;
    }
}

impl Feed for InboxFeed {
    fn next_write(&mut self) -> Option<Write> {
        let write = Write::next_of(&mut self.ready, Form::Flat);
        if write.is_none() {
            self.ready = Vec::new();
        }
        write
    }

    fn is_caught_up(&self) -> bool {
        self.caught_up
    }

    async fn changed(&mut self) {
        self.follower.changed().await;
        self.caught_up = false;
    }

    async fn look(&mut self) -> Result<(), Stop> {
        match self.after {
            Some(after) => self.take_changes(after).await,
            None => self.take_snapshot().await,
        }
    }

    /// A message that says that there is news may have been lost.
    fn doubt(&mut self) {
        self.follower.doubt();
        self.caught_up = false;
    }

    fn log_unread(&self, error: &StoreError) {
        let tenant = &self.caller.tenant;
        tracing::warn!(%tenant, %error, "stream broken off: the inbox cannot be read");
    }

    fn last_words(&self, why: CutShort) -> Bytes {
        let (error, clock) = (why.event(self.http.config.language), &*self.http.clock);
        let ids = ids_after(self.after.unwrap_or(EventId::ZERO), clock);
        closing_frames(&error, None, clock, (ids, Form::Flat)).concat().into()
    }
}

/// The id of a snapshot that has the change `newest` in it, for who has come with the id `last`: above both, where
/// changes are lost that they had seen. What changes from now on has an id that is not before now, so an id from
/// the future was none of ours, and is left alone.
fn above(last: Option<EventId>, newest: EventId, now: UnixMs) -> EventId {
    match last {
        Some(last) if last >= newest && last.get().saturating_add(1) < now.get() => {
            EventId::new(last.get() + 1)
        }
        Some(_) | None => newest,
    }
}

fn frame(id: EventId, kind: &str, payload: Bytes) -> Option<RecentFrame> {
    let shown = Some(Shown::Event { kind: kind.into(), payload });
    RecentFrame::of_entry(&Entry { id, shown, record: None })
}
