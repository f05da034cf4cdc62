//! Names that come from a model: checked once, here, and then unable to be anything but a name.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::domain::Language;
use crate::domain::text::{is_plain_name, quoted_start};

/// Where git keeps branches.
const HEADS: &str = "refs/heads/";
/// Longest name or path that is looked at, in bytes.
const MAX_LENGTH: usize = 1024;
const INVISIBLE: &str = "it has control or invisible characters or unusual blanks";

/// A branch, tag or commit by name: what `git check-ref-format` allows, and never an option or one
/// of the operators of git's revision language (`..`, `^`, `~`, `:`, `@{`). The same holds of what is
/// behind `refs/heads/`, if that was spelled out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(in crate::tools) struct RefName(String);

/// A path relative to the workspace root or to a repository's root, that cannot climb out of it by
/// its spelling. Symbolic links are another matter: see [`super::workspace`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(in crate::tools) struct RelativePath(String);

/// A commit's hash, in full.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(in crate::tools) struct CommitHash(String);

impl CommitHash {
    /// The hash, in lower case.
    pub(in crate::tools) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for CommitHash {
    type Error = &'static str;

    fn try_from(mut hash: String) -> Result<Self, Self::Error> {
        let is_hash = matches!(hash.len(), 40 | 64) && hash.bytes().all(|b| b.is_ascii_hexdigit());
        hash.make_ascii_lowercase();
        is_hash.then_some(Self(hash)).ok_or("it is not the whole hash of a commit")
    }
}

impl fmt::Display for CommitHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl RefName {
    /// The name itself.
    pub(in crate::tools) fn as_str(&self) -> &str {
        &self.0
    }

    /// The name without `refs/heads/`, if that was spelled out.
    pub(super) fn as_branch(&self) -> &str {
        branch_of(&self.0)
    }

    /// Whether it may be a commit's hash, whole or abbreviated.
    pub(super) fn may_be_hash(&self) -> bool {
        (4..=64).contains(&self.0.len()) && self.0.bytes().all(|byte| byte.is_ascii_hexdigit())
    }
}

impl RelativePath {
    /// The path itself.
    pub(in crate::tools) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RefName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        match fault_of_ref(&name) {
            Some(fault) => Err(format!("{} is not the name of a branch: {fault}", quoted(&name))),
            None => Ok(Self(name)),
        }
    }
}

impl TryFrom<String> for RelativePath {
    type Error = String;

    fn try_from(path: String) -> Result<Self, String> {
        match fault_of_path(&path) {
            Some(fault) => Err(format!("{} cannot be used as a path: {fault}", quoted(&path))),
            None => Ok(Self(path)),
        }
    }
}

fn branch_of(name: &str) -> &str {
    name.strip_prefix(HEADS).unwrap_or(name)
}

/// The rules for a name, with and without `refs/heads/`.
fn fault_of_ref(name: &str) -> Option<&'static str> {
    let branch = branch_of(name);
    if branch.starts_with(HEADS) {
        return Some("it has `refs/heads/` twice: people could take it for another branch");
    }
    fault_of_name(name).or_else(|| fault_of_name(branch))
}

/// The rules of `git check-ref-format`, and that it is no option.
fn fault_of_name(name: &str) -> Option<&'static str> {
    if let Some(fault) = fault_of_text(name) {
        return Some(fault);
    }
    if let Some(c) = name.chars().find(|c| " ~^:?*[\\".contains(*c)) {
        return Some(if c == ' ' { "it has a space" } else { "it has one of ~ ^ : ? * [ \\" });
    }
    if name.contains("..") || name.contains("@{") || name == "@" {
        return Some("it has `..` or `@{`, or is `@`");
    }
    if name.ends_with('.') {
        return Some("it ends with a dot");
    }
    let bad = |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with(".lock");
    name.split('/')
        .any(bad)
        .then_some("a part of it is empty, starts with a dot or ends with `.lock`")
}

