//! Holds are one hash, which every process reads whole: there are few of them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use async_trait::async_trait;

use super::leases::text;
use super::{RedisStore, hub, keys};
use crate::domain::{Hold, HoldName, Sealed};
use crate::store::{HOLDS_MAX, HoldStore, PutHoldError, StoreError};

#[async_trait]
impl HoldStore for RedisStore {
    async fn put_hold(&self, name: &HoldName, hold: &Sealed<Hold>) -> Result<(), PutHoldError> {
        let (name, hold) = (Cow::Borrowed(name.as_str().as_bytes()), hold.as_bytes());
        let told = [text(&keys::CONTROL), text(&hub::HOLDS_CHANGED)];
        let args = [name, Cow::Borrowed(hold), text(&HOLDS_MAX)].into_iter().chain(told);
        let args: Vec<_> = args.collect();
        let put: u8 = self.commands.script(&self.put_hold, keys::HOLDS, &args).await?;
        if put == 1 { Ok(()) } else { Err(PutHoldError::Full) }
    }

    async fn reseal_hold(
        &self,
        name: &HoldName,
        from: &Sealed<Hold>,
        to: &Sealed<Hold>,
    ) -> Result<(), StoreError> {
        let (from, to) = (Cow::Borrowed(from.as_bytes()), Cow::Borrowed(to.as_bytes()));
        let args = [text(&name.as_str()), from, to];
        self.commands.script(&self.reseal_hold, keys::HOLDS, &args).await
    }

    async fn lift_hold(&self, name: &HoldName) -> Result<(), StoreError> {
        let args = [text(&name.as_str()), text(&keys::CONTROL), text(&hub::HOLDS_CHANGED)];
        self.commands.script(&self.lift_hold, keys::HOLDS, &args).await
    }

    async fn all_holds(&self) -> Result<Vec<(HoldName, Sealed<Hold>)>, StoreError> {
        let all = self.commands.query(redis::cmd("HGETALL").arg(keys::HOLDS)).await;
        let all: BTreeMap<Vec<u8>, Vec<u8>> = match all {
            // What is no hash was never ours; the next hold takes its place.
            Err(error @ StoreError::Corrupt(_)) => {
                tracing::warn!(key = keys::HOLDS, %error, "something else stands in the place of the holds");
                BTreeMap::new()
            }
            all => all?,
        };
        let named = |(name, hold): (Vec<u8>, Vec<u8>)| {
            let name = HoldName::parse(std::str::from_utf8(&name).ok()?)?;
            Some((name, Sealed::stored(hold)))
        };
        Ok(all.into_iter().filter_map(named).collect())
    }
}
