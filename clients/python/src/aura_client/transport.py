"""One request: headers, token, refusals; and repeating it where that helps."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Union

import httpx

from .errors import AuraError, connection_lost, not_aura
from .limit import time_limit
from .retry import Backoff, Retry
from .sse import Frame, SseParser

Json = Union[None, bool, int, float, str, "list[Json]", "dict[str, Json]"]
TokenSource = Union[str, Callable[[bool], Union[str, Awaitable[str]]]]

_RETRYABLE_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_CONNECT_SECONDS = 10.0
_HEADER = re.compile(r"[\t\x20-\x7e]*")


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent. `body` goes out as JSON."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str | int] = field(default_factory=dict)
    body: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer in the platform's envelope. A 409 has one, too: it tells of the decision that stands."""

    status: int
    data: Json

    def object(self) -> dict[str, Json]:
        """The object that a successful answer carries."""
        if not isinstance(self.data, dict):
            raise not_aura(self.status, "the answer has no data")
        return self.data

    def text(self, name: str) -> str:
        """A text that the object has."""
        value = self.object().get(name)
        if not isinstance(value, str):
            raise not_aura(self.status, f"the answer has no {name}")
        return value


class Transport:
    """Sends requests with the caller's headers; renews a token that was refused, once for each request."""

    def __init__(
        self, base_url: str, token: TokenSource, headers: Mapping[str, str], retry: Retry, idle_timeout: float
    ) -> None:
        _check_base_url(base_url)
        if not (isinstance(token, str) or callable(token)):
            raise TypeError(f"token must be a str or a function, not {type(token).__name__}")
        for name, value in headers.items():
            _check_header(name, value)
        timeout = httpx.Timeout(idle_timeout, connect=_CONNECT_SECONDS, pool=None)
        limits = httpx.Limits(max_connections=None)
        self._http = httpx.AsyncClient(base_url=base_url, headers=headers, timeout=timeout, limits=limits)
        self._token = _token_text(token) if isinstance(token, str) else token
        self.retry = retry
        self.idle_timeout = idle_timeout

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._http.aclose()

    async def send(self, request: Request) -> httpx.Response:
        """An answer whose body has not been read yet, and which the caller has to close; raises an `AuraError` for
        refusals but 409."""
        response = await self._send(request, renew=False)
        try:
            if response.status_code == 401 and not isinstance(self._token, str):
                await response.aclose()
                response = await self._send(request, renew=True)
            if not response.is_success and response.status_code != 409:
                raise await refusal_of(response)
        except BaseException:
            await response.aclose()
            raise
        return response

    async def call(self, request: Request) -> Answer:
        """Sends a request that may be repeated, and reads its answer; each attempt takes at most the idle time."""
        backoff = Backoff(self.retry, self.retry.max_request_attempts)
        while True:
            try:
                async with time_limit(self.idle_timeout):
                    return await self._call_once(request)
            except AuraError as error:
                delay = backoff.fail(error.retry_after) if error.retryable else None
                if delay is None:
                    raise
            await asyncio.sleep(delay)

    async def _call_once(self, request: Request) -> Answer:
        async with aclosing(await self.send(request)) as response:
            with reading():
                body = parsed(await response.aread())
            if isinstance(body, dict) and body.get("status") == "SUCCESS":
                return Answer(response.status_code, body.get("data"))
            if response.is_success:
                raise not_aura(response.status_code, "the answer is not in the platform's envelope")
            raise await refusal_of(response)

    async def _send(self, request: Request, *, renew: bool) -> httpx.Response:
        for name, value in request.headers.items():
            _check_header(name, value)
        headers = {
            "Accept": "application/json",
            **request.headers,
            "Authorization": f"Bearer {await self._bearer(renew)}",
        }
        sent = self._http.build_request(
            request.method, request.path, headers=headers, params=request.params or None, json=request.body
        )
        try:
            return await self._http.send(sent, stream=True)
        except httpx.RequestError as error:
            raise connection_lost(f"the server cannot be reached: {error!r}") from error

    async def _bearer(self, renew: bool) -> str:
        given = self._token if isinstance(self._token, str) else self._token(renew)
        return _token_text(await given if inspect.isawaitable(given) else given)


def _check_base_url(base_url: str) -> None:
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise ValueError(f"base_url must be a URL, is {base_url!r}: {error}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"base_url must begin with http:// or https://, is {base_url!r}")


def _token_text(given: str) -> str:
    """A token without the blanks around it, such as the line end of the file that it was read from."""
    token = given.strip()
    _check_header("token", token)
    return token


def _check_header(name: str, value: str) -> None:
    """Whatever cannot be sent would look like a connection that is lost whenever it is tried."""
    if _HEADER.fullmatch(value) is None:
        raise ValueError(f"{name} has characters that no header can have")


@contextmanager
def reading() -> Iterator[None]:
    """What goes wrong while an answer is read is a lost connection; so is an answer that was closed meanwhile."""
    try:
        yield
    except (httpx.RequestError, httpx.StreamError) as error:
        raise connection_lost(f"the connection broke: {error!r}") from error


async def refusal_of(response: httpx.Response) -> AuraError:
    """Reads a refusal in either of its two forms: an envelope, or an `error` event in the place of a stream."""
    with reading():
        text = await response.aread()
    if response.headers.get("content-type", "").startswith("text/event-stream"):
        frames = (item for item in SseParser().push(text) if isinstance(item, Frame))
        text = next((frame.data.encode() for frame in frames if frame.event == "error"), b"")
    parsed_body = parsed(text)
    body = parsed_body if isinstance(parsed_body, dict) else {}
    code = _text(body.get("errorCode")) or f"HTTP {response.status_code}"
    message = _text(body.get("message")) or response.reason_phrase
    detail = _text(body.get("detail")) or _text(body.get("error"))
    return AuraError(
        f"{code}: {message}" if detail is None else f"{code}: {message} ({detail})",
        status=response.status_code,
        code=code,
        # The server may say itself that it is not worth another attempt.
        retryable=response.status_code in _RETRYABLE_STATUS and body.get("retryable") is not False,
        detail=detail,
        trace_id=_text(body.get("traceId")) or response.headers.get("x-correlation-id"),
        retry_after=retry_after(response.headers.get("retry-after"), datetime.now(timezone.utc)),
    )


def retry_after(header: str | None, now: datetime) -> float | None:
    """`Retry-After`: seconds, or a date."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - now).total_seconds())
    except (TypeError, ValueError):
        return None


def parsed(text: str | bytes) -> Json:
    """JSON; `None` if it is none."""
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None
