//! What people see of a text, so that they approve what is there and nothing else.
//!
//! One table of characters of which nothing is seen ([`characters`]), one truncation ([`cut`]) and one
//! quoting ([`quoted`]); every question, name, subject, title and log line is made with these.

use std::borrow::Cow;

mod characters;
mod cut;
mod quoted;

use characters::{Look, look, looks};
pub use characters::{is_unsafe_raw, is_unseen};
pub use cut::{cut, excerpt, excerpt_note, excerpt_of, first_bytes, first_chars, json_beginning};
pub use quoted::{Quoted, json_start, quoted, quoted_start};

/// Whether text is one line that shows what it is: no control characters (so no header injection),
/// none of which nothing is seen and no blank that is not the usual one, by which a person could be made
/// to approve what they do not see. Emoji may have the invisible parts that they are made of.
pub fn is_plain_line(text: &str) -> bool {
    looks(text).all(|(_, look)| is_seen(look))
}

/// Whether text is a [plain line](is_plain_line) fit for a name, in which not even emoji have
/// invisible parts.
pub fn is_plain_name(text: &str) -> bool {
    text.chars().all(|c| is_seen(look(c)))
}

/// Whether text of several lines has no control characters but the ends of lines and tabs.
pub fn is_plain_text(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

/// A text from somebody else without what is not seen of it; line breaks and tabs stay, and every blank
/// is the usual one.
pub fn without_invisible(text: &str) -> String {
    let shown = |(c, look)| match (c, look) {
        ('\n' | '\t', _) | (_, Look::Seen) => Some(c),
        (_, Look::Blank) => Some(' '),
        (_, Look::Unseen) => None,
    };
    looks(text).filter_map(shown).collect()
}

/// A text as one [plain line](is_plain_line): what is not seen of it is shown as an escape.
pub fn escape_invisible(text: &str) -> String {
    escaped(text, |_| false)
}

/// What another service says, as one [plain line](is_plain_line) of at most `max_bytes`: blanks stand for the
/// ends of its lines and other controls, and of a longer one the full length is told.
pub fn one_line(text: &str, max_bytes: usize) -> String {
    let line = text.replace(char::is_control, " ");
    excerpt(&escape_invisible(line.trim_end()), max_bytes)
}

/// A text of several lines: line breaks and tabs stay, everything else that is not seen is shown as an
/// escape. Lines that end as in mails end as others do.
pub fn escape_invisible_lines(text: &str) -> Cow<'_, str> {
    let stays = |c| matches!(c, '\n' | '\t');
    if looks(text).all(|(c, look)| stays(c) || is_seen(look)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(escaped(&text.replace("\r\n", "\n"), stays))
}

fn escaped(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for (c, look) in looks(text) {
        if stays(c) || is_seen(look) {
            shown.push(c);
        } else {
            shown.extend(c.escape_unicode());
        }
    }
    shown
}

fn is_seen(look: Look) -> bool {
    match look {
        Look::Seen => true,
        Look::Blank | Look::Unseen => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_deceive_the_person_who_approves_is_not_a_plain_line() {
        let bad = ["a\nb", "a\0", "main\u{202e}niam", "a\u{200b}b", "a\u{2028}b", "\u{2066}x"];
        for text in bad {
            assert!(!is_plain_line(text) && !is_plain_name(text), "{text:?}");
        }
        let tricks = "\u{17b4}\u{180b}\u{2800}\u{fff9}\u{1d173}\u{13430}\u{e0080}\u{e01f0}\u{3000}\u{a0}\u{2003}\
                      \u{3164}\u{115f}\u{fe00}";
        for c in tricks.chars() {
            let name = format!("main{c}");
            assert!(!is_plain_line(&name) && !is_plain_name(&name), "{c:?}");
        }
        assert!(is_plain_line("feature 브랜치를 👩‍💻 병합 ❤\u{fe0f}"));
    }

    #[test]
    fn what_is_not_seen_is_left_out_or_shown_as_an_escape() {
        assert_eq!(without_invisible("a\0\u{202e}b\n\tc\u{a0}d"), "ab\n\tc d");
        assert_eq!(escape_invisible("a\u{202e}b\n병합"), "a\\u{202e}b\\u{a}병합");
        assert_eq!(escape_invisible_lines("a\r\nb\r\u{202e}\tc"), "a\nb\\u{d}\\u{202e}\tc");
    }

    #[test]
    fn what_a_service_says_is_one_line_that_tells_how_long_it_was() {
        assert_eq!(one_line("no\r\n\u{202e}such\tuser\n", 80), "no  \\u{202e}such user");
        assert_eq!(one_line(&"가".repeat(100), 7), "가가… (300 bytes)");
    }

    #[test]
    fn a_name_has_not_even_the_invisible_parts_of_emoji() {
        assert!(is_plain_name("feature/로그인-👍"));
        for name in ["main\u{200d}", "main\u{fe0f}", "❤\u{fe0f}", "👩‍💻"] {
            assert!(!is_plain_name(name), "{name:?}");
        }
    }

    #[test]
    fn a_text_has_lines_and_tabs_but_nothing_else_that_steers() {
        assert!(is_plain_text("안녕\r\n\t하세요\n"));
        for bad in ["a\0", "a\u{1b}[31m", "a\u{8}", "a\u{9b}31m", "a\u{7f}", "a\u{c}"] {
            assert!(!is_plain_text(bad), "{bad:?}");
        }
    }

    /// Texts with what could deceive among them more often than by chance.
    fn texts() -> impl proptest::strategy::Strategy<Value = String> {
        proptest::string::string_regex(
            "(?s)(.|[\r\n\t \"\\\\“\u{202e}\u{200d}\u{fe0f}\u{2800}\u{3000}\u{e0041}👩1\u{20e3}]){0,60}",
        )
        .unwrap()
    }

    proptest::proptest! {
        #[test]
        fn whatever_goes_in_nothing_that_comes_out_is_unseen(text in texts()) {
            proptest::prop_assert!(is_plain_line(&escape_invisible(&text)));
            let lines = escape_invisible_lines(&text);
            proptest::prop_assert!(lines.split(['\n', '\t']).all(is_plain_line), "{lines:?}");
            let rest = without_invisible(&text);
            proptest::prop_assert!(rest.split(['\n', '\t']).all(is_plain_line), "{rest:?}");
        }

        #[test]
        fn what_is_safe_already_stays_as_it_is(text in texts()) {
            let line = escape_invisible(&text);
            proptest::prop_assert_eq!(is_plain_line(&text), line == text);
            proptest::prop_assert_eq!(escape_invisible(&line), line);
            let lines = escape_invisible_lines(&text).into_owned();
            proptest::prop_assert_eq!(&*escape_invisible_lines(&lines), &*lines);
            let rest = without_invisible(&text);
            proptest::prop_assert_eq!(without_invisible(&rest), rest);
            proptest::prop_assert!(!is_plain_name(&text) || is_plain_line(&text));
        }

        #[test]
        fn an_excerpt_is_a_beginning_within_its_bound_and_tells_the_whole_length(
            text in texts(), max in 0_usize..80
        ) {
            let shown = excerpt(&text, max);
            if text.len() <= max {
                proptest::prop_assert_eq!(shown, text);
            } else {
                let note = format!("… ({} bytes)", text.len());
                let kept = shown.strip_suffix(&note);
                proptest::prop_assert!(kept.is_some_and(|kept| {
                    kept.len() <= max && kept.len() + 4 > max && text.starts_with(kept)
                }), "{shown:?}");
            }
        }
    }

    /// Of the planes that have nothing but ideographs or are for private use, some.
    #[test]
    fn each_character_by_itself_is_either_seen_or_escaped() {
        let (first, tags) = ('\0'..='\u{1ffff}', '\u{e0000}'..='\u{e0fff}');
        let others = ('\u{20000}'..=char::MAX).step_by(101);
        for c in first.chain(tags).chain(others) {
            let text = c.to_string();
            let line = escape_invisible(&text);
            assert_eq!(is_plain_line(&text), line == text, "{c:?}");
            assert!(is_plain_line(&line) && is_plain_line(&quoted(&text).to_string()), "{c:?}");
            assert!(!(is_unseen(c) || is_unsafe_raw(c)) || line != text, "{c:?}");
        }
    }
}
