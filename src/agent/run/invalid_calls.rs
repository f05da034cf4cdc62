//! Calls whose arguments were not valid, by tool: the model is told what was wrong, and gets a
//! second chance and a third, but no more.

use std::collections::BTreeMap;

use super::errors::Failure;
use crate::domain::{ErrorCode, ErrorType};

/// How often a model is told what was wrong with its arguments for a tool.
const TOLD_MAX: u32 = 2;

/// What the model was told so far, folded from the records of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InvalidCalls(BTreeMap<String, Reported>);

/// How often the model was told, since it last got the arguments right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Reported {
    times: u32,
    /// In which turn it erred last. What it gets wrong several times in one turn counts once: it
    /// reads of all of that at the same time.
    turn: u32,
}

impl InvalidCalls {
    /// Takes note of a call of a turn.
    pub(super) fn note(&mut self, tool: &str, turn: u32, invalid: bool) {
        if !invalid {
            self.0.remove(tool);
            return;
        }
        let told = self.0.entry(tool.to_owned()).or_default();
        if told.turn != turn {
            *told = Reported { times: told.times + 1, turn };
        }
    }

    /// Why to give up, if the model has got the arguments of this tool wrong once more after it was
    /// told as often as it may be.
    pub(super) fn hopeless(&self, tool: &str, problem: &str) -> Option<Failure> {
        let told = self.0.get(tool).filter(|told| told.times > TOLD_MAX)?;
        let error = format!(
            "the model called {tool} with arguments that are not valid in {} turns in a row, although \
             it was told what was wrong: {problem}",
            told.times
        );
        Some(Failure::new(error, ErrorType::InvalidArguments, ErrorCode::ExternalFailure, true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_hopeless(invalid_calls: &InvalidCalls, tool: &str) -> bool {
        invalid_calls.hopeless(tool, "why").is_some()
    }

    #[test]
    fn the_third_time_is_one_too_many_for_that_tool() {
        let mut invalid_calls = InvalidCalls::default();
        for turn in 1..=2 {
            invalid_calls.note("a", turn, true);
            invalid_calls.note("b", turn + 7, turn == 1);
        }
        assert!(!is_hopeless(&invalid_calls, "a"));
        invalid_calls.note("a", 3, true);
        assert!(is_hopeless(&invalid_calls, "a") && !is_hopeless(&invalid_calls, "b"));
        assert!(invalid_calls.hopeless("a", "why").unwrap().error.ends_with("what was wrong: why"));
    }

    #[test]
    fn several_wrong_calls_of_one_turn_count_once_and_a_right_one_forgives() {
        let mut invalid_calls = InvalidCalls::default();
        for turn in [1, 1, 1, 2, 2] {
            invalid_calls.note("a", turn, true);
        }
        assert!(!is_hopeless(&invalid_calls, "a"));
        invalid_calls.note("a", 3, false);
        for turn in [4, 5] {
            invalid_calls.note("a", turn, true);
        }
        assert!(!is_hopeless(&invalid_calls, "a"));
    }
}
