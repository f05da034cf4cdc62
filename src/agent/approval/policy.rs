//! Who may approve what, what a rejection leads to, and how an approval is told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::domain::{ApprovalRequest, Approvers, Author, Decision};

/// What a rejection leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnReject {
    /// The run ends.
    Stop,
    /// The model is told the reason, and may do something else.
    Continue,
}

/// How people are asked about several calls of one turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// One after another: the next only once the last is decided, and has run.
    OneByOne,
    /// About all of them at once.
    Together,
}

/// Who may approve which tool; whoever is not named may be approved by anybody of the tenant.
#[derive(Clone, Debug, Default)]
pub struct ApproverPolicy(BTreeMap<String, Approvers>);

impl ApproverPolicy {
    /// Who may approve calls of this tool.
    pub fn of(&self, tool: &str) -> Approvers {
        self.0.get(tool).cloned().unwrap_or_default()
    }
}

impl FromIterator<(String, Approvers)> for ApproverPolicy {
    fn from_iter<I: IntoIterator<Item = (String, Approvers)>>(rules: I) -> Self {
        Self(rules.into_iter().collect())
    }
}

/// How long a person may think before a request ends by itself.
#[derive(Clone, Debug)]
pub struct AnswerTimes {
    /// For tools that are not named.
    pub usual: Duration,
    /// By the tool's name.
    pub by_tool: BTreeMap<String, Duration>,
}

impl AnswerTimes {
    /// For calls of this tool.
    pub fn of(&self, tool: &str) -> Duration {
        self.by_tool.get(tool).copied().unwrap_or(self.usual)
    }
}

/// What an approval says: by whom, and what was changed.
pub(crate) fn words_of_approval(asked: &ApprovalRequest, decision: &Decision) -> String {
    let edits = decision.args.as_ref().map(|args| edits(&asked.context, args)).unwrap_or_default();
    match (&decision.author, edits.as_str()) {
        (Author::Checked(user) | Author::Known(user), "") => {
            format!("{user} 님이 승인했습니다. 작업을 실행합니다.")
        }
        (Author::Checked(user) | Author::Known(user), edits) => {
            format!("{user} 님이 인자를 수정하여 승인했습니다({edits}). 작업을 실행합니다.")
        }
        // Nobody has checked that.
        (Author::Heard(Some(user)), _) => {
            format!("{user} 이름으로 온 신호로 승인되었습니다. 작업을 실행합니다.")
        }
        (Author::Heard(None), _) => "신호로 승인되었습니다. 작업을 실행합니다.".to_owned(),
        (Author::Nobody, _) => "승인되었습니다. 작업을 실행합니다.".to_owned(),
    }
}

/// What was changed, field by field, each value cut short.
pub(super) fn edits(before: &Value, after: &Value) -> String {
    const VALUE_MAX: usize = 60;
    let none = serde_json::Map::new();
    let (before, after) = (before.as_object().unwrap_or(&none), after.as_object().unwrap_or(&none));
    let fields: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let shown = |value: Option<&Value>| {
        let text = value.map_or_else(|| "없음".to_owned(), Value::to_string);
        match text.char_indices().nth(VALUE_MAX) {
            Some((at, _)) => format!("{}…", &text[..at]),
            None => text,
        }
    };
    let changed = fields.into_iter().filter(|field| before.get(*field) != after.get(*field));
    let edits = changed.map(|field| {
        format!("{field}: {} → {}", shown(before.get(field)), shown(after.get(field)))
    });
    edits.collect::<Vec<_>>().join(", ")
}
