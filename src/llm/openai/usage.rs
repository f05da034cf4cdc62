//! The tokens that a provider counts, as far as they can be true.

use serde_json::Value;

use crate::domain::Usage;

/// Most tokens of one turn that are believed. No model reads or writes nearly as many.
const TOKENS_MAX: u64 = 100_000_000;

/// The count, if it can be true; it is estimated otherwise, as for providers that do not count. A
/// budget is charged with it, and a number out of nowhere would use up that of a whole day.
pub(super) fn plausible(usage: Usage) -> Option<Usage> {
    let Usage { prompt_tokens, completion_tokens, total_tokens } = usage;
    let is_plausible =
        [prompt_tokens, completion_tokens, total_tokens].iter().all(|tokens| *tokens <= TOKENS_MAX);
    if !is_plausible {
        tracing::warn!(
            prompt_tokens,
            completion_tokens,
            total_tokens,
            "the provider counts more tokens than a turn can have; they are estimated"
        );
    }
    is_plausible.then_some(usage)
}

/// The whole number that this is, also as `1.0`; what is larger than any count is the largest one.
pub(super) fn whole(number: &Value) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, reason = "it has no fraction")]
    #[expect(clippy::cast_sign_loss, reason = "it is not negative")]
    let of_float = |number: f64| (number >= 0.0 && number.fract() == 0.0).then_some(number as u64);
    number.as_u64().or_else(|| number.as_f64().and_then(of_float))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_count_that_cannot_be_true_is_none() {
        let count = |tokens| Usage { prompt_tokens: 1, completion_tokens: 1, total_tokens: tokens };
        assert_eq!(plausible(count(2)), Some(count(2)));
        assert_eq!(plausible(count(u64::MAX)), None);
        let read = |value: Value| whole(&value);
        assert_eq!((read(json!(7)), read(json!(7.0))), (Some(7), Some(7)));
        assert_eq!((read(json!(1e300)), read(json!(u64::MAX))), (Some(u64::MAX), Some(u64::MAX)));
        assert_eq!((read(json!(-1)), read(json!(1.5))), (None, None));
    }
}
