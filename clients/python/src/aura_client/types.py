"""What the server's documents describe.

Generated from docs/asyncapi.json and docs/openapi.json by scripts/generate_types.py: do not change it here.
"""

from __future__ import annotations

import sys
from typing import Literal, TypedDict, Union

if sys.version_info >= (3, 11):
    from typing import NotRequired
else:
    from typing_extensions import NotRequired

UnixSeconds = int
"""A moment, in whole seconds since the Unix epoch. It is stored and sent as that number."""


SessionId = str
"""One run (contract, section 5.1): `session_<userId>_<unixSeconds>_<random>`."""


class StartEvent(TypedDict):
    """The run has begun. The first event of every stream that is read from its beginning."""
    version: Literal['1.0']
    """The version of the payloads. A change that a client could not read would be another version."""
    type: Literal['start']
    """The type of the event, the same as the SSE `event` field."""
    timestamp: UnixSeconds
    """When the event was made, in Unix seconds."""
    sessionId: SessionId
    """The session, which is one run."""
    message: str
    """One sentence for people."""
    threadId: str
    """The conversation. Send it as `thread_id` with the next prompt to go on with it."""
    model: str
    """The name of the model that answers."""


ThoughtType = Literal['analysis', 'planning', 'reasoning', 'decision', 'reflection']
"""The kinds of thought."""


class ThoughtEvent(TypedDict):
    """What the agent thinks. What a model streams as its reasoning comes in pieces of `thoughtType` reasoning."""
    version: Literal['1.0']
    """The version of the payloads. A change that a client could not read would be another version."""
    type: Literal['thought']
    """The type of the event, the same as the SSE `event` field."""
    timestamp: UnixSeconds
    """When the event was made, in Unix seconds."""
    sessionId: SessionId
    """The session, which is one run."""
    event: Literal['thought_chain']
    """The name by which the AI workspace knows this event."""
    thoughtType: ThoughtType
    """The kind of thought."""
    content: str
    """The thought."""
    sources: list[str]
    """What it rests on: names of tools, parts of the page."""


StepId = str
"""One step of a plan."""


StepStatus = Literal['pending', 'in_progress', 'completed', 'failed', 'skipped']
"""Where a step stands (contract, section 4.2)."""


Confidence = float
"""A probability, 0.0 to 1.0, with two decimals."""


class PlanStepEvent(TypedDict):
    """A new step of the plan."""
    version: Literal['1.0']
    """The version of the payloads. A change that a client could not read would be another version."""
    type: Literal['plan_step']
    """The type of the event, the same as the SSE `event` field."""
    timestamp: UnixSeconds
    """When the event was made, in Unix seconds."""
    sessionId: SessionId
    """The session, which is one run."""
    stepId: StepId
    """The step, unique within the run."""
    id: StepId
    """The same as `stepId`."""
    title: str
    """A few words."""
    description: str
    """One sentence."""
    content: str
    """The same as `description`."""
    status: StepStatus
    """Where the step stands."""
    confidence: Confidence
    """How sure the model was when it chose this step."""
    order: int
    """Its place in the plan."""


class PlanStepUpdateEvent(TypedDict):
    """A step of the plan has moved."""
    version: Literal['1.0']
    """The version of the payloads. A change that a client could not read would be another version."""
    type: Literal['plan_step_update']
    """The type of the event, the same as the SSE `event` field."""
    timestamp: UnixSeconds
    """When the event was made, in Unix seconds."""
    sessionId: SessionId
    """The session, which is one run."""
    stepId: StepId
    """The step."""
    id: StepId
    """The same as `stepId`."""
    status: StepStatus
    """Where the step stands now."""
    progress: float
    """How far it is: 0 not begun, 1 over."""
    confidence: Confidence
    """How sure the model was when it chose this step."""
    description: str
    """One sentence."""


