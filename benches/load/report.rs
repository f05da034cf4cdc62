//! The lines of the report, and the little arithmetic behind them.

use std::time::Duration;

/// Begins a section.
pub fn title(section: &str) {
    println!("\n== {section}");
}

/// One line: what was measured, and the value with its unit.
pub fn line(what: &str, value: impl AsRef<str>) {
    println!("  {what:<58} {}", value.as_ref());
}

/// One line with a budget: the value, and whether it is kept.
pub fn judged(what: &str, value: f64, unit: &str, budget: f64) {
    let verdict = if value <= budget { "within" } else { "OVER" };
    line(what, format!("{value:.2} {unit}   ({verdict} the budget of {budget} {unit})"));
}

/// The middle one; of an even number, the upper of the two.
pub fn median<T: PartialOrd + Copy>(values: &[T]) -> T {
    quantile(values, 0.5)
}

/// The value that this share of the values does not exceed.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an index among a few thousand values"
)]
pub fn quantile<T: PartialOrd + Copy>(values: &[T], share: f64) -> T {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).expect("values that can be compared"));
    sorted[((sorted.len() as f64 * share) as usize).min(sorted.len() - 1)]
}

/// Milliseconds with their fraction.
pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
