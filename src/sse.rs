//! The bytes of Server-Sent Events: ours going out, a model's coming in.

pub mod frame;
pub mod parse;
