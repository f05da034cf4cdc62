//! Signals: what people and neighbours publish about a waiting request (contract, section 5.2).
//!
//! A signal comes from outside and decides whether something dangerous runs, so it is read
//! strictly: whatever leaves a doubt is a [`SignalFault`], and a fault is never a yes.

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::approval::{Decision, Standing, Vote};
use super::hash::ArgumentsHash;
use super::ids::{RequestId, SessionId, UserId};
use super::json;
use super::text::{escape_invisible, excerpt, first_chars};
use super::time::{UnixMs, UnixSeconds};

mod published;

pub use published::PublishedSignal;

/// Longest signal that is read, in bytes.
const SIGNAL_MAX: usize = 1024 * 1024;
/// Longest reason that a signal carries, in characters; more is cut.
const REASON_MAX: usize = 1000;
/// Longest user id that a signal may name, in bytes with its escapes; a longer one is left out. What could
/// deceive whoever reads it stands there as an escape: nobody has checked it.
const USER_MAX: usize = 256;
/// A larger timestamp counts milliseconds: in seconds it would be the year 5138.
const LAST_SECOND: u64 = 100_000_000_000;
/// Bytes of a wrong value that a fault quotes.
const QUOTED_MAX: usize = 80;

impl Vote {
    /// The vote that a word stands for: exactly the words of the contract, in lower case.
    fn of(word: &str) -> Option<Self> {
        match word {
            "approval" | "approved" | "approve" => Some(Self::Approve),
            "rejection" | "rejected" | "reject" => Some(Self::Reject),
            _ => None,
        }
    }
}

/// A vote on a request, by whoever published it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// Yes or no.
    pub vote: Vote,
    /// The request that it names, if it names one.
    pub request_id: Option<RequestId>,
    /// The session that it names, if it names one.
    pub session_id: Option<SessionId>,
    /// Who decided, where it says so. Nobody has checked that.
    pub by: Option<UserId>,
    /// Why, where it says so; at most 1,000 characters.
    pub reason: Option<String>,
    /// When, where it says so.
    pub timestamp: Option<UnixSeconds>,
    /// The hash of the tool and the arguments that stood beside the vote; `None` where none did.
    pub shown: Option<ArgumentsHash>,
}

/// Why a message is not a signal. What is quoted is cut.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SignalFault {
    /// Longer than any signal.
    #[error("the message is {0} bytes long, more than any signal")]
    TooLong(usize),
    /// Not JSON, a field stands in it twice, or it is nested too deeply.
    #[error("the message is not valid JSON: {0}")]
    NotJson(String),
    /// JSON, but not an object.
    #[error("the message is not a JSON object")]
    NotAnObject,
    /// None of `type`, `status` and `action` is there.
    #[error("the message has no type, status or action")]
    NoDecision,
    /// One of them is there and is neither a yes nor a no.
    #[error("{field} {value:?} is not a decision")]
    UnknownDecision {
        /// The field.
        field: &'static str,
        /// What it says.
        value: String,
    },
    /// One of them says yes, another no.
    #[error("type, status and action contradict each other")]
    Contradiction,
    /// `requestId` is there and is no request's id.
    #[error("requestId {0:?} is not the id of a request")]
    BadRequestId(String),
    /// `sessionId` is there and is no session's id.
    #[error("sessionId {0:?} is not the id of a session")]
    BadSessionId(String),
}

/// The fields that are looked at; `null` is absent.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    #[serde(rename = "type")]
    kind: Option<Value>,
    status: Option<Value>,
    action: Option<Value>,
    request_id: Option<Value>,
    session_id: Option<Value>,
    user_id: Option<Value>,
    approved_by: Option<Value>,
    rejected_by: Option<Value>,
    approved_at: Option<Value>,
    rejected_at: Option<Value>,
    reason: Option<Value>,
    timestamp: Option<Value>,
    action_type: Option<Value>,
    context: Option<Value>,
}

impl Signal {
    /// Reads a published or stored signal.
    ///
    /// Every one of `type`, `status` and `action` that is there must be one of the contract's
    /// words, and they must agree: `{"type":"hitl","status":"approved"}` is nobody's yes. An id
    /// that is there must be one; a wrong id never counts as "names none".
    ///
    /// # Errors
    /// Says why the message does not count; such a message is to be logged and ignored.
    pub fn parse(message: &[u8]) -> Result<Self, SignalFault> {
        if message.len() > SIGNAL_MAX {
            return Err(SignalFault::TooLong(message.len()));
        }
        let fields = Fields::read(message)?;
        let vote = fields.vote()?;
        let by = match vote {
            Vote::Approve => &fields.approved_by,
            Vote::Reject => &fields.rejected_by,
        };
        Ok(Self {
            vote,
            request_id: fields.request_id()?,
            session_id: fields.session_id()?,
            by: user(by.as_ref()).or_else(|| user(fields.user_id.as_ref())),
            reason: reason(fields.reason.as_ref()),
            timestamp: seconds(fields.timestamp.as_ref()),
            shown: None,
        })
    }

    /// The signal that this service publishes for a decision, as JSON text; `None` for a deadline
    /// and for a cancelled run, which are nobody's vote.
    pub fn for_decision(
        request: &RequestId,
        session: &SessionId,
        decision: &Decision,
    ) -> Option<String> {
        serde_json::to_string(&PublishedSignal::of(request, session, decision)?).ok()
    }

