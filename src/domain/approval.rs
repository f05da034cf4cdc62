//! Requests for approval and their one decision.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::approvers::Quorum;
use super::author::Author;
use super::deadline::Deadline;
use super::hash::ArgumentsHash;
use super::ids::{RequestId, SessionId, TenantId, ToolCallId, UserId};
use super::language::Language;
use super::number;
use super::preview::Preview;
use super::time::UnixMs;

mod told;

pub use told::{RequestStatus, ToldRequest};

/// A yes or a no, from whomever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vote {
    /// Yes.
    Approve,
    /// No.
    Reject,
}

/// The ways in which a request ends; there is no "pending" among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A person said yes.
    Approved,
    /// A person said no.
    Rejected,
    /// Nobody said anything in time.
    TimedOut,
    /// The run was cancelled meanwhile.
    Cancelled,
}

impl Verdict {
    /// The word for it on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
        }
    }

    /// What is said of a decision that nobody gave a reason for.
    fn usual_reason(self, language: Language) -> Option<&'static str> {
        let words = language.sentences();
        match self {
            Self::TimedOut => Some(words.timed_out()),
            Self::Cancelled => Some(words.request_cancelled()),
            Self::Approved | Self::Rejected => None,
        }
    }
}

/// Where a request stands, as its key tells it (contract, section 5.1): `status` has the three words
/// that the Main Service knows, `outcome` the whole truth.
///
/// The key is written by others as well. Only this service writes an `outcome`, and only of a decision
/// that stands; a status without one is somebody's vote for it. A status that is none of the words
/// decides nothing, so the request is pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Status", into = "Written")]
pub enum Standing {
    /// Nobody has decided.
    Pending,
    /// Somebody else has set the status.
    Voted(Vote),
    /// It is decided.
    Decided(Verdict),
}

/// As it may be found stored, whoever wrote it.
#[derive(Deserialize, JsonSchema)]
struct Status {
    #[serde(default)]
    status: Value,
    #[serde(default)]
    outcome: Value,
}

/// As this service writes it.
#[derive(Serialize, JsonSchema)]
struct Written {
    /// Where the request stands, in the words that the Main Service knows.
    status: WrittenStatus,
    /// How it ended, once it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Verdict>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum WrittenStatus {
    Pending,
    Approved,
    Rejected,
}

/// What a status can say besides that the request is pending. Older processes of this service wrote the last two themselves.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Approved,
    Rejected,
    TimedOut,
    Cancelled,
}

impl From<Status> for Standing {
    fn from(Status { status, outcome }: Status) -> Self {
        let outcome = serde_json::from_value::<Verdict>(outcome).ok();
        let Ok(word) = serde_json::from_value::<Word>(status) else { return Self::Pending };
        match (word, outcome) {
            (Word::TimedOut, _) => Self::Decided(Verdict::TimedOut),
            (Word::Cancelled, _) => Self::Decided(Verdict::Cancelled),
            (Word::Approved, Some(Verdict::Approved)) => Self::Decided(Verdict::Approved),
            (
                Word::Rejected,
                Some(verdict @ (Verdict::Rejected | Verdict::TimedOut | Verdict::Cancelled)),
            ) => Self::Decided(verdict),
            // The outcome of a decision may stand there still when somebody sets the status anew.
            (Word::Approved, _) => Self::Voted(Vote::Approve),
            (Word::Rejected, _) => Self::Voted(Vote::Reject),
        }
    }
}

impl From<Standing> for Written {
    fn from(standing: Standing) -> Self {
        let (status, outcome) = match standing {
            Standing::Pending => (WrittenStatus::Pending, None),
            Standing::Voted(Vote::Approve) => (WrittenStatus::Approved, None),
            Standing::Voted(Vote::Reject) => (WrittenStatus::Rejected, None),
            Standing::Decided(verdict @ Verdict::Approved) => {
                (WrittenStatus::Approved, Some(verdict))
            }
            Standing::Decided(
                verdict @ (Verdict::Rejected | Verdict::TimedOut | Verdict::Cancelled),
            ) => (WrittenStatus::Rejected, Some(verdict)),
        };
        Self { status, outcome }
    }
}

/// What came of proposing a decision, in whatever form `D` it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProposalOutcome<D> {
    /// The proposal was the first, and stands.
    Won,
    /// This had been decided before, and stands.
    Lost(D),
}

impl<D> ProposalOutcome<D> {
    /// The decision that stands, the proposal having been `proposed`.
    pub fn standing(self, proposed: D) -> D {
        match self {
            Self::Won => proposed,
            Self::Lost(standing) => standing,
        }
    }
}

/// The one decision on a request, as `aura:decision:<requestId>` keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// How the request ended.
    pub verdict: Verdict,
    /// Who decided, and how that is known.
    #[serde(flatten)]
    pub author: Author,
    /// Why, where a reason was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When.
    pub at_ms: UnixMs,
    /// The arguments that were approved, or are asked about, instead of those that were shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<Value>,
    /// The hash of the tool and the arguments that whoever approved had before them; `None` if it
    /// is not known what that was, as with a signal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args_hash: Option<ArgumentsHash>,
    /// The request that asks about the changed arguments instead, where another person has to see
    /// those. This one is then rejected, which is all that others need to know of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<RequestId>,
}

