//! What more than one of the test binaries and benchmarks work with: the real binary and real servers as
//! processes, a model that does what it is told, and callers as types.
//!
//! | read | for |
//! |---|---|
//! | [`app`] | the service as a process, and its callers |
//! | [`stream`] | a stream as a client reads it |
//! | [`described`] | what the documents of the interface say of that |
//! | [`model`] | a model's provider |
//! | [`redis`] | a Redis of one's own, which can be killed and made to hang |
//! | [`git`] | real repositories |
//! | [`defaults`] | stores and git as `config/default.toml` has them |
//! | [`guardian`] | that nothing outlives the tests, not even when they are killed |
//!
//! What one of the binaries alone uses stands with it.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stderr, reason = "the test runner shows it where a test fails")]
#![expect(clippy::needless_pass_by_value, reason = "calls read better without borrows")]

pub mod app;
pub mod defaults;
pub mod described;
pub mod git;
pub mod guardian;
mod metrics;
pub mod model;
pub mod redis;
pub mod stream;
