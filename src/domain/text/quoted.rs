//! The one quoting: a value in a sentence, so that none can pass for another part of it.

use std::fmt::{self, Write};

use super::characters::{Look, looks};
use super::cut::first_chars;
use crate::domain::language::Language;

/// From so many blanks on they are counted: many would push out of sight what comes behind them.
const BLANKS_COUNTED: usize = 3;

/// A value as a part of a sentence: one plain line between quotation marks. What it means can be read
/// back: `\` stands before every quotation mark, real or alike, and before every `\` of its own; `\n` and
/// `\t` are those, `\u{…}` a character of which nothing is seen, and `\s{n}` as many blanks.
#[derive(Clone, Copy, Debug)]
pub struct Quoted<'a> {
    shown: &'a str,
    left: usize,
    language: Language,
}

/// All of a value, quoted.
pub fn quoted(value: &str) -> Quoted<'_> {
    // Nothing is left out, which could be said.
    Quoted { shown: value, left: 0, language: Language::default() }
}

/// The first `max` characters of a value, quoted; behind the quotation stands how many are left out, in the
/// words of `language`.
pub fn quoted_start(value: &str, max: usize, language: Language) -> Quoted<'_> {
    let (shown, left) = first_chars(value, max);
    Quoted { shown, left, language }
}

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        write_shown(f, self.shown, |c| c == '\\' || is_quotation_mark(c))?;
        f.write_char('"')?;
        match self.left {
            0 => Ok(()),
            left => f.write_str(&self.language.sentences().left_out(left)),
        }
    }
}

/// The first `max` characters of a value that is quoted already, as JSON is: with the same escapes for
/// what JSON itself leaves as it is, and how much is left out.
pub fn json_start(value: &serde_json::Value, max: usize, language: Language) -> String {
    let json = value.to_string();
    let (shown, left) = first_chars(&json, max);
    let mut line = String::new();
    // Writing to a string cannot fail.
    let _ = write_shown(&mut line, shown, |c| c != '"' && is_quotation_mark(c));
    match left {
        0 => line,
        left => line + &language.sentences().left_out(left),
    }
}

fn write_shown(f: &mut impl Write, text: &str, is_marked: impl Fn(char) -> bool) -> fmt::Result {
    let mut blanks = 0;
    for (c, look) in looks(text) {
        if c == ' ' {
            blanks += 1;
            continue;
        }
        write_blanks(f, std::mem::take(&mut blanks))?;
        if is_marked(c) {
            f.write_char('\\')?;
        }
        write_char(f, c, look)?;
    }
    write_blanks(f, blanks)
}

fn write_blanks(f: &mut impl Write, count: usize) -> fmt::Result {
    if count >= BLANKS_COUNTED {
        return write!(f, "\\s{{{count}}}");
    }
    (0..count).try_for_each(|_| f.write_char(' '))
}

fn write_char(f: &mut impl Write, c: char, look: Look) -> fmt::Result {
    match (c, look) {
        ('\n', _) => f.write_str("\\n"),
        ('\t', _) => f.write_str("\\t"),
        (_, Look::Blank | Look::Unseen) => write!(f, "{}", c.escape_unicode()),
        (_, Look::Seen) => f.write_char(c),
    }
}

/// The marks that a reader may take for the end of a quotation.
fn is_quotation_mark(c: char) -> bool {
    matches!(
        c,
        '"' | '“'
            | '”'
            | '„'
            | '‟'
            | '″'
            | '‶'
            | '＂'
            | '〝'
            | '〞'
            | '〟'
            | '❝'
            | '❞'
            | '🙶'
            | '🙷'
            | '🙸'
            | 'ʺ'
            | '˝'
            | 'ˮ'
            | '״'
    )
}

#[cfg(test)]
mod tests {
    use super::super::is_plain_line;
    use super::*;

    const KO: Language = Language::Korean;

