//! Names of branches in a prompt: which one goes where.
//!
//! A name is taken exactly as it stands there. Whether it is a good one is the tool's to say. What a
//! word is, its neighbours tell: an ending, a preposition, the word "branch", a verb.

use serde_json::Value;

use super::files;
use super::tokens::{QUOTES, take_apart};
use crate::domain::Message;

/// What branches usually start from, and return to; the most usual first.
pub(super) const USUAL_BASES: [&str; 5] = ["main", "master", "develop", "dev", "trunk"];
/// How the names of other branches usually begin.
const USUAL_STARTS: [&str; 7] =
    ["feature", "hotfix", "bugfix", "release/", "release-", "fix/", "fix-"];
/// The most usual base as Koreans write it, which can mean something else ("메인 화면").
const SPELLED: (&str, &str) = ("메인", "main");
/// Words that are no branch's name where one could stand.
#[rustfmt::skip]
const NOT_NAMES: &[&str] = &[
    "git", "github", "gitlab", "pr", "prs", "pull", "request", "requests", "repo", "repository", "it", "this", "that",
    "them", "these", "those", "all", "both", "two", "everything", "change", "changes", "and", "or", "in", "on", "for",
    "please", "merge", "rebase", "commit", "commits", "diff", "log", "status", "with", "current", "which", "what", "file",
    "mail", "email",
];
/// Words between a verb and its name.
const FILLERS: [&str; 9] = ["the", "a", "an", "my", "our", "your", "latest", "local", "remote"];
/// What follows the name of a repository, and what follows a branch that is merged.
const REPOSITORY: [&str; 4] = ["저장소", "레포", "리포", "repo"];
const MERGE_VERBS: [&str; 3] = ["병합", "머지", "합쳐"];

/// Where a request leads: the changes of `source` to `target`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) source: Option<String>,
    pub(super) target: Option<String>,
}

/// What the neighbours of a name say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// "feature를", "feature에서", "merge feature", "from feature".
    Source,
    /// "main에", "main으로", "into main".
    Target,
    /// "main과", "between main and".
    Pair,
    /// That it is a name, by the word "branch", or because it is a usual one.
    Name,
}

/// The route that a prompt describes, as far as it does.
pub(super) fn route(prompt: &str) -> Route {
    let mut names = names(prompt);
    if names.iter().any(|(_, role)| *role == Role::Pair) {
        let mut names = names.into_iter().map(|(name, _)| name.to_owned());
        return Route { source: names.next(), target: names.next() };
    }
    let mut take = |role| {
        let at = names.iter().position(|(_, known)| *known == role)?;
        Some(names.remove(at).0.to_owned())
    };
    let (source, target) = (take(Role::Source), take(Role::Target));
    let source = source.or_else(|| take(Role::Name));
    Route { source, target: target.or_else(|| take(Role::Name)) }
}

/// The first branch that a prompt names beyond doubt.
pub(super) fn branch(prompt: &str) -> Option<String> {
    let prompt = Sentence::of(prompt);
    let mut all =
        (0..prompt.words.len()).filter(|at| prompt.is_sure(*at) && prompt.may_be_name(*at));
    all.next().map(|at| prompt.words[at].name.to_owned())
}

/// The names of branches in a prompt, in its order.
fn names(prompt: &str) -> Vec<(&str, Role)> {
    let prompt = Sentence::of(prompt);
    let mut found: Vec<(&str, Role)> = Vec::new();
    for at in 0..prompt.words.len() {
        let after_source = found.last().is_some_and(|(_, role)| *role == Role::Source);
        let role = prompt.role(at, after_source).filter(|_| prompt.may_be_name(at));
        found.extend(role.map(|role| (prompt.words[at].name, role)));
    }
    found
}

/// A word of a prompt, its ending apart.
struct Word<'a> {
    name: &'a str,
    lower: String,
    ending: &'a str,
    is_quoted: bool,
    /// Whether it is no branch's name unless something says so.
    is_spelled: bool,
}

impl<'a> Word<'a> {
    fn of(token: &'a str) -> Self {
        let (name, ending) = take_apart(token);
        let is_spelled = name == SPELLED.0;
        let name = if is_spelled { SPELLED.1 } else { name };
        let is_quoted = token.starts_with(QUOTES);
        Self { name, lower: name.to_lowercase(), ending, is_quoted, is_spelled }
    }

    fn is_branch_word(&self) -> bool {
        self.lower == "branch" || self.lower.starts_with("브랜치")
    }

    fn begins_with(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.lower.starts_with(word))
    }
}

/// The words of a prompt, without those that only stand between a verb and its name.
struct Sentence<'a> {
    words: Vec<Word<'a>>,
    /// Whether somebody merges: only then does "to" lead to a branch without a "from".
    merges: bool,
    /// Whether somebody compares: only then is "and" between two branches.
    compares: bool,
}

impl<'a> Sentence<'a> {
    fn of(prompt: &'a str) -> Self {
        let words = prompt.split_whitespace().map(Word::of);
        let words = words.filter(|word| !FILLERS.contains(&word.lower.as_str()));
        let words: Vec<Word<'a>> = words.collect();
        let says = |known: &[&str]| words.iter().any(|word| known.contains(&word.lower.as_str()));
        let (merges, compares) = (says(&["merge"]), says(&["between", "compare"]));
        Self { words, merges, compares }
    }

