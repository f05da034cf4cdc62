//! Fault injection: our real binary as processes against a real Redis, killed, stopped, cut off and
//! restarted. After it, every client's history and every journal must be what an undisturbed run
//! would have left, and nothing may have been done twice without a second approval.
//!
//! | read | for |
//! |---|---|
//! | `faults/every_append.rs` | a kill at each journal append of one run, before and after it |
//! | `faults/starts.rs` | starts that stand still, are cut off or die half way |
//! | `faults/random.rs` | replicas under a random schedule that a seed replays |
//! | `faults/redis_away.rs` | Redis killed, hung and cut off under waiting approvals |
//! | `faults/poison.rs` | a run whose step ends its servers, one after the other |
//! | `faults/failover_time.rs` | how long runs stand still when their server goes |
//! | `faults/checker.rs` | what must hold, rule by rule |
//!
//! `scripts/faults` runs the long one. What is measured goes to files that the environment names:
//!
//! | variable | what is written |
//! |---|---|
//! | `AURA_FAULTS_TABLE` | each append at which a run was killed, and what came of it |
//! | `AURA_FAULTS_SUMMARY` | what happened in the storm, how long runs stood still, violations |
//! | `AURA_FAULTS_FAILOVER` | how long runs stand still after a kill and after a SIGTERM alone |
//! | `AURA_FAULTS_REDIS` | what a client is answered while Redis is away |
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a test's tasks end with its runtime")]
#![allow(clippy::print_stderr, reason = "the test runner shows it where a test fails")]
#![allow(unreachable_pub, reason = "support code is written like a library's")]

#[path = "faults/append_log.rs"]
mod append_log;
#[path = "faults/checker.rs"]
mod checker;
#[path = "faults/checker_bites.rs"]
mod checker_bites;
#[path = "faults/client.rs"]
mod client;
#[path = "faults/cluster.rs"]
mod cluster;
#[path = "faults/every_append.rs"]
mod every_append;
#[path = "faults/failover_time.rs"]
mod failover_time;
#[path = "faults/journal.rs"]
mod journal;
#[path = "faults/model.rs"]
mod model;
#[path = "faults/plan.rs"]
mod plan;
#[path = "faults/poison.rs"]
mod poison;
#[path = "faults/proxy.rs"]
mod proxy;
#[path = "faults/random.rs"]
mod random;
#[path = "faults/redis_away.rs"]
mod redis_away;
#[path = "faults/resp.rs"]
mod resp;
#[path = "faults/rng.rs"]
mod rng;
#[path = "faults/starts.rs"]
mod starts;
#[path = "faults/workspace.rs"]
mod workspace;