class TimelineStepUpdateEvent(TypedDict):
    """A step of the plan has moved, for those who show a timeline."""
    version: Literal['1.0']
    """The version of the payloads. A change that a client could not read would be another version."""
    type: Literal['timeline_step_update']
    """The type of the event, the same as the SSE `event` field."""
    timestamp: UnixSeconds
    """When the event was made, in Unix seconds."""
    sessionId: SessionId
    """The session, which is one run."""
    stepId: StepId
    """The step."""
    id: StepId
    """The same as `stepId`."""
    title: str
    """A few words."""
    status: StepStatus
    """Where the step stands now."""
    progress: float
    """How far it is: 0 not begun, 1 over."""


ToolStatus = Literal['pending', 'running', 'success', 'failed', 'cancelled']
"""Where a tool call stands, in one word."""


class ToolExecutionEvent(TypedDict):
    """A tool call has moved. A call has one of these events for each status that it comes to."""
    version: Literal['1.0']
    """The version of the payloads. A change that a client could not read would be another version."""
    type: Literal['tool_execution']
    """The type of the event, the same as the SSE `event` field."""
    timestamp: UnixSeconds
    """When the event was made, in Unix seconds."""
    sessionId: SessionId
    """The session, which is one run."""
    event: Literal['action_execution']
    """The name by which the AI workspace knows this event."""
    toolCallId: str
    """The call, unique within the run."""
    toolName: str
    """The tool."""
    tool: str
    """The same as `toolName`."""
    toolArgs: dict[str, object]
    """The arguments of the call. Where they had to be cut, the last ones are left out, and long values are the beginnings of their text. Empty if the model wrote something else than a JSON object."""
    params: dict[str, object]
    """The same as `toolArgs`."""
    toolArgsBytes: NotRequired[int]
    """The full length of the arguments as JSON, in bytes; only there if they had to be cut."""
    status: ToolStatus
    """Where the call stands."""
    requiresApproval: bool
    """Whether a person must agree before the tool runs."""
    result: object
    """What the tool gave, if it succeeded: any JSON value, or the beginning of its text where it had to be cut."""
    resultBytes: NotRequired[int]
    """The full length of the result as JSON, in bytes; only there if it had to be cut."""
    error: Union[str, None]
    """Why the call failed or was cancelled, where that is known."""
    durationMs: Union[int, None]
    """How long the tool ran, in milliseconds, once the call is over; 0 if it never ran."""


RequestId = str
"""One request for approval (contract, section 5.1): `req_` and hex digits."""


Approvers = str
"""Which people of a tenant may approve."""


PreviewKind = Literal['diff', 'text', 'checklist']
"""How a preview is to be shown."""


class Preview(TypedDict):
    """What is shown of a call before it runs."""
    type: PreviewKind
    """How it is to be shown."""
    title: str
    """What it is about, one line."""
    content: str
    """What there is to see; says so where something is left out."""


class HitlEvent(TypedDict):
    """A person is asked whether a tool may run. The stream then says nothing but keep-alives until somebody has decided, over REST or through the Main Service."""
    version: Literal['1.0']
    """The version of the payloads. A change that a client could not read would be another version."""
    type: Literal['hitl']
    """The type of the event, the same as the SSE `event` field."""
    timestamp: UnixSeconds
    """When the event was made, in Unix seconds."""
    sessionId: SessionId
    """The session, which is one run."""
    event: Literal['hitl_request']
    """The name by which the AI workspace knows this event."""
    requestId: RequestId
    """The request for approval."""
    id: RequestId
    """The same as `requestId`."""
    actionType: str
    """The tool that is to run."""
    action: str
    """The same as `actionType`."""
    message: str
    """What the person is asked, in words."""
    context: dict[str, object]
    """The arguments that the tool will run with, exactly these. Where they had to be cut, the last ones are left out, and long values are the beginnings of their text: the stored request has all of them."""
    params: dict[str, object]
    """The same as `context`."""
    contextBytes: NotRequired[int]
    """The full length of the arguments as JSON, in bytes; only there if they had to be cut."""
    requiresApproval: Literal[True]
    """Always true."""
    stepId: StepId
    """The step of the plan that waits."""
    confidence: NotRequired[Confidence]
    """How sure the model was; only there if its probabilities say so."""
    expiresAt: UnixSeconds
    """Until when somebody may decide, in Unix seconds."""
    approvers: Approvers
    """Who may approve."""
    approvalsNeeded: int
    """How many different people have to approve."""
    approvals: int
    """How many have."""
    preview: NotRequired[Preview]
    """What will happen; only there if the tool could say."""


