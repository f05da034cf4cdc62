//! How each entry refers to the one before it, and how a chain is verified.

use thiserror::Error;

use super::AuditFact;
use crate::domain::hash::{EntryHash, EntryMac};
use crate::domain::ids::TenantId;

/// One entry of a tenant's audit stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// 1, 2, 3, … within the tenant.
    pub number: u64,
    /// The hash of the entry before; the first names the tenant's genesis.
    pub previous: EntryHash,
    /// The fact as canonical JSON, byte for byte as it was hashed: what a later version records can
    /// be verified without being understood.
    pub fact: String,
    /// The hash of the three above.
    pub hash: EntryHash,
    /// The seal of the hash; `None` where no audit key was set.
    pub mac: Option<EntryMac>,
}

impl AuditEntry {
    /// The fact, if it is one that this version knows.
    pub fn parsed(&self) -> Result<AuditFact, serde_json::Error> {
        serde_json::from_str(&self.fact)
    }

    /// The end of a chain whose newest entry is this one.
    pub fn end(&self) -> ChainEnd {
        ChainEnd { number: self.number, hash: self.hash.clone() }
    }
}

/// Where a chain ends: all that has to be known of it to go on, or to check what comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainEnd {
    /// The number of the newest entry; 0 if there is none.
    pub number: u64,
    /// Its hash.
    pub hash: EntryHash,
}

impl ChainEnd {
    /// Of a chain without entries.
    pub fn genesis(tenant: &TenantId) -> Self {
        Self { number: 0, hash: EntryHash::genesis(tenant) }
    }

    /// The entry that follows.
    #[must_use]
    pub fn then(&self, fact: String) -> AuditEntry {
        // Only a forged entry has the highest number; after it the store refuses this one.
        let number = self.number.saturating_add(1);
        let hash = EntryHash::of_entry(number, &self.hash, &fact);
        AuditEntry { number, previous: self.hash.clone(), fact, hash, mac: None }
    }

    /// The end after `entry`, or why it does not follow.
    pub fn check(&self, entry: &AuditEntry) -> Result<Self, Broken> {
        let AuditEntry { number, previous, fact, hash, mac: _ } = entry;
        let (number, after) = (*number, self.number);
        if number <= after {
            return Err(Broken::OutOfOrder { number, after });
        }
        self.check_reaches(number - 1)?;
        if EntryHash::of_entry(number, previous, fact) != *hash {
            return Err(Broken::Altered { number });
        }
        if *previous != self.hash {
            return Err(Broken::Detached { number });
        }
        Ok(entry.end())
    }

    /// Whether the chain goes as far as it is known to have gone: cut ends are found out by this.
    pub fn check_reaches(&self, last: u64) -> Result<(), Broken> {
        match self.number.checked_add(1) {
            Some(first) if first <= last => Err(Broken::Missing { first, last }),
            Some(_) | None => Ok(()),
        }
    }
}

/// Where a chain is broken, and how. Up to there it is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Broken {
    /// Entries are not there, or not any more.
    #[error("entry {first} is missing (the gap ends with entry {last})")]
    Missing {
        /// The first of them.
        first: u64,
        /// The last of them.
        last: u64,
    },
    /// An entry is not what was recorded.
    #[error("entry {number} has been altered: its hash is not that of its content")]
    Altered {
        /// Which.
        number: u64,
    },
    /// An entry is whole, but the one before it is not the one that it was recorded after.
    #[error("entry {number} does not follow the entry before: one of them has been replaced")]
    Detached {
        /// Which.
        number: u64,
    },
    /// An entry was recorded by somebody who has not the audit key, or has another one.
    #[error("entry {number} does not carry the seal of the audit key")]
    Unsealed {
        /// Which.
        number: u64,
    },
    /// An entry is whole, but another one is known to have had its number.
    #[error("entry {number} is not the one that the anchor knows: the stream was rebuilt")]
    Rebuilt {
        /// Which.
        number: u64,
    },
    /// What tells how far the stream goes is not there, or is not sealed with the audit key.
    #[error(
        "nothing sealed says how far the stream goes: nothing was recorded with this audit key yet, or \
         its anchor was removed or forged"
    )]
    Adrift {
        /// The number of the first entry of which nothing is known.
        number: u64,
    },
    /// An entry comes after one with the same or a higher number.
    #[error("entry {number} comes after entry {after}")]
    OutOfOrder {
        /// Which.
        number: u64,
        /// After which.
        after: u64,
    },
}

impl Broken {
    /// The number of the first entry that cannot be relied on.
    pub fn number(self) -> u64 {
        match self {
            Self::Missing { first: number, .. }
            | Self::Altered { number }
            | Self::Detached { number }
            | Self::Unsealed { number }
            | Self::Rebuilt { number }
            | Self::Adrift { number }
            | Self::OutOfOrder { number, .. } => number,
        }
    }
}
