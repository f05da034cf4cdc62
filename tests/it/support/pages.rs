//! The frontend's two pages, as far as they read the stream: field for field what each looks at.
//!
//! Both split what the network hands them at blank lines; neither knows of ids or of reconnecting.

use futures::StreamExt;
use reqwest::Response;
use serde_json::Value;
use tokio::time::timeout;

use super::app::PATIENCE;

/// A question on the screen.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// What the page sends to the Main Service when somebody clicks.
    pub request: String,
    /// The tool that it names.
    pub action: String,
    /// The arguments that it lists.
    pub params: Value,
    /// What it says of how sure the model was; without it nothing.
    pub confidence: Option<f64>,
}

/// What is on the screen.
#[derive(Clone, Debug, Default)]
pub struct Screen {
    /// Questions, in the order in which they came up.
    pub cards: Vec<Card>,
    /// Thoughts.
    pub thoughts: Vec<String>,
    /// Tools, `git_merge success` and the like.
    pub tools: Vec<String>,
    /// The answer.
    pub content: String,
}

/// Which page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// Reads `type`, and the payload in `data` if it is there. Of each network chunk it drops what
    /// follows the first question.
    Overlay,
    /// Reads `event`, or else `type`.
    Workspace,
}

impl Page {
    /// Reads a response until a question is on the screen, or the stream ends.
    pub async fn until_asked(self, body: &mut Chunks, screen: &mut Screen) {
        let before = screen.cards.len();
        while screen.cards.len() == before {
            let Some(payloads) = body.next().await else { return };
            self.show(&payloads, screen);
        }
    }

    /// Reads a response to its end.
    pub async fn to_end(self, body: &mut Chunks, screen: &mut Screen) {
        while let Some(payloads) = body.next().await {
            self.show(&payloads, screen);
        }
    }

    fn show(self, payloads: &[Value], screen: &mut Screen) {
        for payload in payloads {
            let asked = match self {
                Self::Overlay => overlay(payload, screen),
                Self::Workspace => workspace(payload, screen),
            };
            if asked && self == Self::Overlay {
                return;
            }
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("undefined").to_owned()
}

/// Returns whether it was a question.
fn overlay(data: &Value, screen: &mut Screen) -> bool {
    let fields = data.get("data").unwrap_or(data);
    match data["type"].as_str() {
        Some("content") => screen.content.push_str(&text(&fields["content"])),
        Some("hitl") => {
            screen.cards.push(card(fields, "requestId", "action"));
            return true;
        }
        _ => {}
    }
    false
}

fn workspace(data: &Value, screen: &mut Screen) -> bool {
    let fields = data.get("data").unwrap_or(data);
    let kind = fields.get("event").or_else(|| fields.get("type"));
    match kind.and_then(Value::as_str) {
        Some("thought_chain") => screen.thoughts.push(text(&fields["content"])),
        Some("action_execution") => {
            let params = fields["params"].as_object();
            assert!(params.is_some(), "the tool log lists the fields of params: {fields}");
            screen.tools.push(format!("{} {}", text(&fields["tool"]), text(&fields["status"])));
        }
        Some("content") => screen.content.push_str(&text(&fields["content"])),
        Some("hitl_request") => {
            screen.cards.push(card(fields, "id", "actionType"));
            return true;
        }
        _ => {}
    }
    false
}

fn card(fields: &Value, id: &str, action: &str) -> Card {
    Card {
        request: text(&fields[id]),
        action: text(&fields[action]),
        params: fields["params"].clone(),
        confidence: fields["confidence"].as_f64(),
    }
}

/// A response as `fetch` hands it out: what came in one read of the network.
pub struct Chunks {
    body: futures::stream::BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    rest: Vec<u8>,
}

impl Chunks {
    /// Begins to read.
    pub fn of(response: Response) -> Self {
        Self { body: response.bytes_stream().boxed(), rest: Vec::new() }
    }

    /// The payloads of the next chunk; `None` at the end.
    async fn next(&mut self) -> Option<Vec<Value>> {
        let chunk = timeout(PATIENCE, self.body.next()).await.expect("nothing comes any more")?;
        self.rest.extend_from_slice(&chunk.unwrap());
        let end = self.rest.windows(2).rposition(|pair| pair == b"\n\n").map_or(0, |at| at + 2);
        let whole: Vec<u8> = self.rest.drain(..end).collect();
        let whole = String::from_utf8(whole).unwrap();
        let data = whole.lines().filter_map(|line| line.strip_prefix("data: "));
        Some(data.filter_map(|data| serde_json::from_str(data).ok()).collect())
    }
}
