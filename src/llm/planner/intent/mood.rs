//! Whether a prompt asks for something to be done, or asks about it, or forbids it.
//!
//! The same words are often what a mail is about ("회의 취소 메일", "about why the build failed"), so
//! they count only where a sentence has its verb: Korean at its end, English at its start.

/// How the last two words of a Korean question, or of a task for somebody else, sound. `$` is the
/// end of the sentence.
#[rustfmt::skip]
const QUESTION_ENDS: &[&str] = &[
    "뭐야", "뭔가", "뭐예요", "뭐죠", "뭘까", "뭔지", "무엇", "방법", "어떻게", "왜", "언제", "이란", "차이", "했어$", "했나",
    "했어요", "했는지", "됐어", "됐나", "됐는지", "되었", "설명해", "설명$", "도 되", "도 돼", "도 될", "도 됩", "될까", "할까",
    "해야 하", "해야 되", "해야 돼", "하나요$", "취소해", "취소하", "취소$", "안 해도", "번역",
];
/// How English questions, and tasks for somebody else, begin.
#[rustfmt::skip]
const QUESTION_STARTS: &[&str] = &[
    "what is", "what's", "what are", "what does", "what happens", "how", "why", "when can", "when did", "when do",
    "when does", "when is", "when should", "when was", "when were", "when will", "explain", "should", "did", "does", "is",
    "are", "was", "were", "has", "have", "i wonder", "i want to know", "i'd like to know", "cancel", "translate",
    "proofread", "rephrase", "rewrite", "paraphrase", "왜", "언제", "어떻게",
];
/// What may stand before the verb of an English sentence.
#[rustfmt::skip]
const POLITE: &[&str] = &[
    "hi", "hello", "hey", "so", "and", "but", "ok", "okay", "please", "can you", "could you", "would you", "will you",
    "tell me", "show me", "안녕하세요", "안녕",
];
/// Stems of the verbs of what changes something; "지 마" behind one forbids it.
const STEMS: [&str; 12] = [
    "병합하",
    "병합시키",
    "머지하",
    "합치",
    "보내",
    "발송하",
    "전송하",
    "전달하",
    "생성하",
    "만들",
    "올리",
    "작성하",
];
/// The same as nouns; "말고" behind one rules it out.
const NOUNS: [&str; 8] = ["병합", "머지", "메일", "발송", "전송", "생성", "pr", "작성"];
/// English verbs of what changes something, and the words that forbid one close behind them.
#[rustfmt::skip]
const VERBS: [&str; 13] = [
    "merge", "merging", "send", "sending", "mail", "email", "create", "creating", "open", "opening", "make", "raise", "write",
];
const NEGATIONS: [&str; 6] = ["don't", "don’t", "dont", "not", "never", "without"];
/// How far a verb may stand behind its negation, in words.
const NEGATION_REACH: usize = 3;

/// Whether a sentence of a lower-case text asks about something, or sets a task of another kind.
pub(super) fn asks(text: &str) -> bool {
    sentences(text).any(|sentence| {
        let end = end_of(sentence);
        let start = without_politeness(sentence);
        QUESTION_ENDS.iter().any(|phrase| end.contains(phrase))
            || QUESTION_STARTS.iter().any(|phrase| begins_with(start, phrase).is_some())
    })
}

/// Whether a sentence of a lower-case text ends in one of these.
pub(super) fn ends(text: &str, phrases: &[&str]) -> bool {
    sentences(text).any(|sentence| {
        let end = end_of(sentence);
        phrases.iter().any(|phrase| end.contains(phrase))
    })
}

/// Whether a sentence of a lower-case text begins with one of these, politeness aside.
pub(super) fn starts(text: &str, phrases: &[&str]) -> bool {
    sentences(text).any(|sentence| {
        let start = without_politeness(sentence);
        phrases.iter().any(|phrase| begins_with(start, phrase).is_some())
    })
}

/// Whether a lower-case text forbids what changes something.
pub(super) fn forbids(text: &str) -> bool {
    forbids_in_korean(text) || forbids_in_english(text)
}

fn forbids_in_korean(text: &str) -> bool {
    let stops = |rest: &str| {
        let rest = rest.strip_prefix('지').map(|rest| rest.trim_start_matches(['는', '도', '를']));
        rest.is_some_and(|rest| rest.trim_start().starts_with(['마', '말', '않']))
    };
    let ruled_out =
        |rest: &str| rest.trim_start_matches(['은', '는', '을', '를', ' ']).starts_with("말고");
    let behind = |words: &[&str], matches: &dyn Fn(&str) -> bool| {
        let mut found = words
            .iter()
            .flat_map(|word| text.match_indices(word).map(|(at, word)| &text[at + word.len()..]));
        found.any(matches)
    };
    behind(&STEMS, &stops) || behind(&NOUNS, &ruled_out)
}

fn forbids_in_english(text: &str) -> bool {
    let words: Vec<&str> = text
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .collect();
    let mut negated = words
        .iter()
        .enumerate()
        .filter(|(_, word)| NEGATIONS.contains(word))
        .flat_map(|(at, _)| words[at + 1..].iter().take(NEGATION_REACH));
    negated.any(|word| VERBS.contains(word))
}

/// The sentences of a text. A dot within a name ends none.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut before_gap = text.char_indices().peekable();
    let mut cuts = vec![0];
    while let Some((at, c)) = before_gap.next() {
        let gap = before_gap.peek().is_none_or(|(_, next)| next.is_whitespace());
        if c == '\n' || ("?!".contains(c)) || ("~.;:".contains(c) && gap) {
            cuts.push(at + c.len_utf8());
        }
    }
    cuts.push(text.len());
    let pieces: Vec<&str> = cuts.windows(2).map(|cut| text[cut[0]..cut[1]].trim()).collect();
    pieces.into_iter().filter(|piece| !piece.is_empty())
}

/// The last two words and a `$`.
fn end_of(sentence: &str) -> String {
    let bare = sentence.trim_end_matches(|c: char| !c.is_alphanumeric());
    let words: Vec<&str> = bare.split_whitespace().collect();
    words[words.len().saturating_sub(2)..].join(" ") + "$"
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
    (!rest.starts_with(|c: char| c.is_ascii_alphanumeric())).then_some(rest)
}
