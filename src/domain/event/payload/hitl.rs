//! A person is asked.

use std::borrow::Cow;
use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::super::shown::Shares;
use super::Fields;
use crate::domain::approval::ApprovalRequest;
use crate::domain::approvers::Who;
use crate::domain::confidence::Confidence;
use crate::domain::ids::{RequestId, StepId};
use crate::domain::preview::Preview;
use crate::domain::time::UnixSeconds;

/// A person is asked whether a tool may run. The stream then says nothing but keep-alives until somebody has
/// decided, over REST or through the Main Service.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Hitl<'a> {
    /// The name by which the AI workspace knows this event.
    event: Workspace,
    /// The request for approval.
    request_id: &'a RequestId,
    /// The same as `requestId`.
    id: &'a RequestId,
    /// The tool that is to run.
    action_type: Cow<'a, str>,
    /// The same as `actionType`.
    action: Cow<'a, str>,
    /// What the person is asked, in words.
    message: Cow<'a, str>,
    /// The arguments that the tool will run with, exactly these. Where they had to be cut, the last ones are
    /// left out, and long values are the beginnings of their text: the stored request has all of them.
    #[schemars(with = "Map<String, Value>")]
    context: Cow<'a, Value>,
    /// The same as `context`.
    #[schemars(with = "Map<String, Value>")]
    params: Cow<'a, Value>,
    /// The full length of the arguments as JSON, in bytes; only there if they had to be cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    context_bytes: Option<usize>,
    /// Always true.
    #[schemars(extend("const" = true))]
    requires_approval: bool,
    /// The step of the plan that waits.
    step_id: &'a StepId,
    /// How sure the model was; only there if its probabilities say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<Confidence>,
    /// Until when somebody may decide, in Unix seconds.
    expires_at: UnixSeconds,
    /// Who may approve.
    approvers: &'a Who,
    /// How many different people have to approve.
    approvals_needed: NonZeroU32,
    /// How many have.
    approvals: u32,
    /// What will happen; only there if the tool could say.
    #[serde(skip_serializing_if = "Option::is_none")]
    preview: Option<Preview>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Workspace {
    HitlRequest,
}

impl Fields for Hitl<'_> {
    const KIND: &'static str = "hitl";
}

impl<'a> Hitl<'a> {
    pub(super) fn shown(
        request: &'a ApprovalRequest,
        step_id: &'a StepId,
        confidence: Option<Confidence>,
        shares: Shares,
    ) -> Self {
        let action: Cow<'a, str> = shares.name(&request.action_type).into();
        let (context, context_bytes) = shares.value(&request.context);
        Self {
            event: Workspace::HitlRequest,
            request_id: &request.request_id,
            id: &request.request_id,
            action_type: action.clone(),
            action,
            message: shares.text(&request.message),
            context: context.clone(),
            params: context,
            context_bytes,
            requires_approval: true,
            step_id,
            confidence,
            expires_at: request.deadline.expires_at(),
            approvers: &request.quorum.approvers,
            approvals_needed: request.quorum.approvals_needed,
            approvals: request.quorum.approvals,
            preview: request.preview.as_ref().map(|preview| shares.preview(preview)),
        }
    }
}
