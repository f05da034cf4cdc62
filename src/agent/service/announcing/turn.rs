//! What is done in the turn of one session.

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Teller;
use crate::agent::run::announced::{Found, Reading};
use crate::announce::NotTold;
use crate::backoff::pause_after;
use crate::domain::time::whole_ms;
use crate::domain::{Announcement, EventId, SessionMeta};
use crate::store::{ReadError, StoreError, Turn, TurnStep};
use crate::telemetry::metrics::Telling;
use crate::ticks::every;

/// How long one announcement is tried.
pub(super) const TRIED_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// Pauses between attempts.
const RETRY_FIRST: Duration = Duration::from_secs(1);
const RETRY_MOST: Duration = Duration::from_secs(5 * 60);
/// The longest that whoever is told can ask to be left alone.
const REST_MOST: Duration = Duration::from_secs(60 * 60);
/// Pauses between looks for what was announced and is not there yet.
const LOOK_FIRST: Duration = Duration::from_millis(50);
const LOOK_MOST: Duration = Duration::from_secs(10);
/// Entries that are read at a time.
const PAGE: usize = 200;
/// How long what is being told has to come to its end once the process stops.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// Renewals within the term of a turn: two may fail.
const RENEWALS: u32 = 3;

/// What came of an attempt.
enum Attempt {
    /// It is done with: told, or given up.
    Over,
    /// The session has to wait.
    Wait(TurnStep),
}

impl Teller {
    /// Does what there is to do, and renews the turn meanwhile; `None` once somebody else has it.
    pub(super) async fn held(&self, turn: &Turn) -> Option<Result<TurnStep, StoreError>> {
        let (to, term) = (self.recipient(), self.ctx.terms.lease);
        let (mut work, mut renewals) = (pin!(self.work(turn)), every(term / RENEWALS));
        let stopping = self.ctx.tasks.stopping();
        let mut cut = pin!(async {
            stopping.cancelled().await;
            sleep(LAST_WORDS).await;
        });
        loop {
            tokio::select! {
                // A process that stood still is first to find out that its turn is over.
                biased;
                _ = renewals.tick() => {
                    let hold = TurnStep::Hold { term };
                    if let Ok(false) = self.ctx.store.keep_turn(to, turn, hold).await {
                        return None;
                    }
                }
                step = work.as_mut() => return Some(step),
                // Somebody else goes on at once.
                () = cut.as_mut() => return Some(Ok(TurnStep::Look { after: Duration::ZERO })),
            }
        }
    }

    async fn work(&self, turn: &Turn) -> Result<TurnStep, StoreError> {
        let reading = match self.read(turn).await {
            Ok(reading) => reading,
            Err(error) if error.is_transient() => return Err(error),
            Err(error) => return Ok(self.lost(turn, &error.to_string())),
        };
        if reading.end == EventId::ZERO {
            return Ok(self.lost(turn, "the journal is not in the store any more"));
        }
        if let Some(step) = self.tell_all(turn, &reading).await? {
            return Ok(step);
        }
        let may_come = turn.waits && reading.newest <= turn.after && !reading.is_over;
        Ok(match may_come {
            true => TurnStep::Look { after: pause_after(turn.looks, LOOK_FIRST, LOOK_MOST) },
            false => TurnStep::Done { over: reading.is_over },
        })
    }

    /// Tells what was not told yet, one after the other; returns why that ends before all of it was.
    async fn tell_all(
        &self,
        turn: &Turn,
        reading: &Reading,
    ) -> Result<Option<TurnStep>, StoreError> {
        let meta = self.meta(turn, reading).await?;
        for (at, found) in reading.untold.iter().enumerate() {
            if self.ctx.tasks.stopping().is_cancelled() {
                // Somebody else goes on at once.
                return Ok(Some(TurnStep::Look { after: Duration::ZERO }));
            }
            let attempt = match self.ctx.announcement(&turn.session, meta.as_ref(), found).await? {
                Some(announcement) => self.tell(turn, &announcement).await,
                None => {
                    let (session, entry) = (&turn.session, found.entry);
                    tracing::warn!(%session, %entry, "what was to be told is not known any more");
                    Attempt::Over
                }
            };
            if let Attempt::Wait(step) = attempt {
                return Ok(Some(step));
            }
            self.note_told(turn, found, reading.untold.get(at + 1)).await?;
        }
        Ok(None)
    }

