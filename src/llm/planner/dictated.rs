//! What a prompt dictates in quotes: a title, a text, and what is left without them.

use std::ops::Range;

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
    pub(super) rest: String,
}

/// What stands before a title, before a text, and behind a title.
#[rustfmt::skip]
const BEFORE_TITLE: &[&str] = &[
    "제목을", "제목은", "제목이", "제목으로", "제목", "titled", "entitled", "title", "title of", "title is", "subject",
    "subject of", "subject is", "subject line",
];
#[rustfmt::skip]
const BEFORE_BODY: &[&str] = &[
    "내용을", "내용은", "내용이", "내용으로", "내용", "본문을", "본문은", "본문이", "본문으로", "본문", "saying", "says",
    "body", "body of", "body is", "message", "text", "description",
];
/// Endings that join a Korean sentence to a quote.
const PARTICLES: [&str; 9] = ["이라는", "라는", "이라고", "라고", "으로", "로", "을", "를", "하고"];

/// What opens a quote, and what closes it.
const MARKS: [(char, char); 5] = [('"', '"'), ('“', '”'), ('「', '」'), ('‘', '’'), ('\'', '\'')];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Title,
    Body,
    Open,
}

struct Quote<'a> {
    /// With its marks and what belongs to it behind it.
    range: Range<usize>,
    text: &'a str,
    role: Role,
}

/// Reads what a prompt dictates.
pub(super) fn read(prompt: &str) -> Dictated {
    let mut dictated = Dictated::default();
    let mut from = 0;
    for quote in Quotes::of(prompt) {
        let before = &prompt[from..quote.range.start];
        from = quote.range.end;
        dictated.rest.push_str(before);
        let text = quote.text.trim().to_owned();
        match quote.role {
            Role::Title if dictated.title.is_none() => dictated.title = Some(text),
            Role::Body if dictated.body.is_none() => dictated.body = Some(text),
            Role::Title | Role::Body | Role::Open => {
                dictated.rest.push_str(&prompt[quote.range]);
                dictated.open.push(text);
                continue;
            }
        }
        dictated.rest.push(' ');
    }
    dictated.rest.push_str(&prompt[from..]);
    dictated
}

/// Whether a text begins with a quote that also ends.
pub(super) fn begins_with_quote(text: &str) -> bool {
    let text = text.trim_start();
    Quotes::of(text).next().is_some_and(|quote| quote.range.start == 0)
}

/// The quotes of a text, from front to back. However many marks have no partner, every character is
/// looked at a few times only: where a mark can close a quote is found once for the whole text.
struct Quotes<'a> {
    text: &'a str,
    /// How far it has been read.
    from: usize,
    /// For each pair of [`MARKS`], where it can close from `from` on; the next place is the last.
    closes: [Vec<usize>; MARKS.len()],
}

impl<'a> Quotes<'a> {
    fn of(text: &'a str) -> Self {
        let mut closes: [Vec<usize>; MARKS.len()] = Default::default();
        for (at, mark) in text.char_indices().rev() {
            for (closes, (_, close)) in closes.iter_mut().zip(MARKS) {
                if mark == close && can_close(&text[at..]) {
                    closes.push(at);
                }
            }
        }
        Self { text, from: 0, closes }
    }

    /// Where the quote ends that this mark opens, if it opens one.
    fn end_of(&mut self, open: usize, mark: char) -> Option<usize> {
        let pair = MARKS.iter().position(|(opening, _)| *opening == mark)?;
        // An apostrophe stands within a word.
        let within = |c: char| !c.is_whitespace() && c != ':';
        if mark == '\'' && self.text[..open].ends_with(within) {
            return None;
        }
        let inside = open + mark.len_utf8();
        let places = &mut self.closes[pair];
        while places.last().is_some_and(|end| *end < inside) {
            places.pop();
        }
        let end = *places.last()?;
        (!self.text[inside..end].trim().is_empty()).then_some(end)
    }
}

impl<'a> Iterator for Quotes<'a> {
    type Item = Quote<'a>;

