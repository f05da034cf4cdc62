//! A mail in a prompt: to whom, about what, saying what.

use std::collections::HashSet;
use std::ops::Range;

use super::dictated::{self, Dictated};
use super::language::Language;

/// A mail as far as the prompt describes it, the rest filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) to: Vec<String>,
    pub(super) cc: Vec<String>,
    pub(super) subject: String,
    pub(super) body: String,
    /// How many of subject and body the prompt did not give.
    pub(super) assumed: usize,
}

/// What comes before a subject and before a body.
const SUBJECT_LABELS: &[&str] = &["제목:", "제목은", "subject:", "titled"];
const BODY_LABELS: &[&str] = &["내용:", "내용은", "본문:", "본문은", "body:", "saying", "message:"];
/// Words between an address and what a mail is about.
const AROUND: &[&str] = &["에게", "께", "한테", "앞으로", "으로", "로", "님에게", "님께"];
/// Verbs and nouns that end the part of a Korean sentence that says what it is about.
const KOREAN_ENDS: &[&str] = &["메일", "이메일", "보내", "발송", "전송", "전달", "작성"];
/// What comes before the topic in English.
const ENGLISH_STARTS: &[&str] = &["about", "regarding", "concerning"];

/// All mail addresses of a text, in order, each once.
pub(super) fn addresses(text: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let first = |range: Range<usize>| seen.insert(&text[range.clone()]).then(|| &text[range]);
    address_ranges(text).filter_map(first).map(str::to_owned).collect()
}

/// The mail that a prompt asks for; `None` if it names no address.
pub(super) fn draft(prompt: &str, language: Language) -> Option<Draft> {
    let body_label = body_label(prompt);
    let head = &prompt[..body_label.as_ref().map_or(prompt.len(), |label| label.start)];
    let Dictated { mut title, body: mut said, open, mut rest } = dictated::read(head);
    for quote in open {
        if title.is_none() {
            title = Some(quote);
        } else if said.is_none() {
            rest = rest.replace(&quote, " ");
            said = Some(quote);
        }
    }
    let head = rest.as_str();
    let mut cc = after_copy_mark(head).map(addresses).unwrap_or_default();
    let mut to = addresses(head);
    let copied: HashSet<&String> = cc.iter().collect();
    to.retain(|address| !copied.contains(address));
    if to.is_empty() {
        to = std::mem::take(&mut cc);
    }
    if to.is_empty() {
        return None;
    }
    let topic = title.or_else(|| labelled(head, SUBJECT_LABELS)).or_else(|| topic(head));
    let written = body_label.and_then(|label| non_blank(prompt[label.end..].trim()));
    let body = said.or(written);
    let assumed = usize::from(topic.is_none()) + usize::from(body.is_none());
    let body = body.unwrap_or_else(|| default_body(topic.as_deref(), language));
    let untitled = || language.pick("DWP에서 보낸 메일", "A message from DWP").to_owned();
    Some(Draft { to, cc, subject: topic.unwrap_or_else(untitled), body, assumed })
}

/// Where the label stands after which the text of a mail begins, and goes on to the end: a quote
/// behind the label has an end of its own.
pub(super) fn body_label(prompt: &str) -> Option<Range<usize>> {
    let label = label(prompt, BODY_LABELS)?;
    (!dictated::begins_with_quote(&prompt[label.end..])).then_some(label)
}

/// Where a subject stands that has a label and no quotes, with its label.
pub(super) fn subject_line(prompt: &str) -> Option<Range<usize>> {
    let label = label(prompt, SUBJECT_LABELS)?;
    let line = prompt[label.end..].find('\n').map_or(prompt.len(), |len| label.end + len);
    Some(label.start..line)
}

