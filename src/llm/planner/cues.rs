//! What in a prompt speaks for an ability, and how much.

use super::{dictated, mail};
use crate::domain::text::first_chars;

/// How much of a prompt is judged, in characters: who wants something says so early.
const JUDGED_MAX: usize = 2000;

/// A sign, and what it counts; once, however often it is there.
pub(super) struct Cue {
    weight: i32,
    sign: Sign,
}

enum Sign {
    /// One of these phrases. ASCII must stand there as whole words; Hangul may be inflected.
    Says(&'static [&'static str]),
    /// Something that is found in the prompt, such as a mail address.
    Holds(fn(&str) -> bool),
}

/// Phrases that count so much; a negative weight speaks against.
pub(super) const fn says(weight: i32, phrases: &'static [&'static str]) -> Cue {
    Cue { weight, sign: Sign::Says(phrases) }
}

/// Something found that counts so much.
pub(super) const fn holds(weight: i32, finds: fn(&str) -> bool) -> Cue {
    Cue { weight, sign: Sign::Holds(finds) }
}

/// What signs are looked for in: a prompt without what it only quotes.
pub(super) struct Evidence {
    text: String,
    pub(super) lower: String,
}

impl Evidence {
    pub(super) fn of(prompt: &str) -> Self {
        let end = mail::body_label(prompt).map_or(prompt.len(), |label| label.start);
        let own = dictated::without_quotes(&prompt[..end]);
        let text = first_chars(&own, JUDGED_MAX).0.to_owned();
        Self { lower: text.to_lowercase(), text }
    }

    /// What these cues come to.
    pub(super) fn weigh(&self, cues: &[Cue]) -> i32 {
        cues.iter().filter(|cue| self.shows(&cue.sign)).map(|cue| cue.weight).sum()
    }

    fn shows(&self, sign: &Sign) -> bool {
        match sign {
            Sign::Says(phrases) => phrases.iter().any(|phrase| says_words(&self.lower, phrase)),
            Sign::Holds(finds) => finds(&self.text),
        }
    }
}

fn says_words(text: &str, phrase: &str) -> bool {
    !phrase.is_ascii() && text.contains(phrase) || word_at(text, phrase).is_some()
}

/// Where a text has these characters as words of their own.
pub(super) fn word_at(text: &str, word: &str) -> Option<usize> {
    let mut found = text.match_indices(word).map(|(at, _)| at);
    found.find(|at| {
        let (before, after) = (&text[..*at], &text[at + word.len()..]);
        !joins(before.chars().rev()) && !joins(after.chars())
    })
}

/// Whether the next character belongs to the same word: names such as `fix/mail-status` and
/// `status@dwp.com` are one word each, and say nothing of mails or states.
fn joins(mut rest: impl Iterator<Item = char>) -> bool {
    rest.next().is_some_and(|c| c.is_ascii_alphanumeric() || "_-/@".contains(c))
}
