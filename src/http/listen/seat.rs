//! The places of a port: as many as the settings say, and a few beyond them, on which health and
//! metrics are still answered (contract, section 3).

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Connections that are taken beyond the most that the settings allow. A connection has a place of
/// these for moments only, so that many of them cost little and still come round.
const SPARE: usize = 128;

/// The places of a port.
#[derive(Clone, Debug)]
pub(super) struct Places {
    most: usize,
    regular: Arc<Semaphore>,
    spare: Arc<Semaphore>,
    /// Whether a new connection waits for a place.
    crowded: watch::Sender<bool>,
}

/// A wait for a place; dropping it says that it is over.
struct Waiting<'a>(&'a watch::Sender<bool>);

impl<'a> Waiting<'a> {
    fn on(crowded: &'a watch::Sender<bool>) -> Self {
        crowded.send_replace(true);
        Self(crowded)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_replace(false);
    }
}

impl Places {
    /// Room for `most` connections that may do anything.
    pub(super) fn new(most: usize) -> Self {
        let regular = Arc::new(Semaphore::new(most));
        let spare = Arc::new(Semaphore::new(SPARE));
        Self { most, regular, spare, crowded: watch::Sender::new(false) }
    }

    /// Waits for a place, a regular one if there is any.
    pub(super) async fn next(&self) -> Option<Seat> {
        if let Some(seat) = self.try_next() {
            return Some(seat);
        }
        let _waiting = Waiting::on(&self.crowded);
        let (regular, spare) = (Arc::clone(&self.regular), Arc::clone(&self.spare));
        let (is_spare, permit) = tokio::select! {
            biased;
            permit = regular.acquire_owned() => (false, permit),
            permit = spare.acquire_owned() => (true, permit),
        };
        Some(self.seat(is_spare, permit.ok()?))
    }

    /// A place, if there is one now.
    pub(super) fn try_next(&self) -> Option<Seat> {
        if let Ok(permit) = Arc::clone(&self.regular).try_acquire_owned() {
            return Some(self.seat(false, permit));
        }
        let permit = Arc::clone(&self.spare).try_acquire_owned().ok()?;
        Some(self.seat(true, permit))
    }

    fn seat(&self, is_spare: bool, permit: OwnedSemaphorePermit) -> Seat {
        let held = Mutex::new(Held { is_spare, _permit: permit });
        let answering = watch::Sender::new(false);
        Seat(Arc::new(Place { places: self.clone(), held, answering }))
    }
}

/// A connection's place, which is free again once nothing of the connection is left.
#[derive(Clone, Debug)]
pub struct Seat(Arc<Place>);

#[derive(Debug)]
struct Place {
    places: Places,
    held: Mutex<Held>,
    /// Whether a request has come whole and its answer is not there yet.
    answering: watch::Sender<bool>,
}

#[derive(Debug)]
struct Held {
    is_spare: bool,
    _permit: OwnedSemaphorePermit,
}

impl Seat {
    /// Whether the connection has a regular place. One that has a spare place moves to a regular one
    /// if any has become free.
    pub fn claim(&self) -> bool {
        let mut held = self.held();
        if held.is_spare
            && let Ok(permit) = Arc::clone(&self.0.places.regular).try_acquire_owned()
        {
            *held = Held { is_spare: false, _permit: permit };
        }
        !held.is_spare
    }

    /// How many regular places there are, taken or free.
    pub fn most(&self) -> usize {
        self.0.places.most
    }

    /// Whether the connection has a place beyond the regular ones.
    pub(super) fn is_spare(&self) -> bool {
        self.held().is_spare
    }

    /// Returns once somebody waits for a place.
    pub(super) async fn is_wanted(&self) {
        let mut crowded = self.0.places.crowded.subscribe();
        // The sender lives as long as this place does.
        let _ = crowded.wait_for(|crowded| *crowded).await;
    }

    /// A request has come whole; until its answer is there.
    pub(super) fn set_answering(&self, is_answering: bool) {
        self.0.answering.send_replace(is_answering);
    }

    /// Whether a request has come whole and its answer is not there yet.
    pub(super) fn is_answering(&self) -> bool {
        *self.0.answering.borrow()
    }

    /// Returns once there is no request whose answer is not there yet.
    pub(super) async fn has_answered(&self) {
        let mut answering = self.0.answering.subscribe();
        // The sender lives as long as this place does.
        let _ = answering.wait_for(|answering| !answering).await;
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_connection_beyond_the_most_moves_to_a_regular_place_once_one_is_free() {
        let places = Places::new(1);
        let first = places.next().await.unwrap();
        let beyond = places.next().await.unwrap();
        assert!(first.claim() && !beyond.claim() && beyond.is_spare());
        drop(first);
        assert!(beyond.claim() && !beyond.is_spare());
        assert!(places.try_next().unwrap().is_spare());
    }

    #[tokio::test]
    async fn a_place_is_wanted_for_as_long_as_somebody_waits_for_one() {
        let places = Places::new(1);
        let mut taken: Vec<Seat> = std::iter::from_fn(|| places.try_next()).collect();
        let last = taken.pop().unwrap();
        assert!(last.is_wanted().now_or_never().is_none());
        let next = places.next();
        tokio::pin!(next);
        assert!(next.as_mut().now_or_never().is_none());
        assert!(last.is_wanted().now_or_never().is_some());
        drop(last);
        let last = next.await.unwrap();
        assert!(last.is_wanted().now_or_never().is_none());
    }

    #[test]
    fn the_places_beyond_the_most_are_bounded_too() {
        let places = Places::new(2);
        let taken: Vec<Seat> = std::iter::from_fn(|| places.try_next()).collect();
        assert_eq!(taken.len(), 2 + SPARE);
    }
}
