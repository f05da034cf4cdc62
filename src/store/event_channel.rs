//! The way from an adapter to its process: bounded, never waits, never loses silently.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc::{self, error::TrySendError};
use tracing::warn;

use super::StoreEvent;
use crate::domain::SessionId;

/// Events that may wait for the process to take them.
const CAPACITY: usize = 8_192;
/// Longest signal that is passed on, in bytes; a real one has about 200, and what a person gives for a
/// reason may be long.
const SIGNAL_MAX: usize = 1024 * 1024;
/// Signals longer than this are passed on while few events wait, so that what waits stays small.
const LONG: usize = 64 * 1024;
/// How many are few.
const FEW: usize = 16;

/// The sending end of a store's events.
///
/// When the process does not keep up, events are dropped and it is told to read everything back
/// ([`StoreEvent::Resubscribed`]) as soon as there is room, which is what [`EventChannel::catch_up`],
/// called about once a second, is for.
#[derive(Debug)]
pub(super) struct EventChannel {
    events: mpsc::Sender<StoreEvent>,
    /// Whether something was dropped since the last `Resubscribed`.
    behind: AtomicBool,
}

impl EventChannel {
    /// The channel and the end that the process reads.
    pub(super) fn new() -> (Self, mpsc::Receiver<StoreEvent>) {
        let (events, inbox) = mpsc::channel(CAPACITY);
        (Self { events, behind: AtomicBool::new(false) }, inbox)
    }

    /// A signal came for a watched session. One that is absurdly long is dropped.
    pub(super) fn signal(&self, session: SessionId, payload: Vec<u8>) {
        if payload.len() > SIGNAL_MAX {
            let bytes = payload.len();
            warn!(%session, bytes, "HITL signal ignored: longer than any signal may be");
            return;
        }
        let waiting = self.events.max_capacity() - self.events.capacity();
        if payload.len() > LONG && waiting >= FEW {
            return self.fall_behind();
        }
        self.offer(StoreEvent::Signal { session, payload });
    }

    /// Somebody asked for this session to stop.
    pub(super) fn cancel(&self, session: SessionId) {
        self.offer(StoreEvent::Cancel { session });
    }

    /// A process has given runs up.
    pub(super) fn released(&self) {
        self.offer(StoreEvent::Released);
    }

    /// The holds have changed.
    pub(super) fn holds_changed(&self) {
        self.offer(StoreEvent::HoldsChanged);
    }

    /// The subscriptions are live again after a gap.
    pub(super) fn resubscribed(&self) {
        self.offer(StoreEvent::Resubscribed);
    }

    /// Says that events were dropped, if any were and there is room now.
    pub(super) fn catch_up(&self) {
        // Cleared before the send: what is dropped in between sets it again and is announced next.
        if self.behind.swap(false, Ordering::AcqRel) {
            self.resubscribed();
        }
    }

    fn offer(&self, event: StoreEvent) {
        match self.events.try_send(event) {
            // A closed channel means that the process has stopped listening for good.
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(_)) => self.fall_behind(),
        }
    }

    /// Something was dropped.
    fn fall_behind(&self) {
        if !self.behind.swap(true, Ordering::AcqRel) {
            warn!("store events come faster than they are taken; signals will be read back");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_fit_is_followed_by_a_call_to_read_everything_back() {
        let (event_channel, mut inbox) = EventChannel::new();
        let session = SessionId::new("session_a");
        for _ in 0..=CAPACITY {
            event_channel.signal(session.clone(), b"{}".to_vec());
        }
        event_channel.catch_up();
        while let Ok(event) = inbox.try_recv() {
            assert_ne!(event, StoreEvent::Resubscribed, "there was no room for it yet");
        }
        event_channel.catch_up();
        assert_eq!(inbox.try_recv().ok(), Some(StoreEvent::Resubscribed));
        event_channel.catch_up();
        assert!(inbox.try_recv().is_err(), "it is said once");
    }

    #[test]
    fn an_absurdly_long_signal_is_dropped() {
        let (event_channel, mut inbox) = EventChannel::new();
        let session = SessionId::new("session_a");
        event_channel.signal(session.clone(), vec![b'x'; SIGNAL_MAX + 1]);
        assert!(inbox.try_recv().is_err());
        event_channel.signal(session, vec![b'x'; SIGNAL_MAX]);
        assert!(inbox.try_recv().is_ok());
    }

    #[test]
    fn of_long_signals_few_wait_and_the_others_are_read_back() {
        let (event_channel, mut inbox) = EventChannel::new();
        for _ in 0..3 * FEW {
            event_channel.signal(SessionId::new("session_a"), vec![b'x'; SIGNAL_MAX]);
        }
        event_channel.catch_up();
        let events: Vec<_> = std::iter::from_fn(|| inbox.try_recv().ok()).collect();
        assert_eq!(events.len(), FEW + 1);
        assert_eq!(events.last(), Some(&StoreEvent::Resubscribed));
    }
}