class ArtifactText(TypedDict):
    """A text with its title."""
    title: str
    """What it is."""
    content: str
    """The text, or as much of it as fits a frame."""
    truncated: bool
    """Whether anything is missing."""
    contentBytes: int
    """How long the whole text is, in bytes, as far as the tool gave it."""


class ChecklistItem(TypedDict):
    """A line of a checklist."""
    label: str
    """What may be so."""
    checked: bool
    """Whether it is."""


class Artifact2(TypedDict):
    """What is so and what is not."""
    type: Literal['checklist']
    title: str
    """What it is about."""
    items: list[ChecklistItem]
    """Its lines."""


Artifact = Union[ArtifactText, Artifact2]
"""A structured result, as the DWP frontend shows it in `metadata.result`."""


class ContentMetadata(TypedDict):
    """What belongs to an answer besides its words; other keys may come."""
    notice: NotRequired[bool]
    """Whether the text is no part of an answer: the run ends without one, and this sentence says so."""
    result: NotRequired[Union[Artifact, str]]
    """What a tool gave people to look at. Text, the beginning of its JSON, in the rare case that it does not fit."""


class ContentEvent(TypedDict):
    """A piece of the answer. The pieces, one behind the other, are the whole answer; a notice is no part of it."""
    version: Literal['1.0']
    """The version of the payloads. A change that a client could not read would be another version."""
    type: Literal['content']
    """The type of the event, the same as the SSE `event` field."""
    timestamp: UnixSeconds
    """When the event was made, in Unix seconds."""
    sessionId: SessionId
    """The session, which is one run."""
    content: str
    """The text."""
    chunk: bool
    """Whether this is one of several pieces (`true`), or all there is."""
    metadata: ContentMetadata
    """What belongs to the answer besides its words. With `notice`, the text is no part of an answer."""


ErrorType = Literal['AuthenticationError', 'TenantError', 'AuthorizationError', 'NotFoundError', 'MethodError', 'ConflictError', 'ValidationError', 'RateLimitError', 'HoldError', 'InternalError', 'StoreError', 'StoreCorruptError', 'GapError', 'SessionLostError', 'RunLostError', 'ModelUnavailableError', 'ModelRateLimitError', 'ModelTimeoutError', 'ModelRefusedError', 'ModelStreamError', 'EmptyAnswerError', 'InvalidArgumentsError', 'StepBudgetError', 'TokenBudgetError', 'RejectionError', 'TimeoutError']
"""The class of an error, finer than its [code](super::ErrorCode)."""


ErrorCode = Literal['E1000', 'E1002', 'E1004', 'E2000', 'E2001', 'E2002', 'E2003', 'E2006', 'E2007', 'E3006', 'E4000', 'E4001', 'E4002', 'E4290', 'E5000', 'E5001']
"""One of the platform's codes."""


class ErrorEvent(TypedDict):
    """Something went wrong. The run is over with it: what follows is `end`, or `[DONE]` at once where there was no run, or where nothing more of it can be read."""
    version: Literal['1.0']
    """The version of the payloads. A change that a client could not read would be another version."""
    type: Literal['error']
    """The type of the event, the same as the SSE `event` field."""
    timestamp: UnixSeconds
    """When the event was made, in Unix seconds."""
    sessionId: Union[SessionId, None]
    """The session, which is one run."""
    error: str
    """What exactly was wrong. Of a rejected request the reason that was given."""
    errorType: ErrorType
    """The class of the error, finer than its code."""
    errorCode: ErrorCode
    """The platform's code."""
    message: str
    """One sentence for people."""
    retryable: bool
    """Whether the same request may succeed later."""


