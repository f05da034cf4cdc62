//! How people ask for a change: Korean with a verb at the end of a sentence, English with one at its
//! start. Whoever asks what a merge is, whether it may be done, or how, says it in another form, and
//! whoever forbids it too: of all that, nothing is asked for.

/// How a change is asked for.
#[derive(Clone, Copy)]
pub(super) struct Request {
    /// Nouns that become verbs: "병합" as in "병합해줘", "병합 부탁해".
    pub(super) nouns: &'static [&'static str],
    /// Verbs that take "줘": "보내" as in "보내 주세요".
    pub(super) verbs: &'static [&'static str],
    /// What may be asked for as a favour: "메일" as in "메일 부탁해".
    pub(super) things: &'static [&'static str],
    /// English verbs: "merge" as in "could you please merge".
    pub(super) english: &'static [&'static str],
}

/// How a Korean verb goes on in a request; the next letter is no Hangul.
#[rustfmt::skip]
const ENDINGS: [&str; 24] = [
    "줘", "줘요", "줘라", "줄래", "줄래요", "줄", "주라", "주세요", "주십시오", "주시겠어요", "주시겠습니까", "주시기", "주실",
    "주실래요", "주겠어요", "라", "봐", "봐요", "봐줘", "봐주세요", "요", "주시고", "주고", "줘봐",
];
/// What stands between a noun and its verb.
const FILLERS: [&str; 6] = ["을", "를", "좀", "하나", "한번", "진행"];
/// What a noun becomes a verb with.
const VERBALIZERS: [&str; 3] = ["해", "하여", "시켜"];
/// What makes the opposite of a request, behind its verb.
const REVERSALS: [&str; 5] = ["지 마", "지마", "지 말", "지말", "면 안"];
/// What may stand before the verb of an English sentence.
#[rustfmt::skip]
const POLITE: [&str; 25] = [
    "hi", "hello", "hey", "so", "and", "but", "ok", "okay", "please", "kindly", "now", "then", "just", "git", "can you",
    "could you", "would you", "will you", "help me", "let's", "i want to", "i want you to", "i'd like to", "안녕하세요", "안녕",
];

impl Request {
    /// Whether a lower-case text makes it.
    pub(super) fn is_made(&self, text: &str) -> bool {
        let in_korean = |sentence: &str| self.in_korean(sentence.trim_end_matches('?'));
        sentences(text).any(|sentence| in_korean(sentence) || self.in_english(sentence))
    }

    fn in_korean(&self, sentence: &str) -> bool {
        behind(sentence, self.verbs).any(is_request)
            || behind(sentence, self.things).map(without_fillers).any(is_favour)
            || behind(sentence, self.nouns).map(without_fillers).any(asks_for_noun)
            || self.nouns.iter().any(|noun| !noun.is_ascii() && sentence.ends_with(noun))
    }

    /// A question asks for something only where it is a polite one: "could you merge …?".
    fn in_english(&self, sentence: &str) -> bool {
        let question = sentence.strip_suffix('?');
        let start = without_politeness(question.unwrap_or(sentence));
        let is_plain_question = question.is_some_and(|question| question.len() == start.len());
        !is_plain_question && self.english.iter().any(|verb| begins_with(start, verb).is_some())
    }
}

/// What stands behind each of these words.
fn behind<'a>(sentence: &'a str, words: &'a [&str]) -> impl Iterator<Item = &'a str> {
    let found = words.iter().flat_map(|word| sentence.match_indices(word));
    found.map(|(at, word)| &sentence[at + word.len()..])
}

/// "해줘", " 부탁해요".
fn asks_for_noun(rest: &str) -> bool {
    let verb = VERBALIZERS.iter().find_map(|verbalizer| rest.strip_prefix(verbalizer));
    is_favour(rest) || rest.starts_with("하자") || verb.is_some_and(is_request)
}

fn is_favour(rest: &str) -> bool {
    rest.starts_with("부탁") && !is_reversed(rest)
}

/// Whether what stands behind a verb turns a request into its opposite.
pub(super) fn is_reversed(rest: &str) -> bool {
    REVERSALS.iter().any(|no| rest.contains(no))
}

/// Whether what follows a verb makes it a request: "줘", " 주세요", or the end of the sentence.
fn is_request(rest: &str) -> bool {
    let rest = rest.trim_start();
    let end = rest.find(|c| !crate::domain::language::is_hangul(c)).unwrap_or(rest.len());
    let is_end = end == 0 && !rest.starts_with(char::is_alphanumeric);
    (is_end || ENDINGS.contains(&&rest[..end])) && !is_reversed(rest)
}

fn without_fillers(rest: &str) -> &str {
    let mut rest = rest.trim_start();
    while let Some(shorter) = FILLERS.iter().find_map(|filler| rest.strip_prefix(filler)) {
        rest = shorter.trim_start();
    }
    rest
}

/// The sentences of a text, without the marks at their ends but for those of questions. A dot within a
/// name ends none.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| "\n?!~;".contains(c);
    let lines = text.split_inclusive(ends).flat_map(|line| line.split(". "));
    lines.map(|sentence| sentence.trim().trim_end_matches(['.', ',', ' ', '!', '~', ';']))
}

fn without_politeness(sentence: &str) -> &str {
    let mut rest = sentence;
    while let Some(shorter) = POLITE.iter().find_map(|words| begins_with(rest, words)) {
        rest = shorter.trim_start_matches(|c: char| !c.is_alphanumeric());
    }
    rest
}

/// What follows these words at the start of a text.
fn begins_with<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    let rest = text.strip_prefix(words)?;
    (!rest.starts_with(|c: char| c.is_alphanumeric() || "-_".contains(c))).then_some(rest)
}
