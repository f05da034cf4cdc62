//! A request for approval as the inbox shows it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::agent::InboxLine;
use crate::domain::event::{json_line, shown_request};
use crate::domain::inbox::ShownApproval;
use crate::domain::{InboxItem, RequestId};

/// A request for approval as this caller sees it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    #[serde(flatten)]
    shown: ShownApproval,
    /// Whether this caller's yes would count: the policy lets them, nobody has decided, and they have not said
    /// yes before.
    can_decide: bool,
    /// Whether this caller has decided it, or is one of those who have said yes.
    decided_by_me: bool,
}

impl From<InboxLine> for Approval {
    fn from(line: InboxLine) -> Self {
        let InboxLine { item, can_decide, decided_by_me } = line;
        Self { shown: item.into(), can_decide, decided_by_me }
    }
}

impl Approval {
    /// The request's id.
    pub fn id(&self) -> &RequestId {
        self.shown.id()
    }

    /// The request in at most so many bytes of a line of JSON, if what is never cut leaves room for that.
    pub fn fitting(line: InboxLine, max: usize) -> Self {
        let whole = Self::from(line.clone());
        let over = json_line(&whole).len().saturating_sub(max);
        if over == 0 {
            return whole;
        }
        let left = json_line(&line.item.request).len().saturating_sub(over);
        let request = shown_request(&line.item.request, left);
        Self::from(InboxLine { item: InboxItem { request, ..line.item }, ..line })
    }
}