class FailedEvent(TypedDict):
    """Nobody answered a request for approval in time. An `error` and an `end` follow."""
    version: Literal['1.0']
    """The version of the payloads. A change that a client could not read would be another version."""
    type: Literal['failed']
    """The type of the event, the same as the SSE `event` field."""
    timestamp: UnixSeconds
    """When the event was made, in Unix seconds."""
    sessionId: SessionId
    """The session, which is one run."""
    message: str
    """One sentence for people."""
    error: str
    """What exactly happened."""
    errorType: ErrorType
    """The class of the error."""
    requestId: RequestId
    """The request that nobody answered."""


EndStatus = Literal['completed', 'failed', 'rejected', 'cancelled']
"""How a run ended."""


class Usage(TypedDict):
    """Tokens that a model counted."""
    promptTokens: int
    """Tokens of the prompt."""
    completionTokens: int
    """Tokens of the answer."""
    totalTokens: int
    """Both."""


class EndEvent(TypedDict):
    """The run is over. Only the trailer follows: `data: [DONE]`."""
    version: Literal['1.0']
    """The version of the payloads. A change that a client could not read would be another version."""
    type: Literal['end']
    """The type of the event, the same as the SSE `event` field."""
    timestamp: UnixSeconds
    """When the event was made, in Unix seconds."""
    sessionId: SessionId
    """The session, which is one run."""
    message: str
    """One sentence for people."""
    status: EndStatus
    """How the run ended."""
    usage: Usage
    """The tokens of the whole run."""
    durationMs: int
    """From the start of the run, waiting included, in milliseconds."""


SessionStatus = Literal['running', 'waiting_approval', 'completed', 'failed', 'rejected', 'cancelled']
"""Where a run stands (contract, section 5.5)."""


ThreadId = str
"""A conversation that several runs share (contract, section 3)."""


EventId = int
"""The id of one entry of a session's journal, and of the event in it (contract, section 4.1)."""


class SessionSummary(TypedDict):
    """One session, as lists show it."""
    sessionId: SessionId
    """The session."""
    threadId: ThreadId
    """The conversation that it is part of."""
    status: SessionStatus
    """Where it stands."""
    prompt: str
    """The beginning of its prompt."""
    createdAt: UnixSeconds
    """When it was started, in Unix seconds."""
    updatedAt: UnixSeconds
    """When clients last saw something of it, in Unix seconds."""
    lastEventId: EventId
    """The id of its last event."""


class SessionPage(TypedDict):
    """A page of the caller's sessions."""
    sessions: list[SessionSummary]
    """Newest first."""
    next: Union[SessionId, None]
    """The `before` of the next page, if there is one."""


Node = Literal['analyze', 'plan', 'execute', 'tools', 'await_approval', 'reflect', 'done']
"""Where a run is."""


class SessionPlanStep(TypedDict):
    """A step of a plan, with the names that `plan_step` has besides."""
    stepId: StepId
    """Unique within the run."""
    title: str
    """A few words."""
    description: str
    """A sentence."""
    status: StepStatus
    """Where it stands."""
    confidence: Confidence
    """How sure the model was when it chose this step."""
    order: int
    """Its place, from 1."""
    id: StepId
    """The same as `stepId`."""
    content: str
    """The same as `description`."""


UserId = str
"""A user, as the token's `sub` claim names it."""


TenantId = str
"""A tenant, as the token's `tenant_id` claim names it."""


Language = Literal['ko', 'en']
"""A language that this service speaks."""


Verdict = Literal['approved', 'rejected', 'timed_out', 'cancelled']
"""The ways in which a request ends; there is no "pending" among them."""


UnixMs = int
"""A moment, in whole milliseconds since the Unix epoch. It is stored and sent as that number."""


ToolCallId = str
"""One call of a tool, as the model named it, if it named it well."""


