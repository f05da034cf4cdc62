//! Reading a session's journal.
//!
//! The changes of this process's own run, or the store's follower, only ever say "look again"; what is shown
//! is read from the frames at hand or from the journal. A reader whose journal is gone for good says so and
//! ends.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use super::super::Shared;
use super::super::error::{ApiError, CutShort};
use super::super::render::{closing_frames, ids_after};
use super::write::Write;
use super::{Feed, PAGE, Stop};
use crate::agent::{RecentFrame, RecentFrames};
use crate::domain::event::ErrorEvent;
use crate::domain::{Clock, EventId, SessionId, UnixSeconds};
use crate::sse::frame::Form;
use crate::store::{Follower, StoreError};

/// How a journal is shown to a reader.
pub trait Rendering: Send + 'static {
    /// Takes the frames that leave next off `ready`, where the next one stands last; `None` once `ready` is
    /// empty and nothing of it is shown.
    fn next_of(&mut self, ready: &mut Vec<RecentFrame>) -> Option<Write>;

    /// What says why nothing more comes, and ends the stream; none of it is in any journal.
    fn last_words(&self, error: &ErrorEvent, at: &LastWords<'_>) -> Bytes;
}

/// Where a reader is who gets no further.
pub struct LastWords<'a> {
    session: &'a SessionId,
    after: EventId,
    clock: &'a dyn Clock,
}

impl LastWords<'_> {
    /// The id of what is said.
    pub fn id(&self) -> EventId {
        self.after.next(self.clock.now())
    }

    /// When it is said.
    pub fn now(&self) -> UnixSeconds {
        self.clock.now().second()
    }
}

impl Rendering for Form {
    fn next_of(&mut self, ready: &mut Vec<RecentFrame>) -> Option<Write> {
        Write::next_of(ready, *self)
    }

    fn last_words(&self, error: &ErrorEvent, at: &LastWords<'_>) -> Bytes {
        let ids = ids_after(at.after, at.clock);
        closing_frames(error, Some(at.session), at.clock, (ids, *self)).concat().into()
    }
}

/// A reader's place in a session's journal.
pub struct JournalFeed<R> {
    http: Shared,
    session: SessionId,
    after: EventId,
    rendering: R,
    source: Source,
    /// Frames that were read and not yet handed out, the next one last.
    ready: Vec<RecentFrame>,
    /// Whether the last look at the store found its end.
    caught_up: bool,
    /// Whether the store itself has to be asked next, though this process's run says nothing new.
    in_doubt: bool,
}

/// Where news come from.
enum Source {
    /// Nobody was asked yet: the journal may be over, and then there will be none.
    Store,
    /// The run of this process.
    Local(Arc<RecentFrames>, watch::Receiver<u64>),
    /// Whoever appends, wherever.
    Remote(Follower),
}

impl<R: Rendering> JournalFeed<R> {
    /// A reader of everything after `after`, of a session whose journal is known to have been there.
    /// Fails if the journal cannot be read at all; a gap, or that it is gone, is told in the stream.
    pub async fn open(
        http: &Shared,
        session: SessionId,
        after: EventId,
        rendering: R,
    ) -> Result<Self, ApiError> {
        let mut feed = Self {
            http: Arc::clone(http),
            session,
            after,
            rendering,
            source: Source::Store,
            ready: Vec::new(),
            caught_up: false,
            in_doubt: false,
        };
        feed.attach_to_own_run();
        if matches!(feed.source, Source::Store) {
            feed.look_first().await?;
        }
        Ok(feed)
    }

    /// The first look of a reader whose run is not driven here.
    async fn look_first(&mut self) -> Result<(), StoreError> {
        match self.look_at_store().await {
            // What is told in the stream is found again by the next look.
            Ok(_) | Err(Stop::Told(_) | Stop::BrokenOff) => Ok(()),
            Err(Stop::Unread(error)) => Err(error),
        }
    }

    /// Reads one page, and returns how many entries it had.
    async fn look_at_store(&mut self) -> Result<usize, Stop> {
        let page = self.http.store.read(&self.session, self.after, PAGE).await?;
        self.take(page.iter().filter_map(RecentFrame::of_entry).collect());
        match page.last() {
            Some(last) => self.after = last.id,
            None => self.look_behind().await?,
        }
        Ok(page.len())
    }

