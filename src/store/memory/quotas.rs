//! What users and tenants have at once, in the embedded store.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::time::Duration;

use async_trait::async_trait;

use super::MemoryStore;
use super::expiring::Expiring;
use crate::domain::{
    Counted, Full, Holder, Quota, Rate, Refused, SessionId, SessionMeta, Share, TenantId,
    ToolCallId, UserId,
};
use crate::store::{OpenStreams, Quotas, StoreError, ttl};

/// When all of each user's starts are there again, in microseconds.
pub(super) type StartTable = Expiring<(TenantId, UserId), u64>;

/// How many streams of each user are open.
pub(super) type StreamTable = Expiring<(TenantId, UserId), OpenStreams>;

/// Whom something is counted for: a user, or, without one, a whole tenant.
type Owner = (TenantId, Option<UserId>);

/// What is live, and some that has ended since.
#[derive(Debug, Default)]
pub(super) struct LiveTable {
    runs: HashMap<Owner, HashSet<SessionId>>,
    waiting: HashMap<Owner, HashSet<(ToolCallId, SessionId)>>,
}

impl LiveTable {
    /// How many members of sets take up memory.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let runs: usize = self.runs.values().map(HashSet::len).sum();
        runs + self.waiting.values().map(HashSet::len).sum::<usize>()
    }
}

fn owner(holder: Holder, tenant: &TenantId, user: &UserId) -> Owner {
    let user = match holder {
        Holder::User => Some(user.clone()),
        Holder::Tenant => None,
    };
    (tenant.clone(), user)
}

fn both(tenant: &TenantId, user: &UserId) -> [Owner; 2] {
    [Holder::User, Holder::Tenant].map(|holder| owner(holder, tenant, user))
}

/// Whether an owner's set has room; looks at its members only if it seems to be full.
fn room<T: Hash + Eq>(
    sets: &mut HashMap<Owner, HashSet<T>>,
    owner: &Owner,
    share: &Share,
    is_live: impl Fn(&T) -> bool,
) -> Result<(), Full> {
    let Some(set) = sets.get_mut(owner) else { return Ok(()) };
    share.room_beside(set.len()).or_else(|_| {
        set.retain(is_live);
        share.room_beside(set.len())
    })
}

fn add<T: Hash + Eq + Clone>(
    sets: &mut HashMap<Owner, HashSet<T>>,
    owners: [Owner; 2],
    member: &T,
) {
    for owner in owners {
        sets.entry(owner).or_default().insert(member.clone());
    }
}

fn remove<T: Hash + Eq>(sets: &mut HashMap<Owner, HashSet<T>>, owners: [Owner; 2], member: &T) {
    for owner in owners {
        if let Some(set) = sets.get_mut(&owner) {
            set.remove(member);
            if set.is_empty() {
                sets.remove(&owner);
            }
        }
    }
}

fn keep_live<T: Hash + Eq>(
    sets: &mut HashMap<Owner, HashSet<T>>,
    is_live: impl Fn(&T) -> bool + Copy,
) {
    sets.retain(|_, set| {
        set.retain(is_live);
        !set.is_empty()
    });
}

impl MemoryStore {
    /// Frees what has ended and was not given back.
    pub(super) fn sweep_live(&self) {
        let mut live = self.live.lock();
        keep_live(&mut live.runs, |session| self.is_leased(session));
        keep_live(&mut live.waiting, |(_, session)| self.is_leased(session));
    }

    /// Whether there is room for one more, for all of these limits.
    fn room(
        &self,
        live: &mut LiveTable,
        tenant: &TenantId,
        user: &UserId,
        shares: &[Share],
    ) -> Result<(), Full> {
        for share in shares {
            let owner = owner(share.holder, tenant, user);
            match share.counted {
                Counted::Runs => {
                    room(&mut live.runs, &owner, share, |session| self.is_leased(session))?;
                }
                Counted::Waiting => {
                    room(&mut live.waiting, &owner, share, |(_, session)| self.is_leased(session))?;
                }

                Counted::Streams => {}
            }
        }
        Ok(())
    }