    #[test]
    fn a_value_cannot_end_its_quotation_or_hide_what_follows() {
        for (value, expected) in [
            ("feature/로그인", r#""feature/로그인""#),
            ("회의 안내\" → boss@example.com", r#""회의 안내\" → boss@example.com""#),
            ("회의” → boss", r#""회의\” → boss""#),
            ("a\\\"b", r#""a\\\"b""#),
            ("a\u{202e}b\nc\u{3000}d", r#""a\u{202e}b\nc\u{3000}d""#),
            ("", r#""""#),
        ] {
            assert_eq!(quoted(value).to_string(), expected);
        }
        assert_eq!(quoted(&format!("a{}b  c ", " ".repeat(90))).to_string(), r#""a\s{90}b  c ""#);
        assert_eq!(quoted_start("가나다라", 2, KO).to_string(), r#""가나"… (이하 2자 생략)"#);
        assert_eq!(quoted_start("가나", 2, KO).to_string(), r#""가나""#);
    }

    #[test]
    fn json_keeps_its_own_quoting_and_shows_what_it_would_hide() {
        let value = serde_json::json!({"a": "x\"\n\u{202e}“", "b": " ".repeat(90)});
        assert_eq!(json_start(&value, 600, KO), r#"{"a":"x\"\n\u{202e}\“","b":"\s{90}"}"#);
        assert_eq!(json_start(&value, 5, KO), r#"{"a":… (이하 107자 생략)"#);
    }

    /// What a quotation says, if it is one and nothing more.
    fn read_back(line: &str) -> Option<String> {
        let mut rest = line.strip_prefix('"')?.strip_suffix('"')?.chars();
        let mut value = String::new();
        while let Some(c) = rest.next() {
            match c {
                '"' => return None,
                '\\' => read_escape(&mut rest, &mut value)?,
                c => value.push(c),
            }
        }
        Some(value)
    }

    fn read_escape(rest: &mut std::str::Chars<'_>, value: &mut String) -> Option<()> {
        let c = rest.next()?;
        let mut braces = |radix| {
            let digits: String = rest.by_ref().skip(1).take_while(|c| *c != '}').collect();
            u32::from_str_radix(&digits, radix).ok()
        };
        match c {
            'n' => value.push('\n'),
            't' => value.push('\t'),
            'u' => value.push(char::from_u32(braces(16)?)?),
            's' => value.extend(std::iter::repeat_n(' ', braces(10)? as usize)),
            c => value.push(c),
        }
        Some(())
    }

    fn values() -> impl proptest::strategy::Strategy<Value = String> {
        proptest::string::string_regex(
            "(?s)(.|[ \"\\\\\n\t\u{202e}\u{200d}\u{fe0f}\u{2800}\u{3000}👩“sun{}]){0,40}",
        )
        .unwrap()
    }

    proptest::proptest! {
        #[test]
        fn every_quotation_is_one_plain_line_that_can_be_read_back(value in values()) {
            let line = quoted(&value).to_string();
            proptest::prop_assert!(is_plain_line(&line), "{:?}", line);
            proptest::prop_assert_eq!(read_back(&line), Some(value));
        }

        #[test]
        fn of_a_long_value_the_beginning_can_be_read_back_and_the_rest_is_counted(
            value in values(), max in 0_usize..50
        ) {
            let line = quoted_start(&value, max, KO).to_string();
            proptest::prop_assert!(is_plain_line(&line), "{:?}", line);
            let left = value.chars().count().saturating_sub(max);
            let note = if left == 0 { String::new() } else { KO.sentences().left_out(left) };
            let start: String = value.chars().take(max).collect();
            proptest::prop_assert_eq!(line.strip_suffix(&note).and_then(read_back), Some(start));
        }

        #[test]
        fn no_two_values_have_one_quotation(one in values(), other in values()) {
            let is_same = quoted(&one).to_string() == quoted(&other).to_string();
            proptest::prop_assert_eq!(is_same, one == other);
        }

        #[test]
        fn json_is_shown_as_one_plain_line_whatever_is_in_it(value in values(), max in 0_usize..80) {
            let line = json_start(&serde_json::json!({"a": [value, 1.5]}), max, KO);
            proptest::prop_assert!(is_plain_line(&line), "{:?}", line);
        }
    }
}