    /// Which of the pending requests of `session` this is a vote on: the one that it names, or the
    /// only one if it names none. `None` if it names another request or another session.
    pub fn applies_to<'a>(
        &self,
        session: &SessionId,
        pending: &'a [RequestId],
    ) -> Option<&'a RequestId> {
        if self.session_id.as_ref().is_some_and(|named| named != session) {
            return None;
        }
        match (&self.request_id, pending) {
            (Some(named), _) => pending.iter().find(|id| *id == named),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }
}

/// The signal in a stored `hitl:request` that another publisher has set to `approved` or `rejected`;
/// `None` for every other status, for a decision that this service has written there, and for whatever
/// is not such a request.
///
/// Whoever set it may have had before them what stands there by now, so that goes with the vote. Its
/// `userId` is who started the run, so who decided is read from `approvedBy` and `rejectedBy`.
pub fn signal_of_request(json: &str) -> Option<Signal> {
    let fields = Fields::read(json.as_bytes()).ok()?;
    let (vote, by, at) = match serde_json::from_str(json).ok()? {
        Standing::Voted(Vote::Approve) => (Vote::Approve, &fields.approved_by, &fields.approved_at),
        Standing::Voted(Vote::Reject) => (Vote::Reject, &fields.rejected_by, &fields.rejected_at),
        Standing::Pending | Standing::Decided(_) => return None,
    };
    Some(Signal {
        vote,
        request_id: Some(fields.request_id().ok()??),
        session_id: fields.session_id().ok()?,
        by: user(by.as_ref()),
        reason: reason(fields.reason.as_ref()),
        timestamp: seconds(at.as_ref()),
        shown: fields.shown(),
    })
}

impl Fields {
    fn read(message: &[u8]) -> Result<Self, SignalFault> {
        let whole = json::read_document(message);
        let whole = whole.map_err(|fault| SignalFault::NotJson(fault.to_string()))?;
        // A derived struct would take a list for its fields in order.
        if !whole.is_object() {
            return Err(SignalFault::NotAnObject);
        }
        Self::deserialize(whole).map_err(|fault| SignalFault::NotJson(fault.to_string()))
    }

    fn vote(&self) -> Result<Vote, SignalFault> {
        let mut vote = None;
        let said = [("type", &self.kind), ("status", &self.status), ("action", &self.action)];
        for (field, value) in said {
            let Some(value) = value else { continue };
            let unknown = || SignalFault::UnknownDecision { field, value: quoted(value) };
            let this = value.as_str().and_then(Vote::of).ok_or_else(unknown)?;
            if vote.is_some_and(|other| other != this) {
                return Err(SignalFault::Contradiction);
            }
            vote = Some(this);
        }
        vote.ok_or(SignalFault::NoDecision)
    }

    fn shown(&self) -> Option<ArgumentsHash> {
        let tool = self.action_type.as_ref()?.as_str()?;
        Some(ArgumentsHash::of(tool, self.context.as_ref()?))
    }

    fn request_id(&self) -> Result<Option<RequestId>, SignalFault> {
        let read = |value: &Value| {
            let id = value.as_str().and_then(RequestId::parse);
            id.ok_or_else(|| SignalFault::BadRequestId(quoted(value)))
        };
        self.request_id.as_ref().map(read).transpose()
    }

    fn session_id(&self) -> Result<Option<SessionId>, SignalFault> {
        let read = |value: &Value| {
            let id = value.as_str().and_then(SessionId::parse);
            id.ok_or_else(|| SignalFault::BadSessionId(quoted(value)))
        };
        self.session_id.as_ref().map(read).transpose()
    }
}

fn user(value: Option<&Value>) -> Option<UserId> {
    let text = escape_invisible(value?.as_str()?.trim());
    (!text.is_empty() && text.len() <= USER_MAX).then(|| UserId::new(text))
}

fn reason(value: Option<&Value>) -> Option<String> {
    reason_of(value?.as_str()?)
}

/// A reason as it is kept, whoever gives it: at most 1,000 characters (contract, section 3); `None` if
/// nothing is said.
pub fn reason_of(text: &str) -> Option<String> {
    let text = text.trim();
    // Where it is cut there may be a blank.
    (!text.is_empty()).then(|| first_chars(text, REASON_MAX).0.trim_end().to_owned())
}

/// Seconds since the Unix epoch, from seconds or milliseconds; fractions are dropped.
fn seconds(value: Option<&Value>) -> Option<UnixSeconds> {
    let number = value?;
    let at = number.as_u64().or_else(|| {
        let at = number.as_f64().filter(|at| (0.0..1e18).contains(at))?;
        #[expect(clippy::cast_possible_truncation, reason = "in range, and the fraction is to go")]
        #[expect(clippy::cast_sign_loss, reason = "in range, which starts at zero")]
        Some(at as u64)
    })?;
    Some(if at > LAST_SECOND { UnixMs::new(at).second() } else { UnixSeconds::new(at) })
}

fn quoted(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    excerpt(&escape_invisible(&text), QUOTED_MAX)
}

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
#[cfg(test)]
mod tests;
