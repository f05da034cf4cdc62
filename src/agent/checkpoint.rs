//! The checkpoint of a run (contract, section 5.1): its state in short, for whoever reads keys.
//!
//! Nothing is recovered from it, and all of it stands elsewhere: arguments and previews in the requests, the
//! conversation in the journal. So what is long is cut here, and says how long it is.

use serde_json::json;

use super::state::State;
use crate::domain::event::shown_value;
use crate::domain::{ApprovalRequest, Message, ToolCall, excerpt};

/// Bytes of the conversation that are noted, where it has many texts.
const TEXTS_MAX: usize = 32 * 1024;
/// Most bytes of one text of it, and of the arguments that people are asked about.
const TEXT_MAX: usize = 1024;
/// Bytes of each text that are noted however many there are.
const TEXT_MIN: usize = 64;

impl State {
    /// The checkpoint, as JSON text.
    pub fn checkpoint(&self) -> String {
        let share = share_of(&self.messages);
        json!({
            "sessionId": self.meta.session_id,
            "threadId": self.meta.thread_id,
            "node": self.node,
            "status": self.status(),
            "pending_approvals": self.pending_requests().map(noted_request).collect::<Vec<_>>(),
            "messages": self.messages.iter().map(|message| noted(message, share)).collect::<Vec<_>>(),
            "plan": self.plan,
            "usage": self.usage,
        })
        .to_string()
    }
}

/// How many bytes of each text are noted.
fn share_of(messages: &[Message]) -> usize {
    let texts: usize = messages
        .iter()
        .map(|message| match message {
            Message::Assistant { tool_calls, .. } => 1 + tool_calls.len(),
            Message::System { .. } | Message::User { .. } | Message::Tool { .. } => 1,
        })
        .sum();
    (TEXTS_MAX / texts.max(1)).clamp(TEXT_MIN, TEXT_MAX)
}

fn noted(message: &Message, share: usize) -> Message {
    let short = |text: &str| excerpt(text, share);
    match message {
        Message::System { content } => Message::System { content: short(content) },
        Message::User { content } => Message::User { content: short(content) },
        Message::Assistant { content, tool_calls } => Message::Assistant {
            content: short(content),
            tool_calls: tool_calls.iter().map(|call| noted_call(call, share)).collect(),
        },
        Message::Tool { call_id, name, content } => {
            Message::Tool { call_id: call_id.clone(), name: name.clone(), content: short(content) }
        }
    }
}

fn noted_call(ToolCall { id, name, arguments, excess }: &ToolCall, share: usize) -> ToolCall {
    let arguments = excerpt(arguments, share);
    ToolCall { id: id.clone(), name: name.clone(), arguments, excess: *excess }
}

/// The request without what `hitl:request:<requestId>` says at length.
fn noted_request(request: &ApprovalRequest) -> ApprovalRequest {
    let mut noted = ApprovalRequest { preview: None, ..request.clone() };
    let (shown, full) = shown_value(&request.context, TEXT_MAX);
    noted.context = shown.into_owned();
    if let Some(bytes) = full {
        noted.more.insert("contextBytes".into(), bytes.into());
    }
    noted
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::domain::ToolCallId;

    #[test]
    fn long_texts_and_arguments_are_noted_with_how_long_they_are() {
        let arguments = json!({"body": "가".repeat(70_000)}).to_string();
        let call = ToolCall::new(ToolCallId::new("call_1"), "send_email", arguments);
        let said = Message::Assistant { content: "x".repeat(5_000), tool_calls: vec![call] };
        let noted = serde_json::to_value(noted(&said, TEXT_MAX)).unwrap();
        assert!(noted["content"].as_str().unwrap().ends_with("xx… (5000 bytes)"), "{noted}");
        assert_eq!(
            (&noted["tool_calls"][0]["id"], &noted["tool_calls"][0]["name"]),
            (&json!("call_1"), &json!("send_email"))
        );
        let arguments = noted["tool_calls"][0]["arguments"].as_str().unwrap();
        assert!(
            arguments.ends_with("가… (210011 bytes)") && arguments.len() < 1_100,
            "{arguments}"
        );
    }

    #[test]
    fn short_ones_are_noted_whole_and_many_share_the_room() {
        let said =
            |text: &str| Message::Assistant { content: text.to_owned(), tool_calls: Vec::new() };
        assert_eq!(noted(&said("네."), TEXT_MIN), said("네."));
        assert_eq!(share_of(&[said("네.")]), TEXT_MAX);
        assert_eq!(share_of(&vec![said("네."); 128]), TEXTS_MAX / 128);
        assert_eq!(share_of(&vec![said("네."); 100_000]), TEXT_MIN);
    }

    #[test]
    fn a_request_keeps_all_but_its_preview_and_the_length_of_its_arguments() {
        let request = json!({
            "requestId": "req_0123456789ab", "sessionId": "session_u_1_ab", "userId": "1", "tenantId": "1",
            "actionType": "send_email", "context": {"to": ["a@b.co"], "body": "x".repeat(9_000)},
            "message": "?", "status": "pending", "createdAt": 1_706_152_860_000_u64,
            "expiresAt": 1_706_153_160, "approvers": "tenant", "approvalsNeeded": 1, "approvals": 0,
            "preview": {"type": "text", "title": "t", "content": "c"},
        });
        let request: ApprovalRequest = serde_json::from_value(request).unwrap();
        let noted: Value = serde_json::to_value(noted_request(&request)).unwrap();
        assert_eq!(noted["requestId"], "req_0123456789ab");
        assert_eq!(noted["context"]["to"], json!(["a@b.co"]));
        assert!(noted["context"]["body"].as_str().unwrap().ends_with("… (9000 bytes)"), "{noted}");
        assert_eq!(noted["contextBytes"], 9_027);
        assert!(noted.get("preview").is_none() && noted.to_string().len() < 2_048, "{noted}");
    }
}
