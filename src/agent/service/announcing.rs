//! Tells one recipient what the journals have to tell (contract, section 5.6): takes the turns of sessions that are
//! queued, a few at a time.
//!
//! The session's turn is a lease in the store: whoever has it is alone with the session, over all processes, and
//! renews it while telling. Who dies with a turn lets it run out, and the next who gets it begins with what the
//! store does not know to be told. So everything is told at least once, and in the order of the journal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use super::drive::AgentService;
use crate::agent::run::announced::tells_anything;
use crate::agent::run::announcers::Outlet;
use crate::agent::run::announcing::LOOK_IN;
use crate::agent::run::context::RunContext;
use crate::domain::{Entry, Recipient, SessionId};
use crate::store::{DueTurns, Turn};

mod turn;

/// Sessions whose turn this process has at once, of each recipient.
const AT_ONCE: usize = 8;
/// How often turns that other processes have queued or left are looked for, at least.
const POLL: Duration = Duration::from_secs(1);

/// Starts to tell everybody who is to be told. Goes on until the process stops.
pub(super) fn start(ctx: &Arc<RunContext>) {
    for at in 0..ctx.announcers.all().len() {
        let teller = Teller::new(Arc::clone(ctx), at);
        ctx.tasks.spawn("announcements", Arc::new(teller).run());
    }
}

impl AgentService {
    /// Queues the session of a run that was taken over: its former owner may have died in between. Returns at once.
    pub(super) fn announce_again(&self, session: &SessionId, journal: &[Entry]) {
        if self.ctx.announcers.all().is_empty() || !tells_anything(journal) {
            return;
        }
        let (ctx, session) = (Arc::clone(&self.ctx), session.clone());
        self.ctx.tasks.spawn("announcements", async move {
            if let Err(error) = ctx.announce_again(&session).await {
                tracing::warn!(%session, %error, "what is to be told of a run may come late");
            }
        });
    }
}

/// Tells one recipient.
struct Teller {
    ctx: Arc<RunContext>,
    /// Which of those in the context.
    at: usize,
    slots: Arc<Semaphore>,
    /// Notified when a turn has come to its end.
    freed: Notify,
    /// Whether whoever is told wants nothing more. What is queued then is left to others, who may be wanted.
    is_unwanted: AtomicBool,
    /// Whether something is queued for so long that it may have to be dropped, whether wanted or not.
    is_overdue: AtomicBool,
    /// Until when whoever is told wants to be left alone. Held for moments.
    rests_until: Mutex<Instant>,
}

impl Teller {
    fn new(ctx: Arc<RunContext>, at: usize) -> Self {
        Self {
            ctx,
            at,
            slots: Arc::new(Semaphore::new(AT_ONCE)),
            freed: Notify::new(),
            is_unwanted: AtomicBool::new(false),
            is_overdue: AtomicBool::new(false),
            rests_until: Mutex::new(Instant::now()),
        }
    }

    fn outlet(&self) -> &Outlet {
        &self.ctx.announcers.all()[self.at]
    }

    fn recipient(&self) -> Recipient {
        self.outlet().announcer.recipient()
    }

    async fn run(self: Arc<Self>) {
        let stopping = self.ctx.tasks.stopping();
        let mut next = Instant::now();
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                () = self.outlet().placed.notified() => next = next.min(Instant::now() + LOOK_IN),
                () = self.freed.notified() => next = Instant::now(),
                () = sleep_until(next) => next = Instant::now() + self.take().await.min(POLL),
            }
        }
    }

    /// Takes as many turns as there is room for, and returns when to look again.
    async fn take(self: &Arc<Self>) -> Duration {
        let room = self.room();
        let (to, term) = (self.recipient(), self.ctx.terms.lease);
        let due = match self.ctx.store.take_turns(to, room, term).await {
            Ok(due) => due,
            // The store says itself, once, that it is away.
            Err(error) if error.is_transient() => return POLL,
            Err(error) => {
                tracing::error!(to = to.word(), %error, "nothing can be announced");
                return POLL;
            }
        };
        let DueTurns { turns, next, queued, lag } = due;
        self.ctx.metrics.announcements_queued(to, queued, lag);
        self.is_overdue.store(lag > turn::TRIED_FOR, Ordering::Relaxed);
        for turn in turns {
            if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
                let task = Arc::clone(self).keep(turn, slot);
                self.ctx.tasks.spawn("announcement", task);
            }
        }
        // Without room there is nothing to do before a turn ends.
        if self.room() == 0 { POLL } else { next.unwrap_or(POLL) }
    }

    fn room(&self) -> usize {
        let is_idle =
            self.is_unwanted.load(Ordering::Relaxed) && !self.is_overdue.load(Ordering::Relaxed);
        let is_quiet = is_idle
            || *self.rests_until.lock() > Instant::now()
            || self.ctx.tasks.stopping().is_cancelled();
        if is_quiet { 0 } else { self.slots.available_permits() }
    }

    /// Does what there is to do in a turn.
    async fn keep(self: Arc<Self>, turn: Turn, slot: OwnedSemaphorePermit) {
        let (to, session) = (self.recipient(), &turn.session);
        match self.held(&turn).await {
            Some(Ok(step)) => {
                let store = &self.ctx.store;
                let kept = self.ctx.retry_unavailable(|| store.keep_turn(to, &turn, step)).await;
                if let Err(error) = kept {
                    // The turn runs out, and somebody tries again.
                    tracing::warn!(%session, to = to.word(), %error, "an announcement may be repeated");
                }
            }
            Some(Err(error)) => {
                tracing::warn!(%session, to = to.word(), %error, "an announcement is postponed");
            }
            None => tracing::info!(%session, to = to.word(), "another process goes on telling"),
        }
        drop(slot);
        self.freed.notify_one();
    }
}
