//! What an answer counts for, and what it does not.

use super::request::PendingRequest;
use super::uncounted::UncountedVote;
use crate::domain::signal::{Signal, signal_of_request};
use crate::domain::{Decision, Holds, RequestId, SessionId, Vote};

/// What is stored about one waiting request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OpenedSignals {
    /// The session's last signal, whoever wrote it.
    pub(crate) signal: Option<String>,
    /// The request, whoever wrote it last, unless it was seen before; empty where something stands there
    /// that is no text.
    pub(crate) request: Option<String>,
    /// The decision that stands, if there is one.
    pub(crate) decision: Option<Decision>,
}

/// The signal, and what it answers of all that the session waits for.
pub(crate) fn applicable<'a>(
    session: &SessionId,
    waiting: &'a [PendingRequest],
    payload: &[u8],
) -> Result<(&'a PendingRequest, Signal), String> {
    if waiting.is_empty() {
        return Err("nobody waits for it".into());
    }
    let signal = Signal::parse(payload).map_err(|fault| fault.to_string())?;
    if signal.request_id.is_none() && !waiting.iter().all(|waiting| waiting.shown) {
        return Err("it names no request, and nobody has been shown one".into());
    }
    let is_older = |waiting: &PendingRequest| {
        signal.timestamp.is_some_and(|at| at < waiting.created_at.second())
    };
    if signal.request_id.is_none() && waiting.iter().any(is_older) {
        return Err("it names no request, and is older than the one that waits".into());
    }
    let pending: Vec<RequestId> = waiting.iter().map(|waiting| waiting.request.clone()).collect();
    let answered = signal.applies_to(session, &pending);
    let found = answered.and_then(|id| waiting.iter().find(|waiting| waiting.request == *id));
    match found {
        Some(waiting) => Ok((waiting, signal)),
        None if signal.request_id.is_none() => {
            Err("it names no request, and there are several".into())
        }
        None => Err("it answers another request".into()),
    }
}

/// What the stored keys say of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum StoredSignal {
    /// Nothing.
    None,
    /// An answer that counts.
    Counts(Signal),
    /// A yes that does not.
    Uncounted(UncountedVote),
}

/// What a vote may not count for, besides who may approve.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopped<'a> {
    /// What operators hold.
    pub(crate) holds: &'a Holds,
    /// The votes on the request of which people were told that they do not count. One that a hold has voided stays
    /// void once that is lifted, as long as it is stored.
    pub(crate) uncounted: &'a [UncountedVote],
}

impl Stopped<'_> {
    fn counts(
        &self,
        waiting: &PendingRequest,
        signal: &Signal,
        by_request: Option<&Signal>,
    ) -> bool {
        let vote = UncountedVote::of(signal, by_request);
        let is_void = |told: &UncountedVote| told.held.is_some() && told.is_same_answer(&vote);
        let is_void = signal.vote == Vote::Approve && self.uncounted.iter().any(is_void);
        waiting.counts(signal, self.holds) && !is_void
    }
}