ArgumentsHash = str
"""What binds a decision to what was shown: the hash of a tool and its arguments."""


class ApprovalRequest(TypedDict):
    """A request for approval, as `hitl:request:<requestId>` keeps it (contract, section 5.1)."""
    requestId: RequestId
    """The request's id."""
    sessionId: SessionId
    """The run that waits for it."""
    userId: UserId
    """Who asks: who started the run, or who changed the arguments of an earlier request."""
    tenantId: TenantId
    """Whose people may decide."""
    actionType: str
    """The tool that is to run."""
    context: dict[str, object]
    """The tool's arguments as they are asked about: exactly these will be used, unless others are approved (`args`)."""
    message: str
    """What the person is asked, in words."""
    language: NotRequired[Language]
    """The language of these words, and of whatever else is said of the request."""
    status: Literal['pending', 'approved', 'rejected']
    """Where the request stands, in the words that the Main Service knows."""
    outcome: NotRequired[Verdict]
    """How it ended, once it has."""
    createdAt: UnixMs
    """When it was asked, in Unix milliseconds."""
    expiresAt: UnixSeconds
    """Until when somebody may decide, in Unix seconds, rounded up."""
    deadlineMs: UnixMs
    """The same to the millisecond."""
    approvers: Approvers
    """Which people of the tenant."""
    approvalsNeeded: int
    """How many different ones have to say yes."""
    approvals: int
    """How many have; once it is approved, whoever decided it included."""
    toolCallId: NotRequired[ToolCallId]
    """The call that is to run."""
    argsHash: NotRequired[ArgumentsHash]
    """The hash of the tool and these arguments: what runs has it, or was approved as `args`."""
    preview: NotRequired[Preview]
    """What will happen if it is approved, where the tool could say."""
    approvedBy: NotRequired[UserId]
    """Who approved it."""
    approvedAt: NotRequired[UnixMs]
    """When, in Unix milliseconds."""
    rejectedBy: NotRequired[UserId]
    """Who rejected it."""
    rejectedAt: NotRequired[UnixMs]
    """When it was rejected, timed out or was cancelled, in Unix milliseconds."""
    reason: NotRequired[str]
    """Why, where there is a reason."""
    args: NotRequired[dict[str, object]]
    """The arguments that were approved, or are asked about, instead of those that were shown."""
    supersededBy: NotRequired[RequestId]
    """The request that asks about the changed arguments instead."""
    contextBytes: NotRequired[int]
    """The full length of `context` as JSON, in bytes; only there where it had to be cut."""


class SessionDetail(TypedDict):
    """One session in full."""
    sessionId: SessionId
    """The session."""
    threadId: ThreadId
    """The conversation that it is part of."""
    status: SessionStatus
    """Where it stands."""
    prompt: str
    """The beginning of its prompt."""
    createdAt: UnixSeconds
    """When it was started, in Unix seconds."""
    updatedAt: UnixSeconds
    """When clients last saw something of it, in Unix seconds."""
    lastEventId: EventId
    """The id of its last event."""
    node: Node
    """Where its run is."""
    plan: list[SessionPlanStep]
    """The plan so far."""
    pendingApprovals: list[ApprovalRequest]
    """What a person is asked now."""
    hitlRequestId: Union[RequestId, None]
    """The latest request for approval, decided or not."""
    usage: Usage
    """Tokens so far."""


RequestStatus = Literal['pending', 'approved', 'rejected', 'timed_out', 'cancelled']
"""Where a request stands."""


