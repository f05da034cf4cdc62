//! An audit entry as the platform's control centre reads it (contract, section 5.8). No value of an argument, and no
//! word of a tool or of a person who decides, is in it.

use serde::Serialize;

use super::{AuditFact, AuditKind, Outcome};
use crate::domain::approval::Verdict;
use crate::domain::author::Author;
use crate::domain::hash::ArgumentsHash;
use crate::domain::ids::{RequestId, SessionId, TenantId, UserId};

/// One entry, in the fields of the platform's own log, in their order.
#[derive(Debug, Serialize)]
pub struct PlatformEvent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<i64>,
    event_category: &'static str,
    event_type: &'static str,
    outcome: &'static str,
    severity: &'static str,
    resource_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_id: Option<&'a RequestId>,
    created_at: String,
    actor_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor_user_id: Option<i64>,
    actor_agent_id: &'static str,
    channel: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway_request_id: Option<&'a str>,
    evidence_json: Evidence<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Evidence<'a> {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<&'a SessionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    args_hash: Option<&'a ArgumentsHash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    via: Option<&'static str>,
}

/// What an entry comes to: its type, its outcome and how grave it is.
struct Classified(&'static str, &'static str, &'static str);

impl<'a> PlatformEvent<'a> {
    /// A fact of a tenant.
    pub fn of(tenant: &TenantId, fact: &'a AuditFact) -> Self {
        let Classified(event_type, outcome, severity) = classified(fact);
        let user = known_user(fact).filter(|_| operator_from(fact).is_none_or(|own| own == tenant));
        let at = fact.at_ms.timestamp().unwrap_or(jiff::Timestamp::MAX);
        Self {
            tenant_id: number(tenant.as_str()),
            event_category: "ACTION",
            event_type,
            outcome,
            severity,
            resource_type: "AGENT_REQUEST",
            resource_id: fact.request_id.as_ref(),
            created_at: at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            actor_type: if is_of_person(fact) { "USER" } else { "AGENT" },
            actor_user_id: user.and_then(|user| number(user.as_str())),
            actor_agent_id: "aura",
            channel: "AGENT",
            trace_id: fact.trace.trace_id.as_deref(),
            gateway_request_id: fact.trace.gateway_request_id.as_deref(),
            evidence_json: Evidence::of(fact),
        }
    }
}

impl<'a> Evidence<'a> {
    fn of(fact: &'a AuditFact) -> Self {
        let call = fact.call.as_ref();
        let operated = match &fact.kind {
            AuditKind::HoldPut { scope, .. } | AuditKind::HoldLifted { scope, .. } => {
                (scope.tool.as_deref(), None)
            }
            AuditKind::RunCancelledByOperator { session_id, .. } => (None, Some(session_id)),
            AuditKind::ApprovalRequested
            | AuditKind::ApprovalEndorsed
            | AuditKind::ApprovalDecided { .. }
            | AuditKind::ExecutionStarted
            | AuditKind::ExecutionFinished { .. } => (None, None),
        };
        Self {
            message: message(fact),
            tool: call.map(|call| call.tool.as_str()).or(operated.0),
            session_id: call.map(|call| &call.session_id).or(operated.1),
            args_hash: call.map(|call| &call.arguments_hash),
            via: match &fact.author {
                Author::Checked(_) => Some("rest"),
                Author::Heard(_) => Some("signal"),
                Author::Known(_) | Author::Nobody => None,
            },
        }
    }
}

fn classified(fact: &AuditFact) -> Classified {
    let is_dry = fact.call.as_ref().is_some_and(|call| call.dry_run);
    match &fact.kind {
        AuditKind::ApprovalRequested => Classified("ACTION_PROPOSED", "PENDING", "INFO"),
        // Others have to agree as well.
        AuditKind::ApprovalEndorsed => Classified("ACTION_APPROVED", "PENDING", "INFO"),
        AuditKind::ApprovalDecided { verdict, .. } => match verdict {
            Verdict::Approved => Classified("ACTION_APPROVED", "SUCCESS", "INFO"),
            Verdict::Rejected | Verdict::TimedOut | Verdict::Cancelled => {
                Classified("ACTION_REJECTED", "DENIED", "WARN")
            }
        },
        AuditKind::ExecutionStarted => Classified("ACTION_EXECUTED", "PENDING", "INFO"),
        AuditKind::ExecutionFinished { outcome, .. } => match outcome {
            Outcome::Ok if is_dry => Classified("ACTION_EXECUTED", "NOOP", "INFO"),
            Outcome::Ok => Classified("ACTION_EXECUTED", "SUCCESS", "INFO"),
            Outcome::Failed => Classified("ACTION_EXECUTED", "FAILED", "ERROR"),
        },
        AuditKind::HoldPut { .. } | AuditKind::RunCancelledByOperator { .. } => {
            Classified("ACTION_EXECUTED", "SUCCESS", "WARN")
        }
        AuditKind::HoldLifted { .. } => Classified("ACTION_EXECUTED", "SUCCESS", "INFO"),
    }
}

/// Whether a person did it, or is said to have done it; else the agent did.
fn is_of_person(fact: &AuditFact) -> bool {
    match &fact.kind {
        AuditKind::ApprovalEndorsed
        | AuditKind::HoldPut { .. }
        | AuditKind::HoldLifted { .. }
        | AuditKind::RunCancelledByOperator { .. } => true,
        AuditKind::ApprovalDecided { .. } => fact.author != Author::Nobody,
        AuditKind::ApprovalRequested
        | AuditKind::ExecutionStarted
        | AuditKind::ExecutionFinished { .. } => false,
    }
}

/// Whoever it is known to be. Of a signal nobody knows who has sent it.
fn known_user(fact: &AuditFact) -> Option<&UserId> {
    match &fact.author {
        Author::Checked(user) | Author::Known(user) => Some(user),
        Author::Heard(_) | Author::Nobody => None,
    }
}

/// The tenant of an operator, whose number among its users is not one of the tenant that is told.
fn operator_from(fact: &AuditFact) -> Option<&TenantId> {
    match &fact.kind {
        AuditKind::HoldPut { by_tenant, .. }
        | AuditKind::HoldLifted { by_tenant, .. }
        | AuditKind::RunCancelledByOperator { by_tenant, .. } => Some(by_tenant),
        AuditKind::ApprovalRequested
        | AuditKind::ApprovalEndorsed
        | AuditKind::ApprovalDecided { .. }
        | AuditKind::ExecutionStarted
        | AuditKind::ExecutionFinished { .. } => None,
    }
}

fn message(fact: &AuditFact) -> String {
    match &fact.kind {
        AuditKind::ApprovalDecided { verdict: Verdict::Approved, .. } => "approved".to_owned(),
        AuditKind::ApprovalDecided { superseded_by: Some(_), .. } => {
            "rejected: asked anew with changed arguments".to_owned()
        }
        AuditKind::ApprovalDecided { verdict: Verdict::Rejected, .. } => "rejected".to_owned(),
        AuditKind::ApprovalDecided { verdict: Verdict::TimedOut, .. } => "timed out".to_owned(),
        AuditKind::ApprovalDecided { verdict: Verdict::Cancelled, .. } => "cancelled".to_owned(),
        AuditKind::HoldPut { hold, reason, .. } => {
            format!("hold put: {hold} ({})", reason.as_str())
        }
        AuditKind::HoldLifted { hold, .. } => format!("hold lifted: {hold}"),
        kind @ (AuditKind::ApprovalRequested
        | AuditKind::ApprovalEndorsed
        | AuditKind::ExecutionStarted
        | AuditKind::ExecutionFinished { .. }
        | AuditKind::RunCancelledByOperator { .. }) => kind.name().replace('_', " "),
    }
}

/// An id of the platform, which is a number.
fn number(id: &str) -> Option<i64> {
    id.bytes().all(|byte| byte.is_ascii_digit()).then(|| id.parse().ok())?
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::{
        AuditCall, AuditReason, HoldName, HoldScope, RequestTrace, ToolCallId, UnixMs,
    };

    fn call(dry_run: bool) -> AuditCall {
        AuditCall {
            session_id: SessionId::new("session_7_1_ab"),
            tool: "send_email".into(),
            tool_call_id: ToolCallId::new("call_1"),
            arguments_hash: ArgumentsHash::of("send_email", &json!({"to": "kim"})),
            dry_run,
        }
    }

    fn told(tenant: &str, fact: &AuditFact) -> Value {
        json!(PlatformEvent::of(&TenantId::new(tenant), fact))
    }

    fn decided(verdict: Verdict, author: Author) -> AuditFact {
        let reason = Some(AuditReason::new("kim@example.com 은 아닙니다"));
        let (edited_arguments_hash, superseded_by) = (None, None);
        let kind =
            AuditKind::ApprovalDecided { verdict, reason, edited_arguments_hash, superseded_by };
        let request = RequestId::new("req_0123456789ab");
        AuditFact::of_request(&request, kind, call(false), author, UnixMs::new(1_706_152_860_123))
    }

    #[test]
    fn a_decision_has_exactly_the_platforms_fields() {
        let trace =
            RequestTrace { trace_id: Some("t-1".into()), gateway_request_id: Some("g-1".into()) };
        let fact = decided(Verdict::Rejected, Author::Checked(UserId::new("7"))).traced(&trace);
        let expected = json!({
            "tenant_id": 1, "event_category": "ACTION", "event_type": "ACTION_REJECTED",
            "outcome": "DENIED", "severity": "WARN", "resource_type": "AGENT_REQUEST",
            "resource_id": "req_0123456789ab", "created_at": "2024-01-25T03:21:00.123Z",
            "actor_type": "USER", "actor_user_id": 7, "actor_agent_id": "aura", "channel": "AGENT",
            "trace_id": "t-1", "gateway_request_id": "g-1",
            "evidence_json": {"message": "rejected", "tool": "send_email",
                "sessionId": "session_7_1_ab", "argsHash": call(false).arguments_hash, "via": "rest"},
        });
        assert_eq!(told("1", &fact), expected);
    }

    #[test]
    fn what_is_no_number_and_nobody_who_is_only_said_to_be_somebody_is_left_out() {
        let heard = decided(Verdict::Approved, Author::Heard(Some(UserId::new("7"))));
        for tenant in ["acme", "", "-1", "+1", "1.0", "99999999999999999999"] {
            let told = told(tenant, &heard);
            assert_eq!(
                (told.get("tenant_id"), told.get("actor_user_id")),
                (None, None),
                "{tenant}"
            );
            assert_eq!([&told["actor_type"], &told["evidence_json"]["via"]], ["USER", "signal"]);
        }
        let nobody = told("1", &decided(Verdict::TimedOut, Author::Nobody));
        assert_eq!([&nobody["actor_type"], &nobody["event_type"]], ["AGENT", "ACTION_REJECTED"]);
    }

    #[test]
    fn an_operators_number_is_told_to_their_own_tenant_alone() {
        let session_id = SessionId::new("session_7_1_ab");
        let by_tenant = TenantId::new("2");
        let kind = AuditKind::RunCancelledByOperator { session_id: session_id.clone(), by_tenant };
        let fact = AuditFact::of_operator(&session_id, kind, &UserId::new("7"), UnixMs::new(1));
        assert_eq!(told("2", &fact)["actor_user_id"], 7);
        assert_eq!(told("1", &fact).get("actor_user_id"), None, "that is somebody else's there");
    }

    #[test]
    fn every_kind_of_entry_has_its_type_outcome_and_severity() {
        let author = || Author::Known(UserId::new("7"));
        let at = UnixMs::new(1);
        let run = |kind, dry| AuditFact::of_execution(1, kind, call(dry), author(), at);
        let finished = |outcome| AuditKind::ExecutionFinished { outcome, reason: None };
        let asked =
            |kind| AuditFact::of_request(&RequestId::new("req_a"), kind, call(false), author(), at);
        let name = HoldName::parse("stop").unwrap();
        let scope = HoldScope { tenant: None, tool: Some("send_email".into()), runs: false };
        let by_tenant = TenantId::new("1");
        let (hold, reason) = (name.clone(), AuditReason::new("점검"));
        let put = AuditKind::HoldPut { hold, scope, reason, by_tenant };
        let operated = AuditFact::of_operator(&name, put, &UserId::new("7"), at);
        for (fact, expected) in [
            (asked(AuditKind::ApprovalRequested), ["ACTION_PROPOSED", "PENDING", "INFO", "AGENT"]),
            (asked(AuditKind::ApprovalEndorsed), ["ACTION_APPROVED", "PENDING", "INFO", "USER"]),
            (decided(Verdict::Approved, author()), ["ACTION_APPROVED", "SUCCESS", "INFO", "USER"]),
            (decided(Verdict::Cancelled, author()), ["ACTION_REJECTED", "DENIED", "WARN", "USER"]),
            (
                run(AuditKind::ExecutionStarted, false),
                ["ACTION_EXECUTED", "PENDING", "INFO", "AGENT"],
            ),
            (run(finished(Outcome::Ok), false), ["ACTION_EXECUTED", "SUCCESS", "INFO", "AGENT"]),
            (run(finished(Outcome::Ok), true), ["ACTION_EXECUTED", "NOOP", "INFO", "AGENT"]),
            (run(finished(Outcome::Failed), true), ["ACTION_EXECUTED", "FAILED", "ERROR", "AGENT"]),
            (operated, ["ACTION_EXECUTED", "SUCCESS", "WARN", "USER"]),
        ] {
            let told = told("1", &fact);
            let fields =
                ["event_type", "outcome", "severity", "actor_type"].map(|name| &told[name]);
            assert_eq!(fields, expected, "{fact:?}");
        }
    }
}