impl Decision {
    /// A decision of nobody in particular.
    pub fn of(verdict: Verdict, at_ms: UnixMs) -> Self {
        let (author, reason, args) = (Author::Nobody, None, None);
        Self { verdict, author, reason, at_ms, args, args_hash: None, superseded_by: None }
    }
}

/// A request for approval, as `hitl:request:<requestId>` keeps it (contract, section 5.1).
///
/// Unknown fields that another publisher wrote are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalRequest {
    /// The request's id.
    pub request_id: RequestId,
    /// The run that waits for it.
    pub session_id: SessionId,
    /// Who asks: who started the run, or who changed the arguments of an earlier request.
    pub user_id: UserId,
    /// Whose people may decide.
    pub tenant_id: TenantId,
    /// The tool that is to run.
    pub action_type: String,
    /// The tool's arguments as they are asked about: exactly these will be used, unless others are approved (`args`).
    #[schemars(with = "serde_json::Map<String, Value>")]
    pub context: Value,
    /// What the person is asked, in words.
    pub message: String,
    /// The language of these words, and of whatever else is said of the request.
    #[serde(default, skip_serializing_if = "Language::is_default")]
    pub language: Language,
    /// Where it stands.
    #[serde(flatten)]
    pub standing: Standing,
    /// When it was asked, in Unix milliseconds.
    #[serde(deserialize_with = "number::deserialize")]
    pub created_at: UnixMs,
    /// When it ends by itself.
    #[serde(flatten)]
    pub deadline: Deadline,
    /// Who has to say yes, and how many have.
    #[serde(flatten)]
    pub quorum: Quorum,
    /// The call that is to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<ToolCallId>,
    /// The hash of the tool and these arguments: what runs has it, or was approved as `args`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args_hash: Option<ArgumentsHash>,
    /// What will happen if it is approved, where the tool could say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<Preview>,
    /// Everything else: `approvedBy`, `approvedAt`, `rejectedBy`, `rejectedAt`, `reason`, …
    #[serde(flatten)]
    #[schemars(with = "Resolution")]
    pub more: serde_json::Map<String, Value>,
}

/// What stands in a request once it is decided, besides whatever others have written there.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what is kept as fields of any names")]
struct Resolution {
    /// Who approved it.
    #[schemars(skip_serializing_if = "Option::is_none")]
    approved_by: Option<UserId>,
    /// When, in Unix milliseconds.
    #[schemars(skip_serializing_if = "Option::is_none")]
    approved_at: Option<UnixMs>,
    /// Who rejected it.
    #[schemars(skip_serializing_if = "Option::is_none")]
    rejected_by: Option<UserId>,
    /// When it was rejected, timed out or was cancelled, in Unix milliseconds.
    #[schemars(skip_serializing_if = "Option::is_none")]
    rejected_at: Option<UnixMs>,
    /// Why, where there is a reason.
    #[schemars(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The arguments that were approved, or are asked about, instead of those that were shown.
    #[schemars(skip_serializing_if = "Option::is_none")]
    args: Option<serde_json::Map<String, Value>>,
    /// The request that asks about the changed arguments instead.
    #[schemars(skip_serializing_if = "Option::is_none")]
    superseded_by: Option<RequestId>,
    /// The full length of `context` as JSON, in bytes; only there where it had to be cut.
    #[schemars(skip_serializing_if = "Option::is_none")]
    context_bytes: Option<u64>,
}

/// What is written beside a decision, and taken away with it.
pub(super) const OF_A_DECISION: [&str; 6] =
    ["approvedBy", "approvedAt", "rejectedBy", "rejectedAt", "reason", "supersededBy"];

impl ApprovalRequest {
    /// The same request with its decision written into it.
    #[must_use]
    pub fn resolved(&self, decision: &Decision) -> Self {
        let decided = Standing::Decided(decision.verdict);
        let mut request = match (self.standing, decision.verdict) {
            // Whoever voted for it has written who that was.
            (Standing::Voted(Vote::Approve), Verdict::Approved)
            | (Standing::Voted(Vote::Reject), Verdict::Rejected) => {
                Self { standing: decided, ..self.clone() }
            }
            (Standing::Pending | Standing::Voted(_) | Standing::Decided(_), _) => {
                self.without_decision(decided)
            }
        };
        if decision.verdict == Verdict::Approved {
            request.quorum.complete();
        }
        let (by, at) = match decision.verdict {
            Verdict::Approved => ("approvedBy", "approvedAt"),
            Verdict::Rejected | Verdict::TimedOut | Verdict::Cancelled => {
                ("rejectedBy", "rejectedAt")
            }
        };
        if let Some(args) = &decision.args {
            request.more.insert("args".into(), args.clone());
        }
        if let Some(user) = decision.author.named() {
            request.more.insert(by.into(), user.as_str().into());
        }
        request.more.insert(at.into(), decision.at_ms.get().into());
        if let Some(next) = &decision.superseded_by {
            request.more.insert("supersededBy".into(), next.as_str().into());
        }
        let reason =
            decision.reason.as_deref().or_else(|| decision.verdict.usual_reason(self.language));
        if let Some(reason) = reason {
            request.more.insert("reason".into(), reason.into());
        }
        request
    }

