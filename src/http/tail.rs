//! Reading a session's journal as a stream: replay and live reading are one code path.
//!
//! Register, then look, then wait. The bell of this process's own run, or the store's follower,
//! only ever says "look again"; what is shown is read from the frames at hand or from the journal.
//!
//! A reader whose store is away waits where it is and looks again. If that lasts too long its stream
//! ends with an error that asks the client to resume; nothing is lost by that either.

use std::io;
use std::sync::Arc;

use async_stream::stream;
use bytes::Bytes;
use futures::Stream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::Shared;
use super::error::{ApiError, away_event, gap_event};
use super::render::{closing_frames, ids_after};
use crate::agent::live::{LiveFrame, LiveLog};
use crate::domain::{Event, EventId, SessionId, Shown};
use crate::sse::frame::{Form, KEEP_ALIVE};
use crate::store::{Follower, ReadError, StoreError};
use crate::telemetry::metrics::OpenStream;

mod outage;

use outage::Outage;

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
    ready: Vec<LiveFrame>,
    /// Whether the last look at the store found its end.
    caught_up: bool,
    quiet_since: Instant,
    outage: Outage,
    _counted: OpenStream,
}

/// Where news come from.
enum Source {
    /// Nobody was asked yet: the journal may be over, and then there will be none.
    Store,
    /// The run of this process.
    Local(Arc<LiveLog>, watch::Receiver<u64>),
    /// Whoever appends, wherever.
    Remote(Follower),
}

/// What a reader gets next.
enum Next {
    Frame(Bytes),
    Last(Bytes),
    Quiet,
    /// The run is not over, but this stream is; no trailer, so that the client resumes.
    BrokenOff,
}

impl Tail {
    /// A reader of everything after `after`. Fails if the journal cannot be read at all; a gap is
    /// told in the stream.
    pub async fn open(
        http: &Shared,
        session: SessionId,
        after: EventId,
        form: Form,
    ) -> Result<Self, ApiError> {
        let mut tail = Self {
            http: Arc::clone(http),
            session,
            after,
            form,
            source: Source::Store,
            ready: Vec::new(),
            caught_up: false,
            quiet_since: Instant::now(),
            outage: Outage::default(),
            _counted: http.metrics.stream_opened(),
        };
        tail.attach_to_own_run();
        if matches!(tail.source, Source::Store) {
            tail.look_first().await?;
        }
        Ok(tail)
    }

    /// The frames, to the trailer. An `Err` item breaks the connection off (contract, 4.1).
    pub fn frames(mut self) -> impl Stream<Item = io::Result<Bytes>> + Send {
        stream! {
            loop {
                match self.next().await {
                    Ok(Next::Frame(frame)) => yield Ok(frame),
                    Ok(Next::Quiet) => yield Ok(KEEP_ALIVE),
                    Ok(Next::Last(frame)) => {
                        yield Ok(frame);
                        return;
                    }
                    Ok(Next::BrokenOff) => {
                        yield Err(io::Error::other("stream broken off"));
                        return;
                    }
                    Err(gap @ ReadError::Gap { .. }) => {
                        for frame in self.tell_gap(&gap) {
                            yield Ok(frame);
                        }
                        return;
                    }
                    Err(ReadError::Store(error)) => {
                        tracing::warn!(session = %self.session, %error, "stream ended: its journal cannot be read");
                        for frame in self.tell_store_error(&error) {
                            yield frame;
                        }
                        return;
                    }
                }
            }
        }
    }

