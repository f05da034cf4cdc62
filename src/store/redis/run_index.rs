//! The index of all runs: one sorted set of all, and one of each tenant. The members are
//! `<when it was started, 20 digits>:<session id>`, all with the score 0, so that the order of the bytes is the
//! order of the list.

use std::time::Duration;

use async_trait::async_trait;
use redis::{Cmd, cmd};

use super::json::from_json;
use super::leases::text;
use super::{RedisStore, keys};
use crate::domain::{SessionId, SessionMeta, TenantId, UnixMs};
use crate::store::{RUNS_LISTED, RunIndex, RunPage, RunPlace, RunsWanted, StoreError, ttl};

/// A run that was started less long ago may not have its record yet.
const STARTING: Duration = Duration::from_secs(60 * 60);

fn member(place: &RunPlace) -> String {
    format!("{:020}:{}", place.created_at.get(), place.session)
}

fn place(member: &str) -> Option<RunPlace> {
    let (created_at, session) = member.split_once(':')?;
    let created_at = UnixMs::new(created_at.parse().ok()?);
    Some(RunPlace { created_at, session: SessionId::parse(session)? })
}

fn record(place: &RunPlace) -> Cmd {
    let mut record = cmd("GET");
    record.arg(keys::session(&place.session));
    record
}

impl RedisStore {
    /// Lists a run among all others and among its tenant's.
    pub(super) async fn list_run(&self, meta: &SessionMeta) -> Result<(), StoreError> {
        let expired = self.clock.now().before(ttl::LISTED).unwrap_or_default();
        let args = [
            text(&member(&RunPlace::of(meta))),
            text(&format_args!("{:020}", expired.get())),
            text(&RUNS_LISTED),
            text(&ttl::LISTED.as_secs()),
        ];
        let (all, of_tenant) = (keys::run_index(None), keys::run_index(Some(&meta.tenant)));
        tokio::try_join!(
            self.commands.script::<()>(&self.list_run, &all, &args),
            self.commands.script::<()>(&self.list_run, &of_tenant, &args)
        )?;
        Ok(())
    }

    /// The next places of an index, and members that are none.
    async fn places_below(
        &self,
        index: &str,
        below: &str,
        limit: usize,
    ) -> Result<(Vec<RunPlace>, Vec<Vec<u8>>), StoreError> {
        let mut newest = cmd("ZRANGE");
        newest.arg(index).arg(below).arg("-").arg("BYLEX").arg("REV");
        newest.arg("LIMIT").arg(0).arg(limit);
        let members: Vec<Vec<u8>> = match self.commands.query(&newest).await {
            // What is no index was never ours; the next run takes its place.
            Err(error @ StoreError::Corrupt(_)) => {
                tracing::warn!(key = index, %error, "something else stands in the place of an index of runs");
                Vec::new()
            }
            members => members?,
        };
        let (mut places, mut foreign) = (Vec::new(), Vec::new());
        for member in members {
            match std::str::from_utf8(&member).ok().and_then(place) {
                Some(place) => places.push(place),
                None => foreign.push(member),
            }
        }
        Ok((places, foreign))
    }

    /// Which of these somebody looks after.
    async fn leased(&self, places: Vec<RunPlace>) -> Result<Vec<RunPlace>, StoreError> {
        if places.is_empty() {
            return Ok(places);
        }
        let mut leases = cmd("ZMSCORE");
        leases.arg(keys::LEASES);
        for place in &places {
            leases.arg(place.session.as_str());
        }
        let leases: Vec<Option<f64>> = self.commands.query(&leases).await?;
        let leased = places.into_iter().zip(leases).filter(|(_, lease)| lease.is_some());
        Ok(leased.map(|(place, _)| place).collect())
    }

    /// The records of these runs, in their order. What has none any more leaves the index.
    async fn listed_records(
        &self,
        index: &str,
        places: &[RunPlace],
    ) -> Result<Vec<SessionMeta>, StoreError> {
        let found = self.commands.each::<Option<String>>(places.iter().map(record)).await?;
        let may_start_from = self.clock.now().before(STARTING).unwrap_or_default();
        let (mut records, mut expired) = (Vec::new(), Vec::new());
        for (place, found) in places.iter().zip(found) {
            match found {
                Ok(Some(text)) => match from_json(place.session.as_str(), &text) {
                    Ok(record) => records.push(record),
                    Err(error) => tracing::warn!(%error, "a run's record cannot be read"),
                },
                Ok(None) if place.created_at < may_start_from => expired.push(member(place)),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "a run's record cannot be read"),
            }
        }
        if !expired.is_empty() {
            self.commands.query::<()>(cmd("ZREM").arg(index).arg(expired)).await?;
        }
        Ok(records)
    }
}

#[async_trait]
impl RunIndex for RedisStore {
    async fn listed_runs(
        &self,
        tenant: Option<&TenantId>,
        wanted: RunsWanted,
        before: Option<&RunPlace>,
        limit: usize,
    ) -> Result<RunPage, StoreError> {
        let index = keys::run_index(tenant);
        let below = before.map_or("+".to_owned(), |before| format!("({}", member(before)));
        let places = loop {
            let (places, foreign) = self.places_below(&index, &below, limit).await?;
            if foreign.is_empty() {
                break places;
            }
            // What is none of ours leaves the index: ever so much of it would hide ours.
            self.commands.query::<()>(cmd("ZREM").arg(&index).arg(foreign)).await?;
        };
        let next = places.last().filter(|_| places.len() == limit).cloned();
        let places = match wanted {
            RunsWanted::All => places,
            RunsWanted::Live => self.leased(places).await?,
        };
        Ok(RunPage { runs: self.listed_records(&index, &places).await?, next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_and_sorts_as_the_runs_were_started() {
        let at = |ms, session: &str| RunPlace {
            created_at: UnixMs::new(ms),
            session: SessionId::new(session),
        };
        let places = [at(9, "session_b"), at(10, "session_a"), at(10, "session_b")];
        assert!(places.is_sorted() && places.iter().map(member).is_sorted());
        for listed in &places {
            assert_eq!(place(&member(listed)).as_ref(), Some(listed));
        }
        assert_eq!(place("nobody's"), None);
    }
}