    /// Whether a word could be a branch's name.
    fn may_be_name(&self, at: usize) -> bool {
        let (word, next) = (&self.words[at], self.words.get(at + 1));
        let looks_like_one =
            word.name.is_ascii() || word.is_quoted || word.name.contains(['/', '-', '_']);
        looks_like_one
            && !word.name.is_empty()
            && !word.name.contains(['@', '#'])
            && !word.name.contains("://")
            && !NOT_NAMES.contains(&word.lower.as_str())
            && !word.is_branch_word()
            && !next.is_some_and(|next| next.begins_with(&REPOSITORY))
    }

    /// Whether a word is a name by itself, or by the word "branch" beside it.
    fn is_sure(&self, at: usize) -> bool {
        let (word, next) = (&self.words[at], self.words.get(at + 1));
        let is_usual = is_base(word.name) || USUAL_STARTS.iter().any(|s| word.name.starts_with(s));
        // In "feature 브랜치를 main에" that word belongs to what is before it.
        let is_free = at < 2 || !self.may_be_name(at - 2);
        is_usual && !word.is_spelled && !files::is_file(word.name)
            || word.ending.starts_with("브랜치")
            || next.is_some_and(Word::is_branch_word)
            || is_free && at > 0 && self.words[at - 1].is_branch_word()
    }

    fn role(&self, at: usize, after_source: bool) -> Option<Role> {
        let (word, next) = (&self.words[at], self.words.get(at + 1));
        let branch = next.filter(|next| next.is_branch_word());
        let ending = branch.map_or(word.ending, |branch| branch.ending);
        let by_ending = by_ending(ending.trim_start_matches("브랜치"));
        let by_words = self.by_words(at, after_source);
        let is_merged = next.is_some_and(|next| next.begins_with(&MERGE_VERBS));
        let is_sure = self.is_sure(at);
        by_ending
            .or(by_words)
            .or(is_merged.then_some(Role::Source))
            .or(is_sure.then_some(Role::Name))
            .filter(|_| is_sure || by_words.is_some() || !files::is_file(word.name))
    }

    /// What the words before and behind a name say of it.
    fn by_words(&self, at: usize, after_source: bool) -> Option<Role> {
        let mut before = self.words[..at].iter().rev().take(2).skip_while(|w| w.is_branch_word());
        match before.next().map_or("", |word| word.lower.as_str()) {
            "merge" | "from" => Some(Role::Source),
            "into" | "onto" | "against" | "→" | "->" => Some(Role::Target),
            "to" if after_source || self.merges => Some(Role::Target),
            "between" | "compare" => Some(Role::Pair),
            "and" | "with" if self.compares => Some(Role::Pair),
            _ => {
                let next = self.words.get(at + 1).map_or("", |next| next.name);
                ["→", "->"].contains(&next).then_some(Role::Source)
            }
        }
    }
}

/// What an ending says, if it is one.
fn by_ending(ending: &str) -> Option<Role> {
    match ending {
        "에서" | "부터" | "을" | "를" => Some(Role::Source),
        "에다가" | "에다" | "까지" | "으로" | "에" | "로" => Some(Role::Target),
        "이랑" | "랑" | "하고" | "과" | "와" => Some(Role::Pair),
        _ => None,
    }
}

/// The two sides of a comparison, the older first: `a..b`, `a...b`, or two names, of which the one
/// that branches start from is the older.
pub(super) fn sides(prompt: &str) -> Option<(String, String)> {
    prompt.split_whitespace().find_map(range).or_else(|| {
        let Route { source, target } = route(prompt);
        let (one, other) = (source?, target?);
        Some(if is_base(&other) && !is_base(&one) { (other, one) } else { (one, other) })
    })
}

fn range(token: &str) -> Option<(String, String)> {
    let name = take_apart(token).0;
    let (from, to) = name.split_once("...").or_else(|| name.split_once(".."))?;
    // Two dots within a path are no range.
    let fits = !from.is_empty() && !from.ends_with(['/', '=']) && !to.starts_with(['/', '.']);
    (fits && !to.is_empty()).then(|| (from.to_owned(), to.to_owned()))
}

/// The branch that the conversation named last, other than `except` and the usual bases.
pub(super) fn last_named(earlier: &[Message], except: Option<&str>) -> Option<String> {
    let fits = |name: &String| Some(name.as_str()) != except && !is_base(name);
    earlier.iter().rev().find_map(|message| match message {
        Message::User { content } => {
            let Route { source, target } = route(content);
            source.filter(fits).or_else(|| target.filter(fits))
        }
        Message::Assistant { tool_calls, .. } => tool_calls.iter().rev().find_map(|call| {
            let arguments: Value = serde_json::from_str(&call.arguments).ok()?;
            let named = |key: &str| Some(arguments.get(key)?.as_str()?.to_owned()).filter(fits);
            ["source", "head", "to", "ref"].into_iter().find_map(named)
        }),
        Message::System { .. } | Message::Tool { .. } => None,
    })
}

/// Whether branches usually start from, and return to, a branch of this name.
pub(super) fn is_base(name: &str) -> bool {
    USUAL_BASES.contains(&name)
}

#[cfg(test)]
mod tests;
