//! How sure the model, or whoever stands in for it, was.

use serde::{Deserialize, Serialize};

/// A probability, 0.0 to 1.0, with two decimals.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Confidence(f64);

impl Confidence {
    /// The nearest valid confidence; what is not a number counts as none at all.
    pub fn new(value: f64) -> Self {
        let value = if value.is_nan() {
            0.0
        } else {
            value.clamp(0.0, 1.0)
        };
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
