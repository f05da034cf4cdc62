//! A request with as much of what others wrote as a list of requests has room for.

use serde_json::{Map, Value};

use super::one_line;
use super::shown::Shares;
use crate::domain::approval::{ApprovalRequest, OF_A_DECISION};

/// The request in at most so many bytes of a line, as a `hitl` event would show it: long texts and values are
/// cut, and `contextBytes` tells how long the arguments are if they were, `argsBytes` how long those are that were
/// approved instead. Of what others have added to the request nothing is left but what belongs to its decision.
///
/// Below some 6 KiB there may be no room for what is never cut.
pub fn shown_request(request: &ApprovalRequest, max: usize) -> ApprovalRequest {
    Shares::fitted(max, |shares| shares.request(request), one_line::length)
}

impl Shares {
    fn request(self, request: &ApprovalRequest) -> ApprovalRequest {
        let (context, full_length) = self.value(&request.context);
        let mut more = self.of_a_decision(&request.more);
        if let Some(bytes) = full_length {
            more.entry(CONTEXT_BYTES).or_insert_with(|| bytes.into());
        }
        if let Some(args @ Value::Object(_)) = request.more.get(ARGS) {
            let (args, full_length) = self.value(args);
            more.insert(ARGS.to_owned(), args.into_owned());
            if let Some(bytes) = full_length {
                more.entry(ARGS_BYTES).or_insert_with(|| bytes.into());
            }
        }
        ApprovalRequest {
            action_type: self.name(&request.action_type),
            message: self.text(&request.message).into_owned(),
            context: context.into_owned(),
            preview: request.preview.as_ref().map(|preview| self.preview(preview)),
            more,
            ..request.clone()
        }
    }

    fn of_a_decision(self, more: &Map<String, Value>) -> Map<String, Value> {
        let shown = |value: &Value| match value {
            Value::String(text) => Some(Value::from(self.text(text))),
            Value::Number(_) => Some(value.clone()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        let fields = OF_A_DECISION
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), more.get(*name).and_then(shown)?)));
        let lengths =
            [CONTEXT_BYTES, ARGS_BYTES].into_iter().filter_map(|name| kept_length(more, name));
        fields.chain(lengths).collect()
    }
}

/// What a request says of its arguments that was cut before.
fn kept_length(more: &Map<String, Value>, name: &str) -> Option<(String, Value)> {
    let bytes = more.get(name).filter(|bytes| bytes.is_u64())?;
    Some((name.to_owned(), bytes.clone()))
}

/// The field that tells how long cut arguments are.
const CONTEXT_BYTES: &str = "contextBytes";
/// The field of the arguments that were approved instead of those that were shown, and how long they are.
const ARGS: &str = "args";
const ARGS_BYTES: &str = "argsBytes";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::domain::{
        Approvers, Deadline, Decision, Language, Preview, Quorum, RequestId, SessionId, Standing,
        TenantId, UnixMs, UserId, Verdict,
    };

    const MAX: usize = 8 * 1024;

    fn request(context: Value, message: &str, preview: &str) -> ApprovalRequest {
        ApprovalRequest {
            request_id: RequestId::new("req_0123456789ab"),
            session_id: SessionId::new("session_u_1_ab"),
            user_id: UserId::new("kim"),
            tenant_id: TenantId::new("t"),
            action_type: "send_email".into(),
            context,
            message: message.into(),
            language: Language::default(),
            standing: Standing::Pending,
            created_at: UnixMs::new(1),
            deadline: Deadline::after(UnixMs::new(1), Duration::from_secs(1)),
            quorum: Quorum::from(&Approvers::default()),
            tool_call_id: None,
            args_hash: None,
            preview: Some(Preview::text("t", preview, Language::English)),
            more: Map::new(),
        }
    }

    #[test]
    fn a_short_request_is_shown_whole_with_nothing_that_others_have_added() {
        let mut asked = request(json!({"to": ["a"]}), "?", "x");
        asked.more.insert("somebodyElses".into(), json!({"long": "x".repeat(100_000)}));
        let decided = asked.resolved(&Decision {
            reason: Some("no".into()),
            ..Decision::of(Verdict::Rejected, UnixMs::new(7))
        });
        let shown = shown_request(&decided, MAX);
        let more = json!({"rejectedAt": 7, "reason": "no"});
        assert_eq!(Value::Object(shown.more.clone()), more);
        assert_eq!(
            ApprovalRequest { more: Map::new(), ..shown },
            ApprovalRequest { more: Map::new(), ..decided }
        );
    }

    /// An edit that leaves an argument out is taken at its word if events show that argument.
    #[test]
    fn arguments_that_events_show_whole_are_shown_whole_where_there_is_little_room() {
        let arguments: Map<String, Value> =
            (0..160).map(|n| (format!("argument_{n:03}"), json!(n))).collect();
        let context = Value::Object(arguments);
        assert!((2_900..3_072).contains(&context.to_string().len()), "as long as that may be");
        let long = "길".repeat(9_000);
        let shown = shown_request(&request(context.clone(), &long, &long), 6 * 1024);
        assert!(one_line::length(&shown) <= 6 * 1024);
        assert_eq!((shown.context, shown.more.get("contextBytes")), (context, None));
    }

    #[test]
    fn cut_once_more_it_still_says_how_long_its_arguments_are() {
        let context = json!({"body": "x".repeat(50_000)});
        let bytes = context.to_string().len();
        let once = shown_request(&request(context, "?", "x"), MAX);
        let twice = shown_request(&once, MAX);
        assert_eq!((once.more["contextBytes"].as_u64(), &twice), (Some(bytes as u64), &once));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_asked_fits(
            message in proptest::string::string_regex("(?s).{0,9000}").unwrap(),
            preview in proptest::string::string_regex("(?s).{0,9000}").unwrap(),
            arguments in proptest::collection::hash_map("[a-z\u{202e}\"]{1,60}", "(?s).{0,900}", 0..40),
        ) {
            let asked = request(json!(arguments), &message, &preview);
            let shown = shown_request(&asked, MAX);
            proptest::prop_assert!(one_line::length(&shown) <= MAX);
            let text = serde_json::to_string(&shown).unwrap();
            proptest::prop_assert_eq!(serde_json::from_str::<ApprovalRequest>(&text).unwrap(), shown);
        }
    }
}