    async fn next(&mut self) -> Result<Next, ReadError> {
        let stopping = self.http.stopping.clone();
        loop {
            if let Some(frame) = self.ready.pop() {
                return Ok(self.hand_out(&frame));
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
                    return Ok(Next::Quiet);
                }
            }
        }
    }

    fn hand_out(&mut self, frame: &LiveFrame) -> Next {
        self.quiet_since = Instant::now();
        let bytes = frame.frame(self.form);
        match frame.shown {
            Shown::Done => Next::Last(bytes),
            Shown::Event { .. } => Next::Frame(bytes),
        }
    }

    /// The first look of a reader whose run is not driven here.
    async fn look_first(&mut self) -> Result<(), StoreError> {
        match self.look_at_store().await {
            // A gap is told in the stream: the next look finds it again.
            Ok(_) | Err(ReadError::Gap { .. }) => Ok(()),
            Err(ReadError::Store(error)) => Err(error),
        }
    }

    /// Waits until there may be news, or the store may be back, and looks. Dropping it on the way
    /// loses nothing: the next call looks again.
    async fn wait_and_look(&mut self) -> Result<(), ReadError> {
        self.outage.pause().await;
        if self.caught_up {
            self.source.changed().await;
            self.caught_up = false;
        }
        let gives_up = self.outage.look(self.http.config.store_patience);
        match timeout_at(gives_up, self.look()).await {
            Ok(Err(ReadError::Store(StoreError::Unavailable(_)))) if Instant::now() < gives_up => {
                self.outage.unanswered(gives_up);
                Ok(())
            }
            Ok(Err(error)) => Err(error),
            Ok(Ok(())) => {
                self.outage.over();
                Ok(())
            }
            Err(_) => Err(StoreError::Unavailable("no answer in time".into()).into()),
        }
    }

    /// Looks for news; afterwards there are frames, or the end of the journal was seen.
    async fn look(&mut self) -> Result<(), ReadError> {
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
                // An empty page means that the store has lost the journal; waiting costs nothing.
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
    async fn look_at_store(&mut self) -> Result<usize, ReadError> {
        let page = self.http.store.read(&self.session, self.after, PAGE).await?;
        self.take(page.iter().filter_map(LiveFrame::of_entry).collect());
        match page.last() {
            Some(last) => self.after = last.id,
            None => self.look_behind().await?,
        }
        Ok(page.len())
    }

    /// A reader that asked for what comes after the end gets the trailer, which is all there is to
    /// say. A trailer that has come since is not behind the reader: what came before it is still
    /// to be read.
    async fn look_behind(&mut self) -> Result<(), StoreError> {
        let newest = self.http.store.newest(&self.session, 1).await?;
        let behind = newest.last().filter(|entry| entry.is_done() && entry.id <= self.after);
        self.ready.extend(behind.and_then(LiveFrame::of_entry));
        Ok(())
    }

    fn take(&mut self, mut frames: Vec<LiveFrame>) {
        if let Some(last) = frames.last() {
            self.after = last.id;
        }
        frames.reverse();
        self.ready = frames;
    }

    fn attach_to_own_run(&mut self) {
        if let Some(log) = self.http.service.live(&self.session) {
            let bell = log.listen();
            self.source = Source::Local(log, bell);
        }
    }

    fn is_own_run(&self) -> bool {
        let Source::Local(log, _) = &self.source else { return false };
        self.http.service.live(&self.session).is_some_and(|own| Arc::ptr_eq(&own, log))
    }

    fn tell_gap(&self, gap: &ReadError) -> [Bytes; 2] {
        let event = Event::Error(gap_event(gap));
        let ids = ids_after(self.after, &*self.http.clock);
        closing_frames(&event, Some(&self.session), &*self.http.clock, (ids, self.form))
    }

    /// How a stream ends whose journal cannot be read any more. The run may well go on, so the ids
    /// of its last frames must not be taken for places in the journal ([`EventId::stand_ins`]);
    /// where there are no such ids, the connection is broken off instead, which loses nothing.
    fn tell_store_error(&self, error: &StoreError) -> Vec<io::Result<Bytes>> {
        match (error, self.after.stand_ins()) {
            (StoreError::Unavailable(_), Some(ids)) => {
                let (event, session) = (Event::Error(away_event()), Some(&self.session));
                let frames = closing_frames(&event, session, &*self.http.clock, (ids, self.form));
                frames.into_iter().map(Ok).collect()
            }
            (StoreError::Unavailable(_) | StoreError::Corrupt(_), _) => {
                vec![Err(io::Error::other("stream broken off"))]
            }
        }
    }
}

impl Source {
    async fn changed(&mut self) {
        match self {
            Self::Store => {}
            // An error means that the run has left this process; the next look finds out where to.
            Self::Local(_, bell) => drop(bell.changed().await),
            Self::Remote(follower) => follower.changed().await,
        }
    }
}
