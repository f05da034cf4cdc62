//! What a fake model answers: ready-made replies, and the pieces to make others of.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{HangUp, soon};

/// How often a model that does nothing else sends comments.
const KEEP_ALIVE_EVERY: Duration = Duration::from_millis(10);

/// One answer. Made from [`Reply::text`] and its like, or piece by piece from [`Reply::stream`].
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    parts: Vec<Part>,
    piece_size: Option<usize>,
    calls: u64,
}

#[derive(Clone, Debug)]
enum Part {
    Bytes(Bytes),
    Gate(Gate),
    Pause(Duration),
    Endless(Bytes),
    Silence,
    Cut,
}

/// A place where an answer stops until the test opens it; see [`Reply::gate`].
#[derive(Clone, Debug)]
pub struct Gate {
    open: Arc<watch::Sender<bool>>,
    reached: Arc<watch::Sender<bool>>,
}

impl Gate {
    /// A closed gate.
    pub fn closed() -> Self {
        Self {
            open: Arc::new(watch::Sender::new(false)),
            reached: Arc::new(watch::Sender::new(false)),
        }
    }

    /// Lets the answer go on, now or when it comes to the gate.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Waits until an answer has come to the gate: all before it has been sent.
    pub async fn reached(&self) {
        let mut reached = self.reached.subscribe();
        soon("the answer comes to the gate", reached.wait_for(|yes| *yes)).await.unwrap();
    }

    /// Comes to the gate, and waits until it is open.
    pub async fn pass(&self) {
        self.reached.send_replace(true);
        // The test is over when the sender is gone: then it does not matter.
        let _ = self.open.subscribe().wait_for(|open| *open).await;
    }
}

/// Ready-made replies.
impl Reply {
    /// A whole answer in words, streamed in these pieces, with 10 + 5 tokens.
    pub fn text<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Self {
        let start = Self::stream().delta(&json!({"role": "assistant", "content": ""}));
        pieces.into_iter().fold(start, Reply::piece).ends("stop")
    }

    /// A whole answer that asks for one tool.
    pub fn tool_call(name: &str, arguments: &Value) -> Self {
        Self::tool_calls([(name, arguments)])
    }

    /// A whole answer that asks for several tools. Their arguments are split over fragments; ids
    /// are unique.
    pub fn tool_calls<'a>(calls: impl IntoIterator<Item = (&'a str, &'a Value)>) -> Self {
        let start = Self::stream().delta(&json!({"role": "assistant", "content": null}));
        let add = |reply: Self, (name, arguments): (&str, &Value)| {
            let id = format!("call_{}", uuid::Uuid::new_v4().simple());
            let text = arguments.to_string();
            let middle = text.ceil_char_boundary(text.len() / 2);
            reply.call(&id, name, [&text[..middle], &text[middle..]])
        };
        calls.into_iter().fold(start, add).ends("tool_calls")
    }

    /// A status and nothing else.
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), parts: Vec::new(), piece_size: None, calls: 0 }
    }

    /// A status with the body that OpenAI has for errors.
    pub fn refusing(status: u16, message: &str) -> Self {
        let error = json!({"error": {"message": message, "type": "invalid_request_error"}});
        Self { status, ..Self::json(&error) }
    }

    /// A JSON body, not streamed.
    pub fn json(body: &Value) -> Self {
        Self::status(200).header("content-type", "application/json").raw(body.to_string())
    }

    /// Takes the request and never answers it.
    pub fn silence() -> Self {
        Self::status(0)
    }
}

/// A stream, piece by piece; each call adds one event, which goes out at once.
impl Reply {
    /// A stream with nothing in it yet. Unless something else is added, it ends without `[DONE]`.
    pub fn stream() -> Self {
        Self::status(200).header("content-type", "text/event-stream; charset=utf-8")
    }

    /// A piece of text.
    pub fn piece(self, text: &str) -> Self {
        self.delta(&json!({"content": text}))
    }

    /// A piece of text with the logarithms of its tokens' probabilities.
    pub fn piece_with_logprobs(self, text: &str, logprobs: &[f64]) -> Self {
        let tokens: Vec<Value> =
            logprobs.iter().map(|logprob| json!({"token": "t", "logprob": logprob})).collect();
        let logprobs = json!({"content": tokens, "refusal": null});
        let choice = json!({"index": 0, "delta": {"content": text}, "logprobs": logprobs});
        self.chunk(&json!({"choices": [choice]}))
    }

