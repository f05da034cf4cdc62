//! Reading something that grows as a stream: replay and live reading are one code path.
//!
//! Register, then look, then wait. What wakes a reader only ever says "look again".
//!
//! A reader whose store is away waits where it is and looks again. If that lasts too long its stream
//! is broken off, without a trailer, so that its client resumes; nothing is lost by that either.

use std::io;
use std::sync::Arc;

use async_stream::stream;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::Stream;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::Shared;
use super::error::CutShort;
use super::readers::Reader;
use super::render::set_stream_headers;
use crate::store::{ReadError, StoreError};
use crate::telemetry::metrics::OpenStream;

pub mod inbox;
pub mod journal;
mod outage;
mod write;

use outage::Outage;
use write::Unwritten;
pub use write::Write;

/// Entries read from the store at a time.
const PAGE: usize = 256;

/// What a stream is read from, and the reader's place in it.
pub trait Feed: Send + 'static {
    /// What was found and leaves next.
    fn next_write(&mut self) -> Option<Write>;

    /// Whether the last look found the end, so that there is nothing to look for before
    /// [`Feed::changed`].
    fn is_caught_up(&self) -> bool;

    /// Returns once there may be news. Cancel-safe.
    fn changed(&mut self) -> impl Future<Output = ()> + Send;

    /// Looks for news; afterwards there is something to write, or the end was seen, or the next look finds more.
    /// Dropping it on the way loses nothing.
    fn look(&mut self) -> impl Future<Output = Result<(), Stop>> + Send;

    /// After a silence: what nothing would tell of is to be looked for.
    fn doubt(&mut self);

    /// Logs that it cannot be read any more.
    fn log_unread(&self, error: &StoreError);

    /// What the client is told where nothing more can come.
    fn last_words(&self, why: CutShort) -> Bytes;
}

/// A reader at its place.
pub struct Tail<F> {
    http: Shared,
    feed: F,
    quiet_since: Instant,
    outage: Outage,
    _counted: OpenStream,
    _reader: Reader,
}

/// Why a reader gets no further.
pub enum Stop {
    /// There is more to come, but not on this stream; no trailer, so that the client resumes.
    BrokenOff,
    /// Nothing more can come, and the client is told why.
    Told(CutShort),
    /// It cannot be read. There may well be more to come.
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

impl<F: Feed> Tail<F> {
    /// A reader of this feed, counted as this one of its user.
    pub fn of(http: &Shared, feed: F, reader: Reader) -> Self {
        Self {
            http: Arc::clone(http),
            feed,
            quiet_since: Instant::now(),
            outage: Outage::default(),
            _counted: http.metrics.stream_opened(),
            _reader: reader,
        }
    }

    /// The stream as an answer.
    pub fn response(self) -> Response {
        let mut response = Response::new(Body::from_stream(self.frames()));
        set_stream_headers(response.headers_mut());
        response
    }

    /// The frames, to the trailer if there is one, each item what leaves together. An `Err` item breaks the
    /// connection off (contract, 4.1).
    fn frames(mut self) -> impl Stream<Item = io::Result<Bytes>> + Send {
        stream! {
            let mut unwritten = Unwritten::default();
            let mut has_begun = false;
            loop {
                match self.next().await {
                    Ok(write) => {
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
                    Err(Stop::BrokenOff) => {
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
                        yield Ok(self.feed.last_words(why));
                        return;
                    }
                    Err(Stop::Unread(error)) => {
                        self.feed.log_unread(&error);
                        yield Err(io::Error::other("stream broken off"));
                        return;
                    }
                }
            }
        }
    }

    async fn next(&mut self) -> Result<Write, Stop> {
        let stopping = self.http.stopping.clone();
        loop {
            if let Some(write) = self.feed.next_write() {
                self.quiet_since = Instant::now();
                return Ok(write);
            }
            if !self.feed.is_caught_up() {
                // A rendering may pass over a whole journal without a word; others want to work, too.
                yield_now().await;
            }
            let silence_ends = self.quiet_since + self.http.config.keep_alive;
            tokio::select! {
                biased;
                // What is there to be read is handed out before.
                () = stopping.cancelled(), if self.feed.is_caught_up() || self.outage.is_on() => {
                    return Err(Stop::BrokenOff);
                }
                looked = self.wait_and_look() => looked?,
                () = sleep_until(silence_ends) => {
                    self.quiet_since = Instant::now();
                    self.feed.doubt();
                    return Ok(Write::KEEP_ALIVE);
                }
            }
        }
    }

    /// Waits until there may be news, or the store may be back, and looks. Dropping it on the way
    /// loses nothing: the next call looks again.
    async fn wait_and_look(&mut self) -> Result<(), Stop> {
        self.outage.pause().await;
        if self.feed.is_caught_up() {
            self.feed.changed().await;
        }
        let gives_up = self.outage.look(self.http.config.store_patience);
        match timeout_at(gives_up, self.feed.look()).await {
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
}
