//! What a reader sees of a character: the one table of what is invisible.
//!
//! It is made of Unicode's own properties, so that a character that a later version of Unicode adds
//! or that nobody here thought of is in it, too.

use icu_properties::props::{
    BidiControl, DefaultIgnorableCodePoint, Emoji, GeneralCategory, NoncharacterCodePoint,
    WhiteSpace,
};
use icu_properties::{CodePointMapData, CodePointSetData};

/// The joiner of emoji.
pub(super) const JOINER: char = '\u{200d}';
/// The selector that asks for a character's form as an emoji.
const EMOJI_FORM: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';
/// Characters that no property tells from letters and symbols, of which nothing is seen all the same:
/// the blank of Braille, blanks and joiners of old scripts, a note without a head, and what stands for
/// an object that is not there.
const BLANK_LETTERS: [char; 8] = [
    '\u{2800}',
    '\u{1107f}',
    '\u{13441}',
    '\u{13442}',
    '\u{16fe4}',
    '\u{1d159}',
    '\u{2d7f}',
    '\u{fffc}',
];

/// What a reader sees of a character by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Something of its own, or the usual blank.
    Seen,
    /// A blank that is not the usual one: nobody can tell which it is, or that there is one.
    Blank,
    /// Nothing, or what turns the direction of others. Control characters and ends of lines as well.
    Unseen,
}

/// What a reader sees of a character by itself.
pub(super) fn look(c: char) -> Look {
    if matches!(c, ' '..='~') {
        return Look::Seen;
    }
    let is_unseen = CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        || CodePointSetData::new::<BidiControl>().contains(c)
        || CodePointSetData::new::<NoncharacterCodePoint>().contains(c)
        || matches!(
            CodePointMapData::<GeneralCategory>::new().get(c),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
        );
    match c {
        _ if is_unseen => Look::Unseen,
        _ if BLANK_LETTERS.contains(&c) => Look::Blank,
        _ if CodePointSetData::new::<WhiteSpace>().contains(c) => Look::Blank,
        _ => Look::Seen,
    }
}

/// Whether nothing is seen of a character by itself, or it turns the direction of others, or ends a line.
pub fn is_unseen(c: char) -> bool {
    look(c) == Look::Unseen
}

/// Whether a character must not stand as it is in JSON that people may read as it comes: it turns the
/// direction of the line, or some reader takes it for the end of one, and JSON leaves it as it is.
pub fn is_unsafe_raw(c: char) -> bool {
    matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}')
        || CodePointSetData::new::<BidiControl>().contains(c)
}

/// The characters of a text, each with what is seen of it where it stands: the joiner and the selector
/// belong to what is seen where they make an emoji.
pub(super) fn looks(text: &str) -> impl Iterator<Item = (char, Look)> {
    let mut before = None;
    let mut rest = text.chars();
    std::iter::from_fn(move || {
        let c = rest.next()?;
        let is_part = is_part_of_emoji(before, c, rest.clone().next());
        let look = if is_part { Look::Seen } else { look(c) };
        before = Some(c).filter(|_| look == Look::Seen);
        Some((c, look))
    })
}

fn is_part_of_emoji(before: Option<char>, c: char, after: Option<char>) -> bool {
    match c {
        JOINER => {
            before.is_some_and(|c| is_emoji(c) || c == EMOJI_FORM) && after.is_some_and(is_emoji)
        }
        EMOJI_FORM => before.is_some_and(|c| {
            is_emoji(c) || matches!(c, '0'..='9' | '#' | '*') && after == Some(KEYCAP)
        }),
        _ => false,
    }
}

/// Whether a character may be an emoji. Digits have the property, too, but need a keycap to be one.
fn is_emoji(c: char) -> bool {
    !c.is_ascii() && CodePointSetData::new::<Emoji>().contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_seen_of_what_is_blank_or_turns_the_direction() {
        let unseen = "\0\u{7f}\u{9b}\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{180b}\u{180e}\u{180f}\
                      \u{200b}\u{200d}\u{200f}\u{2028}\u{2029}\u{202e}\u{2060}\u{2066}\u{206f}\u{3164}\u{fe00}\
                      \u{fe0f}\u{feff}\u{ffa0}\u{fff0}\u{fff9}\u{fffb}\u{ffff}\u{fdd0}\u{13430}\u{1bca0}\u{1d173}\
                      \u{e0000}\u{e0041}\u{e0080}\u{e0100}\u{e01ef}\u{e01f0}\u{e0fff}";
        for c in unseen.chars() {
            assert_eq!(look(c), Look::Unseen, "{c:?}");
        }
        for c in "\u{a0}\u{1680}\u{2000}\u{2003}\u{200a}\u{202f}\u{205f}\u{2800}\u{3000}\u{13441}\u{1d159}".chars() {
            assert_eq!(look(c), Look::Blank, "{c:?}");
        }
    }

    #[test]
    fn what_people_write_is_seen() {
        for c in " aZ~가힣\u{1112}\u{1161}漢あЖé\u{301}→…“”·•👩❤€①".chars()
        {
            assert_eq!(look(c), Look::Seen, "{c:?}");
        }
    }

    #[test]
    fn joiner_and_selector_are_seen_only_as_parts_of_emoji() {
        let is_seen = |text: &str| looks(text).all(|(_, look)| look == Look::Seen);
        for emoji in ["👩‍💻", "❤\u{fe0f}", "🏳\u{fe0f}\u{200d}🌈", "👩🏽‍🚀", "1\u{fe0f}\u{20e3}", "👍🏽"]
        {
            assert!(is_seen(emoji), "{emoji:?}");
        }
        for text in [
            "main\u{200d}",
            "1\u{fe0f}",
            "main\u{fe0f}",
            "👩\u{200d}",
            "\u{200d}👩",
            "👩\u{200d}a",
            "❤\u{fe0e}",
        ] {
            assert!(!is_seen(text), "{text:?}");
        }
    }
}
