//! Which tools wait for a person: what a tool says of itself, tightened by the configuration.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::domain::ApprovalRule;
use crate::tools::{Effect, ToolSpec};

/// Contract, section 7: for these, no configuration takes the person out.
const ALWAYS_ASK: [&str; 4] = ["git_merge", "github_create_pr", "github_merge_pr", "send_email"];

/// The configuration's rules, by tool name. A tool without a rule asks if it writes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ApprovalPolicy(BTreeMap<String, ApprovalRule>);

/// Why a policy cannot be used. Each is a fault of the configuration or of the program.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// The rule is for a tool that must always ask.
    #[error(
        "approval of {tool} cannot be switched off: the rule `{tool} = \"none\"` is not allowed"
    )]
    AlwaysAsks {
        /// The tool.
        tool: String,
    },
    /// The rule is for a tool that is not there.
    #[error("there is an approval rule for {tool:?}, but no such tool; there are: {known}")]
    UnknownTool {
        /// The name in the rule.
        tool: String,
        /// The names that there are, comma separated.
        known: String,
    },
    /// Two tools have one name, so a rule could not tell them apart.
    #[error("there are two tools named {tool}")]
    Duplicate {
        /// The name.
        tool: String,
    },
}

impl FromIterator<(String, ApprovalRule)> for ApprovalPolicy {
    fn from_iter<I: IntoIterator<Item = (String, ApprovalRule)>>(rules: I) -> Self {
        Self(rules.into_iter().collect())
    }
}

/// Whether a tool's calls wait for a person, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// They do, and no configuration changes that.
    Always,
    /// They do, because the tool changes something.
    OfItself,
    /// They do, because the configuration says so.
    Required,
    /// They do not, because the tool only reads.
    NotOfItself,
    /// They do not, because the configuration says so.
    SwitchedOff,
}

impl Approval {
    /// Whether a person is asked.
    pub fn is_needed(self) -> bool {
        match self {
            Self::Always | Self::OfItself | Self::Required => true,
            Self::NotOfItself | Self::SwitchedOff => false,
        }
    }
}

/// A policy whose every rule fits the tools that there are.
pub(super) struct Settled(BTreeMap<String, ApprovalRule>);

impl ApprovalPolicy {
    /// Checks the rules against the tools. What is named like a tool of one of these sources is not
    /// looked for.
    pub(super) fn settle(
        self,
        specs: &[ToolSpec],
        sources: &[&str],
    ) -> Result<Settled, PolicyError> {
        let mut seen = BTreeSet::new();
        if let Some(twice) = specs.iter().find(|spec| !seen.insert(spec.name.as_str())) {
            return Err(PolicyError::Duplicate { tool: twice.name.clone() });
        }
        for (tool, rule) in &self.0 {
            if *rule == ApprovalRule::None && ALWAYS_ASK.contains(&tool.as_str()) {
                return Err(PolicyError::AlwaysAsks { tool: tool.clone() });
            }
            let is_of_source = tool.split_once('.').is_some_and(|(of, _)| sources.contains(&of));
            if !is_of_source && !seen.contains(tool.as_str()) {
                return Err(PolicyError::UnknownTool { tool: tool.clone(), known: names(specs) });
            }
        }
        Ok(Settled(self.0))
    }
}

impl Settled {
    /// Whether a person must approve this tool's calls.
    pub(super) fn needs_approval(&self, spec: &ToolSpec) -> bool {
        self.approval(spec).is_needed()
    }

    /// The same, and who says so.
    pub(super) fn approval(&self, spec: &ToolSpec) -> Approval {
        if ALWAYS_ASK.contains(&spec.name.as_str()) {
            return Approval::Always;
        }
        match (self.0.get(&spec.name), spec.effect) {
            (Some(ApprovalRule::Required), _) => Approval::Required,
            (Some(ApprovalRule::None), _) => Approval::SwitchedOff,
            (None, Effect::SideEffect) => Approval::OfItself,
            (None, Effect::ReadOnly) => Approval::NotOfItself,
        }
    }
}

