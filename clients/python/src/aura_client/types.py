"""INTERIM."""
from __future__ import annotations
from typing import Literal, TypedDict
from typing_extensions import NotRequired
EndStatus = Literal["completed", "failed", "rejected", "cancelled"]
class Usage(TypedDict):
    promptTokens: int
    completionTokens: int
    totalTokens: int
class Start(TypedDict):
    message: str
    threadId: str
    model: str
    sessionId: str
class Thought(TypedDict):
    content: str
class PlanStep(TypedDict):
    stepId: str
class PlanStepUpdate(TypedDict):
    stepId: str
class TimelineStepUpdate(TypedDict):
    stepId: str
class ToolExecution(TypedDict):
    toolName: str
    toolArgs: dict[str, object]
    status: Literal["pending", "running", "success", "failed", "cancelled"]
class Hitl(TypedDict):
    requestId: str
    message: str
class Metadata(TypedDict):
    notice: NotRequired[bool]
class Content(TypedDict):
    content: str
    metadata: Metadata
class ErrorEvent(TypedDict):
    error: str
    errorType: str
class Failed(TypedDict):
    error: str
class End(TypedDict):
    status: EndStatus
    usage: Usage
Verdict = Literal["approved", "rejected", "timed_out", "cancelled"]
SessionStatus = Literal["running", "waiting_approval", "completed", "failed", "rejected", "cancelled"]
class ApprovalRequest(TypedDict):
    requestId: str
    status: str
class SessionLine(TypedDict):
    sessionId: str
    prompt: str
    status: SessionStatus
    lastEventId: int
class Session(SessionLine):
    pendingApprovals: list[ApprovalRequest]
class SessionPage(TypedDict):
    sessions: list[SessionLine]
    next: str | None
class ApprovalPage(TypedDict):
    approvals: list[ApprovalRequest]
    count: int
    next: str | None
class InboxSnapshot(TypedDict):
    approvals: list[ApprovalRequest]
class InboxChange(TypedDict):
    request: ApprovalRequest
