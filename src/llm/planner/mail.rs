//! A mail in a prompt: to whom, about what, saying what.

use std::collections::HashSet;
use std::ops::Range;

use super::dictated::{self, Dictated};
use crate::domain::Language;

/// A mail as far as the prompt describes it, the rest filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) to: Vec<String>,
    pub(super) cc: Vec<String>,
    pub(super) subject: String,
    pub(super) body: String,
}

/// What comes before a subject, a body and the addresses of copies.
const SUBJECT_LABELS: &[&str] = &["제목:", "subject:"];
const BODY_LABELS: &[&str] = &["내용:", "본문:", "body:", "saying", "message:"];
const COPY_LABELS: &[&str] = &[" cc ", " cc:", "(cc", "참조:", "참조 "];
/// Words between an address and what a mail is about.
const AROUND: &[&str] = &["에게", "께", "한테", "앞으로", "으로", "로", "님에게", "님께"];
/// What ends the part of a Korean sentence that says what a mail is about, and that part.
const KOREAN_ENDS: &[&str] = &["메일", "이메일", "보내", "발송", "전송", "전달", "작성"];
const TOPIC_ENDS: &[&str] = &["에 대한", "에 대해서", "에 대해", "에 관한", "라는", "을", "를"];
/// What comes before the topic in English, between the two, and behind the topic.
const ENGLISH_STARTS: &[&str] = &["about", "regarding", "concerning"];
const ARTICLES: &[&str] = &["the", "a", "an", "our"];
const ENGLISH_ENDS: &[&str] = &["to", "please", "cc"];

/// All mail addresses of a text, in order, each once.
pub(super) fn addresses(text: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let first = |range: Range<usize>| seen.insert(&text[range.clone()]).then(|| &text[range]);
    address_ranges(text).filter_map(first).map(str::to_owned).collect()
}

/// The mail that a prompt asks for; `None` if it does not say clearly to whom.
pub(super) fn draft(prompt: &str, language: Language) -> Option<Draft> {
    let label = body_label(prompt);
    let head = &prompt[..label.as_ref().map_or(prompt.len(), |label| label.start)];
    let Dictated { title, body, open, remainder: head } = dictated::read(head);
    // Of quotes that nothing says more about, the first is the subject.
    let mut open = open.into_iter();
    let subject = title.or_else(|| open.next());
    let subject = subject.or_else(|| labelled_subject(&head)).or_else(|| topic(&head));
    let written = label.and_then(|label| non_blank(prompt[label.end..].trim()));
    let body = body.or_else(|| open.next()).or(written);
    let (to, cc) = recipients(&head)?;
    let untitled = || language.pick("DWP에서 보낸 메일", "A message from DWP").to_owned();
    let subject = subject.unwrap_or_else(untitled);
    let body = body.unwrap_or_else(|| default_body(&subject, language));
    Some(Draft { to, cc, subject, body })
}

/// Who gets it and who gets a copy; `None` if nobody does, or one of them cannot be an address.
fn recipients(text: &str) -> Option<(Vec<String>, Vec<String>)> {
    if words_with_at(text).any(|(_, word)| has_two_ats(word)) {
        return None;
    }
    let copies = label(text, COPY_LABELS).map(|label| addresses(&text[label.start..]));
    let copies = copies.unwrap_or_default();
    let mut to = addresses(text);
    let copied: HashSet<&String> = copies.iter().collect();
    to.retain(|address| !copied.contains(address));
    match (to.is_empty(), copies.is_empty()) {
        (true, true) => None,
        (true, false) => Some((copies, Vec::new())),
        (false, _) => Some((to, copies)),
    }
}

/// Where the label stands after which the text of a mail begins, and goes on to the end: a quote
/// behind the label has an end of its own.
pub(super) fn body_label(prompt: &str) -> Option<Range<usize>> {
    let label = label(prompt, BODY_LABELS)?;
    (!dictated::begins_with_quote(&prompt[label.end..])).then_some(label)
}

fn default_body(subject: &str, language: Language) -> String {
    language.pick(
        format!("안녕하세요.\n\n{subject} 관련하여 연락드립니다.\n\n감사합니다."),
        format!("Hello,\n\nthis is about {subject}.\n\nThank you."),
    )
}

/// Where addresses are.
fn address_ranges(text: &str) -> impl Iterator<Item = Range<usize>> {
    words_with_at(text).filter_map(|(start, word)| {
        let (local, rest) = word.split_once('@')?;
        let host = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
        let run = &rest[..rest.find(|c| !host(c)).unwrap_or(rest.len())];
        let domain = run.trim_end_matches(['.', '-']);
        let fits = !local.is_empty()
            && !has_two_ats(word)
            && domain.contains('.')
            && domain.split('.').all(|part| !part.is_empty());
        fits.then(|| start..start + local.len() + 1 + domain.len())
    })
}

/// The words with an `@`, of the characters that an address may have, and where they begin.
fn words_with_at(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let belongs = |c: char| c.is_ascii_alphanumeric() || "._%+-@".contains(c);
    let mut next = 0;
    let words = text.split_inclusive(move |c| !belongs(c)).map(move |piece| {
        let start = next;
        next += piece.len();
        (start, piece.trim_end_matches(|c| !belongs(c)))
    });
    words.filter(|(_, word)| word.contains('@'))
}

/// Whether a word looks like an address and is none: `a@b.c@d.e`.
fn has_two_ats(word: &str) -> bool {
    word.matches('@').nth(1).is_some()
}

