//! The port of holds: what operators have stopped (contract, section 5.7).

use async_trait::async_trait;
use thiserror::Error;

use super::errors::StoreError;
use crate::domain::{Hold, HoldName, Sealed};

/// How many holds there may be: all of them are read with every start, and a person has to see through them.
pub const HOLDS_MAX: usize = 200;

/// Why a hold was not put.
#[derive(Clone, Debug, Error)]
pub enum PutHoldError {
    /// There are [`HOLDS_MAX`] others.
    #[error("there are as many holds as there may be ({HOLDS_MAX})")]
    Full,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The holds of all tenants, each under its name, until somebody lifts it. They have no end by themselves.
///
/// A store is trusted to keep them, not to make them: it gets them [`Sealed`], and gives back whatever stands
/// there. What that is worth is for the caller to find out, who has the key.
#[async_trait]
pub trait HoldStore: Send + Sync {
    /// Puts a hold, in the place of one of the same name. When this returns `Ok`, every process reads it, and
    /// gets [`StoreEvent::HoldsChanged`](crate::store::StoreEvent), as far as it is connected.
    async fn put_hold(&self, name: &HoldName, hold: &Sealed<Hold>) -> Result<(), PutHoldError>;

    /// Replaces what stands under this name by the same hold under another seal, if it is still exactly `from`. Nobody
    /// is told.
    async fn reseal_hold(
        &self,
        name: &HoldName,
        from: &Sealed<Hold>,
        to: &Sealed<Hold>,
    ) -> Result<(), StoreError>;

    /// Takes away whatever stands under this name, and tells every process likewise.
    async fn lift_hold(&self, name: &HoldName) -> Result<(), StoreError>;

    /// All that stands there, in the order of the names; what has no name is left out.
    async fn all_holds(&self) -> Result<Vec<(HoldName, Sealed<Hold>)>, StoreError>;
}
