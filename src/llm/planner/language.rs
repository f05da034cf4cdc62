//! The two languages that the planner speaks.

/// The language of a prompt, and so of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Korean,
    English,
}

impl Language {
    /// Korean as soon as there is any Hangul.
    pub(super) fn of(prompt: &str) -> Self {
        if prompt.chars().any(is_hangul) {
            Self::Korean
        } else {
            Self::English
        }
    }

    /// The text in this language.
    pub(super) fn pick<T>(self, korean: T, english: T) -> T {
        match self {
            Self::Korean => korean,
            Self::English => english,
        }
    }
}

/// Whether a character is a Hangul syllable or a letter of one.
pub(super) fn is_hangul(c: char) -> bool {
    matches!(c, '\u{ac00}'..='\u{d7a3}' | '\u{1100}'..='\u{11ff}' | '\u{3131}'..='\u{318e}')
}