class RequestDetails(TypedDict):
    """A request for approval, with how it ended as its status."""
    requestId: RequestId
    """The request."""
    sessionId: SessionId
    """The run that waits for it."""
    userId: UserId
    """Who asks: who started the run, or who changed the arguments of an earlier request."""
    tenantId: TenantId
    """Whose people may decide."""
    actionType: str
    """The tool that is to run."""
    context: dict[str, object]
    """The tool's arguments as they are asked about: exactly these will be used, unless others are approved (`args`)."""
    message: str
    """What the person is asked, in words."""
    language: NotRequired[Language]
    """The language of these words; only there if it is not Korean."""
    status: RequestStatus
    """Where the request stands."""
    outcome: NotRequired[Verdict]
    """How it ended, once it has."""
    createdAt: UnixMs
    """When it was asked, in Unix milliseconds."""
    expiresAt: UnixSeconds
    """Until when somebody may decide, in Unix seconds, rounded up."""
    deadlineMs: UnixMs
    """The same to the millisecond."""
    approvers: Approvers
    """Which people of the tenant."""
    approvalsNeeded: int
    """How many different ones have to say yes."""
    approvals: int
    """How many have; once it is approved, whoever decided it included."""
    toolCallId: NotRequired[ToolCallId]
    """The call that is to run."""
    argsHash: NotRequired[ArgumentsHash]
    """The hash of the tool and these arguments: what runs has it, or was approved as `args`."""
    preview: NotRequired[Preview]
    """What will happen if it is approved; only there if the tool could say."""
    approvedBy: NotRequired[UserId]
    """Who approved it."""
    approvedAt: NotRequired[UnixMs]
    """When, in Unix milliseconds."""
    rejectedBy: NotRequired[UserId]
    """Who rejected it."""
    rejectedAt: NotRequired[UnixMs]
    """When it was rejected, timed out or was cancelled, in Unix milliseconds."""
    reason: NotRequired[str]
    """Why, where there is a reason."""
    args: NotRequired[dict[str, object]]
    """The arguments that were approved, or are asked about, instead of those that were shown."""
    supersededBy: NotRequired[RequestId]
    """The request that asks about the changed arguments instead."""
    contextBytes: NotRequired[int]
    """The full length of `context` as JSON, in bytes; only there where it had to be cut."""


class Approval(TypedDict):
    """A request for approval as this caller sees it."""
    requestId: RequestId
    """The request's id."""
    sessionId: SessionId
    """The run that waits for it, or did."""
    userId: UserId
    """Who asks: who started the run, or who changed the arguments of an earlier request."""
    tenantId: TenantId
    """Whose people may decide."""
    actionType: str
    """The tool that is to run."""
    context: dict[str, object]
    """The tool's arguments as they are asked about. Long ones are cut, and `contextBytes` is there; the stored request has all."""
    contextBytes: NotRequired[int]
    """How many bytes of JSON the arguments have, where they are cut."""
    args: NotRequired[dict[str, object]]
    """The arguments that were approved, or are asked about, instead of those that were shown. Long ones are cut."""
    argsBytes: NotRequired[int]
    """How many bytes of JSON these have, where they are cut."""
    message: str
    """What people are asked, in words."""
    status: RequestStatus
    """Where it stands."""
    outcome: NotRequired[Verdict]
    """The same, once it is decided."""
    createdAt: UnixMs
    """When it was asked, in Unix milliseconds."""
    expiresAt: UnixSeconds
    """When it ends by itself, in Unix seconds."""
    approvers: Approvers
    """Who may say yes."""
    approvalsNeeded: int
    """How many different people have to."""
    approvals: int
    """How many have; once it is approved, whoever decided it included."""
    preview: NotRequired[Preview]
    """What will happen if it is approved, where the tool could say."""
    approvedBy: NotRequired[str]
    """Who approved it, or is said to have."""
    approvedAt: NotRequired[int]
    """When that was, in Unix milliseconds."""
    rejectedBy: NotRequired[str]
    """Who rejected it, or is said to have."""
    rejectedAt: NotRequired[int]
    """When that was, in Unix milliseconds."""
    reason: NotRequired[str]
    """Why."""
    supersededBy: NotRequired[RequestId]
    """The request that asks about changed arguments instead."""
    prompt: str
    """What the run was asked to do, at most 200 characters of it."""
    requestedBy: UserId
    """Who asks; the same as `userId`."""
    canDecide: bool
    """Whether this caller's yes would count: the policy lets them, nobody has decided, and they have not said yes before."""
    decidedByMe: bool
    """Whether this caller has decided it, or is one of those who have said yes."""


