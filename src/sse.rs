//! The bytes of Server-Sent Events.
//!
//! [`parse`] reads a stream, piece by piece and in bounded memory: the answers of models, and in
//! the tests this service's own streams.

pub mod parse;
