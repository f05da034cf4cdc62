//! What a prompt dictates in quotes: a title, a text, and what is left without them.

use std::ops::Range;

use crate::domain::text::first_bytes;

/// What a prompt dictates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Dictated {
    /// A subject or a title: `"…" 제목으로`, `"…"라는`, `titled "…"`.
    pub(super) title: Option<String>,
    /// A text: `"…"라고`, `내용은 "…"`, `body "…"`.
    pub(super) body: Option<String>,
    /// Quotes that nothing says more about, in order.
    pub(super) open: Vec<String>,
    /// The prompt without titles and texts.
    pub(super) remainder: String,
}

/// How words begin that stand beside a title, and beside a text.
const TITLE: [&str; 4] = ["제목", "title", "entitled", "subject"];
const BODY: [&str; 8] =
    ["내용", "본문", "saying", "says", "body", "message", "text", "description"];

/// How far behind a quote is looked for what it is, in bytes.
const NEARBY: usize = 64;

/// What opens a quote, and what closes it.
const MARKS: [(char, char); 5] = [('"', '"'), ('“', '”'), ('「', '」'), ('‘', '’'), ('\'', '\'')];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Title,
    Body,
    Open,
}

/// Reads what a prompt dictates.
pub(super) fn read(prompt: &str) -> Dictated {
    let mut dictated = Dictated::default();
    let mut from = 0;
    for quote in Quotes::of(prompt) {
        let before = &prompt[from..quote.start];
        let role = role_of(before, &prompt[quote.end..]);
        from = quote.end;
        dictated.remainder.push_str(before);
        let whole = &prompt[quote];
        let text = inside(whole).trim().to_owned();
        match role {
            Role::Title if dictated.title.is_none() => dictated.title = Some(text),
            Role::Body if dictated.body.is_none() => dictated.body = Some(text),
            Role::Title | Role::Body | Role::Open => {
                dictated.remainder.push_str(whole);
                dictated.open.push(text);
            }
        }
    }
    dictated.remainder.push_str(&prompt[from..]);
    dictated
}

/// Whether a text begins with a quote that also ends.
pub(super) fn begins_with_quote(text: &str) -> bool {
    Quotes::of(text.trim_start()).next().is_some_and(|quote| quote.start == 0)
}

/// A text without what it quotes.
pub(super) fn without_quotes(text: &str) -> String {
    without(text, Quotes::of(text))
}

/// A text with a blank in place of each of these parts, which come from front to back.
pub(super) fn without(text: &str, parts: impl Iterator<Item = Range<usize>>) -> String {
    let (mut left, mut from) = (String::with_capacity(text.len()), 0);
    for part in parts {
        left.push_str(&text[from..part.start]);
        left.push(' ');
        from = part.end;
    }
    left + &text[from..]
}

/// A quote without its marks.
fn inside(quote: &str) -> &str {
    let mut chars = quote.chars();
    chars.next();
    chars.next_back();
    chars.as_str()
}

/// Where the quotes of a text are with their marks, from front to back.
struct Quotes<'a> {
    text: &'a str,
    /// How far it has been read.
    from: usize,
    /// The marks that close nothing from here on. Each is looked for in vain only once, so that
    /// marks without a partner do not make a text be read over and over.
    used_up: Vec<char>,
}

impl<'a> Quotes<'a> {
    fn of(text: &'a str) -> Self {
        Self { text, from: 0, used_up: Vec::new() }
    }

    /// Where the quote ends that this mark opens, if it opens one.
    fn end_of(&mut self, open: usize, mark: char) -> Option<usize> {
        let close = closing(mark)?;
        // An apostrophe stands within a word.
        let within = |c: char| !c.is_whitespace() && c != ':';
        if self.used_up.contains(&close) || mark == '\'' && self.text[..open].ends_with(within) {
            return None;
        }
        let start = open + mark.len_utf8();
        let mut ends = self.text[start..].match_indices(close).map(|(at, _)| start + at);
        let Some(end) = ends.find(|end| can_close(&self.text[*end..])) else {
            self.used_up.push(close);
            return None;
        };
        (!self.text[start..end].trim().is_empty()).then_some(end + close.len_utf8())
    }
}

impl Iterator for Quotes<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let from = self.from;
        let quote = self.text[from..]
            .char_indices()
            .find_map(|(at, mark)| Some(from + at..self.end_of(from + at, mark)?))?;
        self.from = quote.end;
        Some(quote)
    }
}

