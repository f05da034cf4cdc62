//! A stream as a client reads it: every byte kept, every frame checked against the contract, and every event
//! against the document that describes it.
#![allow(clippy::wrong_self_convention, reason = "`to_done` reads on, to the trailer")]

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use reqwest::Response;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::time::timeout;

use crate::app::PATIENCE;
use crate::described;

/// One frame, byte for byte as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Its bytes, the blank line included.
    pub raw: String,
    /// `id`.
    pub id: u64,
    /// `event`; `None` for the trailer.
    pub event: Option<String>,
    /// `data`; `null` for the trailer.
    pub data: Value,
}

impl Frame {
    /// Whether this is the trailer.
    pub fn is_done(&self) -> bool {
        self.event.is_none()
    }

    /// Whether it is an event of that type.
    pub fn is(&self, event: &str) -> bool {
        self.event.as_deref() == Some(event)
    }

    /// Whether it is a `content` event that says that there is no answer, in either form.
    pub fn is_notice(&self) -> bool {
        let payload = if self.data["data"].is_object() { &self.data["data"] } else { &self.data };
        self.is("content") && payload["metadata"]["notice"] == true
    }

    /// Takes a frame apart, and fails on anything that the contract (section 4.1) does not allow.
    pub fn parse(raw: &str) -> Self {
        let lines: Vec<&str> = raw.trim_end_matches('\n').split('\n').collect();
        let field = |at: usize, name: &str| {
            let line: &str = lines.get(at).copied().unwrap_or_default();
            let value = line.strip_prefix(&format!("{name}: "));
            value.unwrap_or_else(|| panic!("no {name} in line {at} of {raw:?}")).to_owned()
        };
        let id = field(0, "id").parse().unwrap();
        if lines.len() == 2 {
            assert_eq!(field(1, "data"), "[DONE]", "{raw:?}");
            return Self { raw: raw.to_owned(), id, event: None, data: Value::Null };
        }
        assert_eq!(lines.len(), 3, "{raw:?}");
        let (event, data) = (field(1, "event"), serde_json::from_str(&field(2, "data")).unwrap());
        described::check_event(&event, &data);
        Self { raw: raw.to_owned(), id, event: Some(event), data }
    }
}

/// Why a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEnd {
    /// The body ended as HTTP says.
    Whole,
    /// The connection was broken off.
    BrokenOff,
}

/// A stream being read.
pub struct SseStream {
    /// The HTTP status.
    pub status: u16,
    /// The response headers.
    pub headers: HeaderMap,
    /// Everything that came so far, keep-alives left out.
    pub frames: Vec<Frame>,
    /// How many keep-alives came.
    pub keep_alives: usize,
    body: BoxStream<'static, reqwest::Result<Bytes>>,
    buffer: Vec<u8>,
    end: Option<StreamEnd>,
}

impl SseStream {
    /// Begins to read a response.
    pub fn of(response: Response) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            frames: Vec::new(),
            keep_alives: 0,
            body: response.bytes_stream().boxed(),
            buffer: Vec::new(),
            end: None,
        }
    }

    /// The session, as the response header names it.
    pub fn session(&self) -> String {
        self.headers["x-session-id"].to_str().unwrap().to_owned()
    }

    /// The next frame, or `None` if the stream has ended.
    pub async fn next(&mut self) -> Option<Frame> {
        let next = timeout(PATIENCE, self.read_frame()).await;
        next.unwrap_or_else(|_| panic!("no further frame; so far: {:#?}", self.summary()))
    }

    /// Reads until an event of that type, and returns it.
    pub async fn until(&mut self, event: &str) -> Frame {
        while let Some(frame) = self.next().await {
            if frame.is(event) {
                return frame;
            }
        }
        panic!("the stream ended without {event}: {:#?}", self.summary());
    }

    /// Reads to the end. The trailer must be the last frame.
    pub async fn to_done(&mut self) -> &[Frame] {
        while self.next().await.is_some() {}
        let trailers = self.frames.iter().filter(|frame| frame.is_done()).count();
        assert_eq!(trailers, 1, "{:#?}", self.summary());
        assert!(self.frames.last().is_some_and(Frame::is_done), "{:#?}", self.summary());
        assert_eq!(self.end, Some(StreamEnd::Whole));
        &self.frames
    }

    /// Reads to the end, whatever it is.
    pub async fn to_end(&mut self) -> StreamEnd {
        while self.next().await.is_some() {}
        self.end.unwrap()
    }

    /// Whether nothing but keep-alives comes for a while. Proves little; use it only where a wrong
    /// frame would come at once.
    pub async fn is_silent_for(&mut self, time: Duration) -> bool {
        timeout(time, self.read_frame()).await.is_err()
    }

    /// All bytes of all frames.
    pub fn bytes(&self) -> String {
        self.frames.iter().map(|frame| frame.raw.as_str()).collect()
    }

    /// The events of that type.
    pub fn all(&self, event: &str) -> Vec<&Frame> {
        self.frames.iter().filter(|frame| frame.is(event)).collect()
    }

    /// The whole answer; a notice is no part of it.
    pub fn answer(&self) -> String {
        let pieces = self.all("content").into_iter().filter(|frame| !frame.is_notice());
        pieces.map(|frame| frame.data["content"].as_str().unwrap()).collect()
    }

    /// What the last `end` says.
    pub fn status_at_end(&self) -> String {
        let ends = self.all("end");
        assert_eq!(ends.len(), 1, "{:#?}", self.summary());
        ends[0].data["status"].as_str().unwrap().to_owned()
    }

    /// One line for each frame.
    pub fn summary(&self) -> Vec<String> {
        let line = |frame: &Frame| match &frame.event {
            None => format!("{} [DONE]", frame.id),
            Some(event) => {
                let text = frame.data.to_string();
                let end = text.floor_char_boundary(240);
                format!("{} {event} {}", frame.id, &text[..end])
            }
        };
        self.frames.iter().map(line).collect()
    }

    async fn read_frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let raw: Vec<u8> = self.buffer.drain(..end + 2).collect();
                let raw = String::from_utf8(raw).unwrap();
                if raw.starts_with(':') {
                    assert_eq!(raw, ": keep-alive id:\n\n");
                    self.keep_alives += 1;
                    continue;
                }
                let frame = Frame::parse(&raw);
                if let Some(last) = self.frames.last() {
                    assert!(frame.id > last.id, "ids must grow: {} after {}", frame.id, last.id);
                }
                self.frames.push(frame.clone());
                return Some(frame);
            }
            match self.body.next().await {
                Some(Ok(bytes)) => self.buffer.extend_from_slice(&bytes),
                Some(Err(_)) => self.end = Some(StreamEnd::BrokenOff),
                None if self.end.is_none() => self.end = Some(StreamEnd::Whole),
                None => {}
            }
            if self.end.is_some() {
                assert!(self.buffer.is_empty(), "half a frame: {:?}", self.buffer);
                return None;
            }
        }
    }
}
