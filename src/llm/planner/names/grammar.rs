//! Just enough grammar to tell names from words, and where each name goes.

use super::super::{files, tokens};
use super::is_base;

/// What the grammar says of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// "feature를", "feature에서", "merge feature", "from feature".
    Source,
    /// "main에", "main으로", "into main".
    Target,
    /// "main과", "between main and".
    Pair,
    /// Nothing.
    Bare,
}

/// A word that may be a name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word<'a> {
    pub(super) name: &'a str,
    pub(super) role: Role,
    /// Whether the word "branch" stands beside it.
    is_branch: bool,
    /// Whether it is a Korean word that can mean something else ("메인 화면").
    is_spelled: bool,
}

/// Words that are no branch's name where one could stand.
#[rustfmt::skip]
const NOT_NAMES: &[&str] = &[
    "git", "github", "gitlab", "pr", "prs", "pull", "request", "requests", "repo", "repository",
    "it", "this", "that", "them", "these", "those", "all", "both", "two", "everything", "change",
    "changes", "and", "or", "in", "on", "for", "please", "merge", "rebase", "commit", "commits",
    "diff", "log", "status", "with", "current", "file", "mail", "email",
];
/// Words between a verb and its name.
const FILLERS: &[&str] = &["the", "a", "an", "my", "our", "your", "latest", "local", "remote"];
/// What a verb of merging begins with, after a name without an ending ("login 병합해줘").
const MERGE_VERBS: [&str; 3] = ["병합", "머지", "합쳐"];

/// The usual bases as Koreans write them.
const SPELLED: [(&str, &str); 3] = [("메인", "main"), ("마스터", "master"), ("디벨롭", "develop")];

impl Word<'_> {
    /// Whether it is a branch's name even if nothing else in the sentence says so.
    pub(super) fn is_surely_a_name(&self) -> bool {
        let starts = ["feature", "hotfix", "bugfix", "release/", "release-", "fix/", "fix-"];
        let is_usual = (is_base(self.name) && !self.is_spelled)
            || starts.iter().any(|s| self.name.starts_with(s));
        self.is_branch || (is_usual && !files::is_file(self.name))
    }
}

/// The words of a prompt that are names of branches, in its order.
pub(super) fn names(prompt: &str) -> Vec<Word<'_>> {
    let mut reader = Reader::default();
    for token in prompt.split_whitespace() {
        reader.read(token);
    }
    let mut words = reader.found;
    words.retain(|word| word.role != Role::Bare || word.is_surely_a_name());
    words
}

/// Reads word by word and remembers what the words before led one to expect.
#[derive(Default)]
struct Reader<'a> {
    found: Vec<Word<'a>>,
    /// The role of the next name, from a preposition or a verb before it.
    expected: Option<Role>,
    /// Whether the last word was a possible name: the last of `found`.
    after_name: bool,
    /// Whether the last word was "branch" and belonged to no name before it.
    after_branch: bool,
    /// Whether somebody merges: only then does "to" lead to a branch without a "from".
    merging: bool,
}

impl<'a> Reader<'a> {
    fn read(&mut self, token: &'a str) {
        let (name, tail) = tokens::take_apart(token);
        let lower = name.to_lowercase();
        if lower == "branch" || lower == "branches" || name.starts_with("브랜치") {
            self.branch_word(tail);
        } else if FILLERS.contains(&lower.as_str()) {
            self.after_name = false;
        } else if ["저장소", "레포", "리포", "repo"].iter().any(|word| lower.starts_with(word))
        {
            self.repository_word();
        } else if let Some(role) = self.announced_by(&lower) {
            self.expected = Some(role);
            self.after_name = false;
        } else {
            self.other_word(token, name, tail, &lower);
        }
    }

    /// "feature 브랜치를", "the feature branch": its ending is the name's. "branch feature": the
    /// next word is a name.
    fn branch_word(&mut self, tail: &str) {
        if let Some(word) = self.last_name() {
            word.is_branch = true;
            word.role = role_of(tail).unwrap_or(word.role);
            self.after_name = false;
        } else {
            self.after_branch = true;
        }
    }

    /// "dwp/aura 저장소": the name before it was not a branch's.
    fn repository_word(&mut self) {
        if self.last_name().is_some() {
            self.found.pop();
        }
        self.after_name = false;
    }

    fn announced_by(&mut self, word: &str) -> Option<Role> {
        let last_role = self.found.last().map(|last| last.role);
        match word {
            "merge" => {
                self.merging = true;
                Some(Role::Source)
            }
            "from" => Some(Role::Source),
            "into" | "onto" | "against" => Some(Role::Target),
            "to" if self.merging || last_role == Some(Role::Source) => Some(Role::Target),
            "between" | "compare" => Some(Role::Pair),
            "and" | "with" if last_role == Some(Role::Pair) => Some(Role::Pair),
            _ => None,
        }
    }

    fn other_word(&mut self, token: &str, name: &'a str, tail: &str, lower: &str) {
        let merges = MERGE_VERBS.iter().any(|verb| name.starts_with(verb));
        if let Some(word) = self.last_name().filter(|word| merges && word.role == Role::Bare) {
            word.role = Role::Source;
        }
        let spelled = SPELLED.iter().find(|(korean, _)| *korean == name);
        let expected = self.expected.take();
        let is_quoted = token.starts_with(tokens::QUOTES);
        let looks_like_one =
            name.is_ascii() || spelled.is_some() || is_quoted || name.contains(['/', '-', '_']);
        self.after_name = looks_like_one
            && !name.is_empty()
            && !name.contains(['@', '#'])
            && !name.contains("://")
            && !NOT_NAMES.contains(&lower)
            && (expected.is_some() || self.after_branch || !files::is_file(name));
        let is_branch = std::mem::take(&mut self.after_branch) || tail.starts_with("브랜치");
        if self.after_name {
            let role = role_of(tail.trim_start_matches("브랜치")).or(expected);
            let (name, is_spelled) = spelled.map_or((name, false), |(_, name)| (*name, true));
            self.found.push(Word { name, role: role.unwrap_or(Role::Bare), is_branch, is_spelled });
        }
    }

    fn last_name(&mut self) -> Option<&mut Word<'a>> {
        self.found.last_mut().filter(|_| self.after_name)
    }
}

/// The role that an ending tells, if it is one.
fn role_of(ending: &str) -> Option<Role> {
    match ending {
        "에서" | "부터" | "을" | "를" => Some(Role::Source),
        "에다가" | "에다" | "까지" | "으로" | "에" | "로" => Some(Role::Target),
        "이랑" | "랑" | "하고" | "과" | "와" => Some(Role::Pair),
        _ => None,
    }
}
