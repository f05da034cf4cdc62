//! The audit key. With it every entry is sealed, and an anchor beside the stream seals how far the chain
//! goes, so that even whoever writes to the store cannot forge, remove or rebuild entries unseen.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde_json::json;

use super::chain::{AuditEntry, ChainEnd};
use crate::domain::hash::{EntryHash, EntryMac};
use crate::domain::ids::TenantId;
use crate::domain::mac::MacKey;

/// The key that seals audit entries. It cannot be printed.
#[derive(Clone)]
pub struct AuditKey(MacKey);

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditKey([REDACTED])")
    }
}

/// How far a chain was when it was last added to, as the store keeps it, whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditAnchor {
    /// The end of the chain.
    pub end: ChainEnd,
    /// The seal of that.
    pub mac: EntryMac,
}

impl AuditKey {
    /// The key that this secret gives.
    pub fn new(secret: &[u8]) -> Self {
        Self(MacKey::derived(secret, "aura-platform: seal of audit streams, 1"))
    }

    /// The same entry, sealed.
    #[must_use]
    pub fn sealed(&self, entry: AuditEntry) -> AuditEntry {
        AuditEntry { mac: Some(self.seal(&entry.hash)), ..entry }
    }

    /// The seal of the entry with this hash, which covers all that is in it and all before it.
    fn seal(&self, hash: &EntryHash) -> EntryMac {
        EntryMac::of(self.0.mac(&json!(["entry", hash])))
    }

    /// The anchor of a tenant's chain that ends here.
    pub fn anchor(&self, tenant: &TenantId, end: &ChainEnd) -> AuditAnchor {
        let covered = json!(["anchor", tenant, end.number, end.hash]);
        AuditAnchor { end: end.clone(), mac: EntryMac::of(self.0.mac(&covered)) }
    }

    /// Whether this key has sealed the entry.
    pub fn has_sealed(&self, entry: &AuditEntry) -> bool {
        entry.mac.as_ref().is_some_and(|mac| is_same(mac, &self.seal(&entry.hash)))
    }

    /// Where the chain was known to end, if this key has sealed that.
    pub fn opened<'a>(&self, tenant: &TenantId, anchor: &'a AuditAnchor) -> Option<&'a ChainEnd> {
        let true_one = self.anchor(tenant, &anchor.end);
        is_same(&anchor.mac, &true_one.mac).then_some(&anchor.end)
    }
}

fn is_same(one: &EntryMac, other: &EntryMac) -> bool {
    verify_slices_are_equal(one.as_str().as_bytes(), other.as_str().as_bytes()).is_ok()
}
