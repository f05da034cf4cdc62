"""A run as its caller sees it: its events, its session, its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Union

import httpx

from .errors import left, not_aura
from .events import RunEvent, run_event
from .resumable import OnReconnect, Resumable
from .sessions import CancelOutcome, Sessions
from .paths import segment
from .transport import Request, Transport
from .types import EndStatus, ErrorEvent, Usage

RunEnd = Union[EndStatus, Literal["lost"]]


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended, and what it answered.

    `status` is `lost` where the stream ended without the run's `end`; `error`, the last of the run, says why. What only
    says that there is no answer is not part of `answer`.
    """

    session_id: str
    status: RunEnd
    answer: str
    usage: Usage | None
    error: ErrorEvent | None


def request_to_join(session_id: str) -> Callable[[str | None], Request]:
    """The request for the stream of a session that is there already."""
    path = f"/aura/sessions/{segment('session_id', session_id)}/stream"
    return lambda _: Request("GET", path)


class AuraRun:
    """The events of one run: `async for event in run`. The run is started when the first one is asked for.

    To leave it before its end, use it as `async with client.run(…) as run`, or call `aclose`: that closes the
    connection, and the run goes on. A second loop goes on where the first one has stopped, also after a wait that was
    cancelled (`asyncio.wait_for(anext(run), …)`): no event is lost. The loop ends with the stream and not before: what
    has failed, or was left, raises its `AuraError` whenever it is asked for more.
    """

    def __init__(
        self,
        transport: Transport,
        sessions: Sessions,
        request: Callable[[str | None], Request],
        *,
        session_id: str | None,
        last_event_id: int | None,
        on_reconnect: OnReconnect | None,
    ) -> None:
        self._transport = transport
        self._sessions = sessions
        self._on_reconnect = on_reconnect
        # The stream does not begin with the run.
        self._is_rest = last_event_id is not None
        self._whole: RunResult | None = None
        self._request = request
        self._session_id = session_id
        # Who asks for the next event: one at a time.
        self._turn = asyncio.Lock()
        # What was read to learn the session's id, and nobody has had yet.
        self._ahead: RunEvent | None = None
        self._answer: list[str] = []
        self._error: ErrorEvent | None = None
        self._end: tuple[RunEnd, Usage | None] = ("lost", None)
        self._is_over = False
        self._events = Resumable(
            transport,
            self._request_after,
            run_event,
            last_event_id=last_event_id,
            on_reconnect=on_reconnect,
            accepted=self._accepted,
        )

    async def session_id(self) -> str:
        """The session's id; starts the run, if nobody has yet."""
        if self._session_id is None:
            async with self._turn:
                # Whoever had the turn may have learnt it meanwhile.
                if self._session_id is None:
                    self._ahead = await self._read()
        if self._session_id is None:
            raise left()
        return self._session_id

    async def cancel(self) -> CancelOutcome:
        """Stops the run on the server; its stream then ends with `end` (`cancelled`)."""
        return await self._sessions.cancel(await self.session_id())

    async def result(self) -> RunResult:
        """Reads what is left of the stream (nobody else may be reading it): the answer and the end. Where the stream does
        not begin with the run (`last_event_id`), the session is read again from its first event: an answer is whole or
        there is none."""
        async for _ in self:
            pass
        if not self._is_over:
            raise left()
        if not self._is_rest:
            return await self._read_result()
        if self._whole is None:
            async with self._from_the_beginning(await self.session_id()) as run:
                self._whole = await run.result()
        return self._whole

    async def _read_result(self) -> RunResult:
        status, usage = self._end
        return RunResult(await self.session_id(), status, "".join(self._answer), usage, self._error)

    def _from_the_beginning(self, session_id: str) -> AuraRun:
        return AuraRun(
            self._transport,
            self._sessions,
            request_to_join(session_id),
            session_id=session_id,
            last_event_id=None,
            on_reconnect=self._on_reconnect,
        )

    async def aclose(self) -> None:
        """Closes the connection; the run goes on."""
        await self._events.aclose()

    async def __aenter__(self) -> AuraRun:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> AuraRun:
        return self

    async def __anext__(self) -> RunEvent:
        async with self._turn:
            ahead, self._ahead = self._ahead, None
            event = ahead or await self._read()
        if event is None:
            raise StopAsyncIteration
        return event

    async def _read(self) -> RunEvent | None:
        """The next event; `None` after the last one."""
        event = await anext(self._events, None)
        if event is None:
            self._is_over = True
        else:
            self._note(event)
        return event

    def _note(self, event: RunEvent) -> None:
        if event.type == "content" and not event.data["metadata"].get("notice", False):
            self._answer.append(event.data["content"])
        elif event.type == "error":
            self._error = event.data
        elif event.type == "end":
            self._end = (event.data["status"], event.data["usage"])

    def _request_after(self, last: int | None) -> Request:
        request = self._request(self._session_id)
        resume = {} if last is None else {"Last-Event-ID": str(last)}
        headers = {**request.headers, **resume, "Accept": "text/event-stream"}
        return Request(request.method, request.path, headers, request.params, request.body)

    def _accepted(self, response: httpx.Response) -> None:
        session_id = response.headers.get("x-session-id")
        if session_id is None:
            raise not_aura(response.status_code, "the stream does not name its session (X-Session-ID)")
        self._session_id = session_id
