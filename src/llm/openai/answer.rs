//! Reading an answer as it arrives.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use crate::llm::Delta;
use crate::sse::parse::{Event, Parser};

use super::assemble::Assembler;
use super::continuation::Continuation;
use super::fault::Fault;
use super::frame::Frame;
use super::limit::{Limit, Limits};
use super::secrets::Secrets;
use super::wire::{Chunk, Words};

/// Largest answer of a server that does not stream, in bytes.
const WHOLE_MAX: usize = 8 * 1024 * 1024;
/// How long to wait for the token count and `[DONE]` behind a complete answer.
const TRAILER_WAIT: Duration = Duration::from_secs(5);

/// When an answer must have come how far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    /// When the first sign of the model must have come.
    pub(super) first: Instant,
    /// When the whole turn must be over, however busy the model is.
    pub(super) whole: Instant,
}

impl Deadlines {
    /// What a turn gets that begins now.
    pub(super) fn from_now(limits: Limits) -> Self {
        let now = Instant::now();
        Self { first: now + limits.first_token, whole: now + limits.turn }
    }

    /// The time until the model shows itself, anew; what is left of the whole stays.
    pub(super) fn with_first_anew(self, limits: Limits) -> Self {
        Self { first: Instant::now() + limits.first_token, ..self }
    }

    /// When a model that has not shown itself is given up, and by which limit.
    pub(super) fn soonest(self) -> (Instant, Limit) {
        if self.first < self.whole {
            (self.first, Limit::FirstToken)
        } else {
            (self.whole, Limit::Turn)
        }
    }
}

/// An answer on its way. Dropping it cancels the request.
pub(super) struct Answer {
    response: reqwest::Response,
    limits: Limits,
    secrets: Arc<Secrets>,
    reader: Reader,
    events: VecDeque<Event>,
    assembler: Assembler,
    continuation: Continuation,
    /// Read, but not handed out.
    ready: VecDeque<Delta>,
    deadlines: Deadlines,
    /// Whether the model has shown itself.
    begun: bool,
    /// When nothing more is waited for behind a complete answer; `None` until it is complete.
    trailer_deadline: Option<Instant>,
    over: bool,
}

/// How to read the bytes: the first that is not blank tells. Content types are not to be trusted.
enum Reader {
    /// Nothing has come but what may stand before either.
    Undecided(Vec<u8>),
    Events(Parser),
    /// The server does not stream: one JSON object, or a list.
    Whole(Vec<u8>),
}

impl Reader {
    /// How to read an answer that begins like this.
    fn of(start: Vec<u8>) -> Self {
        const BOM: &[u8] = b"\xEF\xBB\xBF";
        let text = start.trim_ascii_start();
        match text.strip_prefix(BOM).unwrap_or(text).trim_ascii_start().first() {
            Some(b'{' | b'[') => Self::Whole(Vec::new()),
            Some(_) if !BOM.starts_with(text) => Self::Events(Parser::new().with_strays()),
            Some(_) | None => Self::Undecided(start),
        }
    }
}

impl Answer {
    /// Starts to read.
    pub(super) fn new(
        response: reqwest::Response,
        assembler: Assembler,
        (limits, deadlines): (Limits, Deadlines),
        secrets: Arc<Secrets>,
    ) -> Self {
        Self {
            response,
            limits,
            secrets,
            reader: Reader::Undecided(Vec::new()),
            events: VecDeque::new(),
            assembler,
            continuation: Continuation::default(),
            ready: VecDeque::new(),
            deadlines,
            begun: false,
            trailer_deadline: None,
            over: false,
        }
    }

    /// Leaves out of the answer what it repeats of a text that was shown before.
    pub(super) fn after(self, continuation: Continuation) -> Self {
        Self { continuation, ..self }
    }

    /// The next piece; `None` once the end has been handed out.
    pub(super) async fn next(&mut self) -> Result<Option<Delta>, Fault> {
        // The clock runs while we wait for the model, not while the reader is busy elsewhere.
        let mut deadline = if self.begun { self.patience() } else { self.deadlines.first };
        loop {
            if let Some(delta) = self.ready.pop_front() {
                return Ok(Some(delta));
            }
            if self.over {
                return Ok(None);
            }
            let alive = match self.events.pop_front() {
                Some(event) => self.read(&event)?,
                None => self.receive(deadline).await?,
            };
            if alive {
                self.begun = true;
                deadline = self.patience();
            }
        }
    }

    /// Whether the model has shown itself.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Until when to wait for the next sign of the model. Behind a complete answer that is set
    /// once: whatever still comes does not keep the turn alive.
    fn patience(&mut self) -> Instant {
        let now = Instant::now();
        if !self.assembler.is_finished() {
            return now + self.limits.idle;
        }
        let wait = self.limits.idle.min(TRAILER_WAIT);
        *self.trailer_deadline.get_or_insert(now + wait)
    }

