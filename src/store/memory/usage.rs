//! How much memory the embedded store takes, approximately: it has a bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::domain::{
    IdempotencyKey, KeyClaim, KeyStanding, Message, RequestId, ScopedKey, Sealed, SessionId,
    SessionMeta, TenantId, ThreadId, UserId, UtcDay,
};
use crate::store::OpenStreams;

/// What every value costs besides its own bytes: its place in a table, and what the allocator needs.
pub(super) const PLACE: usize = 128;

/// The bytes of all that is kept, in all tables of one store. Counting never waits; the tables that add
/// to it do so under their own locks, so the sum is right at any moment but for what is being changed.
#[derive(Clone, Debug, Default)]
pub(super) struct Usage(Arc<AtomicUsize>);

impl Usage {
    /// The bytes now.
    pub(super) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Something is kept.
    pub(super) fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Something is not kept any more; it was added before.
    pub(super) fn subtract(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// How many bytes something takes besides its place in a table.
pub(super) trait Weight {
    /// The bytes, approximately.
    fn weight(&self) -> usize;
}

macro_rules! weigh_texts {
    ($($name:ty),+) => {$(
        impl Weight for $name {
            fn weight(&self) -> usize {
                self.as_str().len()
            }
        }
    )+};
}

weigh_texts!(SessionId, RequestId, TenantId, UserId, ThreadId, IdempotencyKey);

/// Numbers and marks, which their place has room for.
macro_rules! weigh_nothing {
    ($($name:ty),+) => {$(
        impl Weight for $name {
            fn weight(&self) -> usize {
                0
            }
        }
    )+};
}

weigh_nothing!((), u64, UtcDay, OpenStreams);

impl Weight for Box<str> {
    fn weight(&self) -> usize {
        self.len()
    }
}

impl<T> Weight for Sealed<T> {
    fn weight(&self) -> usize {
        self.as_bytes().len()
    }
}

impl<T: Weight> Weight for Vec<T> {
    fn weight(&self) -> usize {
        self.iter().map(|item| PLACE + item.weight()).sum()
    }
}

impl<A: Weight, B: Weight> Weight for (A, B) {
    fn weight(&self) -> usize {
        self.0.weight() + self.1.weight()
    }
}

impl<A: Weight, B: Weight, C: Weight> Weight for (A, B, C) {
    fn weight(&self) -> usize {
        self.0.weight() + self.1.weight() + self.2.weight()
    }
}

impl Weight for SessionMeta {
    fn weight(&self) -> usize {
        let ids = self.session_id.weight() + self.thread_id.weight();
        ids + self.tenant.weight() + self.user.weight() + self.prompt.len() + self.trace.len()
    }
}

impl Weight for ScopedKey {
    fn weight(&self) -> usize {
        self.tenant.weight() + self.user.weight() + self.key.weight()
    }
}

impl Weight for KeyStanding {
    fn weight(&self) -> usize {
        let KeyClaim { session, request } = &self.claim;
        session.weight() + request.as_str().len()
    }
}

impl Weight for Message {
    fn weight(&self) -> usize {
        let calls = match self {
            Self::Assistant { tool_calls, .. } => tool_calls.as_slice(),
            Self::System { .. } | Self::User { .. } | Self::Tool { .. } => &[],
        };
        let of_calls: usize =
            calls.iter().map(|call| PLACE + call.name.len() + call.arguments.len()).sum();
        PLACE + self.text().len() + of_calls
    }
}
