//! The branches that there are, as a tool told them.

use serde_json::Value;

use super::super::conversation::Conversation;

/// What `git_branch_list` said.
pub(super) struct Known<'a> {
    /// All names; `None` if nobody said which there are.
    names: Option<Vec<&'a str>>,
    current: Option<&'a str>,
}

impl<'a> Known<'a> {
    /// What it said since the prompt.
    pub(super) fn of(conversation: &'a Conversation<'_>) -> Self {
        let list = conversation.result_of("git_branch_list");
        let branches = list.and_then(|list| list.get("branches")?.as_array());
        let name = |branch: &'a Value| branch.get("name")?.as_str();
        let is_current = |b: &&Value| b.get("current").and_then(Value::as_bool) == Some(true);
        let names: Option<Vec<&str>> = branches.map(|all| all.iter().filter_map(name).collect());
        Self {
            names: names.filter(|names| !names.is_empty()),
            current: branches.and_then(|all| name(all.iter().find(is_current)?)),
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

    /// What may be proposed to `base`: the current branch, a feature branch, or any other one.
    pub(super) fn head(&self, base: &str) -> Option<String> {
        let Some(names) = &self.names else {
            return Some("feature".to_owned());
        };
        let current = self.current.filter(|name| *name != base);
        let others = || names.iter().copied().filter(|name| *name != base);
        let feature = || others().find(|name| name.starts_with("feature"));
        current.or_else(feature).or_else(|| others().next()).map(str::to_owned)
    }
}
