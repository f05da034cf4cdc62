//! When each request that somebody waits for is to be warned of, and when its time is up.
//!
//! An alarm lives exactly as long as its [`AlarmGuard`], which stands beside the request among the local runs: however
//! a request goes from there, its alarms go with it. With deadlines of days they would be most of what a
//! process remembers otherwise.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::agent::approval::request::PendingRequest;
use crate::domain::{Clock, RequestId, SessionId, UnixMs};

/// The clock is looked at again at least this often: somebody may set it.
const LOOK: Duration = Duration::from_secs(60);

/// What rings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Alarm {
    /// The deadline of a request comes soon.
    Near(SessionId, RequestId),
    /// It is there.
    Deadline(SessionId, PendingRequest),
}

/// All alarms of a process, the soonest first.
///
/// One lock, held for a few instructions: the table of runs sets alarms and drops them, the listener takes those that
/// are due.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    set: Mutex<Table>,
    /// Notified when one was set, which may be sooner than what the listener waits for.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Table {
    by_time: BTreeMap<Due, Alarm>,
    last_number: u64,
}

/// When an alarm is due, and its number among all that were ever set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: UnixMs,
    number: u64,
}

/// Keeps an alarm; without it, the alarm does not ring any more.
#[derive(Debug)]
pub(super) struct AlarmGuard {
    alarms: Arc<Alarms>,
    due: Due,
}

impl Drop for AlarmGuard {
    fn drop(&mut self) {
        self.alarms.lock().by_time.remove(&self.due);
    }
}

impl Alarms {
    /// Has an alarm ring then, while the guard lives.
    #[must_use]
    pub(super) fn set(self: &Arc<Self>, at: UnixMs, alarm: Alarm) -> AlarmGuard {
        let mut table = self.lock();
        table.last_number += 1;
        let due = Due { at, number: table.last_number };
        table.by_time.insert(due, alarm);
        drop(table);
        self.changed.notify_one();
        AlarmGuard { alarms: Arc::clone(self), due }
    }

    /// The next alarm that is due, by this clock. Cancel safe: what it does not return is not taken.
    pub(super) async fn next(&self, clock: &dyn Clock) -> Alarm {
        loop {
            let left = match self.take_due(clock.now()) {
                Next::Due(alarm) => return alarm,
                Next::In(left) => left.min(LOOK),
            };
            tokio::select! {
                () = sleep(left) => {}
                () = self.changed.notified() => {}
            }
        }
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.lock().by_time.len()
    }

    fn take_due(&self, now: UnixMs) -> Next {
        let mut table = self.lock();
        match table.by_time.first_entry() {
            None => Next::In(LOOK),
            Some(soonest) if soonest.key().at <= now => Next::Due(soonest.remove()),
            Some(soonest) => Next::In(soonest.key().at.since(now)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.set.lock()
    }
}

/// What is to be done next.
enum Next {
    Due(Alarm),
    In(Duration),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ManualClock;

    fn near(request: &str) -> Alarm {
        Alarm::Near(SessionId::new("session_u_1_ab"), RequestId::new(request))
    }

    #[tokio::test(start_paused = true)]
    async fn alarms_ring_in_the_order_of_their_time_and_not_before_it() {
        let (alarms, clock) = (Arc::<Alarms>::default(), ManualClock::at(UnixMs::new(1_000)));
        let _later = alarms.set(UnixMs::new(3_000), near("req_b"));
        let _sooner = alarms.set(UnixMs::new(2_000), near("req_a"));
        let _same_time = alarms.set(UnixMs::new(2_000), near("req_c"));
        let early = tokio::time::timeout(Duration::from_secs(600), alarms.next(&clock)).await;
        assert!(early.is_err(), "the clock has not moved");
        clock.advance(Duration::from_secs(1));
        assert_eq!(alarms.next(&clock).await, near("req_a"));
        assert_eq!(alarms.next(&clock).await, near("req_c"));
        clock.advance(Duration::from_secs(1));
        assert_eq!(alarms.next(&clock).await, near("req_b"));
        assert_eq!(alarms.count(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_guard_drops_its_own_alarm_and_no_other_also_when_that_has_rung() {
        let (alarms, clock) = (Arc::<Alarms>::default(), ManualClock::at(UnixMs::new(1_000)));
        let rung = alarms.set(UnixMs::new(1_000), near("req_a"));
        assert_eq!(alarms.next(&clock).await, near("req_a"));
        let kept = alarms.set(UnixMs::new(1_000), near("req_b"));
        drop(alarms.set(UnixMs::new(1_000), near("req_c")));
        drop(rung);
        assert_eq!(alarms.next(&clock).await, near("req_b"));
        drop(kept);
        assert_eq!(alarms.count(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn an_alarm_that_is_set_while_somebody_waits_for_a_later_one_rings_in_time() {
        let (alarms, clock) = (Arc::<Alarms>::default(), ManualClock::at(UnixMs::new(1_000)));
        let _later = alarms.set(UnixMs::MAX, near("req_b"));
        let waits = {
            let (alarms, clock) = (Arc::clone(&alarms), clock.clone());
            async move { alarms.next(&clock).await }
        };
        let sets = async {
            tokio::task::yield_now().await;
            alarms.set(UnixMs::new(1_000), near("req_a"))
        };
        let both = async { tokio::join!(waits, sets) };
        // Shorter than the time after which the clock is looked at anyway.
        let (rung, _guard) = tokio::time::timeout(LOOK / 2, both).await.unwrap();
        assert_eq!(rung, near("req_a"));
    }
}
