//! Why an answer ended, in the many words that providers have for it.

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FinishReason {
    /// It was complete, or the model waits for tools. Also whatever only this provider says: an
    /// answer is taken as it is unless its end says something bad.
    Complete,
    /// It reached a length limit: what came last may be half of something.
    Length,
    /// A content filter stopped it.
    Filtered,
    /// The provider failed in the middle of it.
    Failed,
}

/// Words of filters.
const FILTERED: [&str; 13] = [
    "filter",
    "safety",
    "sensitive",
    "blocked",
    "blocklist",
    "prohibited",
    "recitation",
    "spii",
    "moderation",
    "guardrail",
    "refus",
    "policy",
    "violation",
];
/// Words of length limits.
const LENGTH: [&str; 9] = [
    "length",
    "maxtoken",
    "maxoutput",
    "maxcompletion",
    "maxnewtoken",
    "tokenlimit",
    "contextwindow",
    "incomplete",
    "truncat",
];
/// Words of failures.
const FAILED: [&str; 19] = [
    "error",
    "fail",
    "abort",
    "cancel",
    "insufficient",
    "overload",
    "timeout",
    "timedout",
    "unavailable",
    "malformed",
    "interrupt",
    "exception",
    "crash",
    "invalid",
    "disconnect",
    "unexpected",
    "outofmemory",
    "exhausted",
    "toomany",
];

impl FinishReason {
    /// Reads the reason that a provider gives; `None`: an empty one, which some say until the end.
    pub(super) fn read(reason: &str) -> Option<Self> {
        let letters = reason.chars().filter(char::is_ascii_alphanumeric);
        let reason: String = letters.map(|c| c.to_ascii_lowercase()).collect();
        let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
        Some(match reason.as_str() {
            "" => return None,
            _ if says(&LENGTH) => Self::Length,
            _ if says(&FILTERED) => Self::Filtered,
            _ if says(&FAILED) => Self::Failed,
            _ => Self::Complete,
        })
    }

    /// Of two reasons for one end the one that says more: a later one does not make whole what was
    /// cut.
    pub(super) fn and(self, later: Self) -> Self {
        if self == Self::Length { self } else { later }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_read_by_what_they_say() {
        let complete = "stop STOP tool_calls function_call tool_use eos end_turn stop_sequence OTHER \
                        completed FINISH_REASON_UNSPECIFIED";
        let length = "length max_tokens MAX_TOKENS max_output_tokens maxTokens model_length \
                      model_context_window_exceeded token_limit incomplete truncated";
        let filtered = "content_filter SAFETY RECITATION PROHIBITED_CONTENT BLOCKLIST SPII \
                        IMAGE_SAFETY sensitive refusal guardrail_intervened content-filter";
        let failed = "error insufficient_system_resource network_error MALFORMED_FUNCTION_CALL abort \
                      cancelled timeout server_error UNEXPECTED_TOOL_CALL failed";
        for (expected, reasons) in [
            (FinishReason::Complete, complete),
            (FinishReason::Length, length),
            (FinishReason::Filtered, filtered),
            (FinishReason::Failed, failed),
        ] {
            for reason in reasons.split_whitespace() {
                assert_eq!(FinishReason::read(reason), Some(expected), "{reason}");
            }
        }
        assert_eq!((FinishReason::read(""), FinishReason::read(" ")), (None, None));
    }
}
