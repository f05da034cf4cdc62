//! How many runs work in this process at once. A run that waits for a person takes no permit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The permits of a process. Cloning shares them.
#[derive(Clone, Debug)]
pub(super) struct Permits {
    most: usize,
    taken: Arc<AtomicUsize>,
}

/// A run's permit; dropping it makes room.
#[derive(Debug)]
pub(super) struct Permit(Arc<AtomicUsize>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Permits {
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

    /// A permit for a run that this process has not let in yet, if one is free.
    pub(super) fn take(&self) -> Option<Permit> {
        let one_more = |taken| (taken < self.most).then_some(taken + 1);
        let taken = self.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more);
        taken.ok().map(|_| Permit(Arc::clone(&self.taken)))
    }

    /// A permit for a run that has waited here, free or not: who has decided about it is not to wait for
    /// others' runs. While more are taken than there are, nobody new is let in.
    pub(super) fn take_beyond_most(&self) -> Permit {
        self.taken.fetch_add(1, Ordering::AcqRel);
        Permit(Arc::clone(&self.taken))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_waited_gets_a_permit_and_nobody_new_does_until_there_is_one() {
        let permits = Permits::new(1);
        let first = permits.take().unwrap();
        assert!(permits.take().is_none());
        drop(first);
        let second = permits.take().unwrap();
        let back = permits.take_beyond_most();
        assert_eq!(permits.room(), 0);
        drop(second);
        assert!(permits.take().is_none());
        drop(back);
        assert_eq!(permits.room(), 1);
        assert!(permits.take().is_some());
    }
}