    /// The same request as it was before anybody said anything.
    #[must_use]
    pub fn reopened(&self) -> Self {
        self.without_decision(Standing::Pending)
    }

    /// Whether the key tells of this decision.
    pub fn tells_of(&self, decision: &Decision) -> bool {
        self.standing == Standing::Decided(decision.verdict)
    }

    /// The request as REST tells it (contract, section 5.4): its status is the outcome.
    pub fn told(&self) -> ToldRequest<'_> {
        self.into()
    }

    fn without_decision(&self, standing: Standing) -> Self {
        let mut request = Self { standing, ..self.clone() };
        for key in OF_A_DECISION {
            request.more.shift_remove(key);
        }
        request
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(fields: &Value) -> ApprovalRequest {
        let mut request = json!({
            "requestId": "req_0123456789ab", "sessionId": "session_u_1_ab", "userId": "1",
            "tenantId": "1", "actionType": "github_merge_pr", "context": {"number": 5},
            "message": "?", "status": "pending", "createdAt": 1_706_152_860_000_u64,
            "expiresAt": 1_706_153_160, "approvers": "tenant", "approvalsNeeded": 1,
            "approvals": 0, "somebodyElses": {"a": 1},
        });
        request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(request).unwrap()
    }

    #[test]
    fn the_status_has_three_words_and_the_outcome_tells_the_truth() {
        let told = |verdict| {
            let request = read(&json!({})).resolved(&Decision::of(verdict, UnixMs::new(7)));
            let text = serde_json::to_string(&request).unwrap();
            assert_eq!(serde_json::from_str::<ApprovalRequest>(&text).unwrap(), request);
            let value: Value = serde_json::from_str(&text).unwrap();
            (value["status"].clone(), value["outcome"].clone(), value["rejectedAt"].is_u64())
        };
        assert_eq!(told(Verdict::Approved), (json!("approved"), json!("approved"), false));
        assert_eq!(told(Verdict::Rejected), (json!("rejected"), json!("rejected"), true));
        assert_eq!(told(Verdict::TimedOut), (json!("rejected"), json!("timed_out"), true));
        assert_eq!(told(Verdict::Cancelled), (json!("rejected"), json!("cancelled"), true));
    }

    #[test]
    fn an_approved_request_has_all_the_approvals_that_it_needed() {
        let asked = read(&json!({"approvalsNeeded": 2, "approvals": 1}));
        let approvals =
            |verdict| asked.resolved(&Decision::of(verdict, UnixMs::new(7))).quorum.approvals;
        assert_eq!(approvals(Verdict::Approved), 2);
        for no in [Verdict::Rejected, Verdict::TimedOut, Verdict::Cancelled] {
            assert_eq!(approvals(no), 1, "{no:?}");
        }
    }

    #[test]
    fn a_status_without_its_outcome_is_somebodys_vote() {
        let standing = |fields: Value| read(&fields).standing;
        assert_eq!(standing(json!({"status": "approved"})), Standing::Voted(Vote::Approve));
        assert_eq!(standing(json!({"status": "rejected"})), Standing::Voted(Vote::Reject));
        let over_a_decision = json!({"status": "approved", "outcome": "timed_out"});
        assert_eq!(standing(over_a_decision), Standing::Voted(Vote::Approve));
        assert_eq!(standing(json!({"outcome": "approved"})), Standing::Pending);
        for nobodys in [json!("APPROVED"), json!("done"), json!(""), json!(5), json!(null)] {
            assert_eq!(standing(json!({"status": nobodys})), Standing::Pending, "{nobodys}");
        }
        // As older processes wrote it.
        for (word, verdict) in [("timed_out", Verdict::TimedOut), ("cancelled", Verdict::Cancelled)]
        {
            assert_eq!(standing(json!({"status": word})), Standing::Decided(verdict));
        }
    }

    #[test]
    fn what_went_through_somebody_elses_map_reads_back_and_keeps_what_is_not_ours() {
        let anew = read(&json!({
            "status": "approved", "createdAt": 1.706152860E12, "expiresAt": 1.70615316E9,
            "deadlineMs": 1.706153160123E12, "approvalsNeeded": 1.0, "approvals": 0.0,
            "context": {"number": 5.0}, "approvedBy": "7", "approvedAt": 1.0,
        }));
        assert_eq!(anew.created_at, UnixMs::new(1_706_152_860_000));
        assert_eq!(anew.deadline.at(), UnixMs::new(1_706_153_160_123));
        let reopened = serde_json::to_value(anew.reopened()).unwrap();
        assert_eq!(reopened["status"], "pending");
        assert_eq!(reopened["somebodyElses"], json!({"a": 1}));
        for gone in ["approvedBy", "approvedAt", "outcome"] {
            assert_eq!(reopened.get(gone), None, "{gone}");
        }
    }
}
