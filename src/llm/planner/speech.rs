//! A turn as a stream: words one by one, or tool calls, then the end with its counts.

use crate::domain::text::first_bytes;
use crate::domain::{Certainty, Confidence, ToolCall, Usage};
use crate::llm::tokens::Tokens;
use crate::llm::{Delta, TurnEnd};

use crate::domain::Language;

/// The most words that `words=N` makes.
const WORDS_MAX: usize = 5_000;
/// Longest piece of text, in bytes; a longer word comes in several.
const PIECE_MAX: usize = 512;

/// How many words the final answer must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WordCount {
    /// As many as there is to say.
    AsComposed,
    /// Exactly so many: the answer is cut, or said again from its beginning.
    Exactly(usize),
    /// More than there may be, so [`WORDS_MAX`]; the first of them say so.
    TooMany,
}

impl WordCount {
    /// Takes the first `words=N` out of a prompt. What is no whole number above 0 is none.
    pub(super) fn take_from(prompt: &str) -> (Self, String) {
        let found = prompt.match_indices("words=").find_map(|(at, key)| {
            let (before, after) = (&prompt[..at], &prompt[at + key.len()..]);
            let count = Self::of(&after[..number_length(after)])?;
            let is_word = !before.ends_with(|c: char| c.is_ascii_alphanumeric());
            is_word.then(|| (count, format!("{before}{}", &after[number_length(after)..])))
        });
        found.unwrap_or_else(|| (Self::AsComposed, prompt.to_owned()))
    }

    fn of(digits: &str) -> Option<Self> {
        match digits.parse::<usize>() {
            Ok(0) => None,
            Ok(count) if count <= WORDS_MAX => Some(Self::Exactly(count)),
            // Of digits alone, what does not parse is too large.
            Ok(_) | Err(_) => (!digits.is_empty()).then_some(Self::TooMany),
        }
    }

    /// What is to be said before the answer itself.
    pub(super) fn note(self, language: Language) -> &'static str {
        match self {
            Self::AsComposed | Self::Exactly(_) => "",
            Self::TooMany => language
                .pick("(최대 5,000 단어까지만 답합니다.)", "(I answer with 5,000 words at most.)"),
        }
    }
}

/// How many digits a text begins with; 0 if they are the beginning of another number (`3.5`, `1e3`).
fn number_length(text: &str) -> usize {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let mut rest = text[end..].chars();
    let (next, after) = (rest.next(), rest.next());
    let goes_on = next.is_some_and(|c| c.is_ascii_alphabetic())
        || next == Some('.') && after.is_some_and(|c| c.is_ascii_digit());
    if goes_on { 0 } else { end }
}

/// The pieces of one turn. Each is made when it is taken, so a long answer costs no memory.
#[derive(Debug)]
pub(super) struct Speech {
    content: TurnContent,
    spent: Tokens,
    prompt_tokens: u64,
    confidence: Confidence,
    ended: bool,
}

#[derive(Debug)]
enum TurnContent {
    Calls(std::vec::IntoIter<ToolCall>),
    /// The text from `next` on, piece by piece.
    Text {
        text: String,
        next: usize,
    },
    /// The words, until so many are said; after the last one those from `again` on once more.
    Words {
        words: Vec<String>,
        again: usize,
        next: usize,
        left: usize,
    },
}

impl Speech {
    /// A turn that asks for tools.
    pub(super) fn of_calls(
        calls: Vec<ToolCall>,
        prompt_tokens: u64,
        confidence: Confidence,
    ) -> Self {
        Self::new(TurnContent::Calls(calls.into_iter()), prompt_tokens, confidence)
    }

    /// A turn in words. The note is left out where the text is said as it was composed.
    pub(super) fn of_text(
        note: &str,
        text: String,
        count: WordCount,
        prompt_tokens: u64,
        confidence: Confidence,
    ) -> Self {
        let content = match count {
            WordCount::AsComposed => TurnContent::Text { text, next: 0 },
            WordCount::Exactly(left) => TurnContent::words(note, &text, left),
            WordCount::TooMany => TurnContent::words(note, &text, WORDS_MAX),
        };
        Self::new(content, prompt_tokens, confidence)
    }

    fn new(content: TurnContent, prompt_tokens: u64, confidence: Confidence) -> Self {
        Self { content, spent: Tokens::default(), prompt_tokens, confidence, ended: false }
    }

    fn end(&mut self) -> Option<Delta> {
        if std::mem::replace(&mut self.ended, true) {
            return None;
        }
        let completion_tokens = self.spent.count();
        let usage = Usage {
            prompt_tokens: self.prompt_tokens,
            completion_tokens,
            total_tokens: self.prompt_tokens.saturating_add(completion_tokens),
        };
        let confidence = Some(Certainty::Guessed(self.confidence));
        Some(Delta::End(TurnEnd { usage: Some(usage), confidence, truncated: false }))
    }
}

impl Iterator for Speech {
    type Item = Delta;

    fn next(&mut self) -> Option<Delta> {
        match self.content.next() {
            Some(delta) => {
                match &delta {
                    Delta::Text(text) => self.spent.add(text),
                    Delta::ToolCall(call) => self.spent.add_call(call),
                    Delta::Reasoning(_) | Delta::Restarted | Delta::End(_) => {}
                }
                Some(delta)
            }
            None => self.end(),
        }
    }
}

