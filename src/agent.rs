//! The agent: runs that live on the server, whoever watches.
//!
//! analyze → plan → execute ⇄ tools → reflect; everything that happens is appended to the session's
//! journal first and shown then. Knows the ports and `domain`; nothing of HTTP, nothing of Redis.
//!
//! Three rooms, each of which uses only those above it: [`approval`], what waits for a person and what an
//! answer counts for; [`run`], the machine of one run; [`service`], the runs of a process. What others use
//! of them stands here.

mod approval;
mod run;
mod service;

pub use approval::known_holds::KnownHolds;
pub use approval::pending::PendingApprovals;
pub use approval::policy::{AnswerTimes, ApproverPolicy};
pub use approval::request::PendingRequest;
pub use approval::seals::Seals;
pub use run::announcers::Announcers;
pub use run::context::{Budget, Limits, RunContext, Terms};
pub use run::fold::FoldError;
#[cfg(any(test, fuzzing))]
pub(crate) use run::fuzz;
pub use run::journal::opening;
pub use run::recent_frames::{RecentFrame, RecentFrames};
pub use run::record::{Opened, Record, RecordKind};
pub use run::state::{Node, State};
pub use service::decide::{DecisionError, Review, ReviewOutcome};
pub use service::drive::AgentService;
pub use service::holds::{HoldInForce, PutHold, PutHoldRefused};
pub use service::inbox::recent::InboxNews;
pub use service::inbox::tenant::InboxFollower;
pub use service::inbox::{InboxLine, InboxPage};
pub use service::listener::start_service;
pub use service::operators::RunFilter;
pub use service::runs::LocalRuns;
pub use service::sessions::{CancelError, SessionDetail, SessionSummary};
pub use service::start::{StartError, StartRun, Started};
