//! Who may approve what, and how an approval is told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::domain::sentences::Approval;
use crate::domain::text::{json_start, quoted_start};
use crate::domain::{ApprovalRequest, Approvers, Author, Decision, Language};

/// Who may approve which tool; whoever is not named may be approved by anybody of the tenant.
#[derive(Clone, Debug, Default)]
pub struct ApproverPolicy(BTreeMap<String, Approvers>);

impl ApproverPolicy {
    /// Who may approve calls of this tool.
    pub fn of(&self, tool: &str) -> Approvers {
        self.0.get(tool).cloned().unwrap_or_default()
    }

    /// Whether anybody of the tenant may approve every tool, alone.
    pub fn narrows_nothing(&self) -> bool {
        self.0.values().all(Approvers::is_anybody)
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
    let edits = edits_of(asked, decision);
    let how = match (&decision.author, edits.as_str()) {
        (Author::Checked(user) | Author::Known(user), "") => Approval::By(user),
        (Author::Checked(user) | Author::Known(user), edits) => Approval::WithEdits(user, edits),
        // Nobody has checked that.
        (Author::Heard(Some(user)), _) => Approval::SignalOf(user),
        (Author::Heard(None), _) => Approval::Signal,
        (Author::Nobody, _) => Approval::Unknown,
    };
    asked.language.sentences().approved(how)
}

/// What a decision has changed of what was asked about; empty if that is nothing.
pub(super) fn edits_of(asked: &ApprovalRequest, decision: &Decision) -> String {
    let args = decision.args.as_ref();
    args.map(|args| edits(&asked.context, args, asked.language)).unwrap_or_default()
}

/// What was changed, field by field, each name and value quoted and cut short; how many more there are is counted.
fn edits(before: &Value, after: &Value, language: Language) -> String {
    let words = language.sentences();
    const SHOWN: usize = 60;
    const FIELDS_MAX: usize = 20;
    let none = serde_json::Map::new();
    let (before, after) = (before.as_object().unwrap_or(&none), after.as_object().unwrap_or(&none));
    let fields: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let is_changed = |field: &&String| before.get(*field) != after.get(*field);
    let changed: Vec<&String> = fields.into_iter().filter(is_changed).collect();
    let shown = |value: Option<&Value>| {
        value.map_or(words.nothing().to_owned(), |value| json_start(value, SHOWN, language))
    };
    let told = changed.iter().take(FIELDS_MAX).map(|field| {
        let (before, after) = (shown(before.get(*field)), shown(after.get(*field)));
        format!("{}: {before} → {after}", quoted_start(field, SHOWN, language))
    });
    let told = told.collect::<Vec<_>>().join(", ");
    match changed.len().saturating_sub(FIELDS_MAX) {
        0 => told,
        rest => format!("{told} {}", words.and_more(rest as u64)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_changed_is_quoted_so_that_nothing_of_it_passes_for_another_part() {
        let before = json!({"to": "kim", "subject": "보고", "same": 1});
        let hostile = "x\u{202e}y\" → \"main";
        let after = json!({"subject": hostile, "to: \"kim\" → \"lee": true, "same": 1});
        assert_eq!(
            edits(&before, &after, Language::Korean),
            r#""subject": "보고" → "x\u{202e}y\" → \"main", "to": "kim" → 없음, "to: \"kim\" → \"lee": 없음 → true"#
        );
    }

    #[test]
    fn what_is_left_out_of_what_was_changed_is_counted() {
        let after: serde_json::Map<String, Value> =
            (0..50).map(|n| (format!("k{n:02}"), json!("가".repeat(100)))).collect();
        let told = edits(&json!({}), &Value::Object(after), Language::Korean);
        let first = format!("\"k00\": 없음 → \"{}… (이하 42자 생략), ", "가".repeat(59));
        assert!(told.starts_with(&first), "{told}");
        assert!(told.contains("\"k19\"") && !told.contains("\"k20\""), "{told}");
        assert!(told.ends_with(" … 외 30개"), "{told}");
    }
}