class ApprovalsPage(TypedDict):
    """One page of the inbox."""
    approvals: list[Approval]
    """The requests, newest first."""
    count: int
    """How many requests of the tenant wait for which this caller's yes would count."""
    next: Union[RequestId, None]
    """The `before` of the next page; null if there is none."""


class RunSummary(TypedDict):
    """A run, as operators see it."""
    sessionId: SessionId
    """The session."""
    threadId: ThreadId
    """The conversation that it is part of."""
    status: SessionStatus
    """Where it stands."""
    prompt: str
    """The beginning of its prompt."""
    createdAt: UnixSeconds
    """When it was started, in Unix seconds."""
    updatedAt: UnixSeconds
    """When clients last saw something of it, in Unix seconds."""
    lastEventId: EventId
    """The id of its last event."""
    tenantId: TenantId
    """Whose it is."""
    userId: UserId
    """Who started it."""


class RunPage(TypedDict):
    """A page of the runs of all tenants."""
    runs: list[RunSummary]
    """Newest first. There may be none although `next` says where to go on: a page looks at a bounded part of all runs."""
    next: Union[SessionId, None]
    """The `before` of the next page, if there is one."""


HoldName = str
"""The name of a hold: 1 to 64 of `a-z`, `0-9` and `-`."""


class Operator(TypedDict):
    """Who has put a hold."""
    tenantId: TenantId
    """Their tenant."""
    userId: UserId
    """The user."""


class Hold(TypedDict):
    """A hold."""
    name: HoldName
    """Its name."""
    tenant: NotRequired[TenantId]
    """The tenant for which it counts; without one, all of them."""
    tool: NotRequired[str]
    """The tool whose calls fail."""
    runs: bool
    """Whether new runs are refused."""
    reason: str
    """Why; whoever is stopped reads it."""
    putBy: Operator
    """Who has put it."""
    putAt: UnixSeconds
    """When, in Unix seconds."""


class HoldList(TypedDict):
    """All holds that are in force."""
    holds: list[Hold]
    """In the order of their names."""


class SnapshotEvent(TypedDict):
    """What waits now: the newest requests, as many as fit a frame."""
    version: Literal['1.0']
    """The version of the payloads. A change that a client could not read would be another version."""
    type: Literal['snapshot']
    """The type of the event, the same as the SSE `event` field."""
    timestamp: UnixSeconds
    """When this was so, in Unix seconds."""
    approvals: list[Approval]
    """The requests, newest first."""
    count: int
    """How many requests of the tenant wait for which this caller's yes would count."""
    next: Union[RequestId, None]
    """Where more wait: the `before` with which `GET /aura/approvals` goes on; null if these are all."""


class AskedEvent(TypedDict):
    """Somebody is asked."""
    version: Literal['1.0']
    """The version of the payloads. A change that a client could not read would be another version."""
    type: Literal['asked']
    """The type of the event, the same as the SSE `event` field."""
    timestamp: UnixSeconds
    """When, in Unix seconds."""
    request: Approval
    """The request as it stood then."""


class EndorsedEvent(TypedDict):
    """One of several people has said yes."""
    version: Literal['1.0']
    """The version of the payloads. A change that a client could not read would be another version."""
    type: Literal['endorsed']
    """The type of the event, the same as the SSE `event` field."""
    timestamp: UnixSeconds
    """When, in Unix seconds."""
    request: Approval
    """The request as it stood then."""


class DecidedEvent(TypedDict):
    """The request is decided, and waits no more."""
    version: Literal['1.0']
    """The version of the payloads. A change that a client could not read would be another version."""
    type: Literal['decided']
    """The type of the event, the same as the SSE `event` field."""
    timestamp: UnixSeconds
    """When, in Unix seconds."""
    request: Approval
    """The request as it stood then."""