    /// A reader that asked for what comes after the end gets the trailer, which is all there is to
    /// say. A trailer that has come since is not behind the reader: what came before it is still
    /// to be read. Of a journal that was there and is empty nothing will come.
    async fn look_behind(&mut self) -> Result<(), Stop> {
        let newest = self.http.store.newest(&self.session, 1).await?;
        let newest = newest.last().ok_or(Stop::Told(CutShort::Gone))?;
        if !newest.is_done() {
            // Whoever waits for a run sees to it that there is somebody to wait for.
            self.http.service.ensure_leased(vec![self.session.clone()]);
        }
        let behind = Some(newest).filter(|entry| entry.is_done() && entry.id <= self.after);
        self.ready.extend(behind.and_then(RecentFrame::of_entry));
        Ok(())
    }

    fn take(&mut self, mut frames: Vec<RecentFrame>) {
        if let Some(last) = frames.last() {
            self.after = last.id;
        }
        frames.reverse();
        self.ready = frames;
    }

    fn attach_to_own_run(&mut self) {
        if let Some(log) = self.http.service.recent_frames(&self.session) {
            let changes = log.listen();
            self.source = Source::Local(log, changes);
        }
    }

    fn is_own_run(&self) -> bool {
        let Source::Local(log, _) = &self.source else { return false };
        self.http.service.recent_frames(&self.session).is_some_and(|own| Arc::ptr_eq(&own, log))
    }
}

impl<R: Rendering> Feed for JournalFeed<R> {
    fn next_write(&mut self) -> Option<Write> {
        let write = self.rendering.next_of(&mut self.ready);
        if write.is_none() {
            // A reader may wait for minutes; it keeps no room for frames meanwhile.
            self.ready = Vec::new();
        }
        write
    }

    fn is_caught_up(&self) -> bool {
        self.caught_up
    }

    async fn changed(&mut self) {
        self.source.changed().await;
        self.caught_up = false;
    }

    async fn look(&mut self) -> Result<(), Stop> {
        if self.in_doubt {
            self.look_at_store().await?;
            self.in_doubt = false;
            return Ok(());
        }
        if let Source::Local(log, _) = &self.source {
            match log.since(self.after) {
                Some(frames) if !frames.is_empty() => {
                    self.take(frames);
                    return Ok(());
                }
                Some(_) if self.is_own_run() => {
                    self.caught_up = true;
                    return Ok(());
                }
                // The run has left this process, or its older frames have left memory.
                Some(_) => self.source = Source::Store,
                None => {
                    self.caught_up = self.look_at_store().await? == 0;
                    return Ok(());
                }
            }
        }
        if matches!(self.source, Source::Store) {
            self.attach_to_own_run();
            if matches!(self.source, Source::Store) {
                self.source = Source::Remote(self.http.store.follow(&self.session).await?);
            }
            return Ok(());
        }
        let read = self.look_at_store().await?;
        self.caught_up = read < PAGE;
        Ok(())
    }

    /// Nothing tells the reader of another process's run that its journal is gone, and nothing tells the reader
    /// of its own process's run that the store is away. Both look.
    fn doubt(&mut self) {
        match self.source {
            Source::Store => {}
            Source::Local(..) if self.http.service.store_is_away() => {
                self.caught_up = false;
                self.in_doubt = true;
            }
            Source::Local(..) => {}
            Source::Remote(_) => self.caught_up = false,
        }
    }

    fn log_unread(&self, error: &StoreError) {
        tracing::warn!(session = %self.session, %error, "stream broken off: its journal cannot be read");
    }

    /// The event that says why nothing more comes, and a trailer; neither is in any journal.
    fn last_words(&self, why: CutShort) -> Bytes {
        let error = why.event(self.http.config.language);
        tracing::warn!(session = %self.session, error = %error.error, "stream ended: nothing more can come");
        let (session, after, clock) = (&self.session, self.after, &*self.http.clock);
        self.rendering.last_words(&error, &LastWords { session, after, clock })
    }
}

impl Source {
    async fn changed(&mut self) {
        match self {
            Self::Store => {}
            // An error means that the run has left this process; the next look finds out where to.
            Self::Local(_, changes) => drop(changes.changed().await),
            Self::Remote(follower) => follower.changed().await,
        }
    }
}
