//! Reading a session's journal as a stream: replay and live reading are one code path.
//!
//! Register, then look, then wait. The changes of this process's own run, or the store's follower,
//! only ever says "look again"; what is shown is read from the frames at hand or from the journal.
//!
//! A reader whose store is away waits where it is and looks again. If that lasts too long its stream
//! is broken off, without a trailer, so that its client resumes; nothing is lost by that either. A
//! reader whose journal is gone for good says so and ends.

use std::io;
use std::sync::Arc;

use async_stream::stream;
use bytes::Bytes;
use futures::Stream;
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::Shared;
use super::error::{ApiError, CutShort};
use super::readers::Reader;
use super::render::{closing_frames, ids_after};
use crate::agent::{RecentFrame, RecentFrames};
use crate::domain::{EventId, SessionId};
use crate::sse::frame::Form;
use crate::store::{Follower, ReadError, StoreError};
use crate::telemetry::metrics::OpenStream;

mod outage;
mod write;

use outage::Outage;
use write::{Unwritten, Write};

/// Entries read from the store at a time.
const PAGE: usize = 256;

/// A reader's place in a session's journal.
pub struct Tail {
    http: Shared,
    session: SessionId,
    after: EventId,
    form: Form,
    source: Source,
    /// Frames that were read and not yet handed out, the next one last.
    ready: Vec<RecentFrame>,
    /// Whether the last look at the store found its end.
    caught_up: bool,
    /// Whether the store itself has to be asked next, though this process's run says nothing new.
    in_doubt: bool,
    quiet_since: Instant,
    outage: Outage,
    _counted: OpenStream,
    _reader: Reader,
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

/// What a reader gets next.
enum Next {
    Write(Write),
    /// The run is not over, but this stream is; no trailer, so that the client resumes.
    BrokenOff,
}

/// Why a reader gets no further.
enum Stop {
    /// Nothing more can come, and the client is told why.
    Told(CutShort),
    /// The journal cannot be read. The run may well go on.
    Unread(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Unread(error)
    }
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        match error {
            gap @ ReadError::Gap { .. } => Self::Told(CutShort::Gap(gap.to_string())),
            ReadError::Store(error) => Self::Unread(error),
        }
    }
}

impl Tail {
    /// A reader of everything after `after`, of a session whose journal is known to have been there.
    /// Fails if the journal cannot be read at all; a gap, or that it is gone, is told in the stream.
    pub async fn open(
        http: &Shared,
        session: SessionId,
        after: EventId,
        form: Form,
        reader: Reader,
    ) -> Result<Self, ApiError> {
        let mut tail = Self {
            http: Arc::clone(http),
            session,
            after,
            form,
            source: Source::Store,
            ready: Vec::new(),
            caught_up: false,
            in_doubt: false,
            quiet_since: Instant::now(),
            outage: Outage::default(),
            _counted: http.metrics.stream_opened(),
            _reader: reader,
        };
        tail.attach_to_own_run();
        if matches!(tail.source, Source::Store) {
            tail.look_first().await?;
        }
        Ok(tail)
    }

    /// The frames, to the trailer, each item what leaves together. An `Err` item breaks the
    /// connection off (contract, 4.1).
    pub fn frames(mut self) -> impl Stream<Item = io::Result<Bytes>> + Send {
        stream! {
            let mut unwritten = Unwritten::default();
            let mut has_begun = false;
            loop {
                match self.next().await {
                    Ok(Next::Write(write)) => {
                        if unwritten.goes_before(&write) {
                            // The connection writes as soon as its body has to wait.
                            yield_now().await;
                            unwritten = Unwritten::default();
                        }
                        unwritten.add(&write);
                        has_begun = true;
                        yield Ok(write.bytes);
                        if write.is_end {
                            return;
                        }
                    }
                    Ok(Next::BrokenOff) => {
                        if !has_begun {
                            // Breaking off throws away what was not written, the answer's head as
                            // well: a proxy would say 502 of a run that has begun.
                            yield Ok(Write::KEEP_ALIVE.bytes);
                            yield_now().await;
                        }
                        yield Err(io::Error::other("stream broken off"));
                        return;
                    }
                    Err(Stop::Told(why)) => {
                        yield Ok(self.last_words(why));
                        return;
                    }
                    Err(Stop::Unread(error)) => {
                        tracing::warn!(session = %self.session, %error, "stream broken off: its journal cannot be read");
                        yield Err(io::Error::other("stream broken off"));
                        return;
                    }
                }
            }
        }
    }

    async fn next(&mut self) -> Result<Next, Stop> {
        let stopping = self.http.stopping.clone();
        loop {
            if let Some(write) = Write::next_of(&mut self.ready, self.form) {
                self.quiet_since = Instant::now();
                return Ok(Next::Write(write));
            }
            // A reader may wait for minutes; it keeps no room for frames meanwhile.
            self.ready = Vec::new();
            let silence_ends = self.quiet_since + self.http.config.keep_alive;
            tokio::select! {
                biased;
                // What is there to be read is handed out before.
                () = stopping.cancelled(), if self.caught_up || self.outage.is_on() => {
                    return Ok(Next::BrokenOff);
                }
                looked = self.wait_and_look() => looked?,
                () = sleep_until(silence_ends) => {
                    self.quiet_since = Instant::now();
                    self.doubt();
                    return Ok(Next::Write(Write::KEEP_ALIVE));
                }
            }
        }
    }

    /// After a silence: nothing tells the reader of another process's run that its journal is gone,
    /// and nothing tells the reader of its own process's run that the store is away. Both look.
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

    /// The first look of a reader whose run is not driven here.
    async fn look_first(&mut self) -> Result<(), StoreError> {
        match self.look_at_store().await {
            // What is told in the stream is found again by the next look.
            Ok(_) | Err(Stop::Told(_)) => Ok(()),
            Err(Stop::Unread(error)) => Err(error),
        }
    }

    /// Waits until there may be news, or the store may be back, and looks. Dropping it on the way
    /// loses nothing: the next call looks again.
    async fn wait_and_look(&mut self) -> Result<(), Stop> {
        self.outage.pause().await;
        if self.caught_up {
            self.source.changed().await;
            self.caught_up = false;
        }
        let gives_up = self.outage.look(self.http.config.store_patience);
        match timeout_at(gives_up, self.look()).await {
            Ok(Err(Stop::Unread(error))) if error.is_transient() && Instant::now() < gives_up => {
                self.outage.unanswered(gives_up);
                Ok(())
            }
            Ok(Err(stop)) => Err(stop),
            Ok(Ok(())) => {
                self.outage.over();
                Ok(())
            }
            Err(_) => Err(StoreError::Unavailable("no answer in time".into()).into()),
        }
    }

    /// Looks for news; afterwards there are frames, or the end of the journal was seen.
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

    /// The event that says why nothing more comes, and a trailer; neither is in any journal.
    fn last_words(&self, why: CutShort) -> Bytes {
        let error = why.event(self.http.config.language);
        let clock = &*self.http.clock;
        tracing::warn!(session = %self.session, error = %error.error, "stream ended: nothing more can come");
        let ids = ids_after(self.after, clock);
        let frames = (ids, self.form);
        closing_frames(&error, Some(&self.session), clock, frames).concat().into()
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