/// What the stored keys say of this request. A signal that names none must not be older than it.
pub(crate) fn stored_signal(
    session: &SessionId,
    waiting: &PendingRequest,
    signals: &OpenedSignals,
    stopped: Stopped<'_>,
) -> StoredSignal {
    let meant = |signal: &Signal| signal.request_id.is_some() || waiting.alone;
    let by_signal = signals
        .signal
        .as_ref()
        .and_then(|signal| {
            applicable(session, std::slice::from_ref(waiting), signal.as_bytes()).ok()
        })
        .map(|(_, signal)| signal)
        .filter(meant);
    let by_request = signals.request.as_deref().and_then(signal_of_request).filter(|vote| {
        let is_of_other_session = vote.session_id.as_ref().is_some_and(|named| named != session);
        vote.request_id.as_ref() == Some(&waiting.request) && !is_of_other_session
    });
    let both = [by_signal.as_ref(), by_request.as_ref()];
    let mut said = both.into_iter().flatten();
    let counts = |signal: &&Signal| stopped.counts(waiting, signal, by_request.as_ref());
    match (said.clone().find(counts), said.next()) {
        (Some(signal), _) => StoredSignal::Counts(signal.clone()),
        (None, Some(signal)) => {
            let vote = UncountedVote::of(signal, by_request.as_ref());
            let is_void = stopped
                .uncounted
                .iter()
                .find(|told| told.held.is_some() && told.is_same_answer(&vote));
            StoredSignal::Uncounted(match (waiting.held(stopped.holds), is_void) {
                (None, Some(told)) => told.clone(),
                (held, _) => vote.under(held),
            })
        }
        (None, None) => StoredSignal::None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::domain::{
        ApprovalRequest, Approvers, Deadline, Hold, HoldName, HoldScope, Language, Operator,
        Quorum, Standing, TenantId, UnixMs, UnixSeconds, UserId, Verdict,
    };

    const ASKED_AT: u64 = 1_706_152_860;

    fn waiting(shown: bool) -> PendingRequest {
        let request = ApprovalRequest {
            request_id: RequestId::new("req_0123456789ab"),
            session_id: session(),
            user_id: UserId::new("user123"),
            tenant_id: TenantId::new("tenant1"),
            action_type: "git_merge".into(),
            context: json!({}),
            message: String::new(),
            language: Language::default(),
            standing: Standing::Pending,
            created_at: UnixSeconds::new(ASKED_AT).ms(),
            deadline: Deadline::after(UnixSeconds::new(ASKED_AT).ms(), Duration::from_secs(300)),
            quorum: Quorum::from(&Approvers::default()),
            tool_call_id: None,
            args_hash: None,
            preview: None,
            more: serde_json::Map::new(),
        };
        PendingRequest { shown, ..PendingRequest::for_request(&request, Approvers::default()) }
    }

    fn session() -> SessionId {
        SessionId::new("session_u_1_ab")
    }

    fn stored(signal: &Value) -> OpenedSignals {
        OpenedSignals { signal: Some(signal.to_string()), request: None, decision: None }
    }

    fn weighed(waiting: &PendingRequest, signals: &OpenedSignals) -> StoredSignal {
        let stopped = Stopped { holds: &Holds::default(), uncounted: &[] };
        stored_signal(&session(), waiting, signals, stopped)
    }

    fn holds_on(tool: &str) -> Holds {
        let scope = HoldScope { tenant: None, tool: Some(tool.to_owned()), runs: false };
        let put_by = Operator { tenant_id: TenantId::new("1"), user_id: UserId::new("7") };
        let hold = Hold { scope, reason: "점검".into(), put_by, put_at_ms: UnixMs::new(1) };
        [(HoldName::parse("stop").unwrap(), hold)].into_iter().collect()
    }

    #[test]
    fn a_yes_that_a_hold_has_voided_stays_void_while_it_is_stored_and_a_no_and_a_later_yes_count() {
        let (held, none) = (holds_on("git_merge"), Holds::default());
        let vote = |action: &str, at: u64| {
            stored(&json!({"action": action, "by": "kim", "timestamp": at}))
        };
        let weigh = |signals: &OpenedSignals, holds: &Holds, uncounted: &[UncountedVote]| {
            stored_signal(&session(), &waiting(true), signals, Stopped { holds, uncounted })
        };
        let counts = |weighed: &StoredSignal| matches!(weighed, StoredSignal::Counts(_));
        let yes = vote("approve", ASKED_AT);
        assert!(counts(&weigh(&yes, &holds_on("send_email"), &[])));
        let StoredSignal::Uncounted(voided) = weigh(&yes, &held, &[]) else { panic!("it counts") };
        assert_eq!(voided.held.as_deref(), Some("점검"));
        let told = [voided.clone()];
        assert_eq!(weigh(&yes, &none, &told), StoredSignal::Uncounted(voided));
        assert!(counts(&weigh(&vote("approve", ASKED_AT + 60), &none, &told)));
        assert!(counts(&weigh(&vote("reject", ASKED_AT), &held, &told)));
    }

    #[test]
    fn an_answer_without_a_name_counts_only_once_somebody_can_have_seen_the_question() {
        let yes = br#"{"action":"approve"}"#;
        assert!(applicable(&session(), &[waiting(false)], yes).is_err());
        assert!(applicable(&session(), &[waiting(true)], yes).is_ok());
        let named = br#"{"action":"approve","requestId":"req_0123456789ab"}"#;
        assert!(applicable(&session(), &[waiting(false)], named).is_ok());
    }

    #[test]
    fn an_answer_without_a_name_counts_only_where_one_thing_was_asked() {
        let yes = br#"{"action":"approve"}"#;
        let other = PendingRequest { request: RequestId::new("req_ba9876543210"), ..waiting(true) };
        assert!(applicable(&session(), &[waiting(true), other], yes).is_err());
        let among_others = PendingRequest { alone: false, ..waiting(true) };
        let signal = stored(&json!({"action": "approve", "timestamp": ASKED_AT}));
        assert_eq!(weighed(&among_others, &signal), StoredSignal::None);
    }

    #[test]
    fn where_not_everybody_may_approve_a_signal_can_only_reject() {
        let approvers: Approvers = "role:manager".parse().unwrap();
        let narrow = PendingRequest { approvers, ..waiting(true) };
        let vote = |action: &str| {
            let signal = json!({"action": action, "timestamp": ASKED_AT});
            weighed(&narrow, &stored(&signal))
        };
        let sent = UncountedVote { by: None, at: Some(UnixSeconds::new(ASKED_AT)), held: None };
        assert_eq!(vote("approve"), StoredSignal::Uncounted(sent));
        assert!(matches!(vote("reject"), StoredSignal::Counts(_)));
    }

    #[test]
    fn a_no_counts_also_beside_a_yes_that_does_not() {
        let approvers: Approvers = "role:manager".parse().unwrap();
        let narrow = PendingRequest { approvers, ..waiting(true) };
        let request = json!({"requestId": "req_0123456789ab", "status": "rejected"});
        let signals = OpenedSignals {
            request: Some(request.to_string()),
            ..stored(&json!({"action": "approve", "timestamp": ASKED_AT}))
        };
        assert!(matches!(weighed(&narrow, &signals), StoredSignal::Counts(_)));
    }

    #[test]
    fn a_stored_request_answers_only_itself() {
        let vote = |id: &str, of: &str| {
            let request = json!({"requestId": id, "sessionId": of, "status": "approved"});
            let signals =
                OpenedSignals { request: Some(request.to_string()), ..Default::default() };
            weighed(&waiting(true), &signals)
        };
        let counts = |vote| matches!(vote, StoredSignal::Counts(_));
        assert!(counts(vote("req_0123456789ab", "session_u_1_ab")));
        assert_eq!(vote("req_ba9876543210", "session_u_1_ab"), StoredSignal::None);
        assert_eq!(vote("req_0123456789ab", "session_u_2_cd"), StoredSignal::None);
    }

    #[test]
    fn a_stored_answer_without_a_name_must_not_be_older_than_the_question() {
        let vote = |at: u64| {
            let signal = json!({"action": "approve", "timestamp": at});
            weighed(&waiting(true), &stored(&signal))
        };
        assert_eq!(vote(ASKED_AT - 1), StoredSignal::None);
        assert!(matches!(vote(ASKED_AT), StoredSignal::Counts(_)));
        let published = |at: u64| {
            let signal = json!({"action": "approve", "timestamp": at}).to_string();
            applicable(&session(), &[waiting(true)], signal.as_bytes()).is_ok()
        };
        assert!(!published(ASKED_AT - 1) && published(ASKED_AT));
    }

    #[test]
    fn a_stored_answer_counts_after_the_deadline_only_if_it_was_given_before() {
        let late = (ASKED_AT + 301) * 1000;
        let verdict = |at: u64| {
            let signal =
                json!({"type": "approval", "requestId": "req_0123456789ab", "timestamp": at});
            let signal = Signal::parse(signal.to_string().as_bytes()).unwrap();
            waiting(true).stored_decision(&signal, UnixMs::new(late)).verdict
        };
        assert_eq!(verdict(ASKED_AT + 299), Verdict::Approved);
        assert_eq!(verdict(ASKED_AT + 301), Verdict::TimedOut);
    }
}
