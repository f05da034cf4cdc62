//! The branches that there are, as a tool told them.

use serde_json::Value;

use super::super::conversation::Conversation;
use super::super::pulls;

/// What `git_branch_list` said.
pub(super) struct Known<'a> {
    /// All names; `None` if nobody said which there are.
    names: Option<Vec<&'a str>>,
    current: Option<&'a str>,
    repository: Option<&'a str>,
    origin: Option<&'a str>,
}

impl<'a> Known<'a> {
    /// Nothing at all.
    pub(super) fn nothing() -> Self {
        Self { names: None, current: None, repository: None, origin: None }
    }

    /// What it said since the prompt.
    pub(super) fn of(conversation: &'a Conversation<'_>) -> Self {
        let list = conversation.result_of("git_branch_list");
        let branches = list.and_then(|list| list.get("branches")?.as_array());
        let name = |branch: &'a Value| branch.get("name")?.as_str();
        let is_current = |b: &&Value| b.get("current").and_then(Value::as_bool) == Some(true);
        let text = |name: &str| list?.get(name)?.as_str();
        let names: Option<Vec<&str>> = branches.map(|all| all.iter().filter_map(name).collect());
        Self {
            names: names.filter(|names| !names.is_empty()),
            current: branches.and_then(|all| name(all.iter().find(is_current)?)),
            repository: text("repository"),
            origin: text("origin"),
        }
    }

    /// What branches usually start from, or the first branch; never `head`.
    pub(super) fn base(&self, head: Option<&str>) -> Option<&'a str> {
        let other = |name: &&str| Some(*name) != head;
        self.usual_base(head).or_else(|| self.names.as_ref()?.iter().copied().find(other))
    }

    /// Where changes of `source` usually go: the usual base, or the current branch.
    pub(super) fn target(&self, source: &str) -> Option<&'a str> {
        let current = self.current.filter(|name| *name != source);
        self.usual_base(Some(source)).or(current)
    }

    fn usual_base(&self, except: Option<&str>) -> Option<&'a str> {
        let names = self.names.as_ref()?;
        let usual = ["main", "master", "develop", "dev", "trunk"];
        let mut usual = usual.into_iter().filter(|name| Some(*name) != except);
        usual.find_map(|base| names.iter().copied().find(|name| *name == base))
    }

    /// What may be proposed to `base`: the current branch, a feature branch, or any other one. `None`
    /// if there is none, or nobody said which branches there are.
    pub(super) fn head(&self, base: &str) -> Option<String> {
        let names = self.names.as_ref()?;
        let current = self.current.filter(|name| *name != base);
        let others = || names.iter().copied().filter(|name| *name != base);
        let feature = || others().find(|name| name.starts_with("feature"));
        current.or_else(feature).or_else(|| others().next()).map(str::to_owned)
    }

    /// Whether it was said which branches there are.
    pub(super) fn is_told(&self) -> bool {
        self.names.is_some()
    }

    /// The repository's place on GitHub, if it was cloned from there.
    pub(super) fn on_github(&self) -> Option<pulls::Repository> {
        pulls::cloned_from(self.origin?)
    }

    /// What the repository is called here.
    pub(super) fn repository(&self) -> Option<&'a str> {
        self.repository
    }
}
