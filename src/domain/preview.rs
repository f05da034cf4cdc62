//! What will happen if a call is approved: shown beside the question (contract, section 7).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::language::Language;
use super::text::{cut, escape_invisible, escape_invisible_lines, json_beginning};

/// Most bytes of a preview's content as JSON; the whole stays under the 8 KiB of the contract.
const CONTENT_MAX: usize = 7 * 1024;
/// Most characters of a title.
const TITLE_MAX: usize = 200;
/// Most characters of one entry of a list.
const ENTRY_MAX: usize = 200;

/// What is shown of a call before it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Preview {
    /// How it is to be shown.
    #[serde(rename = "type")]
    pub kind: PreviewKind,
    /// What it is about, one line.
    pub title: String,
    /// What there is to see; says so where something is left out.
    pub content: String,
}

/// How a preview is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PreviewKind {
    /// As changes.
    Diff,
    /// As it is.
    Text,
    /// As lines that are so or not.
    Checklist,
}

impl Preview {
    /// A text. Whatever is not seen of it is shown as an escape; what does not fit is counted, in the words
    /// of `language`.
    pub fn text(title: &str, content: &str, language: Language) -> Self {
        let title = cut(&escape_invisible(title), TITLE_MAX, language);
        Self {
            kind: PreviewKind::Text,
            title,
            content: cut_to_size(&escape_invisible_lines(content), language),
        }
    }
}

/// Something that others have named, as one entry of a list: a line of its own, so that it cannot pass
/// for several, and not so long that the others are cut off behind it.
pub fn entry(named: &str, language: Language) -> String {
    cut(&escape_invisible(named), ENTRY_MAX, language)
}

fn cut_to_size(content: &str, language: Language) -> String {
    let shown = json_beginning(content, CONTENT_MAX);
    match content[shown.len()..].chars().count() {
        0 => content.to_owned(),
        more => format!("{shown}\n{}", language.sentences().left_out(more)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KO: Language = Language::Korean;

    proptest::proptest! {
        #[test]
        fn a_preview_fits_and_shows_all_that_it_has(
            title in "\\PC{0,300}", content in proptest::string::string_regex("(?s).{0,9000}").unwrap()
        ) {
            let preview = Preview::text(&title, &content, KO);
            let json = serde_json::to_string(&preview).unwrap();
            proptest::prop_assert!(json.len() < 8 * 1024, "{} bytes", json.len());
            proptest::prop_assert_eq!(serde_json::from_str::<Preview>(&json).unwrap(), preview);
        }
    }

    #[test]
    fn an_entry_is_one_line_and_leaves_room_for_others() {
        assert_eq!(entry("src/가.rs", KO), "src/가.rs");
        assert_eq!(
            entry("a +1 −0\n\n검사 1개\r\tok", KO),
            "a +1 −0\\u{a}\\u{a}검사 1개\\u{d}\\u{9}ok"
        );
        assert_eq!(
            entry(&"x".repeat(4000), KO),
            format!("{}… (이하 3800자 생략)", "x".repeat(200))
        );
    }

    #[test]
    fn what_is_left_out_is_counted_and_what_is_not_seen_is_shown() {
        let preview = Preview::text("a\u{202e}b", &"가\n".repeat(5000), KO);
        assert_eq!(preview.title, "a\\u{202e}b");
        let (shown, note) = preview.content.rsplit_once("\n… (이하 ").unwrap();
        let more: usize = note.strip_suffix("자 생략)").unwrap().parse().unwrap();
        assert_eq!(shown.chars().count() + more, 10_000);
        assert_eq!(Preview::text("", "x\u{200b}y\r\n\r", KO).content, "x\\u{200b}y\n\\u{d}");
    }
}
