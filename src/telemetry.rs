//! What operators see of the process.

pub mod log;
pub mod metrics;