    fn is_leased(&self, session: &SessionId) -> bool {
        self.leases.lock().contains_key(session)
    }

    fn take_one(&self, tenant: &TenantId, user: &UserId, rate: Rate) -> Result<(), Refused> {
        let (key, now) = ((tenant.clone(), user.clone()), self.clock.now());
        let mut table = self.starts.lock();
        let before = table.get(&key, now).copied().unwrap_or(0);
        let now_us = now.get().saturating_mul(1000);
        let (granted, whole_at) = rate.take(before, now_us);
        let whole_in_us = whole_at.saturating_sub(now_us);
        // A millisecond more than it lasts: what has expired allows everything.
        let kept = Duration::from_micros(whole_in_us) + Duration::from_millis(1);
        table.put(key, whole_at, now, kept);
        if granted { Ok(()) } else { Err(Refused::TooOften(rate.allowance(false, whole_in_us))) }
    }
}

#[async_trait]
impl Quotas for MemoryStore {
    async fn take_start(
        &self,
        tenant: &TenantId,
        user: &UserId,
        session: &SessionId,
        quota: &Quota,
    ) -> Result<Result<(), Refused>, StoreError> {
        let owners = both(tenant, user);
        let mut live = self.live.lock();
        if live.runs.get(&owners[0]).is_some_and(|runs| runs.contains(session)) {
            return Ok(Ok(()));
        }
        let room = self.room(&mut live, tenant, user, &quota.of_start()).map_err(Refused::Full);
        let taken = room.and_then(|()| match quota.starts {
            Some(rate) => self.take_one(tenant, user, rate),
            None => Ok(()),
        });
        if taken.is_ok() {
            add(&mut live.runs, owners, session);
        }
        Ok(taken)
    }

    async fn take_question(
        &self,
        meta: &SessionMeta,
        call: &ToolCallId,
        quota: &Quota,
    ) -> Result<Result<(), Full>, StoreError> {
        let (tenant, user) = (&meta.tenant, &meta.user);
        let (owners, member) = (both(tenant, user), (call.clone(), meta.session_id.clone()));
        let mut live = self.live.lock();
        if live.waiting.get(&owners[0]).is_some_and(|waiting| waiting.contains(&member)) {
            return Ok(Ok(()));
        }
        let taken = self.room(&mut live, tenant, user, &quota.of_question());
        if taken.is_ok() {
            add(&mut live.waiting, owners, &member);
        }
        Ok(taken)
    }

    async fn leave_run(&self, meta: &SessionMeta) -> Result<(), StoreError> {
        let owners = both(&meta.tenant, &meta.user);
        remove(&mut self.live.lock().runs, owners, &meta.session_id);
        Ok(())
    }

    async fn leave_question(
        &self,
        meta: &SessionMeta,
        call: &ToolCallId,
    ) -> Result<(), StoreError> {
        let owners = both(&meta.tenant, &meta.user);
        let member = (call.clone(), meta.session_id.clone());
        remove(&mut self.live.lock().waiting, owners, &member);
        Ok(())
    }

    /// There is no other process: its own count is all.
    async fn count_streams(
        &self,
        tenant: &TenantId,
        user: &UserId,
        open: OpenStreams,
        most: Share,
    ) -> Result<Result<(), Full>, StoreError> {
        let key = (tenant.clone(), user.clone());
        let now = self.clock.now();
        let mut streams = self.streams.lock();
        let noted = streams.get(&key, now).copied();
        if noted.is_some_and(|noted| noted.version >= open.version) {
            return Ok(Ok(()));
        }
        let others = open.count.saturating_sub(1) as usize;
        if open.count > noted.map_or(0, |noted| noted.count)
            && let Err(full) = most.room_beside(others)
        {
            return Ok(Err(full));
        }
        streams.put(key, open, now, ttl::STREAMS);
        Ok(Ok(()))
    }

    async fn heard_of(&self, _term: Duration) -> Result<bool, StoreError> {
        Ok(true)
    }
}
