//! What must hold for every answer of a model, in whatever pieces the network hands it out.

use std::cell::OnceCell;
use std::collections::{HashSet, VecDeque};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use tokio::runtime::Runtime;

use super::answer::{Answer, Deadlines};
use super::assemble::Assembler;
use super::continuation::Continuation;
use super::limit::Limits;
use super::secrets::Secrets;
use crate::domain::ToolCallId;
use crate::domain::call::NAME_MAX;
use crate::llm::{ChatRequest, Delta};

/// Nothing here waits.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

/// What a model's stream means depends on its bytes alone: not on where the network cuts it. It is
/// bounded by what came, ends once, and hands out whole calls that can be told apart.
pub fn model_stream(stream: &[u8]) {
    let whole = Turn::read([stream], "");
    whole.check(stream.len());
    let bytes = Turn::read(stream.chunks(1), "");
    assert_eq!(whole, bytes, "byte by byte it is another one");
    let mut random = fastrand::Rng::with_seed(seed(stream));
    let pieces = Turn::read(cut(stream, &mut random), "");
    assert_eq!(whole, pieces, "in pieces it is another one");

    let begun = begun(&whole.text(), &mut random);
    let resumed = Turn::read([stream], &begun);
    assert_eq!(resumed, Turn::read(cut(stream, &mut random), &begun), "cut, gone on with");
    assert!(whole.text().ends_with(&resumed.text()), "a text is left out that is no repetition");
}

/// The same for the same bytes, so that what is found is found again.
fn seed(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |seed, byte| {
        (seed ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn cut<'a>(mut bytes: &'a [u8], random: &mut fastrand::Rng) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    while !bytes.is_empty() {
        let (piece, rest) = bytes.split_at(random.usize(1..=bytes.len().min(64)));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

/// Something that may have been shown before: the beginning of what is said now, or its end.
fn begun(text: &str, random: &mut fastrand::Rng) -> String {
    let at = text.floor_char_boundary(random.usize(0..=text.len()));
    let (start, end) = text.split_at(at);
    if random.bool() { start.to_owned() } else { format!("{end}{start}") }
}

/// What was handed out, and the fault that ended it, if one did.
#[derive(Debug, PartialEq)]
struct Turn {
    deltas: Vec<Delta>,
    fault: Option<String>,
}

impl Turn {
    fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, begun: &str) -> Self {
        let pieces = pieces.into_iter().map(Bytes::copy_from_slice).collect();
        let response = http::Response::new(reqwest::Body::wrap(Pieces(pieces)));
        let request =
            ChatRequest { messages: Vec::new(), tools: Arc::default(), partial: begun.to_owned() };
        let limits = Limits { connect: NEVER, first_token: NEVER, idle: NEVER, turn: NEVER };
        with_runtime(|runtime| {
            runtime.block_on(async {
                let times = (limits, Deadlines::from_now(limits));
                let (assembler, secrets) = (Assembler::new(&request), Arc::new(Secrets::default()));
                let answer = Answer::new(response.into(), assembler, times, secrets);
                Self::of(answer.after(Continuation::of(begun))).await
            })
        })
    }

    async fn of(mut answer: Answer) -> Self {
        let mut deltas = Vec::new();
        let fault = loop {
            match answer.next().await {
                Ok(Some(delta)) => deltas.push(with_known_id(delta, deltas.len())),
                Ok(None) => break None,
                Err(fault) => break Some(fault.error.to_string()),
            }
        };
        Self { deltas, fault }
    }

    fn text(&self) -> String {
        let texts = self.deltas.iter().filter_map(|delta| match delta {
            Delta::Text(text) => Some(text.as_str()),
            Delta::Reasoning(_) | Delta::Restarted | Delta::ToolCall(_) | Delta::End(_) => None,
        });
        texts.collect()
    }

    fn check(&self, came: usize) {
        let mut size = 0;
        let (mut ends, mut ids) = (0, HashSet::new());
        for delta in &self.deltas {
            assert_eq!(ends, 0, "something comes behind the end: {self:?}");
            match delta {
                Delta::Text(text) => {
                    assert!(!text.is_empty() && ids.is_empty(), "{self:?}");
                    size += text.len();
                }
                Delta::Reasoning(text) => {
                    assert!(!text.is_empty(), "{self:?}");
                    size += text.len();
                }
                Delta::ToolCall(call) => {
                    assert!(ids.insert(call.id.clone()), "two calls of one id: {self:?}");
                    assert!(call.id.as_str().len() <= 256 && call.name.len() <= NAME_MAX);
                    size += call.name.len() + call.arguments.len();
                }
                Delta::Restarted => panic!("one answer does not start anew: {self:?}"),
                Delta::End(_) => ends += 1,
            }
        }
        assert_eq!(ends == 1, self.fault.is_none(), "{self:?}");
        // One byte that is no UTF-8 becomes U+FFFD; arguments that are JSON are written anew.
        assert!(size <= 64 + 8 * came, "{size} bytes of {came}");
        assert!(self.fault.as_ref().is_none_or(|fault| fault.len() <= 4096), "{self:?}");
    }
}

/// An id that was drawn for a call without one is another each time.
fn with_known_id(delta: Delta, place: usize) -> Delta {
    match delta {
        Delta::ToolCall(mut call) => {
            let drawn = call.id.as_str().strip_prefix("call_").is_some_and(|id| id.len() == 32);
            if drawn {
                call.id = ToolCallId::new(format!("drawn {place}"));
            }
            Delta::ToolCall(call)
        }
        other => other,
    }
}

/// A body that is there already, in pieces.
struct Pieces(VecDeque<Bytes>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }
}

fn with_runtime<T>(work: impl FnOnce(&Runtime) -> T) -> T {
    thread_local!(static RUNTIME: OnceCell<Runtime> = const { OnceCell::new() });
    let new = || match tokio::runtime::Builder::new_current_thread().enable_time().build() {
        Ok(runtime) => runtime,
        Err(error) => panic!("no runtime: {error}"),
    };
    RUNTIME.with(|runtime| work(runtime.get_or_init(new)))
}
