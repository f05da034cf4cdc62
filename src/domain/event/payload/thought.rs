//! What the agent thinks.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::ThoughtKind;
use super::super::shown::Shares;
use super::Fields;

/// What the agent thinks. What a model streams as its reasoning comes in pieces of `thoughtType` reasoning.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Thought<'a> {
    /// The name by which the AI workspace knows this event.
    event: Workspace,
    /// The kind of thought.
    thought_type: ThoughtKind,
    /// The thought.
    content: Cow<'a, str>,
    /// What it rests on: names of tools, parts of the page.
    sources: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Workspace {
    ThoughtChain,
}

impl Fields for Thought<'_> {
    const KIND: &'static str = "thought";
}

impl<'a> Thought<'a> {
    pub(super) fn shown(
        thought_type: ThoughtKind,
        content: &'a str,
        sources: &[String],
        shares: Shares,
    ) -> Self {
        let (content, sources) = (shares.text(content), shares.names(sources));
        Self { event: Workspace::ThoughtChain, thought_type, content, sources }
    }
}