    /// The whole journal, as far as it is there.
    async fn read(&self, turn: &Turn) -> Result<Reading, StoreError> {
        let (ctx, session) = (&self.ctx, &turn.session);
        let mut reading = Reading::new(self.recipient(), turn.told);
        let mut after = EventId::ZERO;
        loop {
            let page = ctx.retry_unavailable(|| async {
                match ctx.store.read(session, after, PAGE).await {
                    Ok(page) => Ok(Ok(page)),
                    Err(ReadError::Gap { first, .. }) => Ok(Err(first)),
                    Err(ReadError::Store(error)) => Err(error),
                }
            });
            match page.await? {
                Ok(page) => {
                    reading.read(&page);
                    after = reading.end;
                    if page.len() < PAGE {
                        return Ok(reading);
                    }
                }
                // Its beginning was cut off: what is left is told.
                Err(first) => after = EventId::new(first.get().saturating_sub(1)),
            }
        }
    }

    /// The session, as its journal tells it, or its record.
    async fn meta(
        &self,
        turn: &Turn,
        reading: &Reading,
    ) -> Result<Option<SessionMeta>, StoreError> {
        match &reading.meta {
            Some(meta) => Ok(Some(meta.clone())),
            None => self.ctx.retry_unavailable(|| self.ctx.store.session(&turn.session)).await,
        }
    }

    /// Whatever there was to tell of this session cannot be read any more.
    fn lost(&self, turn: &Turn, why: &str) -> TurnStep {
        let to = self.recipient();
        tracing::error!(session = %turn.session, to = to.word(), error = why, "announcements dropped");
        self.ctx.metrics.told(to, Telling::Dropped);
        TurnStep::Done { over: true }
    }

    async fn tell(&self, turn: &Turn, announcement: &Announcement) -> Attempt {
        let (to, metrics) = (self.recipient(), &self.ctx.metrics);
        let (session, id, kind) = (&turn.session, &announcement.id, announcement.kind().word());
        if announcement.is_too_late(to, self.ctx.clock.now()) {
            metrics.told(to, Telling::Dropped);
            tracing::warn!(%session, to = to.word(), kind, announcement = %id, "announcement dropped: the deadline has passed");
            return Attempt::Over;
        }
        let failed = match self.try_to_tell(announcement).await {
            Ok(()) => {
                metrics.told(to, Telling::Delivered);
                tracing::info!(%session, to = to.word(), kind, announcement = %id, "announced");
                return Attempt::Over;
            }
            Err(failed) => failed,
        };
        let pause = pause_after(turn.failures, RETRY_FIRST, RETRY_MOST);
        let age = self.ctx.clock.now().since(announcement.at);
        match failed {
            failed if age > TRIED_FOR => {
                tracing::error!(%session, to = to.word(), kind, announcement = %id, error = %failed, "announcement dropped: tried for a day");
                metrics.told(to, Telling::Dropped);
                Attempt::Over
            }
            // It is looked at again to leave the queue in time, and no more often than need be.
            NotTold::Unwanted => Attempt::Wait(TurnStep::Failed { after: REST_MOST }),
            NotTold::Later { why, after } => {
                let after = self.rest(after).max(pause);
                let pause_ms = whole_ms(after);
                tracing::warn!(%session, to = to.word(), kind, announcement = %id, error = why, pause_ms, "not announced");
                Attempt::Wait(TurnStep::Failed { after })
            }
        }
    }

    /// Tells it, unless whoever is told wants nothing more.
    async fn try_to_tell(&self, announcement: &Announcement) -> Result<(), NotTold> {
        if self.is_unwanted.load(Ordering::Relaxed) {
            return Err(NotTold::Unwanted);
        }
        let told = self.outlet().announcer.tell(announcement).await;
        if let Err(failed) = &told {
            let to = self.recipient();
            self.ctx.metrics.told(to, Telling::Failed);
            let is_news = matches!(failed, NotTold::Unwanted)
                && !self.is_unwanted.swap(true, Ordering::Relaxed);
            if is_news {
                tracing::error!(to = to.word(), error = %failed, "nothing is announced any more");
            }
        }
        told
    }

    /// Leaves whoever is told alone for as long as they ask for, all sessions.
    fn rest(&self, asked: Option<Duration>) -> Duration {
        let asked = asked.unwrap_or_default().min(REST_MOST);
        let mut until = self.rests_until.lock();
        *until = (*until).max(Instant::now() + asked);
        asked
    }

    /// The store knows that this was told, once all of its entry was.
    async fn note_told(
        &self,
        turn: &Turn,
        found: &Found,
        next: Option<&Found>,
    ) -> Result<(), StoreError> {
        if next.is_some_and(|next| next.entry == found.entry) {
            return Ok(());
        }
        let (to, upto, term) = (self.recipient(), found.entry, self.ctx.terms.lease);
        let told = TurnStep::Told { upto, term };
        let store = &self.ctx.store;
        let mine = self.ctx.retry_unavailable(|| store.keep_turn(to, turn, told)).await?;
        mine.then_some(()).ok_or(StoreError::Contended("somebody else has the session's turn"))
    }
}
