//! The holds as a process has read them last.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::domain::{HoldName, Holds};

/// The holds as this process has read them last.
#[derive(Debug, Default)]
pub struct KnownHolds(Mutex<LastRead>);

/// One lock, held for a few instructions.
#[derive(Debug, Default)]
struct LastRead {
    /// `None`: they were never read.
    holds: Option<Arc<Holds>>,
    /// What stands there and is none of ours.
    unverified: BTreeSet<HoldName>,
}

impl KnownHolds {
    /// What was read last, if anything was.
    pub(crate) fn last(&self) -> Option<Arc<Holds>> {
        self.0.lock().holds.clone()
    }

    /// What stood there then and is none of ours.
    pub(crate) fn unverified(&self) -> BTreeSet<HoldName> {
        self.0.lock().unverified.clone()
    }

    /// This was read. Returns what stands there for the first time and is none of ours.
    pub(crate) fn note(&self, holds: &Arc<Holds>, unverified: BTreeSet<HoldName>) -> Vec<HoldName> {
        let mut last = self.0.lock();
        last.holds = Some(Arc::clone(holds));
        let new = unverified.difference(&last.unverified).cloned().collect();
        last.unverified = unverified;
        new
    }
}