/// The mark that closes what this one opens.
fn closing(mark: char) -> Option<char> {
    MARKS.iter().find(|(open, _)| *open == mark).map(|(_, close)| *close)
}

/// Whether the mark at the start of a text can close a quote.
fn can_close(text: &str) -> bool {
    text.strip_prefix('\'')
        .is_none_or(|after| !after.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

/// What a quote is, from what stands before and behind it.
fn role_of(before: &str, after: &str) -> Role {
    // What is close is enough, and a text may have many quotes in one long word.
    let (after, _) = first_bytes(after, NEARBY);
    let mut words = after.split_whitespace();
    let (particle, next) = match after.starts_with(char::is_whitespace) {
        true => ("", words.next()),
        false => (words.next().unwrap_or_default(), words.next()),
    };
    // In "…" 제목은 "…" the label is about the quote behind it.
    let announces = words.next().is_some_and(|word| word.starts_with(|c| closing(c).is_some()));
    let next = next.filter(|word| word.ends_with("으로") || !announces).unwrap_or_default();
    let begins = |word: &str, labels: &[&str]| labels.iter().any(|label| word.starts_with(label));
    let before = before.to_lowercase();
    let mut last_two = before.split_whitespace().rev().take(2);
    if particle.contains("라고") || begins(next, &BODY) {
        Role::Body
    } else if particle.contains("라는") || begins(next, &TITLE) {
        Role::Title
    } else {
        match last_two.find_map(|word| {
            Some((begins(word, &TITLE), begins(word, &BODY))).filter(|found| found.0 || found.1)
        }) {
            Some((true, _)) => Role::Title,
            Some((false, _)) => Role::Body,
            None => Role::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What [`Quotes`] finds, looked for anew from every mark on: right, and quadratic.
    fn looked_for_anew(text: &str, from: usize) -> Option<Range<usize>> {
        text[from..].char_indices().find_map(|(at, mark)| {
            let open = from + at;
            let inside = open + mark.len_utf8();
            let (_, close) = MARKS.iter().find(|(opening, _)| *opening == mark)?;
            let before = text[..open].chars().next_back();
            if mark == '\'' && before.is_some_and(|c| !c.is_whitespace() && c != ':') {
                return None;
            }
            let mut ends = text[inside..].match_indices(*close).map(|(len, _)| inside + len);
            let end = ends.find(|end| can_close(&text[*end..]))?;
            (!text[inside..end].trim().is_empty()).then_some(open..end + close.len_utf8())
        })
    }

    proptest! {
        #[test]
        fn one_look_finds_what_looking_anew_finds(text in "[\"“”「」‘’'a:  제목라고]{0,40}") {
            let mut from = 0;
            for quote in Quotes::of(&text) {
                prop_assert_eq!(Some(quote.clone()), looked_for_anew(&text, from));
                from = quote.end;
            }
            prop_assert_eq!(looked_for_anew(&text, from), None);
        }
    }

    #[test]
    #[rustfmt::skip]
    fn titles_and_texts_are_told_apart() {
        for (prompt, title, body) in [
            ("a@b.co에게 \"회의\" 제목으로 \"3시에 봅시다\"라고 메일 보내줘", "회의", "3시에 봅시다"),
            ("제목은 \"회의\", 내용은 “3시”로 메일 보내줘", "회의", "3시"),
            ("\"3시\"라고 보내줘. 제목은 '회의'", "회의", "3시"),
            ("PR 제목을 \"로그인 추가\"로 생성해줘", "로그인 추가", ""),
            ("「로그인 추가」라는 PR 만들어줘", "로그인 추가", ""),
            ("create a pull request titled \"Add login\"", "Add login", ""),
            ("mail a@b.co with the subject \"it's lunch\" and body 'don't be late'", "it's lunch", "don't be late"),
            ("\"feature\" 브랜치로 PR 만들어줘", "", ""),
            ("let's merge the users' branch", "", ""),
            ("an \"open quote", "", ""),
        ] {
            let read = read(prompt);
            assert_eq!(read.title.unwrap_or_default(), title, "{prompt}");
            assert_eq!(read.body.unwrap_or_default(), body, "{prompt}");
        }
        assert_eq!(read("\"feature\" 브랜치로 \"A\"라는 PR").remainder, "\"feature\" 브랜치로 라는 PR");
    }
}
