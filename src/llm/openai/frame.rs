//! What one event of a stream, or a whole answer in one piece, turns out to be.

use serde::Deserialize;
use serde_json::Value;

use crate::domain::json::{Piece, mended, read_piece};
use crate::sse::parse::Event;

use super::fault::Fault;
use super::provider_error::ProviderError;
use super::secrets::Secrets;
use super::wire::Chunk;

/// What an event turns out to be. Whoever reads a turn reads nothing but these.
#[derive(Debug)]
pub(super) enum Frame {
    /// Parts of the turn; most often one.
    Chunks(Vec<Chunk>),
    /// The end of the stream.
    Done,
    /// The provider reports an error. Nothing of the turn counts then, whatever came before.
    Fault(Fault),
    /// A sign of life at most.
    Nothing,
    /// Nobody knows what it should be. Of no concern behind an answer that is complete.
    Unreadable(Fault),
}

impl Frame {
    /// Reads an event of a stream.
    pub(super) fn of_event(event: &Event, secrets: &Secrets) -> Self {
        let data = event.data.trim();
        match event.kind.as_deref().map(str::to_ascii_lowercase) {
            Some(kind) if kind.contains("error") || kind.contains("fail") => {
                Self::Fault(Fault::reported(&reported(data), secrets))
            }
            Some(kind) if is_sign_of_life(&kind) => Self::Nothing,
            Some(_) | None => match data {
                "" => Self::Nothing,
                "[DONE]" => Self::Done,
                data => Self::of_json(data.as_bytes(), secrets),
            },
        }
    }

    /// Reads JSON that should be a part of a turn, or a whole one.
    pub(super) fn of_json(json: &[u8], secrets: &Secrets) -> Self {
        match read_piece(json) {
            Ok(piece) if is_error(&piece.value) => {
                let told = serde_json::from_slice(&mended(json)).unwrap_or_default();
                Self::Fault(Fault::reported(&told, secrets))
            }
            Ok(piece) => Self::of_piece(piece, secrets),
            Err(_) => Self::Unreadable(Fault::unreadable(&String::from_utf8_lossy(json), secrets)),
        }
    }

    fn of_piece(piece: Piece, secrets: &Secrets) -> Self {
        let Piece { value, has_halves } = piece;
        let parts = match value {
            Value::Array(parts) => parts,
            part => vec![part],
        };
        let mut chunks = Vec::with_capacity(parts.len());
        for part in parts.into_iter().filter(|part| !part.is_null()) {
            match Chunk::deserialize(part) {
                Ok(chunk) => chunks.push(chunk.with_halves(has_halves)),
                Err(_) => return Self::Unreadable(Fault::unreadable("", secrets)),
            }
        }
        if chunks.is_empty() { Self::Nothing } else { Self::Chunks(chunks) }
    }
}

/// What an event says that calls itself an error: JSON, or just words.
fn reported(data: &str) -> Value {
    let told = serde_json::from_slice(&mended(data.as_bytes()));
    told.unwrap_or_else(|_| Value::String(data.to_owned()))
}

fn is_error(part: &Value) -> bool {
    match part {
        Value::Object(fields) => ProviderError::is_error(fields),
        // A turn has no bare words.
        Value::String(_) => true,
        Value::Array(parts) => parts.iter().any(is_error),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn is_sign_of_life(kind: &str) -> bool {
    matches!(kind, "ping" | "keepalive" | "keep-alive" | "keep_alive" | "heartbeat")
}
