//! Parts of a request that not every provider takes, and what is learnt from refusals.

use std::sync::atomic::{AtomicU8, Ordering};

/// A part of a request that a provider may refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extra {
    /// `stream_options`: count the tokens.
    Usage,
    /// `logprobs`: say how sure you are.
    Logprobs,
    /// `temperature`.
    Temperature,
    /// `reasoning_effort`.
    ReasoningEffort,
    /// The usual name of the limit of an answer's length. What is refused is the name: the limit
    /// is then sent under its other one.
    OutputLimitName,
}

/// Several of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extras(u8);

impl Extra {
    /// All of them.
    const ALL: [Self; 5] = [
        Self::Usage,
        Self::Logprobs,
        Self::Temperature,
        Self::ReasoningEffort,
        Self::OutputLimitName,
    ];

    fn bit(self) -> u8 {
        1 << self as u8
    }

    /// What a complaint about it mentions.
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Usage => &["stream_options", "include_usage"],
            Self::Logprobs => &["logprob", "log_probabilit"],
            Self::Temperature => &["temperature"],
            Self::ReasoningEffort => &["reasoning_effort"],
            Self::OutputLimitName => &["max_tokens", "max_completion_tokens"],
        }
    }

    /// Its name in a request.
    fn parameter(self) -> &'static str {
        match self {
            Self::Usage => "stream_options",
            Self::Logprobs => "logprobs",
            Self::Temperature => "temperature",
            Self::ReasoningEffort => "reasoning_effort",
            Self::OutputLimitName => "max_tokens",
        }
    }

    /// What follows from its refusal, for the log.
    fn consequence(self) -> &'static str {
        match self {
            Self::Usage => "tokens are estimated",
            Self::Logprobs => "model.logprobs has no effect",
            Self::Temperature => "model.temperature has no effect",
            Self::ReasoningEffort => "model.reasoning_effort has no effect",
            Self::OutputLimitName => "model.max_output_tokens is sent under its other name",
        }
    }
}

impl Extras {
    /// Those for which this is true.
    pub(super) fn which(is_one: impl Fn(Extra) -> bool) -> Self {
        let bits = Extra::ALL.into_iter().filter(|extra| is_one(*extra)).map(Extra::bit);
        Self(bits.fold(0, |all, bit| all | bit))
    }

    /// Those that at least one of these texts complains about, however it spells them.
    pub(super) fn blamed(complaints: &[&str]) -> Self {
        let complaints: Vec<String> = complaints.iter().map(|text| letters(text)).collect();
        let mentioned =
            |word: &&str| complaints.iter().any(|complaint| complaint.contains(&letters(word)));
        Self::which(|extra| extra.words().iter().any(mentioned))
    }

    /// Whether this one is among them.
    pub(super) fn has(self, extra: Extra) -> bool {
        self.0 & extra.bit() != 0
    }

    /// Those that the other does not have.
    pub(super) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Those that at least one of both has.
    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that both have.
    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether there is one at all.
    pub(super) fn any(self) -> bool {
        self.0 != 0
    }
}

/// A text's letters and digits, all small: `logProbs`, `LOGPROBS` and `log_probs` are one word.
fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// What one provider has refused. Any run may learn it, and all go by it; two that learn it at the
/// same time do no harm.
#[derive(Debug, Default)]
pub(super) struct Refused(AtomicU8);

impl Refused {
    /// All of it, so far.
    pub(super) fn all(&self) -> Extras {
        Extras(self.0.load(Ordering::Relaxed))
    }

    /// Notes more of it, and says so the first time.
    pub(super) fn note(&self, refused: Extras, model: &str) {
        let before = Extras(self.0.fetch_or(refused.0, Ordering::Relaxed));
        let new = refused.without(before);
        for extra in Extra::ALL.into_iter().filter(|extra| new.has(*extra)) {
            let (parameter, consequence) = (extra.parameter(), extra.consequence());
            tracing::warn!(
                model,
                parameter,
                consequence,
                "the model's provider refuses a parameter"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_blames_what_it_mentions() {
        let blamed = Extras::blamed(&["no", "Unsupported: 'max_completion_tokens', logprobs"]);
        let expected =
            Extras::which(|extra| matches!(extra, Extra::Logprobs | Extra::OutputLimitName));
        assert_eq!(blamed, expected);
        assert!(!Extras::blamed(&["max_output"]).any());
        for complaint in
            ["LOGPROBS", "logProbs is not allowed", "no log probabilities", "Log_Probs"]
        {
            let logprobs = Extras::which(|extra| extra == Extra::Logprobs);
            assert_eq!(Extras::blamed(&[complaint]), logprobs, "{complaint}");
        }
    }

    #[test]
    fn what_was_refused_stays_refused() {
        let refused = Refused::default();
        refused.note(Extras::which(|extra| extra == Extra::Usage), "m");
        refused.note(Extras::which(|extra| extra == Extra::Temperature), "m");
        assert!(refused.all().has(Extra::Usage) && refused.all().has(Extra::Temperature));
        assert!(!refused.all().has(Extra::Logprobs));
    }
}
