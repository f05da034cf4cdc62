//! The holds of the embedded store.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::MemoryStore;
use crate::domain::{Hold, HoldName, Sealed};
use crate::store::{HOLDS_MAX, HoldStore, PutHoldError, StoreError};

/// What operators have stopped.
pub(super) type HoldTable = BTreeMap<HoldName, Sealed<Hold>>;

#[async_trait]
impl HoldStore for MemoryStore {
    async fn put_hold(&self, name: &HoldName, hold: &Sealed<Hold>) -> Result<(), PutHoldError> {
        let mut table = self.holds.lock();
        if table.len() >= HOLDS_MAX && !table.contains_key(name) {
            return Err(PutHoldError::Full);
        }
        table.insert(name.clone(), hold.clone());
        self.event_channel.holds_changed();
        Ok(())
    }

    async fn reseal_hold(
        &self,
        name: &HoldName,
        from: &Sealed<Hold>,
        to: &Sealed<Hold>,
    ) -> Result<(), StoreError> {
        if let Some(hold) = self.holds.lock().get_mut(name).filter(|hold| *hold == from) {
            *hold = to.clone();
        }
        Ok(())
    }

    async fn lift_hold(&self, name: &HoldName) -> Result<(), StoreError> {
        self.holds.lock().remove(name);
        self.event_channel.holds_changed();
        Ok(())
    }

    async fn all_holds(&self) -> Result<Vec<(HoldName, Sealed<Hold>)>, StoreError> {
        let table = self.holds.lock();
        Ok(table.iter().map(|(name, hold)| (name.clone(), hold.clone())).collect())
    }
}
