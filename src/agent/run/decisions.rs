//! Decisions on their way into the store and back: sealed before they go, opened when they come.

use std::collections::{BTreeSet, HashSet};

use super::context::RunContext;
use crate::agent::approval::rules::OpenedSignals;
use crate::agent::approval::seals::Subject;
use crate::domain::seal::Sealable;
use crate::domain::{
    ArgumentsHash, Decision, Endorsement, ProposalOutcome, RequestId, Sealed, SessionId, UserId,
};
use crate::store::{Polled, RequestMark, StoreError, StoredSignals};

/// How often a proposal may meet something new that is no decision, before it is given up for now.
const ATTEMPTS: u32 = 16;

impl RunContext {
    /// Decides, unless somebody already has ([`store::Approvals::decide`]).
    pub(crate) async fn decide(
        &self,
        about: Subject<'_>,
        decision: &Decision,
    ) -> Result<ProposalOutcome<Decision>, StoreError> {
        let sealed = self.sealed(about.request, about.session, decision)?;
        let mut void = None;
        for _ in 0..ATTEMPTS {
            let decide = self.store.decide(about.request, about.deadline, &sealed, void.as_ref());
            match decide.await? {
                ProposalOutcome::Won => return Ok(ProposalOutcome::Won),
                ProposalOutcome::Lost(standing) => {
                    match self.opened(about.request, about.session, &standing) {
                        Some(decision) => return Ok(ProposalOutcome::Lost(decision)),
                        None => void = Some(standing),
                    }
                }
            }
        }
        Err(StoreError::Contended("somebody keeps writing in the decision's place"))
    }

    /// The decision that stands, if there is one.
    pub(crate) async fn decision(
        &self,
        session: &SessionId,
        request: &RequestId,
    ) -> Result<Option<Decision>, StoreError> {
        let standing = self.store.decision(request).await?;
        Ok(standing.and_then(|sealed| self.opened(request, session, &sealed)))
    }

    /// What is stored about many waiting requests, in the order asked for.
    pub(crate) async fn signals(
        &self,
        waiting: &[(SessionId, RequestId)],
    ) -> Result<Vec<OpenedSignals>, StoreError> {
        let found = self.store.signals(waiting).await?;
        let signals = found
            .into_iter()
            .zip(waiting)
            .map(|(found, (session, request))| self.opened_signals(found, session, request));
        Ok(signals.collect())
    }

    /// The same for the poll, of which stored requests it has seen nothing is read; and what stands for
    /// those that there are.
    pub(crate) async fn new_signals(
        &self,
        waiting: &[Polled],
    ) -> Result<Vec<(OpenedSignals, Option<RequestMark>)>, StoreError> {
        let found = self.store.new_signals(waiting).await?;
        let signals = found.into_iter().zip(waiting).map(|(found, polled)| {
            (self.opened_signals(found.signals, &polled.session, &polled.request), found.mark)
        });
        Ok(signals.collect())
    }

    fn opened_signals(
        &self,
        found: StoredSignals,
        session: &SessionId,
        request: &RequestId,
    ) -> OpenedSignals {
        OpenedSignals {
            signal: found.signal,
            request: found.request,
            decision: found.decision.and_then(|sealed| self.opened(request, session, &sealed)),
        }
    }

    /// Notes that a person says yes to these arguments of a request that several have to approve;
    /// returns how many different people have said so.
    pub(crate) async fn record_approval(
        &self,
        about: Subject<'_>,
        yes: &Endorsement,
    ) -> Result<usize, StoreError> {
        let Subject { request, session, deadline } = about;
        let sealed = self.sealed(request, session, yes)?;
        let noted = self.store.record_approval(request, deadline, &sealed).await?;
        let opened = noted.iter().filter_map(|sealed| self.opened(request, session, sealed));
        Ok(people(opened, &yes.args_hash).len())
    }

    /// The decisions that stand, of many requests, in the order asked for.
    pub(crate) async fn decisions(
        &self,
        asked: &[(SessionId, RequestId)],
    ) -> Result<Vec<Option<Decision>>, StoreError> {
        let ids: Vec<RequestId> = asked.iter().map(|(_, request)| request.clone()).collect();
        let found = self.store.decisions(&ids).await?;
        let opened = asked.iter().zip(found).map(|((session, request), sealed)| {
            sealed.and_then(|sealed| self.opened(request, session, &sealed))
        });
        Ok(opened.collect())
    }

    /// Who has said yes to a request that several have to approve, to whichever arguments.
    pub(crate) async fn approved_by(
        &self,
        session: &SessionId,
        request: &RequestId,
    ) -> Result<Vec<UserId>, StoreError> {
        let noted = self.store.approvals_of(request).await?;
        let opened = noted.iter().filter_map(|sealed| self.opened(request, session, sealed));
        let people: BTreeSet<UserId> = opened.map(|yes: Endorsement| yes.by).collect();
        Ok(people.into_iter().collect())
    }

    pub(crate) fn sealed<T: Sealable>(
        &self,
        request: &RequestId,
        session: &SessionId,
        value: &T,
    ) -> Result<Sealed<T>, StoreError> {
        let sealed = self.seals.seal().seal(request, session, value);
        sealed.map_err(|error| StoreError::Rejected(error.to_string()))
    }

    /// What was sealed about this request; of anything else the log and a metric tell, once.
    pub(crate) fn opened<T: Sealable>(
        &self,
        request: &RequestId,
        session: &SessionId,
        sealed: &Sealed<T>,
    ) -> Option<T> {
        let opened = self.seals.seal().open(request, session, sealed);
        if opened.is_none() {
            self.tell_unverified(session, request, T::KIND);
        }
        opened
    }

    /// Tells the log and a metric, once, of something stored that is none of ours.
    pub(crate) fn tell_unverified(
        &self,
        session: &SessionId,
        request: &RequestId,
        kind: &'static str,
    ) {
        if self.seals.is_news(request, kind) {
            self.metrics.unverified(kind);
            tracing::warn!(
                %session, %request, kind,
                "a stored answer does not verify and counts for nothing: no process with this secret has written it"
            );
        }
    }
}

/// Who has said yes to just these arguments.
fn people(noted: impl Iterator<Item = Endorsement>, args_hash: &ArgumentsHash) -> HashSet<UserId> {
    noted.filter(|yes| yes.args_hash == *args_hash).map(|yes| yes.by).collect()
}
