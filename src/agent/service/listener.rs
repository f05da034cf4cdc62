//! Hears answers and deadlines for all waiting runs of a process: one task, whatever their number.
//!
//! Pub/sub only wakes, and may lose: what is stored is read as well, again and again. What each of
//! these things leads to stands in `signals.rs`.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::mpsc;

use super::alarms::Alarm;
use super::announcing;
use super::drive::{ANSWER, AgentService};
use super::runs::LocalRuns;
use super::{holds, leases};
use crate::agent::run::context::RunContext;
use crate::store::StoreEvent;
use crate::ticks::at_once_and_every;

/// Stored signals are read at least this often (contract, section 5.3, 2).
const POLL: Duration = Duration::from_secs(5);

/// Polls between two looks for requests that the inbox has lost.
const POLLS_PER_INBOX: u32 = 12;

/// Builds the service and starts its listener.
pub fn start_service(
    ctx: Arc<RunContext>,
    runs: Arc<LocalRuns>,
    events: mpsc::Receiver<StoreEvent>,
) -> Arc<AgentService> {
    let tasks = ctx.tasks.clone();
    announcing::start(&ctx);
    let service = Arc::new(AgentService::new(ctx, runs));
    tasks.spawn("listener", Listener { service: Arc::clone(&service) }.run(events));
    tasks.spawn("holds", holds::follow(Arc::clone(&service)));
    tasks.spawn("lease keeper", leases::keep(Arc::clone(&service)));
    service
}

struct Listener {
    service: Arc<AgentService>,
}

impl Listener {
    async fn run(self, mut events: mpsc::Receiver<StoreEvent>) {
        let tasks = self.service.ctx.tasks.clone();
        let stopping = tasks.stopping();
        let (mut poll, mut polls) = (at_once_and_every(POLL), 0_u32);
        loop {
            let service = Arc::clone(&self.service);
            tokio::select! {
                () = stopping.cancelled() => break,
                Some(event) = events.recv() => match event {
                    StoreEvent::Signal { session, payload } => {
                        let asked = service.runs.waiting(&session);
                        let hear = async move {
                            service.on_signal(&session, &asked, &payload).await;
                        };
                        tasks.spawn(ANSWER, hear);
                    }
                    StoreEvent::Resubscribed => {
                        service.holds_changed.notify_one();
                        tasks.spawn(ANSWER, async move { service.read_signals().await });
                        // The store may have come back with less than it had.
                        polls = 0;
                    }
                    StoreEvent::Cancel { session } => {
                        tasks.spawn(ANSWER, async move { service.on_cancel(&session).await });
                    }
                    StoreEvent::Released => service.released.notify_one(),
                    StoreEvent::HoldsChanged => service.holds_changed.notify_one(),
                },
                alarm = service.runs.alarms().next(&*service.ctx.clock) => self.ring(alarm),
                _ = poll.tick() => {
                    service.unwatch_stale();
                    if polls.is_multiple_of(POLLS_PER_INBOX) {
                        let service = Arc::clone(&service);
                        tasks.spawn("inbox", async move { service.note_missing().await });
                    }
                    polls = polls.wrapping_add(1);
                    tasks.spawn(ANSWER, async move { service.read_signals().await });
                }
            }
        }
        // An answer that was published and stored nowhere is known to nobody else.
        let unheard = std::iter::from_fn(|| events.try_recv().ok());
        join_all(unheard.map(|event| self.on_last_event(event))).await;
        self.service.hand_over_waiting().await;
    }

    /// Hears what came before the process stopped. At once with all the rest: a store that is slow to
    /// answer is not to take as long for each.
    async fn on_last_event(&self, event: StoreEvent) {
        match event {
            StoreEvent::Signal { session, payload } => {
                let asked = self.service.runs.waiting(&session);
                self.service.on_signal(&session, &asked, &payload).await;
            }
            // What is stored is found by the next owner.
            StoreEvent::Resubscribed
            | StoreEvent::Cancel { .. }
            | StoreEvent::Released
            | StoreEvent::HoldsChanged => {}
        }
    }

    fn ring(&self, alarm: Alarm) {
        let (service, tasks) = (Arc::clone(&self.service), &self.service.ctx.tasks);
        match alarm {
            Alarm::Near(session, request) => {
                tasks.spawn(ANSWER, async move { service.deadline_near(&session, &request).await })
            }
            Alarm::Deadline(session, waiting) => {
                tasks.spawn(ANSWER, async move { service.deadline(session, waiting).await })
            }
        };
    }
}
