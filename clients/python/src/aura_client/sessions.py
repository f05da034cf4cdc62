"""The caller's own sessions (contract, section 5.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from .paths import segment
from .transport import Request, Transport
from .types import SessionDetail, SessionPage, SessionStatus


@dataclass(frozen=True, slots=True)
class CancelOutcome:
    """What came of asking a run to stop.

    `was_over`: it had ended already, so nothing was cancelled; where `status` is `cancelled`, it may have been an attempt
    of this same call that did it, whose answer was lost.
    """

    session_id: str
    status: SessionStatus
    was_over: bool


class Sessions:
    """`client.sessions`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(self, *, limit: int | None = None, before: str | None = None) -> SessionPage:
        """A page of them, newest first. `before`: `next` of the page before."""
        answer = await self._transport.call(Request("GET", "/aura/sessions", params=given(limit=limit, before=before)))
        return cast(SessionPage, answer.object())

    async def get(self, session_id: str) -> SessionDetail:
        """One in full: node, plan, pending approvals, usage."""
        answer = await self._transport.call(Request("GET", f"/aura/sessions/{segment('session_id', session_id)}"))
        return cast(SessionDetail, answer.object())

    async def cancel(self, session_id: str) -> CancelOutcome:
        """Stops its run."""
        path = f"/aura/sessions/{segment('session_id', session_id)}/cancel"
        return await cancelled(self._transport, session_id, path)


async def cancelled(transport: Transport, session_id: str, path: str) -> CancelOutcome:
    """Asks at this path for a run to stop."""
    answer = await transport.call(Request("POST", path))
    return CancelOutcome(session_id, cast(SessionStatus, answer.text("status")), answer.status == 409)


def given(**params: str | int | None) -> dict[str, str | int]:
    """Without those that are not given."""
    return {name: value for name, value in params.items() if value is not None}
