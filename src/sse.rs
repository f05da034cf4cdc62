//! The bytes of Server-Sent Events.
//!
//! [`frame`] writes our own stream: pure functions, each frame made once. [`parse`] reads one, piece
//! by piece and in bounded memory: the answers of models.

pub mod frame;
pub mod parse;