/// The first of these labels.
fn label(text: &str, labels: &[&str]) -> Option<Range<usize>> {
    let lower = text.to_ascii_lowercase();
    let found = labels.iter().filter_map(|label| Some((lower.find(label)?, label.len())));
    found.min().map(|(at, len)| at..at + len)
}

/// What follows the label of a subject, up to the end of the line.
fn labelled_subject(text: &str) -> Option<String> {
    let line = text[label(text, SUBJECT_LABELS)?.end..].trim_start().lines().next()?;
    non_blank(line.trim().trim_matches([',', '.', '"', '\'']))
}

/// What the sentence says that the mail is about.
fn topic(text: &str) -> Option<String> {
    let plain = dictated::without(text, address_ranges(text));
    let words: Vec<&str> = plain.split_whitespace().collect();
    match Language::of_text(text) {
        Language::Korean => korean_topic(&words),
        Language::English => english_topic(&words),
    }
}

fn korean_topic(words: &[&str]) -> Option<String> {
    let ends = |word: &&&str| !KOREAN_ENDS.iter().any(|end| word.starts_with(end));
    let about = words.iter().take_while(ends).filter(|word| !AROUND.contains(word));
    let text = about.copied().collect::<Vec<_>>().join(" ");
    let shorter = TOPIC_ENDS.iter().find_map(|ending| text.strip_suffix(ending));
    non_blank(shorter.unwrap_or(&text).trim())
}

fn english_topic(words: &[&str]) -> Option<String> {
    let is_start = |word: &&str| ENGLISH_STARTS.contains(&word.to_ascii_lowercase().as_str());
    let at = words.iter().position(is_start)?;
    let topic = words[at + 1..].iter().skip_while(|word| ARTICLES.contains(word));
    let topic = topic.copied().take_while(|word| !ENGLISH_ENDS.contains(word));
    non_blank(topic.collect::<Vec<_>>().join(" ").trim_matches([',', '.', '!', '?', ' ']))
}

fn non_blank(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(prompt: &str) -> Draft {
        draft(prompt, Language::of_text(prompt)).unwrap()
    }

    #[test]
    #[rustfmt::skip]
    fn what_a_mail_is_about_and_what_it_says_is_read_from_the_sentence() {
        let (letter, english) = ("안녕하세요.\n\n회의 일정 관련하여 연락드립니다.\n\n감사합니다.", "Hello,\n\nthis is about lunch.\n\nThank you.");
        for (prompt, subject, body) in [
            ("kim@dwp.com에게 회의 일정 메일 보내줘", "회의 일정", letter),
            ("회의 일정을 kim@dwp.com에게 메일로 보내줘", "회의 일정", letter),
            ("kim@dwp.com 에게 회의 일정에 대한 메일을 보내주세요", "회의 일정", letter),
            ("kim@dwp.com에게 \"회의 일정\"이라는 메일 보내줘", "회의 일정", letter),
            ("kim@dwp.com에게 메일 보내줘. 제목: 회의 일정\n내용: 3시에 \"봐요\".\n- 민수", "회의 일정", "3시에 \"봐요\".\n- 민수"),
            ("kim@dwp.com에게 메일 보내줘", "DWP에서 보낸 메일", "안녕하세요.\n\nDWP에서 보낸 메일 관련하여 연락드립니다.\n\n감사합니다."),
            ("kim@dwp.com에게 \"내일 봐요\"라고 제목은 \"회의\"로 메일 보내줘", "회의", "내일 봐요"),
            ("kim@dwp.com에게 \"회의\" \"내일 봐요\" 메일 보내줘", "회의", "내일 봐요"),
            ("Send an email to kim@dwp.com about the lunch.", "lunch", english),
            ("email kim@dwp.com, subject: \"lunch\"", "lunch", english),
            ("email kim@dwp.com", "A message from DWP", "Hello,\n\nthis is about A message from DWP.\n\nThank you."),
            ("mail kim@dwp.com about lunch saying let's meet at noon", "lunch", "let's meet at noon"),
            ("email kim@dwp.com saying \"see you\" with the subject \"Lunch\"", "Lunch", "see you"),
        ] {
            let mail = read(prompt);
            assert_eq!((mail.subject.as_str(), mail.body.as_str()), (subject, body), "{prompt}");
            assert_eq!(mail.to, ["kim@dwp.com"], "{prompt}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn all_addresses_are_found_and_copies_are_told_apart() {
        let mail =
            read("a@b.com, c.d+e@f-g.co.kr에게 메일 보내줘 참조: x@y.com, a.b@y.com 제목: z");
        assert_eq!(mail.to, ["a@b.com", "c.d+e@f-g.co.kr"]);
        assert_eq!(mail.cc, ["x@y.com", "a.b@y.com"]);
        assert_eq!(addresses("a@b.com. <a@b.com> @b a@b x@.com @ a@b..com"), ["a@b.com"]);
        assert_eq!(draft("메일 보내줘", Language::Korean), None);
        assert_eq!(read("a@b.com에게 메일 보내줘 내용: 답은 c@d.com으로").to, ["a@b.com"]);
        for unclear in ["a@b.c@d.e에게 메일 보내줘", "x@y.com, a@b.c@d.e에게 메일 보내줘", "email a@b.c+d@e.f"] {
            assert_eq!(draft(unclear, Language::of_text(unclear)), None, "{unclear}");
        }
    }
}
