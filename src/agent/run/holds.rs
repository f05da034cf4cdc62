//! What operators have stopped, as the runs of a process know it (contract, section 5.7).
//!
//! There are two looks at it. Where a run may be refused, or a side effect is about to happen, the store is asked.
//! Everywhere else what was read last is enough: it is read again whenever it has changed, and twice a second
//! (`agent/service/holds.rs`).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::context::RunContext;
use crate::domain::seal::NamedSealable;
use crate::domain::{DecisionSeal, Hold, HoldName, Holds, Sealed};
use crate::store::StoreError;

impl RunContext {
    /// The holds in force, as the store has them now.
    pub(crate) async fn holds(&self) -> Result<Arc<Holds>, StoreError> {
        let (seal, mut unverified) = (self.seals.seal(), BTreeSet::new());
        let stored = self.store.all_holds().await?;
        let mut holds = Vec::new();
        for (name, sealed) in stored {
            match seal.open_named(name.as_str(), &sealed) {
                Some(hold) => {
                    self.renew_seal(&seal, &name, &sealed).await;
                    holds.push((name, hold));
                }
                None => drop(unverified.insert(name)),
            }
        }
        let holds: Arc<Holds> = Arc::new(holds.into_iter().collect());
        self.metrics.holds_in_force.set(i64::try_from(holds.len()).unwrap_or(i64::MAX));
        let new = self.known_holds.note(&holds, unverified);
        new.iter().for_each(|name| self.tell_unverified_hold(name));
        Ok(holds)
    }

    /// The holds as they were last read. A store that is away decides nothing and starts nothing either, so
    /// nothing comes of it that they are not known then.
    pub(crate) async fn holds_at_hand(&self) -> Arc<Holds> {
        match self.known_holds.last() {
            Some(known) => known,
            None => self.holds().await.unwrap_or_default(),
        }
    }

    /// Takes away all that stands there and is no hold.
    pub(crate) async fn clear_unverified_holds(&self) -> Result<(), StoreError> {
        self.holds().await?;
        for hold in self.known_holds.unverified() {
            self.store.lift_hold(&hold).await?;
            tracing::warn!(%hold, "what does not verify has made room for a hold");
        }
        Ok(())
    }

    /// A hold outlives any number of new secrets: what a former one has sealed is sealed anew.
    async fn renew_seal(&self, seal: &DecisionSeal, name: &HoldName, sealed: &Sealed<Hold>) {
        let Some(renewed) = seal.renewed_named(name.as_str(), sealed) else { return };
        if let Err(error) = self.store.reseal_hold(name, sealed, &renewed).await {
            tracing::warn!(hold = %name, %error, "a hold is not sealed anew yet");
        }
    }

    fn tell_unverified_hold(&self, hold: &HoldName) {
        self.metrics.unverified(Hold::KIND);
        tracing::warn!(%hold, "a hold does not verify and stops nothing: no process with this secret has put it");
    }
}
