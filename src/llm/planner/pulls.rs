//! Pull requests and repositories of GitHub in a text.

use serde_json::{Value, json};

/// A repository on GitHub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Repository {
    pub(super) owner: String,
    pub(super) name: String,
}

/// A pull request and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pull {
    pub(super) repository: Repository,
    pub(super) number: u64,
}

impl Repository {
    /// What names it to a tool.
    pub(super) fn arguments(&self) -> Value {
        json!({"owner": self.owner, "repo": self.name})
    }
}

impl Pull {
    /// What names it to a tool.
    pub(super) fn arguments(&self) -> Value {
        json!({"owner": self.repository.owner, "repo": self.repository.name, "number": self.number})
    }
}

/// The first pull request that a text names with its repository: `owner/repo#12`, or a URL with
/// `owner/repo/pull/12` in it, of whatever host.
pub(super) fn pull(text: &str) -> Option<Pull> {
    tokens(text).find_map(|token| short_form(token).or_else(|| url_form(token)))
}

fn short_form(token: &str) -> Option<Pull> {
    let (repository, rest) = token.split_once('#')?;
    Some(Pull { repository: path(repository)?, number: leading_number(rest)? })
}

fn url_form(token: &str) -> Option<Pull> {
    let parts: Vec<&str> = token.split('/').collect();
    let at = parts.iter().position(|part| *part == "pull" || *part == "pulls")?;
    let (owner, name) = (parts.get(at.checked_sub(2)?)?, parts.get(at - 1)?);
    let number = leading_number(parts.get(at + 1)?)?;
    Some(Pull { repository: path(&format!("{owner}/{name}"))?, number })
}

/// The number of a pull request, with or without its repository: `#12`, `PR 12`, "12번".
pub(super) fn number(text: &str) -> Option<u64> {
    if let Some(pull) = pull(text) {
        return Some(pull.number);
    }
    let mut after_pull = false;
    for token in tokens(text) {
        let lower = token.to_lowercase();
        let digits = lower.trim_start_matches('#');
        let marked = digits.len() < lower.len();
        if let Some(number) = leading_number(digits) {
            let counted = digits.trim_start_matches(|c: char| c.is_ascii_digit());
            if marked || counted.starts_with('번') || (after_pull && counted.is_empty()) {
                return Some(number);
            }
        }
        after_pull = lower.starts_with("pr") && lower.len() <= 5 || lower == "request";
    }
    None
}

/// The first repository that a text names: in a pull request, in a URL of GitHub, or as
/// `owner/repo` before or after the word for a repository.
pub(super) fn repository(text: &str) -> Option<Repository> {
    if let Some(pull) = pull(text) {
        return Some(pull.repository);
    }
    let all: Vec<&str> = tokens(text).collect();
    let is_word = |token: Option<&&str>| {
        let word = token.map(|token| token.to_lowercase()).unwrap_or_default();
        ["저장소", "레포", "리포", "repo"].iter().any(|name| word.starts_with(name))
    };
    all.iter().enumerate().find_map(|(i, token)| {
        if let Some((host, rest)) = token.split_once("://").and_then(|(_, url)| url.split_once('/'))
        {
            let mut parts = rest.split('/');
            let name = format!("{}/{}", parts.next()?, parts.next()?);
            return host.contains("github").then(|| path(&name)).flatten();
        }
        let beside = is_word(all.get(i + 1)) || (i > 0 && is_word(all.get(i - 1)));
        beside.then(|| path(token)).flatten()
    })
}

/// The repository on GitHub that `host/owner/repo` is, if that host is one of GitHub's.
pub(super) fn cloned_from(origin: &str) -> Option<Repository> {
    let (host, rest) = origin.split_once('/')?;
    let (owner, name) = rest.split_once('/').filter(|(_, name)| !name.contains('/'))?;
    let repository = Repository { owner: owner.to_owned(), name: name.to_owned() };
    host.contains("github").then_some(repository)
}

/// The words of a text without the punctuation around them.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let around = |c: char| "()[]<>\"'`“”‘’,.;:!?".contains(c);
    text.split_whitespace().map(move |token| token.trim_matches(around))
}

fn leading_number(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok().filter(|number| *number > 0)
}

fn path(text: &str) -> Option<Repository> {
    let (owner, name) = text.split_once('/')?;
    // "dwp/aura에": what follows the name is an ending.
    let end = name.find(|c: char| !is_plain(c)).unwrap_or(name.len());
    let (name, rest) = name.split_at(end);
    let fits = !owner.is_empty() && !name.is_empty() && owner.chars().all(is_plain);
    let whole = rest.chars().all(crate::domain::language::is_hangul);
    (fits && whole).then(|| Repository { owner: owner.to_owned(), name: name.to_owned() })
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._-".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aura() -> Repository {
        Repository { owner: "dwp".into(), name: "aura".into() }
    }

    #[test]
    #[rustfmt::skip]
    fn pull_requests_are_found_with_their_repository_and_numbers_alone() {
        for text in [
            "dwp/aura#12", "(dwp/aura#12)를 분석해줘", "PR dwp/aura#12번", "https://github.com/dwp/aura/pull/12",
            "review https://git.dwp.com/dwp/aura/pull/12/files?w=1#diff please", "http://localhost:4200/github/dwp/aura/pulls/12",
        ] {
            assert_eq!(pull(text), Some(Pull { repository: aura(), number: 12 }), "{text}");
        }
        for text in ["#12", "aura#12", "a/b/c#12", "dwp/aura#x", "dwp/aura#0", "/pull/12", "pull/3", ""] {
            assert_eq!(pull(text), None, "{text}");
        }
        for text in ["PR #12", "PR 12 병합", "12번 PR", "pull request 12.", "PR을 #12", "dwp/aura#12"] {
            assert_eq!(number(text), Some(12), "{text}");
        }
        for text in ["최근 커밋 12개", "12", "version 12", "PR 12개"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn a_repository_is_found_beside_the_word_for_it_and_in_what_it_was_cloned_from() {
        for text in ["dwp/aura 저장소에 PR 생성", "create a PR in the repo dwp/aura", "https://github.com/dwp/aura", "dwp/aura#1"] {
            assert_eq!(repository(text), Some(aura()), "{text}");
        }
        for text in ["feature/login 브랜치", "http://localhost:4200/mail/1", "저장소 상태"] {
            assert_eq!(repository(text), None, "{text}");
        }
        assert_eq!(cloned_from("github.com/dwp/aura"), Some(aura()));
        for other in ["gitlab.com/dwp/aura", "github.com/aura", "github.com/a/b/c", "github.com"] {
            assert_eq!(cloned_from(other), None, "{other}");
        }
    }
}
