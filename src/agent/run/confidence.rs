//! How sure one may be of a step when the model does not say.

use serde_json::Value;

use crate::domain::{Confidence, Message};

/// Arguments that are looked for in the conversation: each is another look at all of it.
const LOOKED_FOR: usize = 16;

/// Confidence in a tool call from what can be seen: whether the call is valid, and how many of its
/// text arguments, the first ones, stand in the conversation instead of having been made up.
pub(super) fn of_call(valid: bool, arguments: &Value, conversation: &[Message]) -> Confidence {
    let texts = text_values(arguments);
    let grounded = texts.iter().filter(|text| is_said(text, conversation)).count();
    let seen = grounded + usize::from(valid);
    laplace(seen, texts.len() + 1)
}

/// Confidence in an answer: how many of the tools that it rests on did what they were asked.
pub(super) fn of_answer(successes: u32, attempts: u32) -> Confidence {
    laplace(successes as usize, attempts as usize)
}

/// Laplace's rule of succession: with nothing seen, one half; it takes much to be sure.
#[expect(clippy::cast_precision_loss, reason = "a handful of calls and arguments")]
fn laplace(successes: usize, attempts: usize) -> Confidence {
    Confidence::new((successes + 1) as f64 / (attempts + 2) as f64)
}

fn text_values(arguments: &Value) -> Vec<&str> {
    let Some(fields) = arguments.as_object() else { return Vec::new() };
    fields
        .values()
        .filter_map(Value::as_str)
        .filter(|text| !text.is_empty())
        .take(LOOKED_FOR)
        .collect()
}

fn is_said(text: &str, conversation: &[Message]) -> bool {
    conversation.iter().any(|message| match message {
        Message::System { content } | Message::User { content } | Message::Tool { content, .. } => {
            content.contains(text)
        }
        Message::Assistant { .. } => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn arguments_that_somebody_said_raise_confidence_and_invented_ones_lower_it() {
        let said =
            [Message::User { content: "feature 브랜치를 main에 병합해주세요".into() }];
        let grounded = of_call(true, &json!({"source": "feature", "target": "main"}), &said);
        let invented = of_call(true, &json!({"source": "hotfix", "target": "prod"}), &said);
        let invalid = of_call(false, &json!({"source": "hotfix", "target": "prod"}), &said);
        assert!(grounded > invented && invented > invalid, "{grounded:?} {invented:?} {invalid:?}");
    }
}
