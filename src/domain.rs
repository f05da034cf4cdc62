//! Pure types: no async, no I/O, nothing of ours below them.

pub mod announcement;
pub mod approval;
pub mod approvers;
pub mod artifact;
pub mod audit;
pub mod author;
pub mod call;
pub mod caller;
mod canonical;
pub mod choices;
pub mod clock;
pub mod confidence;
pub mod context;
pub mod day;
pub mod deadline;
pub mod entry;
pub mod error_code;
pub mod error_type;
pub mod event;
pub mod hash;
pub mod hold;
pub mod idempotency;
pub mod ids;
pub mod inbox;
pub mod instructions;
pub mod json;
pub mod language;
mod mac;
pub mod message;
mod number;
pub mod plan;
pub mod preview;
pub mod quota;
pub mod rate;
pub mod role;
pub mod seal;
pub mod sentences;
pub mod session;
pub mod signal;
pub mod text;
pub mod time;
pub mod trace;
mod words;

pub use announcement::{
    Announced, Announcement, AnnouncementId, AnnouncementKind, Recipient, RunEnded,
};
pub use approval::{ApprovalRequest, Decision, ProposalOutcome, Standing, Verdict, Vote};
pub use approvers::{Approvers, NoApprovers, Quorum, Who};
pub use artifact::Artifact;
pub use audit::{
    AuditAnchor, AuditCall, AuditEntry, AuditFact, AuditKey, AuditKind, AuditReason, Broken,
    ChainEnd, FactId, Outcome, PlatformEvent,
};
pub use author::Author;
pub use call::ToolCall;
pub use caller::Caller;
pub use choices::{ApprovalRule, Asking, OnReject, Unconfigured};
pub use clock::{Clock, ManualClock, SystemClock};
pub use confidence::{Certainty, Confidence};
pub use context::PageContext;
pub use day::UtcDay;
pub use deadline::Deadline;
pub use entry::{Entry, Shown, last_id};
pub use error_code::ErrorCode;
pub use error_type::ErrorType;
pub use event::Event;
pub use hash::{ArgumentsHash, DocumentHash, EntryHash, EntryMac, PromptHash, RequestHash};
pub use hold::{Hold, HoldName, HoldScope, Holds, Operator};
pub use idempotency::{IdempotencyKey, KeyClaim, KeyStanding, RequestKey, ScopedKey};
pub use ids::{EventId, RequestId, SessionId, StepId, TenantId, ThreadId, ToolCallId, UserId};
pub use inbox::{InboxChange, InboxItem};
pub use instructions::Instructions;
pub use language::{Language, LanguageChoice};
pub use message::{Message, Usage};
pub use preview::Preview;
pub use quota::{AtMost, Counted, Full, Holder, Quota, Refused, Share};
pub use rate::{Allowance, Rate};
pub use role::{Role, RoleGrants, Roles};
pub use seal::{DecisionSeal, Endorsement, OfTenant, Sealed};
pub use session::{SessionMeta, SessionStatus};
pub use text::excerpt;
pub use time::{UnixMs, UnixSeconds};
pub use trace::RequestTrace;
