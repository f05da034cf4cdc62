"""Typed events: `event.type` tells them apart, for a type checker as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar, Union, cast

from . import types
from .errors import not_aura
from .resumable import Numbered
from .transport import Json, parsed

Type = TypeVar("Type", bound=str)
Data = TypeVar("Data")


@dataclass(frozen=True, slots=True)
class Event(Generic[Type, Data]):
    """`id` is its place in the stream: what `last_event_id` takes. `raw` is `data` as it came."""

    id: int
    type: Type
    data: Data
    raw: str


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """An event of a kind that this client does not know: a newer server may have more. Skip it, unless `name` says
    something to you."""

    id: int
    name: str
    data: dict[str, Json]
    raw: str
    type: Literal["unknown"] = "unknown"


RunEvent = Union[
    Event[Literal["start"], types.StartEvent],
    Event[Literal["thought"], types.ThoughtEvent],
    Event[Literal["plan_step"], types.PlanStepEvent],
    Event[Literal["plan_step_update"], types.PlanStepUpdateEvent],
    Event[Literal["timeline_step_update"], types.TimelineStepUpdateEvent],
    Event[Literal["tool_execution"], types.ToolExecutionEvent],
    Event[Literal["hitl"], types.HitlEvent],
    Event[Literal["content"], types.ContentEvent],
    Event[Literal["error"], types.ErrorEvent],
    Event[Literal["failed"], types.FailedEvent],
    Event[Literal["end"], types.EndEvent],
    UnknownEvent,
]
"""An event of a run (contract, section 4.2)."""

InboxEvent = Union[
    Event[Literal["snapshot"], types.SnapshotEvent],
    Event[Literal["asked"], types.AskedEvent],
    Event[Literal["endorsed"], types.EndorsedEvent],
    Event[Literal["decided"], types.DecidedEvent],
    UnknownEvent,
]
"""An event of the inbox (contract, section 5.6)."""

_RUN = frozenset(
    "start thought plan_step plan_step_update timeline_step_update tool_execution hitl content error failed end".split()
)
_INBOX = frozenset("snapshot asked endorsed decided".split())


def run_event(frame: Numbered) -> RunEvent:
    """An event of a run's stream."""
    return cast(RunEvent, _typed(frame, _RUN))


def inbox_event(frame: Numbered) -> InboxEvent:
    """An event of the inbox's stream."""
    return cast(InboxEvent, _typed(frame, _INBOX))


def _typed(frame: Numbered, known: frozenset[str]) -> object:
    """The server's word is taken for what a payload of a known name has."""
    data = parsed(frame.data)
    if not isinstance(data, dict):
        raise not_aura(200, f"event {frame.id} ({frame.event}) is no JSON object")
    if frame.event in known:
        return Event(frame.id, frame.event, data, frame.data)
    return UnknownEvent(frame.id, frame.event, data, frame.data)
