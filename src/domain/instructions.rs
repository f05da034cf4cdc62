//! What an operator tells the assistant before all else (contract, section 6).

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::PageContext;

/// Longest instructions, in bytes: they go with every request to the model.
pub const INSTRUCTIONS_MAX: usize = 32 * 1024;

/// What begins a text file on some systems, and cannot be seen.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// An operator's instructions: some words, and not more than fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instructions(String);

/// Why a text does not make instructions.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InstructionsError {
    /// There is no word in it.
    #[error("must hold some text")]
    Blank,
    /// It is longer than [`INSTRUCTIONS_MAX`].
    #[error("must have at most {INSTRUCTIONS_MAX} bytes, has {0}")]
    TooLong(usize),
}

impl Instructions {
    /// Takes a text, without the blanks around it and without a byte-order mark, which some editors
    /// write before it.
    ///
    /// # Errors
    /// [`InstructionsError`].
    pub fn new(text: &str) -> Result<Self, InstructionsError> {
        match text.trim_start_matches(BYTE_ORDER_MARK).trim() {
            "" => Err(InstructionsError::Blank),
            long if long.len() > INSTRUCTIONS_MAX => Err(InstructionsError::TooLong(long.len())),
            text => Ok(Self(text.to_owned())),
        }
    }
}

/// The whole system prompt: an operator's instructions if there are any, ours, and the page.
pub fn system_prompt(instructions: Option<&Instructions>, page: &PageContext) -> String {
    let ours = page.system_prompt();
    match instructions {
        Some(Instructions(text)) => format!("{text}\n\n{ours}"),
        None => ours,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_some_words_and_not_too_many() {
        assert_eq!(Instructions::new(" \n"), Err(InstructionsError::Blank));
        let long = "x".repeat(INSTRUCTIONS_MAX + 1);
        let error = Instructions::new(&long).unwrap_err();
        assert_eq!(error.to_string(), "must have at most 32768 bytes, has 32769");
        assert!(Instructions::new(&long[1..]).is_ok());
    }

    #[test]
    fn a_byte_order_mark_is_no_word() {
        assert_eq!(Instructions::new("\u{feff}\n"), Err(InstructionsError::Blank));
        assert_eq!(Instructions::new("\u{feff}Be brief."), Instructions::new("Be brief."));
    }

    #[test]
    fn they_stand_before_all_of_the_system_prompt() {
        let page = PageContext::default();
        let instructions = Instructions::new("\nBe brief.\n").unwrap();
        let expected = format!("Be brief.\n\n{}", page.system_prompt());
        assert_eq!(system_prompt(Some(&instructions), &page), expected);
        assert_eq!(system_prompt(None, &page), page.system_prompt());
    }
}