/// The tools' names, for a message.
pub(super) fn names(specs: &[ToolSpec]) -> String {
    specs.iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec(name: &str, effect: Effect) -> ToolSpec {
        ToolSpec {
            name: name.into(),
            description: String::new(),
            parameters: json!({}),
            effect,
            dry_run: false,
            pins: &[],
        }
    }

    fn specs() -> Vec<ToolSpec> {
        vec![
            spec("git_status", Effect::ReadOnly),
            spec("git_merge", Effect::SideEffect),
            spec("notes_write", Effect::SideEffect),
        ]
    }

    fn settle(rules: &[(&str, ApprovalRule)]) -> Result<Settled, PolicyError> {
        let rules = rules.iter().map(|(name, rule)| ((*name).to_owned(), *rule));
        rules.collect::<ApprovalPolicy>().settle(&specs(), &["time"])
    }

    fn asking(policy: &Settled) -> Vec<bool> {
        specs().iter().map(|spec| policy.needs_approval(spec)).collect()
    }

    #[test]
    fn without_rules_what_writes_asks_and_what_reads_does_not() {
        assert_eq!(asking(&settle(&[]).unwrap()), [false, true, true]);
    }

    #[test]
    fn a_rule_can_tighten_any_tool_and_loosen_most() {
        let rules = [("git_status", ApprovalRule::Required), ("notes_write", ApprovalRule::None)];
        assert_eq!(asking(&settle(&rules).unwrap()), [true, true, false]);
    }

    #[test]
    fn no_rule_takes_the_person_out_of_a_merge() {
        let error = settle(&[("git_merge", ApprovalRule::None)]).err().unwrap();
        let expected = "approval of git_merge cannot be switched off: \
                        the rule `git_merge = \"none\"` is not allowed";
        assert_eq!(error.to_string(), expected);
        assert!(settle(&[("git_merge", ApprovalRule::Required)]).is_ok());
    }

    #[test]
    fn a_tool_that_must_ask_does_so_even_if_it_calls_itself_harmless() {
        assert!(settle(&[]).unwrap().needs_approval(&spec("send_email", Effect::ReadOnly)));
    }

    #[test]
    fn a_rule_for_a_tool_that_is_not_there_is_an_error_that_lists_the_tools() {
        let error = settle(&[("git_marge", ApprovalRule::Required)]).err().unwrap();
        let expected = "there is an approval rule for \"git_marge\", but no such tool; \
                        there are: git_status, git_merge, notes_write";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_rule_may_be_there_before_its_tool_if_the_tool_s_source_is_configured() {
        let policy =
            settle(&[("time.now", ApprovalRule::None), ("git_status", ApprovalRule::Required)])
                .unwrap();
        assert!(!policy.needs_approval(&spec("time.now", Effect::SideEffect)));
        assert!(settle(&[("tine.now", ApprovalRule::None)]).is_err());
    }

    #[test]
    fn two_tools_of_one_name_are_refused() {
        let twice = [spec("a", Effect::ReadOnly), spec("a", Effect::SideEffect)];
        let error = ApprovalPolicy::default().settle(&twice, &[]).err().unwrap();
        assert_eq!(error, PolicyError::Duplicate { tool: "a".into() });
    }

    #[test]
    fn rules_are_read_as_the_configuration_spells_them() {
        let policy: ApprovalPolicy =
            serde_json::from_value(json!({"git_status": "required", "x": "none"})).unwrap();
        let expected = [
            ("git_status".to_owned(), ApprovalRule::Required),
            ("x".to_owned(), ApprovalRule::None),
        ];
        assert_eq!(policy, expected.into_iter().collect());
        assert!(serde_json::from_value::<ApprovalPolicy>(json!({"git_merge": "never"})).is_err());
    }
}