fn default_body(topic: Option<&str>, language: Language) -> String {
    match (language, topic) {
        (Language::Korean, Some(topic)) => {
            format!("안녕하세요.\n\n{topic} 관련하여 연락드립니다.\n\n감사합니다.")
        }
        (Language::Korean, None) => "안녕하세요.\n\n연락드립니다.\n\n감사합니다.".to_owned(),
        (Language::English, Some(topic)) => {
            format!("Hello,\n\nthis is about {topic}.\n\nThank you.")
        }
        (Language::English, None) => "Hello,\n\nplease get back to me.\n\nThank you.".to_owned(),
    }
}

fn address_ranges(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices('@').filter_map(|(at, _)| {
        let local = |c: char| c.is_ascii_alphanumeric() || "._%+-".contains(c);
        let host = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
        let before = text[..at].trim_end_matches(local).len();
        let rest = &text[at + 1..];
        let run = &rest[..rest.find(|c| !host(c)).unwrap_or(rest.len())];
        let domain = run.trim_end_matches(['.', '-']);
        let fits = before < at
            && domain.split('.').count() > 1
            && domain.split('.').all(|p| !p.is_empty());
        fits.then_some(before..at + 1 + domain.len())
    })
}

/// What follows the mark for copies, if there is one.
fn after_copy_mark(text: &str) -> Option<&str> {
    let marks = [" cc ", " cc:", "(cc", "참조:", "참조는", "참조 "];
    let lower = text.to_ascii_lowercase();
    let at = marks.iter().filter_map(|mark| lower.find(mark)).min()?;
    text.get(at..)
}

fn label(text: &str, labels: &[&str]) -> Option<Range<usize>> {
    let lower = text.to_ascii_lowercase();
    let found = labels.iter().filter_map(|label| Some((lower.find(label)?, label.len())));
    found.min().map(|(at, len)| at..at + len)
}

/// What follows a label, up to the end of the line or the comma before another label.
fn labelled(text: &str, labels: &[&str]) -> Option<String> {
    let rest = &text[label(text, labels)?.end..];
    let line = rest.trim_start().lines().next()?;
    non_blank(line.trim().trim_matches([',', '.', '"', '\'']))
}

/// What the mail is about, from the sentence itself.
fn topic(head: &str) -> Option<String> {
    let mut plain = String::with_capacity(head.len());
    let mut from = 0;
    for range in address_ranges(head) {
        plain.push_str(&head[from..range.start]);
        plain.push(' ');
        from = range.end;
    }
    plain.push_str(&head[from..]);
    let words: Vec<&str> = plain.split_whitespace().collect();
    match Language::of(head) {
        Language::Korean => korean_topic(&words),
        Language::English => english_topic(&words),
    }
}

fn korean_topic(words: &[&str]) -> Option<String> {
    let ends = |word: &&&str| !KOREAN_ENDS.iter().any(|end| word.starts_with(end));
    let about: Vec<&str> =
        words.iter().take_while(ends).filter(|word| !AROUND.contains(word)).copied().collect();
    let mut text = about.join(" ");
    for ending in ["에 대한", "에 대해서", "에 대해", "에 관한", "라는", "을", "를"]
    {
        if let Some(rest) = text.strip_suffix(ending) {
            text = rest.to_owned();
            break;
        }
    }
    non_blank(text.trim())
}

fn english_topic(words: &[&str]) -> Option<String> {
    let is_start = |word: &&str| ENGLISH_STARTS.contains(&word.to_ascii_lowercase().as_str());
    let at = words.iter().position(is_start)?;
    let rest =
        words[at + 1..].iter().skip_while(|word| matches!(**word, "the" | "a" | "an" | "our"));
    let about: Vec<&str> =
        rest.copied().take_while(|word| !matches!(*word, "to" | "please" | "cc")).collect();
    non_blank(about.join(" ").trim_matches([',', '.', '!', '?', ' ']))
}

