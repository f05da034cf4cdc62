//! What a model thinks aloud, as thoughts that people can read.
//!
//! Models stream it token by token. A thought per token would fill the journal and be hard to read,
//! so tokens are collected: up to the end of a sentence or a line, or to the size of a frame, and
//! never for longer than [`HELD_MAX`]. Nothing is left out but blank remains: the thoughts of a turn,
//! joined, are what the model thought.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::domain::event::Piece;
use crate::llm::tokens::Tokens;

/// How long a beginning of a thought waits for its end.
const HELD_MAX: Duration = Duration::from_secs(1);
/// Fewest bytes of a thought that ends with its sentence: "1." is no thought.
const SENTENCE_MIN: usize = 60;

/// A model's thinking in one turn.
#[derive(Debug, Default)]
pub(super) struct Reasoning {
    /// What has come and is not shown yet.
    pending: String,
    /// When it is shown, whether or not it is a whole sentence; `None` if it is blank.
    due: Option<Instant>,
    /// All that has come.
    tokens: Tokens,
}

impl Reasoning {
    /// Takes in what the model thinks next; returns the thoughts that are complete.
    pub(super) fn push(&mut self, text: &str) -> Vec<String> {
        self.tokens.add(text);
        self.pending.push_str(text);
        let thoughts = self.take(complete_to(&self.pending));
        if self.due.is_none() && !is_blank(&self.pending) {
            self.due = Some(Instant::now() + HELD_MAX);
        }
        thoughts
    }

    /// All that is not shown yet.
    pub(super) fn take_rest(&mut self) -> Vec<String> {
        self.take(self.pending.len())
    }

    /// When something has waited long enough, if there is anything.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// How many tokens have come, estimated.
    pub(super) fn tokens(&self) -> u64 {
        self.tokens.count()
    }

    /// Takes the text up to there, in pieces that fit a frame; blank ones are nothing to show.
    fn take(&mut self, end: usize) -> Vec<String> {
        if end == 0 {
            return Vec::new();
        }
        let remainder = self.pending.split_off(end);
        let taken = std::mem::replace(&mut self.pending, remainder);
        self.due = None;
        Piece::all_of(&taken).map(String::from).filter(|piece| !is_blank(piece)).collect()
    }
}

/// Returns at that time; never, if there is none.
pub(super) async fn reached(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// How much of a text can be shown: the frames that it fills, and the whole sentences behind them.
fn complete_to(text: &str) -> usize {
    let mut rest = text;
    loop {
        let (_, left) = Piece::first_of(rest);
        if left.is_empty() {
            break;
        }
        rest = left;
    }
    let filled = text.len() - rest.len();
    let sentences = last_sentence_end(rest);
    if filled > 0 || sentences >= SENTENCE_MIN { filled + sentences } else { 0 }
}

/// Where the last whole sentence or line of a text ends, the white space behind it included; 0 if
/// there is none.
fn last_sentence_end(text: &str) -> usize {
    let mut before = text.chars().rev().skip(1);
    let ends = text.char_indices().rev().find(|(_, c)| {
        let before = before.next();
        *c == '\n' || c.is_whitespace() && before.is_some_and(|c| ".!?…。！？".contains(c))
    });
    ends.map_or(0, |(at, c)| at + c.len_utf8())
}

fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens_of(text: &str) -> impl Iterator<Item = &str> {
        text.split_inclusive(' ')
    }

    fn shown(tokens: &[&str]) -> Vec<String> {
        let mut reasoning = Reasoning::default();
        let mut thoughts: Vec<String> =
            tokens.iter().flat_map(|token| reasoning.push(token)).collect();
        thoughts.extend(reasoning.take_rest());
        thoughts
    }

    #[test]
    fn tokens_become_sentences_and_nothing_is_left_out() {
        let text = "1. The person asks how the repository stands, so I look at its state. Then I \
                    compare branches.\n두 브랜치를 비교한 다음 무엇이 달라졌는지 짧게 정리한다. 그리고 답한다";
        let thoughts = shown(&tokens_of(text).collect::<Vec<_>>());
        assert_eq!(thoughts.concat(), text);
        let starts: Vec<&str> = thoughts.iter().map(|t| t.split(' ').next().unwrap()).collect();
        assert_eq!(starts, ["1.", "Then", "그리고"], "{thoughts:?}");
    }

    #[test]
    fn a_long_thought_comes_in_pieces_that_fit_a_frame_and_none_is_blank() {
        for text in ["가".repeat(2000), "\"".repeat(5000), format!("a{}b", " ".repeat(3000))] {
            let thoughts = shown(&[&text]);
            assert!(thoughts.len() > 1);
            for thought in &thoughts {
                assert!(serde_json::to_string(thought).unwrap().len() < 1024, "{thought}");
                assert!(!is_blank(thought));
            }
            let visible = |text: &str| text.replace(' ', "");
            assert_eq!(visible(&thoughts.concat()), visible(&text));
        }
        assert!(shown(&["\n", " ", "\n\n"]).is_empty());
    }

    #[test]
    fn of_a_text_that_never_ends_a_sentence_no_more_than_a_frame_is_held_back() {
        for token in ["생각 ".to_owned(), "x".repeat(10_000), "가".repeat(300)] {
            let mut reasoning = Reasoning::default();
            for _ in 0..1000 {
                reasoning.push(&token);
                assert!(reasoning.pending.len() <= 700, "{}", reasoning.pending.len());
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_begun_is_shown_soon_whether_or_not_it_is_a_sentence() {
        let mut reasoning = Reasoning::default();
        assert!(reasoning.push(" ").is_empty());
        assert_eq!(reasoning.due(), None, "nothing waits");
        assert!(reasoning.push("Let me").is_empty());
        let begun = Instant::now();
        reached(reasoning.due()).await;
        assert_eq!(begun.elapsed(), HELD_MAX);
        assert_eq!(reasoning.take_rest(), [" Let me"]);
        assert_eq!(reasoning.due(), None);
    }
}
