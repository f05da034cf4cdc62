"""A stream of events that outlives its connections.

Whatever ends a connection before its stream, the next one asks for what comes after the last event that was handed out
(contract, section 4.5). Events come once and in order; the ids see to that.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass

import httpx

from .errors import AuraError, connection_lost, not_aura
from .retry import Backoff
from .sse import Comment, Frame, SseParser, TooLarge
from .transport import Request, Transport, refusal_of

_DONE = "[DONE]"


@dataclass(frozen=True, slots=True)
class Numbered:
    """One event as it came."""

    id: int
    event: str
    data: str


@dataclass(frozen=True, slots=True)
class Reconnect:
    """A connection was lost, and another one will be made. `attempt` is 1 for the first since something last came."""

    attempt: int
    delay: float
    reason: AuraError


OnReconnect = Callable[[Reconnect], object]


async def resumable(
    transport: Transport,
    request_after: Callable[[int | None], Request],
    *,
    last_event_id: int | None = None,
    on_reconnect: OnReconnect | None = None,
    accepted: Callable[[httpx.Response], None] | None = None,
) -> AsyncGenerator[Numbered, None]:
    """The events of a stream until its trailer.

    Raises an `AuraError` once the server refuses the stream or attempts have failed too often. `accepted` is called
    with the head of each answer that is a stream.
    """
    backoff = Backoff(transport.retry, transport.retry.max_attempts)
    last = last_event_id
    while True:
        try:
            async with transport.open(request_after(last)) as response:
                if response.status_code == 409:
                    raise await refusal_of(response)
                if accepted is not None:
                    accepted(response)
                if response.status_code == 204:
                    return
                async for item in _items(response):
                    backoff.reset()
                    numbered = _after(last, item)
                    if numbered is None:
                        continue
                    last = numbered.id
                    if numbered.event == "" and numbered.data == _DONE:
                        return
                    yield numbered
            raise connection_lost("the stream broke off before its end")
        except AuraError as error:
            delay = backoff.fail(error.retry_after) if error.retryable else None
            if delay is None:
                raise
            if on_reconnect is not None:
                on_reconnect(Reconnect(backoff.failures, delay, error))
        await asyncio.sleep(delay)


def _after(last: int | None, item: Frame | Comment) -> Numbered | None:
    """What has no id is none of the server's; what was there already, something has repeated."""
    if isinstance(item, Comment) or item.id is None or not (item.id.isascii() and item.id.isdecimal()):
        return None
    number = int(item.id)
    return None if last is not None and number <= last else Numbered(number, item.event or "", item.data)


async def _items(response: httpx.Response) -> AsyncIterator[Frame | Comment]:
    kind = response.headers.get("content-type", "")
    if not kind.startswith("text/event-stream"):
        raise not_aura(response.status_code, f"the answer is no event stream, but {kind or 'nothing'}")
    parser = SseParser()
    async for piece in response.aiter_bytes():
        try:
            for item in parser.push(piece):
                yield item
        except TooLarge as error:
            raise connection_lost(str(error)) from error
