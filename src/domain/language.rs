//! The language in which a run speaks to people (contract, section 4.2: `agent.language`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A language that this service speaks.
///
/// It is chosen when a run starts and kept with it, so that whoever goes on with the run speaks it too. What
/// older processes stored names none, and a newer one may name one that is not known here: both are
/// Korean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Value", into = "&'static str")]
#[schemars(!from, !into)]
pub enum Language {
    /// Korean, the default.
    #[default]
    #[schemars(rename = "ko")]
    Korean,
    /// English.
    #[schemars(rename = "en")]
    English,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Korean, Self::English];

    /// The language of a text: Korean as soon as there is any Hangul.
    pub fn of_text(text: &str) -> Self {
        if text.chars().any(is_hangul) { Self::Korean } else { Self::English }
    }

    /// What is to be said in this language.
    pub fn pick<T>(self, korean: T, english: T) -> T {
        match self {
            Self::Korean => korean,
            Self::English => english,
        }
    }

    /// Its name in what is stored, and in settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Korean => "ko",
            Self::English => "en",
        }
    }

    /// Whether it is the one that need not be named.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl From<Value> for Language {
    fn from(name: Value) -> Self {
        let is_named = |language: &Self| name == language.name();
        Self::ALL.into_iter().find(is_named).unwrap_or_default()
    }
}

impl From<Language> for &'static str {
    fn from(language: Language) -> Self {
        language.name()
    }
}

/// Whether a character is a Hangul syllable or a letter of one.
pub fn is_hangul(c: char) -> bool {
    matches!(c, '\u{ac00}'..='\u{d7a3}' | '\u{1100}'..='\u{11ff}' | '\u{3131}'..='\u{318e}')
}

/// How a run's language is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LanguageChoice {
    /// Always this one.
    Always(Language),
    /// That of the prompt.
    OfPrompt,
}

impl LanguageChoice {
    /// The language of a run that starts with this prompt.
    pub fn of(self, prompt: &str) -> Language {
        match self {
            Self::Always(language) => language,
            Self::OfPrompt => Language::of_text(prompt),
        }
    }

    /// The language where the prompt is not known.
    pub fn without_prompt(self) -> Language {
        match self {
            Self::Always(language) => language,
            Self::OfPrompt => Language::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_prompt_is_korean_as_soon_as_there_is_any_hangul_in_it() {
        for (prompt, language) in [
            ("feature 브랜치를 main에 병합해주세요", Language::Korean),
            ("ㅎㅇ", Language::Korean),
            ("Merge feature into main", Language::English),
            ("12", Language::English),
        ] {
            assert_eq!(LanguageChoice::OfPrompt.of(prompt), language, "{prompt}");
            assert_eq!(LanguageChoice::Always(Language::English).of(prompt), Language::English);
        }
    }

    #[test]
    fn a_stored_language_that_is_not_known_here_is_the_default() {
        let read = |stored| serde_json::from_value::<Language>(stored).unwrap();
        assert_eq!(read(json!("en")), Language::English);
        for other in [json!("ko"), json!("de"), json!(5), json!(null)] {
            assert_eq!(read(other), Language::Korean);
        }
        assert_eq!(serde_json::to_value(Language::English).unwrap(), json!("en"));
    }
}
