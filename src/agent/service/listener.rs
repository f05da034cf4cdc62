//! Hears answers and deadlines for all waiting runs of a process: one task, whatever their number.
//!
//! Pub/sub only wakes, and may lose: what is stored is read as well, again and again. What each of
//! these things leads to stands in `votes.rs`.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::time::DelayQueue;

use super::drive::AgentService;
use super::leases;
use super::runs::LocalRuns;
use crate::agent::approval::request::PendingRequest;
use crate::agent::run::context::RunContext;
use crate::domain::{RequestId, SessionId};
use crate::store::StoreEvent;

/// Stored votes are read at least this often (contract, section 5.3, 2).
const POLL: Duration = Duration::from_secs(5);

/// What tasks are called that hear an answer, a deadline or a cancellation.
const ANSWER: &str = "answer";

/// Builds the service and starts its listener.
pub fn start_service(
    ctx: Arc<RunContext>,
    runs: Arc<LocalRuns>,
    events: mpsc::Receiver<StoreEvent>,
) -> Arc<AgentService> {
    let (deadlines, new_deadlines) = mpsc::unbounded_channel();
    let tasks = ctx.tasks.clone();
    let service = Arc::new(AgentService::new(ctx, runs, deadlines));
    let listener = Listener { service: Arc::clone(&service), alarms: DelayQueue::new() };
    tasks.spawn("listener", listener.run(events, new_deadlines));
    tasks.spawn("lease keeper", leases::keep(Arc::clone(&service)));
    service
}

struct Listener {
    service: Arc<AgentService>,
    /// A timer wheel; entries of requests that were decided meanwhile fire into the void.
    alarms: DelayQueue<Ring>,
}

/// What the timer wheel holds.
struct Ring {
    session: SessionId,
    alarm: Alarm,
    /// When it is due, in milliseconds since the Unix epoch.
    at_ms: u64,
}

/// What the timer wheel rings for.
enum Alarm {
    /// The deadline of a request comes soon.
    Near(RequestId),
    /// It is there.
    Deadline(PendingRequest),
}

impl Listener {
    async fn run(
        mut self,
        mut events: mpsc::Receiver<StoreEvent>,
        mut new_deadlines: mpsc::UnboundedReceiver<(SessionId, PendingRequest)>,
    ) {
        let tasks = self.service.ctx.tasks.clone();
        let stopping = tasks.stopping();
        let mut poll = interval(POLL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let service = Arc::clone(&self.service);
            tokio::select! {
                () = stopping.cancelled() => break,
                Some(event) = events.recv() => match event {
                    StoreEvent::Signal { session, payload } => {
                        let asked = service.runs.waiting(&session);
                        let hear = async move {
                            service.hear_signal(&session, &asked, &payload).await;
                        };
                        tasks.spawn(ANSWER, hear);
                    }
                    StoreEvent::Resubscribed => {
                        tasks.spawn(ANSWER, async move { service.read_votes().await });
                    }
                    StoreEvent::Cancel { session } => {
                        tasks.spawn(ANSWER, async move { service.hear_cancel(&session).await });
                    }
                    StoreEvent::Released => service.left_behind.notify_one(),
                },
                Some((session, waiting)) = new_deadlines.recv() => {
                    let asked = session.clone();
                    tasks.spawn(ANSWER, async move { service.look_for_cancellation(&asked).await });
                    self.set(session, waiting);
                }
                Some(due) = self.alarms.next() => self.ring(due.into_inner()),
                _ = poll.tick() => {
                    service.unwatch_stale();
                    tasks.spawn(ANSWER, async move { service.read_votes().await });
                }
            }
        }
        // An answer that was published and stored nowhere is known to nobody else.
        let unheard = std::iter::from_fn(|| events.try_recv().ok());
        join_all(unheard.map(|event| self.hear_last(event))).await;
        self.service.hand_over_waiting().await;
    }

    /// Hears what came before the process stopped. At once with all the rest: a store that is slow to
    /// answer is not to take as long for each.
    async fn hear_last(&self, event: StoreEvent) {
        match event {
            StoreEvent::Signal { session, payload } => {
                let asked = self.service.runs.waiting(&session);
                self.service.hear_signal(&session, &asked, &payload).await;
            }
            // What is stored is found by the next owner.
            StoreEvent::Resubscribed | StoreEvent::Cancel { .. } | StoreEvent::Released => {}
        }
    }

    fn set(&mut self, session: SessionId, waiting: PendingRequest) {
        if let Some(at_ms) = waiting.warning_ms(self.service.ctx.limits.hitl_warning) {
            let alarm = Alarm::Near(waiting.request.clone());
            self.wind(Ring { session: session.clone(), alarm, at_ms });
        }
        let at_ms = waiting.deadline.ms();
        self.wind(Ring { session, alarm: Alarm::Deadline(waiting), at_ms });
    }

    fn wind(&mut self, ring: Ring) {
        let now_ms = self.service.ctx.clock.now_ms();
        let left = Duration::from_millis(ring.at_ms.saturating_sub(now_ms));
        self.alarms.insert(ring, left.clamp(MIN_DELAY, MAX_DELAY));
    }

    /// Acts on an alarm, unless it has come too early: the wheel counts the process's own time, and the
    /// clock may have been set back, or the wait be longer than the wheel takes.
    fn ring(&mut self, ring: Ring) {
        if self.service.ctx.clock.now_ms() < ring.at_ms {
            return self.wind(ring);
        }
        let (service, Ring { session, alarm, .. }) = (Arc::clone(&self.service), ring);
        let tasks = &self.service.ctx.tasks;
        match alarm {
            Alarm::Near(request) => {
                tasks.spawn(ANSWER, async move { service.deadline_near(&session, &request).await })
            }
            Alarm::Deadline(waiting) => {
                tasks.spawn(ANSWER, async move { service.deadline(session, waiting).await })
            }
        };
    }
}

/// The timer wheel's own grain.
const MIN_DELAY: Duration = Duration::from_millis(1);
/// As long as the timer wheel is asked to wait at a time; it panics beyond some two years.
const MAX_DELAY: Duration = Duration::from_secs(24 * 60 * 60);