fn fault_of_path(path: &str) -> Option<&'static str> {
    if let Some(fault) = fault_of_text(path) {
        return Some(fault);
    }
    if path.starts_with('/') {
        return Some("it is absolute");
    }
    // A lone dot is the root itself.
    let climbs = |part: &str| matches!(part, "" | "." | "..") || part.eq_ignore_ascii_case(".git");
    (path != "." && path.split('/').any(climbs))
        .then_some("a part of it is empty, `.`, `..` or `.git`")
}

fn fault_of_text(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("it is empty");
    }
    if text.len() > MAX_LENGTH {
        return Some("it is too long");
    }
    if text.starts_with('-') {
        return Some("it starts with `-`");
    }
    (!is_plain_name(text)).then_some(INVISIBLE)
}

/// The text for a message: escaped, and not all of it if it is long.
fn quoted(text: &str) -> String {
    quoted_start(text, 100, Language::default()).to_string()
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! text_schema {
    ($name:ident) => {
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string"})
            }
        }
    };
}

text_schema!(RefName);
text_schema!(RelativePath);
text_schema!(CommitHash);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_git_would_not_give_a_branch_is_refused() {
        let bad = [
            "",
            "-",
            "-d",
            "--upload-pack=x",
            "a b",
            "a\0b",
            "a\nb",
            "a..b",
            "a~1",
            "a^",
            "a:b",
            "a?",
            "a*",
            "a[b",
            "a\\b",
            "a@{1}",
            "@",
            ".a",
            "a/.b",
            "a//b",
            "/a",
            "a/",
            "a.lock",
            "a.lock/b",
            "a.",
            "refs/heads/-d",
            "refs/heads/@",
            "refs/heads/refs/heads/main",
            "main\u{202e}x",
            "main\u{3164}",
            "main\u{200d}",
            "main\u{17b4}",
            "main\u{e0080}",
            "main\u{a0}",
        ];
        for name in bad {
            assert!(RefName::try_from(name.to_owned()).is_err(), "{name:?}");
        }
        assert!(RefName::try_from("x".repeat(MAX_LENGTH + 1)).is_err());
    }

    #[test]
    fn names_that_git_gives_branches_pass() {
        for name in ["main", "feature/로그인", "v1.0", "HEAD", "refs/heads/main", "a@b", "a-b"] {
            assert_eq!(RefName::try_from(name.to_owned()).unwrap().as_str(), name);
        }
    }

    #[test]
    fn a_path_cannot_climb_or_pose_as_something_else() {
        let bad = [
            "",
            "/",
            "/etc/passwd",
            "..",
            "../x",
            "a/../b",
            "a/..",
            "./a",
            "a//b",
            "a/",
            "-x",
            "a\0b",
            "a\nb",
            ".git",
            ".git/config",
            "a/.GIT/config",
            "a\u{2800}",
            "a\u{fe0f}",
        ];
        for path in bad {
            assert!(RelativePath::try_from(path.to_owned()).is_err(), "{path:?}");
        }
        for path in [".", "a", "src/main.rs", "..a/b..", "문서/읽어주세요.md", "a b"] {
            assert!(RelativePath::try_from(path.to_owned()).is_ok(), "{path:?}");
        }
    }

    #[test]
    fn a_commit_is_named_in_full() {
        let hash = |text: &str| CommitHash::try_from(text.to_owned());
        assert!(hash("abc123").is_err() && hash(&"g".repeat(40)).is_err());
        assert_eq!(hash(&"A".repeat(40)).unwrap().as_str(), "a".repeat(40));
    }

    proptest::proptest! {
        #[test]
        fn whatever_passes_is_neither_an_option_nor_more_than_one_revision(name in ".{0,40}") {
            if let Ok(name) = RefName::try_from(name) {
                let name = name.as_str();
                proptest::prop_assert!(!name.starts_with('-') && !name.contains(".."));
                proptest::prop_assert!(!name.contains([' ', ':', '^', '~', '\0', '\n']));
            }
        }
    }
}
