"""A stream of events that outlives its connections.

Whatever ends a connection before its stream, the next one asks for what comes after the last event that was handed out
(contract, section 4.5). Events come once and in order; the ids see to that. The state of a stream is kept in an object,
not in a generator: a wait that is cancelled would end that.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import httpx

from .errors import AuraError, connection_lost, left, not_aura
from .limit import time_limit
from .retry import Backoff
from .sse import Comment, Frame, SseParser, TooLarge
from .transport import Request, Transport, reading, refusal_of

_DONE = "[DONE]"
# A decimal integer, no longer than those that the server has.
_EVENT_ID = re.compile(r"0|[1-9][0-9]{0,19}")


@dataclass(frozen=True, slots=True)
class Numbered:
    """One event as it came."""

    id: int
    event: str
    data: str


@dataclass(frozen=True, slots=True)
class Reconnect:
    """A connection was lost, and another one will be made. `attempt` is 1 for the first since the last progress (see
    `Retry.max_attempts`)."""

    attempt: int
    delay: float
    reason: AuraError


OnReconnect = Callable[[Reconnect], object]
E = TypeVar("E")


class Resumable(Generic[E]):
    """The events of a stream until its trailer, for one reader at a time.

    Raises an `AuraError` once the server refuses the stream or attempts have failed too often, and again each time it
    is asked for more. A wait that is cancelled costs nothing: it closes the connection, and the next one goes on after the
    last event that was handed out.

    `decode` makes an event of what came. `accepted` is called with the head of each answer that is a stream.
    `begins_anew` says whether a stream begins anew with an event, whatever its id: what was known before it no longer
    counts.
    """

    def __init__(
        self,
        transport: Transport,
        request_after: Callable[[int | None], Request],
        decode: Callable[[Numbered], E],
        *,
        last_event_id: int | None = None,
        on_reconnect: OnReconnect | None = None,
        accepted: Callable[[httpx.Response], None] | None = None,
        begins_anew: Callable[[Numbered], bool] = lambda _: False,
    ) -> None:
        self._transport = transport
        self._request_after = request_after
        self._decode = decode
        self._on_reconnect = on_reconnect
        self._accepted = accepted
        self._begins_anew = begins_anew
        self._backoff = Backoff(transport.retry, transport.retry.max_attempts)
        self._last = last_event_id
        self._connection: _Connection | None = None
        # Why nothing more is to be had, once that is so.
        self._ended: Literal["over"] | AuraError | None = None

    def __aiter__(self) -> Resumable[E]:
        return self

    async def __anext__(self) -> E:
        while self._ended is None:
            try:
                numbered = await self._next(self._connection or await self._connect())
                if numbered is not None:
                    return self._decode(numbered)
                self._ended = "over"
                await self._disconnect()
            except AuraError as error:
                await self._disconnect()
                await asyncio.sleep(self._delay(error))
            except BaseException:
                await self._disconnect()
                raise
        if self._ended == "over":
            raise StopAsyncIteration
        raise self._ended

    async def aclose(self) -> None:
        """Closes the connection; there is nothing more to be had from here."""
        if self._ended is None:
            self._ended = left()
        await self._disconnect()

    async def _next(self, connection: _Connection | None) -> Numbered | None:
        """The next event of this connection; `None` at the end of the stream."""
        if connection is None:
            return None
        while (item := await connection.read()) is not None:
            if isinstance(item, Frame) and item.event is None and item.data == _DONE:
                return None
            numbered = _numbered(item)
            is_next = numbered is not None and (self._last is None or numbered.id > self._last)
            if is_next or connection.age > self._transport.retry.max_delay:
                self._backoff.reset()
            # What was there already, something has repeated.
            if numbered is not None and (is_next or self._begins_anew(numbered)):
                self._last = numbered.id
                return numbered
        raise connection_lost("the stream broke off before its end")

    async def _connect(self) -> _Connection | None:
        """`None` where the server says that there is nothing after this event."""
        async with time_limit(self._transport.idle_timeout):
            connection = _Connection(await self._transport.send(self._request_after(self._last)))
            self._connection = connection
            if connection.response.status_code == 409:
                raise await refusal_of(connection.response)
        if self._accepted is not None:
            self._accepted(connection.response)
        if connection.response.status_code == 204:
            return None
        kind = connection.response.headers.get("content-type", "")
        if not kind.startswith("text/event-stream"):
            why = f"the answer is no event stream, but {kind or 'nothing'}"
            raise not_aura(connection.response.status_code, why)
        return connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.response.aclose()

    def _delay(self, error: AuraError) -> float:
        """Seconds until the next attempt; raises the error if there is to be none."""
        if self._ended is not None:
            raise self._ended if isinstance(self._ended, AuraError) else error
        delay = self._backoff.fail(error.retry_after) if error.retryable else None
        if delay is None:
            self._ended = error
            raise error
        if self._on_reconnect is not None:
            self._on_reconnect(Reconnect(self._backoff.failures, delay, error))
        return delay


class _Connection:
    """One answer that is being read."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._since = time.monotonic()
        self._pieces = response.aiter_bytes()
        self._parser = SseParser()
        self._items: Iterator[Frame | Comment] = iter(())

    @property
    def age(self) -> float:
        """Seconds since its head came."""
        return time.monotonic() - self._since

    async def read(self) -> Frame | Comment | None:
        """What comes next; `None` once the answer has ended."""
        while True:
            try:
                item = next(self._items, None)
            except TooLarge as error:
                raise connection_lost(str(error)) from error
            if item is not None:
                return item
            with reading():
                piece = await anext(self._pieces, None)
            if piece is None:
                return None
            self._items = self._parser.push(piece)


def _numbered(item: Frame | Comment) -> Numbered | None:
    """The event; `None` for a comment, and for what has no id: that is none of the server's."""
    if isinstance(item, Comment) or item.id is None or _EVENT_ID.fullmatch(item.id) is None:
        return None
    return Numbered(int(item.id), item.event or "message", item.data)
