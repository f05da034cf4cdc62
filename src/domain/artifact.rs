//! What a tool gave people to look at: the structured result beside an answer's words.

use schemars::JsonSchema;
use serde::Serialize;

use super::text::{excerpt_note, json_beginning};

/// Longest text of an artifact, in bytes of JSON: it goes out in one frame (contract, section 4.1).
const TEXT_MAX: usize = 8 * 1024;
/// Longest title or line, in bytes of JSON.
const LINE_MAX: usize = 200;
/// Most lines of a checklist.
const ITEMS_MAX: usize = 50;

/// A structured result, as the DWP frontend shows it in `metadata.result`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Artifact {
    /// Changes, as a unified diff.
    Diff(Text),
    /// What is so and what is not.
    Checklist {
        /// What it is about.
        title: String,
        /// Its lines.
        items: Vec<Item>,
    },
    /// Any other text, for instance a file.
    Text(Text),
}

/// A text with its title.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ArtifactText")]
pub struct Text {
    /// What it is.
    pub title: String,
    /// The text, or as much of it as fits a frame.
    pub content: String,
    /// Whether anything is missing.
    pub truncated: bool,
    /// How long the whole text is, in bytes, as far as the tool gave it.
    pub content_bytes: usize,
}

/// A line of a checklist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ChecklistItem")]
pub struct Item {
    /// What may be so.
    pub label: String,
    /// Whether it is.
    pub checked: bool,
}

impl Text {
    /// As much of the text as fits. `truncated` says whether the tool itself had left something out.
    pub fn new(title: impl Into<String>, text: &str, truncated: bool) -> Self {
        let content = json_beginning(text, TEXT_MAX);
        Self {
            title: line(title),
            content: content.to_owned(),
            truncated: truncated || content.len() < text.len(),
            content_bytes: text.len(),
        }
    }
}

impl Artifact {
    /// A checklist of the first lines.
    pub fn checklist<L: Into<String>>(
        title: impl Into<String>,
        items: impl IntoIterator<Item = (L, bool)>,
    ) -> Self {
        let item = |(label, checked): (L, bool)| Item { label: line(label), checked };
        Self::Checklist {
            title: line(title),
            items: items.into_iter().take(ITEMS_MAX).map(item).collect(),
        }
    }
}

/// As much of a title or a line as is shown.
fn line(text: impl Into<String>) -> String {
    let text = text.into();
    match json_beginning(&text, LINE_MAX) {
        whole if whole.len() == text.len() => text,
        beginning => format!("{beginning}{}", excerpt_note(text.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_does_not_fit_says_so() {
        let text = "가".repeat(TEXT_MAX);
        let cut = Text::new("README.md", &text, false);
        assert!(cut.truncated && cut.content.len() <= TEXT_MAX);
        assert_eq!(cut.content_bytes, text.len());
        assert!(text.starts_with(&cut.content));
        assert!(!Text::new("README.md", "짧다", false).truncated);
        assert!(Text::new("README.md", "짧다", true).truncated);
    }

    #[test]
    fn the_frontend_tells_them_apart_by_their_type() {
        let diff = Artifact::Diff(Text::new("변경", "+a", false));
        assert_eq!(
            serde_json::to_string(&diff).unwrap(),
            r#"{"type":"diff","title":"변경","content":"+a","truncated":false,"contentBytes":2}"#
        );
        let list = Artifact::checklist("상태", [("깨끗함", true)]);
        assert_eq!(
            serde_json::to_string(&list).unwrap(),
            r#"{"type":"checklist","title":"상태","items":[{"label":"깨끗함","checked":true}]}"#
        );
    }
}
