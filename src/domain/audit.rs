//! What the audit stream says: one fact for everything that was asked, decided or carried out.
//!
//! Facts are recorded at least once: who cannot tell whether a recording happened repeats it, also
//! in another process after a crash. A repetition has the same `factId`, which is made of what the
//! fact is about; a reader that counts leaves out those that it has seen. `docs/AUDIT.md` describes
//! the form for readers with other tools.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::approval::Verdict;
use super::author::{Author, audited};
use super::canonical;
use super::hash::ArgumentsHash;
use super::hold::{HoldName, HoldScope};
use super::ids::{RequestId, SessionId, TenantId, ToolCallId, UserId};
use super::language::Language;
use super::text::cut;
use super::time::UnixMs;
use super::trace::RequestTrace;

mod chain;
mod key;
mod platform;

pub use chain::{AuditEntry, Broken, ChainEnd};
pub use key::{AuditAnchor, AuditKey};
pub use platform::PlatformEvent;

/// Longest reason that is recorded, in characters.
const REASON_MAX: usize = 1_000;

/// One fact: what happened, to which call, when and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditFact {
    /// The same for every recording of the same fact.
    pub fact_id: FactId,
    /// What happened.
    #[serde(flatten)]
    pub kind: AuditKind,
    /// When, by the clock of the process that recorded it.
    pub at_ms: UnixMs,
    /// The call that it is about; what operators do is about none.
    #[serde(flatten)]
    pub call: Option<AuditCall>,
    /// The request for approval, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// Who did it: the run's user for executions, whoever asks for requests, whoever decided for
    /// decisions. Nobody for deadlines. Of a signal this is only what it says of itself.
    #[serde(flatten, with = "audited")]
    #[schemars(with = "audited::Audited")]
    pub author: Author,
    /// By which names the platform follows the request that started the run. No part of the chain.
    #[serde(skip)]
    pub trace: RequestTrace,
}

impl AuditFact {
    /// Something that happened to a request for approval.
    pub fn of_request(
        request: &RequestId,
        kind: AuditKind,
        call: AuditCall,
        author: Author,
        at_ms: UnixMs,
    ) -> Self {
        let fact_id = FactId::of_request(request, &kind, author.named());
        let (call, request_id, trace) = (Some(call), Some(request.clone()), Default::default());
        Self { fact_id, kind, at_ms, call, request_id, author, trace }
    }

    /// Something that happened when a call was carried out, for the `attempt`th time.
    ///
    /// A call that needed no approval has no request; [`AuditFact::for_request`] adds one.
    pub fn of_execution(
        attempt: u32,
        kind: AuditKind,
        call: AuditCall,
        author: Author,
        at_ms: UnixMs,
    ) -> Self {
        let fact_id = FactId::of_execution(&call, attempt, &kind);
        let (call, request_id, trace) = (Some(call), None, Default::default());
        Self { fact_id, kind, at_ms, call, request_id, author, trace }
    }

    /// Something that an operator did, to `subject`: the name of a hold, or a session.
    pub fn of_operator(
        subject: &impl fmt::Display,
        kind: AuditKind,
        operator: &UserId,
        at_ms: UnixMs,
    ) -> Self {
        let fact_id = FactId(format!("{subject}:{}:{}", at_ms.get(), kind.name()));
        let (author, trace) = (Author::Checked(operator.clone()), Default::default());
        Self { fact_id, kind, at_ms, call: None, request_id: None, author, trace }
    }

    /// The same fact, of a run that a request of these names has started.
    #[must_use]
    pub fn traced(self, trace: &RequestTrace) -> Self {
        Self { trace: trace.clone(), ..self }
    }

    /// The same fact, about a call that this request had asked for.
    #[must_use]
    pub fn for_request(self, request: &RequestId) -> Self {
        Self { request_id: Some(request.clone()), ..self }
    }

