//! The agent: runs that live on the server, whoever watches.
//!
//! analyze → plan → execute ⇄ tools → reflect; everything that happens is appended to the session's
//! journal first and shown then. Knows the ports and `domain`; nothing of HTTP, nothing of Redis.

mod alarms;
mod ask;
mod audit;
mod break_down;
pub mod budget;
mod checkpoint;
pub mod decisions;
mod ending;
mod ensure;
mod evidence;
mod execute;
mod finish;
mod fit;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
pub mod gate;
mod gone;
mod history;
pub mod journal;
mod late_signals;
pub mod listener;
pub mod live;
pub mod misuse;
mod once;
pub mod ownership;
mod places;
pub mod policy;
mod ready;
mod reasoning;
pub mod record;
mod rules;
pub mod run;
pub mod seals;
mod seen;
pub mod service;
pub mod start;
pub mod state;
mod stored_request;
mod superseded;
mod take_overs;
mod turn;
pub mod uncounted;
pub mod view;
mod votes;
pub mod waiting;
mod withdraw;

pub use service::AgentService;
pub use start::{Ask, StartError, Started};
