//! Seals of decisions: how a stored decision is known to be one of ours.
//!
//! Whoever else can write the store can put anything in a decision's place. What nobody with the key
//! has sealed about just that request is no decision: it is told of once, counted, and replaced by the
//! first true one (contract, section 5.3, 3).

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use crate::domain::{Deadline, DecisionSeal, RequestId, SessionId};

/// Of how many answers without a seal it is remembered that they were told of.
const REMEMBERED: usize = 1_000;

/// The key of this process's decisions, and what it has met that was sealed with no such key.
#[derive(Debug)]
pub struct Seals {
    /// Replaced where the secret is read again. One lock, held to copy a pointer.
    seal: RwLock<Arc<DecisionSeal>>,
    /// Of which requests and kinds something unverified was told of. One lock, held for a few
    /// instructions.
    told: Mutex<HashSet<(RequestId, &'static str)>>,
}

impl Seals {
    /// Seals and opens with this.
    pub fn new(seal: DecisionSeal) -> Self {
        Self { seal: RwLock::new(Arc::new(seal)), told: Mutex::default() }
    }

    /// Seals and opens with this from now on.
    pub fn replace(&self, seal: DecisionSeal) {
        *self.seal.write() = Arc::new(seal);
    }

    /// What seals and opens now.
    pub(crate) fn seal(&self) -> Arc<DecisionSeal> {
        Arc::clone(&self.seal.read())
    }

    /// Whether this is the first time; of very many, the oldest may be told of again.
    pub(crate) fn is_news(&self, request: &RequestId, kind: &'static str) -> bool {
        let mut told = self.told.lock();
        if told.len() >= REMEMBERED {
            told.clear();
        }
        told.insert((request.clone(), kind))
    }
}

/// A request as decisions know it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) request: &'a RequestId,
    pub(crate) session: &'a SessionId,
    pub(crate) deadline: Deadline,
}