    /// The fact as canonical JSON: exactly what is hashed and stored.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_value(self).map(|fact| canonical::text(&fact))
    }
}

/// The call of a tool that a fact is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditCall {
    /// The run.
    pub session_id: SessionId,
    /// The tool.
    pub tool: String,
    /// The call, unique within its session.
    pub tool_call_id: ToolCallId,
    /// The tool and the arguments that the fact is about: those shown when approval is asked for,
    /// those used when the call is carried out.
    pub arguments_hash: ArgumentsHash,
    /// Whether the tool only shows what it would do.
    pub dry_run: bool,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum AuditKind {
    /// A person is asked.
    ApprovalRequested,
    /// One of the several people who have to say yes did so.
    ApprovalEndorsed,
    /// The request has come to its end.
    ApprovalDecided {
        /// How.
        verdict: Verdict,
        /// Why, where a reason was given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<AuditReason>,
        /// The tool and its arguments as the person has changed them, where they were changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        edited_arguments_hash: Option<ArgumentsHash>,
        /// The request that asks about the changed arguments instead, where another person has to
        /// see those.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        superseded_by: Option<RequestId>,
    },
    /// The tool is about to be run.
    ExecutionStarted,
    /// The tool has come to its end.
    ExecutionFinished {
        /// How.
        outcome: Outcome,
        /// Why it failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<AuditReason>,
    },
    /// An operator has put a hold.
    HoldPut {
        /// Its name.
        hold: HoldName,
        /// What it stops.
        #[serde(flatten)]
        scope: HoldScope,
        /// Why.
        reason: AuditReason,
        /// The operator's own tenant.
        by_tenant: TenantId,
    },
    /// An operator has lifted a hold, or put another one in its place.
    HoldLifted {
        /// Its name.
        hold: HoldName,
        /// What it stopped.
        #[serde(flatten)]
        scope: HoldScope,
        /// The operator's own tenant.
        by_tenant: TenantId,
    },
    /// An operator wants a run to stop.
    RunCancelledByOperator {
        /// The run.
        session_id: SessionId,
        /// The operator's own tenant.
        by_tenant: TenantId,
    },
}

impl AuditKind {
    /// The kind's name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ApprovalRequested => "approval_requested",
            Self::ApprovalEndorsed => "approval_endorsed",
            Self::ApprovalDecided { .. } => "approval_decided",
            Self::ExecutionStarted => "execution_started",
            Self::ExecutionFinished { .. } => "execution_finished",
            Self::HoldPut { .. } => "hold_put",
            Self::HoldLifted { .. } => "hold_lifted",
            Self::RunCancelledByOperator { .. } => "run_cancelled_by_operator",
        }
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It did what it was asked to.
    Ok,
    /// It did not.
    Failed,
}

/// A reason in a person's or a tool's words, of bounded length.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct AuditReason(String);

impl AuditReason {
    /// The first 1,000 characters, and how many more there were.
    pub fn new(text: &str) -> Self {
        Self(cut(text, REASON_MAX, Language::default()))
    }

    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Names a fact, so that its repetitions can be told from other facts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct FactId(String);

impl FactId {
    /// `<request>:<kind>`; several people may endorse, so there the user follows.
    fn of_request(request: &RequestId, kind: &AuditKind, who: Option<&UserId>) -> Self {
        let name = kind.name();
        match (kind, who) {
            (AuditKind::ApprovalEndorsed, Some(who)) => Self(format!("{request}:{name}:{who}")),
            _ => Self(format!("{request}:{name}")),
        }
    }

    /// `<session>:<call>:<attempt>:<kind>`; calls of different sessions may have the same id.
    fn of_execution(call: &AuditCall, attempt: u32, kind: &AuditKind) -> Self {
        let (session, id, name) = (&call.session_id, &call.tool_call_id, kind.name());
        Self(format!("{session}:{id}:{attempt}:{name}"))
    }

    /// The id as it is recorded.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
