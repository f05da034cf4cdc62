"""The events of the inbox's stream."""

from __future__ import annotations

from typing import Optional, TypedDict

from .types import Approval


class InboxSnapshot(TypedDict):
    approvals: list[Approval]
    count: int
    next: Optional[str]


class InboxChange(TypedDict):
    request: Approval
