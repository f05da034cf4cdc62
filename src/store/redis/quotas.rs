//! What users and tenants have at once: sets of what is live, and counts of streams, each changed by a script.
//!
//! A set may hold what has ended meanwhile. Only where it seems to be full its members are looked at, those
//! first that were not for longest, and what has ended is taken out. Each member is looked at before a set is
//! said to be full, unless somebody has within the last second: whoever asks on and on is not to cost a pass
//! over a large set each time.

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;
use redis::{Cmd, cmd};

use super::leases::text;
use super::{RedisStore, keys};
use crate::domain::{
    Counted, Full, Holder, Quota, Rate, Refused, SessionId, SessionMeta, Share, TenantId,
    ToolCallId, UserId,
};
use crate::store::{OpenStreams, Quotas, StoreError, ttl};

/// The place, among the arguments for taking a place, of the set that was looked at just now.
const LOOKED_IN: usize = 4;

/// A set, and how much it may hold.
struct Set {
    key: String,
    share: Share,
}

/// Whom something is counted for.
#[derive(Clone, Copy)]
struct Owner<'a> {
    tenant: &'a TenantId,
    user: &'a UserId,
}

impl<'a> Owner<'a> {
    fn of(meta: &'a SessionMeta) -> Self {
        Self { tenant: &meta.tenant, user: &meta.user }
    }

    fn sets(self, shares: &[Share]) -> Vec<Set> {
        let set = |share: &Share| Set { key: self.key(share.counted, share.holder), share: *share };
        shares.iter().map(set).collect()
    }

    fn key(self, counted: Counted, holder: Holder) -> String {
        let what = match counted {
            Counted::Runs => "runs",
            Counted::Waiting => "waiting",
            Counted::Streams => "streams",
        };
        let user = match holder {
            Holder::User => Some(self.user),
            Holder::Tenant => None,
        };
        keys::counted(what, self.tenant, user)
    }
}

/// How a call is named in its sets: with the run that has to be live. No session's id has a blank.
fn waiting(call: &ToolCallId, session: &SessionId) -> String {
    format!("{session} {call}")
}

/// The run that a member of a set belongs to.
fn session_of(member: &str) -> &str {
    member.split_once(' ').map_or(member, |(session, _)| session)
}

fn limit(share: &Share) -> Cow<'static, [u8]> {
    text(&share.most.map_or(0, NonZeroU32::get))
}

fn score(set: &str, member: &str) -> Cmd {
    let mut score = cmd("ZSCORE");
    score.arg(set).arg(member);
    score
}

impl RedisStore {
    /// Takes a place for `member` in the first two of these sets, if all have room, and one of the rate.
    async fn take_place(
        &self,
        member: &str,
        sets: &[Set],
        rate: Option<(String, Rate)>,
    ) -> Result<Result<(), Refused>, StoreError> {
        let keys = sets.iter().map(|set| set.key.as_str());
        let keys: Vec<&str> = keys.chain(rate.iter().map(|(key, _)| key.as_str())).collect();
        let (share_us, period_us) =
            rate.as_ref().map_or((0, 0), |(_, rate)| (rate.share_us(), rate.period_us()));
        let mut args = vec![Cow::Borrowed(member.as_bytes()), text(&ttl::COUNTED.as_millis())];
        args.extend([text(&share_us), text(&period_us), text(&0)]);
        args.extend(sets.iter().map(|set| limit(&set.share)));
        loop {
            let (verdict, whole_in_us, oldest): (i64, u64, Vec<String>) =
                self.commands.script_on(&self.take_places, &keys, &args).await?;
            let set = usize::try_from(verdict - 1).ok().and_then(|at| sets.get(at));
            let full = set.and_then(|set| Some((set, set.share.full()?)));
            match (full, &rate) {
                (Some((_, full)), _) if oldest.is_empty() => return Ok(Err(Refused::Full(full))),
                (Some((set, _)), _) => {
                    self.drop_ended(set, &oldest).await?;
                    args[LOOKED_IN] = text(&verdict);
                }
                (None, Some((_, rate))) if verdict < 0 => {
                    return Ok(Err(Refused::TooOften(rate.allowance(false, whole_in_us))));
                }
                (None, _) => return Ok(Ok(())),
            }
        }
    }

