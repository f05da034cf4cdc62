//! The one truncation: long texts in small places, with what is left out counted.

use super::characters::is_unsafe_raw;
use crate::domain::language::Language;

/// A text of at most `max_bytes`, or its beginning with its full length told.
pub fn excerpt(text: &str, max_bytes: usize) -> String {
    if text.len() <= max_bytes {
        return text.to_owned();
    }
    excerpt_of(text, text.len(), max_bytes)
}

/// The beginning of a text of which no more than that is known, with its full length told.
pub fn excerpt_of(beginning: &str, full_bytes: usize, max_bytes: usize) -> String {
    format!("{}{}", first_bytes(beginning, max_bytes).0, excerpt_note(full_bytes))
}

/// What is said behind the beginning of a text of so many bytes.
pub fn excerpt_note(full_bytes: usize) -> String {
    format!("… ({full_bytes} bytes)")
}

/// The longest beginning of a text that has at most so many bytes as the JSON of a frame, whatever of it
/// has to be escaped.
pub fn json_beginning(text: &str, max_bytes: usize) -> &str {
    let mut left = max_bytes;
    let end = text.char_indices().find_map(|(at, c)| {
        let bytes = match c {
            '"' | '\\' | '\n' | '\r' | '\t' => 2,
            c if c < ' ' => 6,
            c if is_unsafe_raw(c) => 6,
            c => c.len_utf8(),
        };
        match left.checked_sub(bytes) {
            Some(rest) => {
                left = rest;
                None
            }
            None => Some(at),
        }
    });
    &text[..end.unwrap_or(text.len())]
}

/// A text of at most `max` characters, or its beginning with how many characters are left out, in the
/// words of `language`.
pub fn cut(text: &str, max: usize, language: Language) -> String {
    match first_chars(text, max) {
        (shown, 0) => shown.to_owned(),
        (shown, left) => format!("{shown}{}", language.sentences().left_out(left)),
    }
}

/// The first `max` characters of a text, and how many are left. For where no note has a place, or where
/// it is told elsewhere; for people there is [`cut`].
pub fn first_chars(text: &str, max: usize) -> (&str, usize) {
    match text.char_indices().nth(max) {
        None => (text, 0),
        Some((end, _)) => (&text[..end], text[end..].chars().count()),
    }
}

/// As many whole characters of a text as fit `max` bytes, and how many bytes are left. For where no note
/// has a place, or where it is told elsewhere; for people there is [`excerpt`].
pub fn first_bytes(text: &str, max: usize) -> (&str, usize) {
    let end = text.floor_char_boundary(max);
    (&text[..end], text.len() - end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters_and_tells_its_length() {
        assert_eq!(excerpt("가나다", 9), "가나다");
        assert_eq!(excerpt("가나다", 8), "가나… (9 bytes)");
        assert_eq!(excerpt("", 0), "");
    }

    proptest::proptest! {
        #[test]
        fn what_is_cut_for_a_frame_fits_it_with_all_its_escapes(
            text in proptest::string::string_regex("(?s)(.|[\"\\\\\n\u{1}\u{202e}\u{2028}]){0,40}").unwrap(),
            max in 0_usize..80
        ) {
            let beginning = json_beginning(&text, max);
            proptest::prop_assert!(text.starts_with(beginning));
            let json = serde_json::to_string(beginning).unwrap();
            let escaped = |c: char| if is_unsafe_raw(c) { 6 - c.len_utf8() } else { 0 };
            let bytes = json.len() - 2 + beginning.chars().map(escaped).sum::<usize>();
            proptest::prop_assert!(bytes <= max, "{} bytes: {:?}", bytes, beginning);
            let is_all = beginning.len() == text.len();
            proptest::prop_assert!(is_all || bytes + 6 > max || json.contains('\\'), "{json}");
        }

        #[test]
        fn what_is_cut_off_is_counted_exactly(
            text in proptest::string::string_regex("(?s).{0,60}").unwrap(), max in 0usize..70
        ) {
            let (shown, left) = first_chars(&text, max);
            proptest::prop_assert!(text.starts_with(shown) && shown.chars().count() <= max);
            proptest::prop_assert_eq!(shown.chars().count() + left, text.chars().count());
            let line = cut(&text, max, Language::Korean);
            let note = if left == 0 { String::new() } else { format!("… (이하 {left}자 생략)") };
            proptest::prop_assert_eq!(line, format!("{shown}{note}"));
        }
    }
}
