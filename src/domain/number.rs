//! Numbers as the platform's other services write them back: through a map that may make `5.0` of `5`.

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

/// The whole number that this is, in whatever form; `None` if it is none, or not exact.
pub(super) fn whole(value: &Value) -> Option<u64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let exactly = |number: &f64| number.fract() == 0.0 && (0.0..EXACT).contains(number);
    #[expect(clippy::cast_possible_truncation, reason = "it has no fraction")]
    #[expect(clippy::cast_sign_loss, reason = "it is not negative")]
    let of_float = || value.as_f64().filter(exactly).map(|number| number as u64);
    value.as_u64().or_else(of_float)
}

/// Reads a field that holds such a number.
pub(super) fn deserialize<'de, D: Deserializer<'de>, T: From<u64>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let number = whole(&value).map(T::from);
    number.ok_or_else(|| D::Error::custom(format!("{value} is not a whole number")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_whole_number_is_read_in_every_form_that_a_map_gives_it() {
        for text in ["1706152860123", "1706152860123.0", "1.706152860123E12"] {
            assert_eq!(whole(&serde_json::from_str(text).unwrap()), Some(1_706_152_860_123));
        }
        for value in [json!(1.5), json!(-1), json!(-1.0), json!("1"), json!(null), json!(1e300)] {
            assert_eq!(whole(&value), None, "{value}");
        }
    }
}
