//! Reading a session's journal as a stream: replay and live reading are one code path.
//!
//! Register, then look, then wait. The bell of this process's own run, or the store's follower,
//! only ever says "look again"; what is shown is read from the frames at hand or from the journal.

use std::io;
use std::sync::Arc;

use async_stream::stream;
use bytes::Bytes;
use futures::Stream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::Shared;
use super::error::{ApiError, gap_event};
use super::render::closing_frames;
use crate::agent::live::{LiveFrame, LiveLog};
use crate::domain::{Event, EventId, SessionId, Shown};
use crate::sse::frame::{Form, KEEP_ALIVE};
use crate::store::{Follower, ReadError, StoreError};
use crate::telemetry::metrics::OpenStream;

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
                        tracing::warn!(session = %self.session, %error, "stream broken off: the store is away");
                        yield Err(io::Error::other("stream broken off"));
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
            if !self.caught_up {
                self.look().await?;
                continue;
            }
            let silence_ends = self.quiet_since + self.http.config.keep_alive;
            tokio::select! {
                biased;
                () = stopping.cancelled() => return Ok(Next::BrokenOff),
                () = self.source.changed() => self.caught_up = false,
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
        let session = Some(&self.session);
        closing_frames(&event, session, &*self.http.clock, (self.after, self.form))
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
