//! How sure a model was, as a number from 0 to 1.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A probability, 0.0 to 1.0, with two decimals.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("minimum" = 0, "maximum" = 1))]
pub struct Confidence(f64);

impl Confidence {
    /// The nearest valid confidence; what is not a number counts as none at all.
    pub fn new(value: f64) -> Self {
        let value = if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) };
        Self((value * 100.0).round() / 100.0)
    }

    /// The geometric mean of the tokens' probabilities: `exp(mean(log p))`.
    /// `None` without tokens.
    pub fn from_logprobs(sum: f64, tokens: u32) -> Option<Self> {
        (tokens > 0).then(|| Self::new((sum / f64::from(tokens)).exp()))
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

/// How sure one may be of a turn, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub enum Certainty {
    /// The model gave the probabilities of its tokens.
    Measured(Confidence),
    /// Somebody has counted what speaks for it.
    Guessed(Confidence),
}

impl Certainty {
    /// The number, whatever it rests on.
    pub fn confidence(self) -> Confidence {
        match self {
            Self::Measured(confidence) | Self::Guessed(confidence) => confidence,
        }
    }

    /// The number, if it was measured: whoever decides is to see no other.
    pub fn measured(self) -> Option<Confidence> {
        match self {
            Self::Measured(confidence) => Some(confidence),
            Self::Guessed(_) => None,
        }
    }
}