    /// The next bytes; `None` at the end. The deadlines count even if bytes are always there.
    async fn bytes(&mut self, deadline: Instant) -> Result<Option<Bytes>, Fault> {
        let until = deadline.min(self.deadlines.whole);
        let waited_for = match Instant::now() < until {
            true => timeout_at(until, self.response.chunk()).await.ok(),
            false => None,
        };
        let limit = match waited_for {
            Some(received) => return received.map_err(Fault::of_body),
            None if until == self.deadlines.whole => Limit::Turn,
            None if self.begun => Limit::Idle,
            None => Limit::FirstToken,
        };
        Err(Fault::timed_out(limit, self.limits.of(limit)))
    }

    /// Waits for bytes. Says whether the model did anything; bytes alone are no sign of that.
    async fn receive(&mut self, deadline: Instant) -> Result<bool, Fault> {
        match self.bytes(deadline).await {
            Ok(Some(bytes)) => self.feed(&bytes),
            Ok(None) => self.at_eof(),
            // The answer is whole, whatever became of the connection.
            Err(_) if self.assembler.is_finished() => Ok(self.end()),
            Err(fault) => Err(fault),
        }
    }

    fn feed(&mut self, bytes: &[u8]) -> Result<bool, Fault> {
        let Reader::Undecided(start) = &mut self.reader else {
            return self.decode(bytes);
        };
        let mut start = std::mem::take(start);
        start.extend_from_slice(bytes);
        // Blank lines may come for ever.
        start.drain(..start.len() - start.trim_ascii_start().len());
        self.reader = Reader::of(start.clone());
        self.decode(&start)
    }

    fn decode(&mut self, bytes: &[u8]) -> Result<bool, Fault> {
        match &mut self.reader {
            Reader::Undecided(_) => Ok(false),
            Reader::Events(parser) => match parser.push(bytes, &mut self.events) {
                Ok(()) => Ok(false),
                Err(too_large) => Err(Fault::boundless(&too_large.to_string())),
            },
            Reader::Whole(whole) if whole.len() + bytes.len() > WHOLE_MAX => {
                Err(Fault::boundless(&format!("the answer is larger than {WHOLE_MAX} bytes")))
            }
            Reader::Whole(whole) => {
                whole.extend_from_slice(bytes);
                Ok(false)
            }
        }
    }

    /// The connection has ended; that is an end of the turn only if the model said so before.
    fn at_eof(&mut self) -> Result<bool, Fault> {
        match &mut self.reader {
            Reader::Undecided(_) => {}
            // Some servers leave out the blank line behind the last event.
            Reader::Events(parser) => {
                if let Some(event) = parser.finish() {
                    self.read(&event)?;
                }
            }
            Reader::Whole(whole) => {
                let whole = std::mem::take(whole);
                self.take(Frame::of_json(&whole, &self.secrets))?;
                // A whole answer may do without a reason for its end.
                if self.assembler.has_answer() {
                    return Ok(self.end());
                }
            }
        }
        if self.over {
            return Ok(true);
        }
        if !self.assembler.is_finished() {
            return Err(Fault::broken("the connection ended before the answer did"));
        }
        Ok(self.end())
    }

    fn read(&mut self, event: &Event) -> Result<bool, Fault> {
        self.take(Frame::of_event(event, &self.secrets))
    }

    fn take(&mut self, frame: Frame) -> Result<bool, Fault> {
        match frame {
            Frame::Nothing => Ok(false),
            Frame::Fault(fault) => Err(fault),
            // What is cut off behind a complete answer is not missed.
            Frame::Unreadable(_) if self.assembler.is_finished() => Ok(false),
            Frame::Unreadable(fault) => Err(fault),
            Frame::Done if self.assembler.is_finished() || self.assembler.has_answer() => {
                Ok(self.end())
            }
            Frame::Done => Err(Fault::broken("the answer is empty")),
            Frame::Chunks(chunks) => {
                let mut alive = false;
                for chunk in chunks {
                    alive |= self.take_chunk(chunk)?;
                }
                Ok(alive)
            }
        }
    }

    fn take_chunk(&mut self, chunk: Chunk) -> Result<bool, Fault> {
        let step = self.assembler.take(chunk, &self.secrets)?;
        self.think(step.reasoning);
        let text = self.continuation.push(step.text);
        self.say(text);
        Ok(step.alive)
    }

    fn think(&mut self, reasoning: String) {
        if !reasoning.is_empty() {
            self.ready.push_back(Delta::Reasoning(reasoning));
        }
    }

    fn say(&mut self, text: String) {
        if !text.is_empty() {
            self.ready.push_back(Delta::Text(text));
        }
    }

    fn end(&mut self) -> bool {
        let Words { reasoning, text } = self.assembler.last_words();
        self.think(reasoning);
        let mut last = self.continuation.push(text);
        last.push_str(&self.continuation.finish());
        self.say(last);
        self.ready.extend(self.assembler.end());
        self.over = true;
        true
    }
}