impl TurnContent {
    fn words(note: &str, text: &str, left: usize) -> Self {
        let again = note.split_whitespace().count();
        let words = note.split_whitespace().chain(text.split_whitespace());
        Self::Words { words: words.map(str::to_owned).collect(), again, next: 0, left }
    }

    fn next(&mut self) -> Option<Delta> {
        match self {
            Self::Calls(calls) => calls.next().map(Delta::ToolCall),
            Self::Text { text, next } => {
                let piece = first_piece(&text[*next..]);
                *next += piece.len();
                (!piece.is_empty()).then(|| Delta::Text(piece.to_owned()))
            }
            Self::Words { words, again, next, left } => {
                let word = words.get(*next)?;
                *left = left.checked_sub(1)?;
                *next = if *next + 1 < words.len() { *next + 1 } else { *again };
                Some(Delta::Text(if *left == 0 { word.clone() } else { format!("{word} ") }))
            }
        }
    }
}

/// The first word with the whitespace around it, or as much of it as fits a piece.
fn first_piece(text: &str) -> &str {
    // What does not fit is not even looked at: a long word would be read to its end for each piece.
    let (text, _) = first_bytes(text, PIECE_MAX);
    let word = text.find(|c: char| !c.is_whitespace()).unwrap_or(text.len());
    let gap = text[word..].find(char::is_whitespace).map_or(text.len(), |at| word + at);
    let end = text[gap..].find(|c: char| !c.is_whitespace()).map_or(text.len(), |at| gap + at);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str, count: WordCount) -> Vec<String> {
        Speech::of_text(
            count.note(Language::English),
            text.to_owned(),
            count,
            0,
            Confidence::new(1.0),
        )
        .filter_map(|delta| match delta {
            Delta::Text(text) => Some(text),
            Delta::Reasoning(_) | Delta::Restarted | Delta::ToolCall(_) | Delta::End(_) => None,
        })
        .collect()
    }

    #[test]
    fn a_text_comes_word_by_word_and_adds_up_to_itself() {
        let text = "\n 둘 셋\u{3000}넷\n\n- a  b\n";
        let pieces = said(text, WordCount::AsComposed);
        assert_eq!(pieces, ["\n 둘 ", "셋\u{3000}", "넷\n\n", "- ", "a  ", "b\n"]);
        assert_eq!(pieces.concat(), text);
        assert!(said("", WordCount::AsComposed).is_empty());
        assert_eq!(said("  ", WordCount::AsComposed), ["  "]);
    }

    #[test]
    fn no_piece_is_long_whatever_the_words_are() {
        let text = format!("{} {}", "가".repeat(1000), "x".repeat(5000));
        let pieces = said(&text, WordCount::AsComposed);
        assert!(pieces.iter().all(|piece| piece.len() <= PIECE_MAX));
        assert_eq!(pieces.concat(), text);
    }

    #[test]
    fn an_answer_has_exactly_as_many_words_as_were_asked_for() {
        for count in [1, 2, 3, 4, 7, 1000] {
            let text = said("하나 둘\n셋", WordCount::Exactly(count)).concat();
            assert_eq!(text.split_whitespace().count(), count);
            assert_eq!(text.trim(), text);
        }
        assert_eq!(said("a b c", WordCount::Exactly(4)), ["a ", "b ", "c ", "a"]);
    }

    #[test]
    fn of_too_many_words_there_are_as_many_as_may_be_and_the_first_of_them_say_so() {
        let text = said("a b", WordCount::TooMany).concat();
        assert_eq!(text.split_whitespace().count(), WORDS_MAX);
        assert!(text.starts_with("(I answer with 5,000 words at most.) a b a b a"), "{text:.80}");
        assert_eq!(text.matches('(').count(), 1, "said once");
    }

    #[test]
    fn the_number_of_words_is_read_anywhere_and_bounded() {
        let of = |prompt| WordCount::take_from(prompt);
        assert_eq!(of("안녕 words=20 요"), (WordCount::Exactly(20), "안녕  요".into()));
        assert_eq!(of("(words=7)").0, WordCount::Exactly(7));
        assert_eq!(of("hello words=20, please"), (WordCount::Exactly(20), "hello , please".into()));
        assert_eq!(of("words=20개. words=20.").0, WordCount::Exactly(20));
        for none in ["words=0", "words=00", "words=3.5", "words=1e3", "words=-5", "words=5k"] {
            assert_eq!(of(none), (WordCount::AsComposed, none.into()), "{none}");
        }
        assert_eq!(of("words=5000").0, WordCount::Exactly(WORDS_MAX));
        for more in ["words=5001", "words=99999999999999999999999"] {
            assert_eq!(of(more).0, WordCount::TooMany, "{more}");
        }
        assert_eq!(of("words=x swords=3"), (WordCount::AsComposed, "words=x swords=3".into()));
    }

    #[test]
    fn tokens_are_counted_the_same_every_time() {
        let speech = Speech::of_text(
            "",
            "abcd efg".to_owned(),
            WordCount::AsComposed,
            5,
            Confidence::new(0.5),
        );
        let Some(Delta::End(end)) = speech.last() else { panic!("no end") };
        let usage = Usage { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 };
        assert_eq!(end.usage, Some(usage));
        assert_eq!(end.confidence, Some(Certainty::Guessed(Confidence::new(0.5))));
    }
}
