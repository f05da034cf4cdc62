//! The branches that there are, as a tool told them.

use serde_json::Value;

use super::super::conversation::Conversation;
use super::super::fields::{flag, items, text};
use super::super::names::USUAL_BASES;
use super::super::pulls;

/// What `git_branch_list` said since the prompt; by default nothing.
#[derive(Default)]
pub(super) struct Known<'a> {
    list: Option<&'a Value>,
}

impl<'a> Known<'a> {
    pub(super) fn of(conversation: &'a Conversation<'_>) -> Self {
        Self { list: conversation.result_of("git_branch_list") }
    }

    /// What branches usually start from, or the first branch; never `head`.
    pub(super) fn base(&self, head: Option<&str>) -> Option<&'a str> {
        self.usual_base(head).or_else(|| self.names().find(|name| Some(*name) != head))
    }

    /// Where changes of `source` usually go: the usual base, or the current branch.
    pub(super) fn target(&self, source: &str) -> Option<&'a str> {
        self.usual_base(Some(source)).or_else(|| self.current().filter(|name| *name != source))
    }

    /// What may be proposed to `base`: the current branch, a feature branch, or any other one. `None`
    /// if there is none, or nobody said which branches there are.
    pub(super) fn head(&self, base: &str) -> Option<&'a str> {
        let others = || self.names().filter(|name| *name != base);
        let current = self.current().filter(|name| *name != base);
        let feature = || others().find(|name| name.starts_with("feature"));
        current.or_else(feature).or_else(|| others().next())
    }

    /// The subject of a branch's last commit.
    pub(super) fn subject(&self, branch: &str) -> Option<&'a str> {
        self.branches()
            .find(|one| text(one, "name") == Some(branch))
            .and_then(|b| text(b, "subject"))
    }

    /// Whether it was said which branches there are.
    pub(super) fn is_told(&self) -> bool {
        self.names().next().is_some()
    }

    /// The repository's place on GitHub, if it was cloned from there.
    pub(super) fn on_github(&self) -> Option<pulls::Repository> {
        pulls::cloned_from(text(self.list?, "origin")?)
    }

    /// What the repository is called here.
    pub(super) fn repository(&self) -> Option<&'a str> {
        text(self.list?, "repository")
    }

    fn usual_base(&self, except: Option<&str>) -> Option<&'a str> {
        let is_there =
            |base: &&str| Some(*base) != except && self.names().any(|name| name == *base);
        USUAL_BASES.into_iter().find(is_there)
    }

    fn current(&self) -> Option<&'a str> {
        self.branches().find(|one| flag(one, "current") == Some(true)).and_then(|b| text(b, "name"))
    }

    fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.branches().filter_map(|branch| text(branch, "name"))
    }

    fn branches(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.list.into_iter().flat_map(|list| items(list, "branches"))
    }
}