fn non_blank(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(prompt: &str) -> Draft {
        draft(prompt, Language::of(prompt)).unwrap()
    }

    #[test]
    fn what_a_mail_is_about_is_read_from_the_sentence() {
        for (prompt, subject) in [
            ("kim@dwp.com에게 회의 일정 메일 보내줘", "회의 일정"),
            ("회의 일정을 kim@dwp.com에게 메일로 보내줘", "회의 일정"),
            ("kim@dwp.com 에게 주간 보고에 대한 메일을 보내주세요", "주간 보고"),
            ("kim@dwp.com에게 \"회의 일정\"이라는 메일 보내줘", "회의 일정"),
            ("kim@dwp.com에게 메일 보내줘. 제목: 회의 일정\n내용: 3시", "회의 일정"),
            ("Send an email to kim@dwp.com about the team meeting.", "team meeting"),
            ("email kim@dwp.com, subject: \"team meeting\"", "team meeting"),
            ("kim@dwp.com에게 메일 보내줘", "DWP에서 보낸 메일"),
            ("email kim@dwp.com", "A message from DWP"),
        ] {
            assert_eq!(read(prompt).subject, subject, "{prompt}");
        }
    }

    #[test]
    fn what_is_dictated_in_quotes_is_the_subject_and_the_body() {
        for (prompt, subject, body) in [
            (
                "minsu@dwp.com에게 \"회의\" 제목으로 \"내일 3시에 봅시다\"라고 메일 보내줘",
                "회의",
                "내일 3시에 봅시다",
            ),
            (
                "minsu@dwp.com에게 \"내일 봐요\"라고 제목은 \"회의\"로 메일 보내줘",
                "회의",
                "내일 봐요",
            ),
            ("minsu@dwp.com에게 \"내일 봐요\"라고 메일 보내줘", "DWP에서 보낸 메일", "내일 봐요"),
            (
                "minsu@dwp.com에게 제목은 \"회의\", 내용은 \"내일 봐요\"로 메일 보내줘",
                "회의",
                "내일 봐요",
            ),
            ("minsu@dwp.com에게 \"회의\" \"내일 봐요\" 메일 보내줘", "회의", "내일 봐요"),
            (
                "send minsu@dwp.com a mail titled \"Lunch\" saying \"see you at noon\"",
                "Lunch",
                "see you at noon",
            ),
            (
                "email minsu@dwp.com saying \"see you\" with the subject \"Lunch\"",
                "Lunch",
                "see you",
            ),
        ] {
            let mail = read(prompt);
            assert_eq!((mail.subject.as_str(), mail.body.as_str()), (subject, body), "{prompt}");
            assert_eq!(mail.to, ["minsu@dwp.com"], "{prompt}");
        }
    }

    #[test]
    fn a_body_is_taken_word_for_word() {
        let mail = read("kim@dwp.com에게 메일 보내줘 제목: 회의\n내용: 3시에 \"봐요\".\n- 민수");
        assert_eq!((mail.subject.as_str(), mail.assumed), ("회의", 0));
        assert_eq!(mail.body, "3시에 \"봐요\".\n- 민수");
        let mail = read("send mail to a@b.co about lunch saying let's meet at noon");
        assert_eq!((mail.subject.as_str(), mail.body.as_str()), ("lunch", "let's meet at noon"));
        assert_eq!(read("kim@dwp.com에게 회의 메일 보내줘").assumed, 1);
    }

    #[test]
    fn all_addresses_are_found_and_copies_are_told_apart() {
        let mail =
            read("a@b.com, c.d+e@f-g.co.kr에게 메일 보내줘 참조: x@y.com, a.b@y.com 제목: z");
        assert_eq!(mail.to, ["a@b.com", "c.d+e@f-g.co.kr"]);
        assert_eq!(mail.cc, ["x@y.com", "a.b@y.com"]);
        assert_eq!(addresses("a@b.com. <a@b.com> @b a@b x@.com @ a@b..com"), ["a@b.com"]);
        assert_eq!(draft("메일 보내줘", Language::Korean), None);
    }

    #[test]
    fn an_address_in_the_text_of_a_mail_gets_no_mail() {
        assert_eq!(read("a@b.com에게 메일 보내줘 내용: 답은 c@d.com으로").to, ["a@b.com"]);
    }
}
