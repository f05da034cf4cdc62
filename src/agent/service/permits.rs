//! How many runs work in this process at once. A run that waits for a person takes no place.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The places of a process. Cloning shares them.
#[derive(Clone, Debug)]
pub(super) struct Places {
    most: usize,
    taken: Arc<AtomicUsize>,
}

/// A run's place; dropping it makes room.
#[derive(Debug)]
pub(super) struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Places {
    /// As many as that.
    pub(super) fn new(most: usize) -> Self {
        Self { most, taken: Arc::default() }
    }

    /// How many there are.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// How many are free.
    pub(super) fn room(&self) -> usize {
        self.most.saturating_sub(self.taken.load(Ordering::Acquire))
    }

    /// A place for a run that this process has not let in yet, if one is free.
    pub(super) fn take(&self) -> Option<Place> {
        let one_more = |taken| (taken < self.most).then_some(taken + 1);
        let taken = self.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more);
        taken.ok().map(|_| Place(Arc::clone(&self.taken)))
    }

    /// A place for a run that has waited here, free or not: who has decided about it is not to wait for
    /// others' runs. While more are taken than there are, nobody new is let in.
    pub(super) fn take_back(&self) -> Place {
        self.taken.fetch_add(1, Ordering::AcqRel);
        Place(Arc::clone(&self.taken))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_waited_gets_a_place_and_nobody_new_does_until_there_is_one() {
        let places = Places::new(1);
        let first = places.take().unwrap();
        assert!(places.take().is_none());
        drop(first);
        let second = places.take().unwrap();
        let back = places.take_back();
        assert_eq!(places.room(), 0);
        drop(second);
        assert!(places.take().is_none());
        drop(back);
        assert_eq!(places.room(), 1);
        assert!(places.take().is_some());
    }
}
