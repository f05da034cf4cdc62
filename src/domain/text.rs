//! What people see of a text, so that they approve what is there and nothing else.

/// Whether text is one line that shows what it is: no control characters (so no header injection)
/// and none of the invisible ones that make a text look like another, by which a person could be
/// made to approve what they do not see.
pub fn is_plain_line(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || is_invisible(c))
}

/// Whether text is a [plain line](is_plain_line) fit for a name: without the joiner and the
/// selector that emoji are made of, too, which are as invisible where there is no emoji.
pub fn is_plain_name(text: &str) -> bool {
    is_plain_line(text) && !text.contains(['\u{200d}', '\u{fe0f}'])
}

/// A text from somebody else without what is not seen of it; line breaks and tabs stay.
pub fn without_invisible(text: &str) -> String {
    let is_seen = |c: &char| matches!(c, '\n' | '\t') || !(c.is_control() || is_invisible(*c));
    text.chars().filter(is_seen).collect()
}

/// A text as one [plain line](is_plain_line): what is not seen of it is shown as an escape.
pub fn escape_invisible(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_invisible(c) {
            line.extend(c.escape_unicode());
        } else {
            line.push(c);
        }
    }
    line
}

/// A text of several lines: line breaks and tabs stay, everything else that is not seen is shown as an
/// escape.
pub fn escape_invisible_lines(text: &str) -> String {
    let mut lines = String::with_capacity(text.len());
    for c in text.chars() {
        if !matches!(c, '\n' | '\t') && (c.is_control() || is_invisible(c)) {
            lines.extend(c.escape_unicode());
        } else {
            lines.push(c);
        }
    }
    lines
}

/// Whether nothing is seen of a character, or it turns the direction of others. The parts of emoji
/// are not meant.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            // The fillers of Hangul.
            | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}'
            | '\u{180e}'
            | '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0e}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
            | '\u{e0100}'..='\u{e01ef}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_deceive_the_person_who_approves_is_not_a_plain_line() {
        for text in ["a\nb", "a\0", "main\u{202e}niam", "a\u{200b}b", "a\u{2028}b", "\u{2066}x"] {
            assert!(!is_plain_line(text), "{text:?}");
        }
        for c in
            "\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{180e}\u{200c}\u{3164}\u{fe00}\u{ffa0}\u{e0041}"
                .chars()
        {
            assert!(!is_plain_line(&format!("main{c}")), "{c:?}");
        }
        assert!(is_plain_line("feature 브랜치를 👩‍💻 병합 ❤\u{fe0f}"));
    }

    #[test]
    fn what_is_not_seen_is_left_out_or_shown_as_an_escape() {
        assert_eq!(without_invisible("a\0\u{202e}b\n\tc"), "ab\n\tc");
        assert_eq!(escape_invisible("a\u{202e}b\n병합"), "a\\u{202e}b\\u{a}병합");
        assert!(is_plain_line(&escape_invisible("\u{2066}\r\u{feff}")));
    }

    #[test]
    fn a_name_has_not_even_the_invisible_parts_of_emoji() {
        assert!(is_plain_name("feature/로그인-👍"));
        assert!(!is_plain_name("main\u{200d}") && !is_plain_name("main\u{fe0f}"));
    }
}