    /// A tool call as OpenAI streams it: its head, then its arguments in these fragments.
    pub fn call<'a>(
        mut self,
        id: &str,
        name: &str,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let index = self.calls;
        self.calls += 1;
        let function = json!({"name": name, "arguments": ""});
        let head = json!({"index": index, "id": id, "type": "function", "function": function});
        arguments.into_iter().fold(self.fragments(&[head]), |reply, part| {
            reply.fragments(&[json!({"index": index, "function": {"arguments": part}})])
        })
    }

    /// One chunk with these fragments of tool calls, whatever they look like.
    pub fn fragments(self, fragments: &[Value]) -> Self {
        self.delta(&json!({"tool_calls": fragments}))
    }

    /// A chunk with this delta.
    pub fn delta(self, delta: &Value) -> Self {
        self.chunk(&json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]}))
    }

    /// The model says why it stops.
    pub fn finish(self, reason: &str) -> Self {
        self.chunk(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}))
    }

    /// The token count, as `include_usage` asks for it.
    pub fn usage(self, prompt: u64, completion: u64) -> Self {
        let total = prompt + completion;
        let usage = json!({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total});
        self.chunk(&json!({"choices": [], "usage": usage}))
    }

    /// The end of a stream that goes as it should: reason, 10 + 5 tokens, `[DONE]`.
    pub fn ends(self, reason: &str) -> Self {
        self.finish(reason).usage(10, 5).done()
    }

    /// `[DONE]`.
    pub fn done(self) -> Self {
        self.raw("data: [DONE]\n\n")
    }

    /// A chunk; the fields that every chunk has are added.
    pub fn chunk(self, fields: &Value) -> Self {
        let mut chunk = json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"});
        let fields = fields.as_object().unwrap().clone();
        chunk.as_object_mut().unwrap().extend(fields);
        self.raw(format!("data: {chunk}\n\n"))
    }

    /// A comment, which providers send to keep a connection open.
    pub fn comment(self) -> Self {
        self.raw(": keep-alive\n\n")
    }

    /// Any bytes.
    pub fn raw(mut self, bytes: impl Into<Bytes>) -> Self {
        self.parts.push(Part::Bytes(bytes.into()));
        self
    }

    /// Waits here until the test opens the gate.
    pub fn gate(mut self, gate: &Gate) -> Self {
        self.parts.push(Part::Gate(gate.clone()));
        self
    }

    /// Thinks here for so long, as models do.
    pub fn pause(mut self, time: Duration) -> Self {
        self.parts.push(Part::Pause(time));
        self
    }

    /// Cuts the connection here, in the middle of the body.
    pub fn cut(mut self) -> Self {
        self.parts.push(Part::Cut);
        self
    }

    /// Goes silent here, for ever.
    pub fn goes_silent(mut self) -> Self {
        self.parts.push(Part::Silence);
        self
    }

    /// Sends nothing but comments from here, for ever.
    pub fn keeps_alive(mut self) -> Self {
        self.parts.push(Part::Endless(Bytes::from_static(b": keep-alive\n\n")));
        self
    }

    /// Sends the last part over and over from here, for ever.
    pub fn for_ever(mut self) -> Self {
        let Some(Part::Bytes(last)) = self.parts.pop() else { panic!("nothing to repeat") };
        self.parts.push(Part::Endless(last));
        self
    }

    /// A response header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends the bytes between two gates in pieces of this size, whatever they cut through.
    pub fn in_pieces_of(mut self, bytes: usize) -> Self {
        self.piece_size = Some(bytes);
        self
    }
}

/// Sending.
impl Reply {
    pub(super) async fn into_response(self, hang_up: HangUp) -> Response {
        if self.status == 0 {
            // Moved in, so that a client that goes away is noticed here too.
            let _hang_up = hang_up;
            return std::future::pending().await;
        }
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        response.body(Body::from_stream(self.body(hang_up))).unwrap()
    }

    fn body(self, hang_up: HangUp) -> impl futures::Stream<Item = Result<Bytes, std::io::Error>> {
        async_stream::stream! {
            for part in self.cut_up() {
                match part {
                    Part::Bytes(bytes) => yield Ok(bytes),
                    Part::Gate(gate) => {
                        // What went before is written to the socket while this task pauses.
                        tokio::task::yield_now().await;
                        gate.pass().await;
                    }
                    Part::Pause(time) => tokio::time::sleep(time).await,
                    Part::Endless(bytes) => {
                        let mut ticks = tokio::time::interval(KEEP_ALIVE_EVERY);
                        loop {
                            ticks.tick().await;
                            yield Ok(bytes.clone());
                        }
                    }
                    Part::Silence => std::future::pending().await,
                    Part::Cut => {
                        hang_up.answered();
                        yield Err(std::io::Error::other("the test cuts the connection"));
                        return;
                    }
                }
                // One write for each part: the server writes when the body has nothing more.
                tokio::task::yield_now().await;
            }
            hang_up.answered();
        }
    }

    /// The parts, with neighbouring bytes joined and cut anew where a piece size was set.
    fn cut_up(&self) -> Vec<Part> {
        let Some(size) = self.piece_size else {
            return self.parts.clone();
        };
        let mut cut = Vec::new();
        for run in self.parts.chunk_by(|a, b| matches!((a, b), (Part::Bytes(_), Part::Bytes(_)))) {
            let bytes: Vec<u8> = run
                .iter()
                .flat_map(|part| match part {
                    Part::Bytes(bytes) => bytes.to_vec(),
                    Part::Gate(_)
                    | Part::Pause(_)
                    | Part::Endless(_)
                    | Part::Silence
                    | Part::Cut => Vec::new(),
                })
                .collect();
            match &run[0] {
                Part::Bytes(_) => {
                    cut.extend(
                        bytes.chunks(size).map(|piece| Part::Bytes(Bytes::copy_from_slice(piece))),
                    );
                }
                other => cut.push(other.clone()),
            }
        }
        cut
    }
}
