"""What waits for a person's decision, and the decision (contract, sections 5.4 and 5.6)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Union, cast

from .errors import not_aura
from .events import InboxEvent, inbox_event
from .paths import segment
from .resumable import OnReconnect, Resumable
from .sessions import given
from .transport import Answer, Request, Transport, parsed
from .types import ApprovalsPage, RequestDetails, Verdict


@dataclass(frozen=True, slots=True)
class Decided:
    """The request is decided; `status` is the decision that stands.

    `is_first`: it was this call that decided. Otherwise somebody else had done so before (or an attempt of the same
    call, whose answer was lost).
    """

    request_id: str
    session_id: str
    status: Verdict
    is_first: bool
    reason: str | None


@dataclass(frozen=True, slots=True)
class Endorsed:
    """The yes was recorded; more people have to agree."""

    request_id: str
    session_id: str
    approvals: int
    approvals_needed: int


@dataclass(frozen=True, slots=True)
class Superseded:
    """The arguments were changed, and another person has to approve them: that is `request_id`, a new request.

    `is_first`: it was this call that changed them; if not, see `Decided`.
    """

    request_id: str
    session_id: str
    supersedes: str
    is_first: bool


ReviewOutcome = Union[Decided, Endorsed, Superseded]


class InboxWatch:
    """The events of the inbox: `async for event in client.approvals.watch()`.

    To leave it, use it as `async with client.approvals.watch() as events`, or call `aclose`. After a wait that was
    cancelled the next one goes on where it has stopped.
    """

    def __init__(self, events: Resumable[InboxEvent]) -> None:
        self._events = events
        # Who asks for the next event: one at a time.
        self._turn = asyncio.Lock()

    def __aiter__(self) -> InboxWatch:
        return self

    async def __anext__(self) -> InboxEvent:
        async with self._turn:
            return await anext(self._events)

    async def aclose(self) -> None:
        """Closes the connection."""
        await self._events.aclose()

    async def __aenter__(self) -> InboxWatch:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class Approvals:
    """`client.approvals`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self,
        *,
        status: Literal["pending", "decided"] | None = None,
        limit: int | None = None,
        before: str | None = None,
    ) -> ApprovalsPage:
        """A page of the tenant's requests, newest first; the pending ones, if it is not said."""
        params = given(status=status, limit=limit, before=before)
        answer = await self._transport.call(Request("GET", "/aura/approvals", params=params))
        return cast(ApprovalsPage, answer.object())

    def watch(self, *, last_event_id: int | None = None, on_reconnect: OnReconnect | None = None) -> InboxWatch:
        """What waits, live: a `snapshot`, then what is asked and decided. It does not end by itself.

        Where the server no longer knows what came after the last event, there is another `snapshot`, which takes the
        place of all before.
        """

        def request(last: int | None) -> Request:
            resume = {} if last is None else {"Last-Event-ID": str(last)}
            return Request("GET", "/aura/approvals/stream", {"Accept": "text/event-stream", **resume})

        return InboxWatch(
            Resumable(
                self._transport,
                request,
                inbox_event,
                last_event_id=last_event_id,
                on_reconnect=on_reconnect,
                # A store that has lost the inbox begins again with low ids.
                begins_anew=lambda event: event.event == "snapshot",
            )
        )

    async def get(self, request_id: str) -> RequestDetails:
        """One request."""
        answer = await self._transport.call(Request("GET", f"/aura/hitl/requests/{segment('request_id', request_id)}"))
        request = parsed(answer.data) if isinstance(answer.data, str) else None
        if not isinstance(request, dict):
            raise not_aura(answer.status, "the request is no JSON object")
        return cast(RequestDetails, request)

    async def approve(self, request_id: str, *, args: Mapping[str, object] | None = None) -> ReviewOutcome:
        """Says yes: to the arguments as they are, or to changed ones, which are given whole. Where the question has
        `contextBytes`, its `context` was cut: change what `get` has."""
        return await self._review("approve", request_id, {} if args is None else {"args": args})

    async def reject(self, request_id: str, *, reason: str | None = None) -> ReviewOutcome:
        """Says no."""
        return await self._review("reject", request_id, {} if reason is None else {"reason": reason})

    async def _review(self, verb: str, request_id: str, body: Mapping[str, object]) -> ReviewOutcome:
        # Not `/aura/hitl/…`: the platform's Gateway takes that to another service, which knows no changed arguments.
        path = f"/aura/approvals/{segment('request_id', request_id)}/{verb}"
        return _outcome(await self._transport.call(Request("POST", path, body=body)))


def _outcome(answer: Answer) -> ReviewOutcome:
    data, is_first = answer.object(), answer.status != 409
    request_id, session_id, status = answer.text("requestId"), answer.text("sessionId"), answer.text("status")
    if "supersededBy" in data:
        return Superseded(answer.text("supersededBy"), session_id, request_id, is_first)
    if "supersedes" in data:
        return Superseded(request_id, session_id, answer.text("supersedes"), is_first)
    if "approvalsNeeded" in data:
        approvals, needed = cast(int, data.get("approvals")), cast(int, data["approvalsNeeded"])
        return Endorsed(request_id, session_id, approvals, needed)
    reason = data.get("reason")
    return Decided(request_id, session_id, cast(Verdict, status), is_first, None if reason is None else str(reason))