    fn next(&mut self) -> Option<Quote<'a>> {
        let (text, from) = (self.text, self.from);
        let mut marks = text[from..].char_indices();
        let (open, mark, end) = marks.find_map(|(at, mark)| {
            let open = from + at;
            Some((open, mark, self.end_of(open, mark)?))
        })?;
        let close = text[end..].chars().next().map_or(0, char::len_utf8);
        let (role, tail) = role_of(&text[from..open], &text[end + close..]);
        self.from = end + close + tail;
        Some(Quote { range: open..self.from, text: &text[open + mark.len_utf8()..end], role })
    }
}

/// Whether the mark at the start of a text can close a quote.
fn can_close(text: &str) -> bool {
    text.strip_prefix('\'')
        .is_none_or(|after| !after.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

/// What a quote is, from what stands before and behind it; and how much behind it belongs to it.
fn role_of(before: &str, after: &str) -> (Role, usize) {
    let particle = PARTICLES.iter().find(|particle| after.starts_with(*particle)).copied();
    let particle = particle.unwrap_or_default();
    let rest = &after[particle.len()..];
    let gap = rest.len() - rest.trim_start().len();
    for (label, role) in [("제목", Role::Title), ("내용", Role::Body), ("본문", Role::Body)] {
        if let Some(behind) = rest[gap..].strip_prefix(label)
            && !announces(behind)
        {
            return (role, particle.len() + gap + label.len());
        }
    }
    let before = before.trim_end_matches(|c: char| c.is_whitespace() || ":=,".contains(c));
    let before = before.to_ascii_lowercase();
    let role = if BEFORE_TITLE.iter().any(|label| ends_with_word(&before, label)) {
        Role::Title
    } else if BEFORE_BODY.iter().any(|label| ends_with_word(&before, label))
        || particle.ends_with("라고")
    {
        Role::Body
    } else if particle.ends_with("라는") {
        Role::Title
    } else {
        Role::Open
    };
    (role, particle.len())
}

/// Whether a label is about the quote behind it: "제목은 "…"".
fn announces(behind: &str) -> bool {
    let behind = behind.trim_start_matches(['은', '을', '이', ':', ' ']);
    behind.starts_with(['"', '“', '「', '‘', '\''])
}

fn ends_with_word(text: &str, word: &str) -> bool {
    text.strip_suffix(word).is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What [`Quotes`] finds, looked for anew from every mark on: right, and quadratic.
    fn looked_for_anew(text: &str, from: usize) -> Option<(usize, usize)> {
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
            (!text[inside..end].trim().is_empty()).then_some((open, end))
        })
    }

    proptest! {
        #[test]
        fn one_look_finds_what_looking_anew_finds(text in "[\"“”「」‘’'a:  제목라고]{0,40}") {
            let mut from = 0;
            for quote in Quotes::of(&text) {
                let end = quote.range.start
                    + text[quote.range.start..].chars().next().map_or(0, char::len_utf8)
                    + quote.text.len();
                let found = Some((quote.range.start, end));
                prop_assert_eq!(found, looked_for_anew(&text, from));
                from = quote.range.end;
            }
            prop_assert_eq!(looked_for_anew(&text, from), None);
        }
    }

    #[test]
    fn titles_and_texts_are_told_apart() {
        for (prompt, title, body) in [
            (
                "a@b.co에게 \"회의\" 제목으로 \"3시에 봅시다\"라고 메일 보내줘",
                "회의",
                "3시에 봅시다",
            ),
            ("제목은 \"회의\", 내용은 “3시”로 메일 보내줘", "회의", "3시"),
            ("\"3시\"라고 보내줘. 제목은 '회의'", "회의", "3시"),
            ("PR 제목을 \"로그인 추가\"로 생성해줘", "로그인 추가", ""),
            ("「로그인 추가」라는 PR 만들어줘", "로그인 추가", ""),
            ("create a pull request titled \"Add login\"", "Add login", ""),
            (
                "mail a@b.co with the subject \"it's lunch\" and body 'don't be late'",
                "it's lunch",
                "don't be late",
            ),
            ("\"feature\" 브랜치로 PR 만들어줘", "", ""),
            ("let's merge the users' branch", "", ""),
            ("an \"open quote", "", ""),
        ] {
            let read = read(prompt);
            assert_eq!(read.title.unwrap_or_default(), title, "{prompt}");
            assert_eq!(read.body.unwrap_or_default(), body, "{prompt}");
        }
        assert_eq!(read("\"feature\" 브랜치로 \"A\"라는 PR").rest, "\"feature\" 브랜치로   PR");
    }
}