    /// Takes out of a set which of these members have ended.
    async fn drop_ended(&self, set: &Set, members: &[String]) -> Result<(), StoreError> {
        let leases = members.iter().map(|member| score(keys::LEASES, session_of(member)));
        let leases = self.commands.each::<Option<f64>>(leases).await?;
        let ended = members.iter().zip(leases).filter(|(_, lease)| matches!(lease, Ok(None)));
        let ended: Vec<&String> = ended.map(|(member, _)| member).collect();
        if ended.is_empty() {
            return Ok(());
        }
        let mut drop = cmd("ZREM");
        drop.arg(&set.key).arg(&ended);
        self.commands.query(&drop).await
    }

    /// Takes a member out of the two sets of its kind.
    async fn leave(
        &self,
        counted: Counted,
        meta: &SessionMeta,
        member: &str,
    ) -> Result<(), StoreError> {
        let owner = Owner::of(meta);
        let leave = [Holder::User, Holder::Tenant].map(|holder| {
            let mut leave = cmd("ZREM");
            leave.arg(owner.key(counted, holder)).arg(member);
            leave
        });
        self.commands.all(leave).await
    }
}

#[async_trait]
impl Quotas for RedisStore {
    async fn take_start(
        &self,
        tenant: &TenantId,
        user: &UserId,
        session: &SessionId,
        quota: &Quota,
    ) -> Result<Result<(), Refused>, StoreError> {
        let owner = Owner { tenant, user };
        let rate = quota.starts.map(|rate| (keys::counted("starts", tenant, Some(user)), rate));
        self.take_place(session.as_str(), &owner.sets(&quota.of_start()), rate).await
    }

    async fn take_question(
        &self,
        meta: &SessionMeta,
        call: &ToolCallId,
        quota: &Quota,
    ) -> Result<Result<(), Full>, StoreError> {
        let sets = Owner::of(meta).sets(&quota.of_question());
        let member = waiting(call, &meta.session_id);
        Ok(match self.take_place(&member, &sets, None).await? {
            Err(Refused::Full(full)) => Err(full),
            // There is no rate that could refuse it.
            Ok(()) | Err(Refused::TooOften(_)) => Ok(()),
        })
    }

    async fn leave_run(&self, meta: &SessionMeta) -> Result<(), StoreError> {
        self.leave(Counted::Runs, meta, meta.session_id.as_str()).await
    }

    async fn leave_question(
        &self,
        meta: &SessionMeta,
        call: &ToolCallId,
    ) -> Result<(), StoreError> {
        self.leave(Counted::Waiting, meta, &waiting(call, &meta.session_id)).await
    }

    async fn count_streams(
        &self,
        tenant: &TenantId,
        user: &UserId,
        open: OpenStreams,
        most: Share,
    ) -> Result<Result<(), Full>, StoreError> {
        let key = Owner { tenant, user }.key(Counted::Streams, Holder::User);
        let args = [
            Cow::Borrowed(self.process.as_bytes()),
            text(&open.version),
            text(&open.count),
            limit(&most),
            text(&ttl::STREAMS.as_millis()),
        ];
        loop {
            let (too_many, others): (bool, Vec<String>) =
                self.commands.script(&self.count_streams, &key, &args).await?;
            match most.full().filter(|_| too_many) {
                Some(full) if !self.drop_gone(&key, &others).await? => return Ok(Err(full)),
                Some(_) => {}
                None => return Ok(Ok(())),
            }
        }
    }

    async fn heard_of(&self, term: Duration) -> Result<bool, StoreError> {
        let args = [text(&term.as_millis()), Cow::Borrowed(self.process.as_bytes())];
        self.commands.script(&self.heard_of, keys::PROCESSES, &args).await
    }
}

impl RedisStore {
    /// Takes out of a user's counts those of processes that are gone; says whether there were any.
    async fn drop_gone(&self, key: &str, processes: &[String]) -> Result<bool, StoreError> {
        let heard_of = processes.iter().map(|process| score(keys::PROCESSES, process));
        let heard_of = self.commands.each::<Option<f64>>(heard_of).await?;
        let gone =
            processes.iter().zip(heard_of).filter(|(_, heard_of)| matches!(heard_of, Ok(None)));
        let gone: Vec<&String> = gone.map(|(process, _)| process).collect();
        if gone.is_empty() {
            return Ok(false);
        }
        let mut drop = cmd("HDEL");
        drop.arg(key).arg(&gone);
        self.commands.query::<()>(&drop).await?;
        Ok(true)
    }
}
