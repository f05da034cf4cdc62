"""The client: what a caller of Aura-Platform can do."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from types import TracebackType
from typing import overload

from .admin import Admin
from .approvals import Approvals
from .resumable import OnReconnect
from .retry import Retry
from .run import AuraRun, request_to_join
from .sessions import Sessions, given
from .transport import Request, TokenSource, Transport


class AuraClient:
    """A caller of one Aura-Platform. Use it as `async with AuraClient(…) as client`, or call `aclose`."""

    def __init__(
        self,
        base_url: str,
        *,
        token: TokenSource,
        tenant_id: str | int,
        user_id: str | int | None = None,
        agent_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        retry: Retry = Retry(),
        idle_timeout: float = 45.0,
    ) -> None:
        """`base_url`: for instance `http://localhost:9000`, or `https://…/api` behind the DWP Gateway.

        `token`: a text, or a function that is called before every request, with `True` after the server has refused a
        token, once for each request; what it raises ends the request or the stream. `tenant_id` and `user_id` may be
        integers, as in a token: their decimal text counts. `agent_id`: runs with the same one share a conversation.
        `idle_timeout`: seconds without a byte after which a connection counts as lost, and what one attempt of a request
        that is no stream may take in all; the server sends at least a keep-alive every 15 s.
        """
        tenant, user = _id_text("tenant_id", tenant_id), None if user_id is None else _id_text("user_id", user_id)
        own = {"X-Tenant-ID": tenant, **_named({"X-User-ID": user, "X-Agent-ID": agent_id})}
        self._transport = Transport(base_url, token, {**(headers or {}), **own}, retry, idle_timeout)
        self.sessions = Sessions(self._transport)
        self.approvals = Approvals(self._transport)
        self.admin = Admin(self._transport)

    @overload
    def run(
        self,
        prompt: str,
        *,
        context: Mapping[str, object] | None = None,
        thread_id: str | None = None,
        idempotency_key: str | None = None,
        on_reconnect: OnReconnect | None = None,
    ) -> AuraRun: ...

    @overload
    def run(
        self,
        prompt: str,
        *,
        context: Mapping[str, object] | None = None,
        thread_id: str | None = None,
        idempotency_key: str,
        last_event_id: int | None = None,
        on_reconnect: OnReconnect | None = None,
    ) -> AuraRun: ...

    def run(
        self,
        prompt: str,
        *,
        context: Mapping[str, object] | None = None,
        thread_id: str | None = None,
        idempotency_key: str | None = None,
        last_event_id: int | None = None,
        on_reconnect: OnReconnect | None = None,
    ) -> AuraRun:
        """A run of this prompt. It is started once, however often its first request has to be repeated.

        `thread_id`: runs with the same one share what was said. `idempotency_key`: instead of one that the client makes.
        Only with it, since it says which run that may be, can there be a `last_event_id`: the server would read on in
        whichever run has that event, and start nothing. To read a session on, `join` it.
        """
        if last_event_id is not None and idempotency_key is None:
            raise TypeError(
                "run() takes no last_event_id without the idempotency_key of its run: "
                "join(session_id, last_event_id=…) reads a session on"
            )
        key = idempotency_key or uuid.uuid4().hex
        body = {"prompt": prompt, **given(thread_id=thread_id), **({} if context is None else {"context": context})}

        def request(session: str | None) -> Request:
            headers = {"Idempotency-Key": key, **_named({"X-Session-ID": session})}
            return Request("POST", "/aura/test/stream", headers, body=body)

        return AuraRun(
            self._transport,
            self.sessions,
            request,
            session_id=None,
            last_event_id=last_event_id,
            on_reconnect=on_reconnect,
        )

    def join(
        self, session_id: str, *, last_event_id: int | None = None, on_reconnect: OnReconnect | None = None
    ) -> AuraRun:
        """A session's stream, from its first event or after `last_event_id`."""
        return AuraRun(
            self._transport,
            self.sessions,
            request_to_join(session_id),
            session_id=session_id,
            last_event_id=last_event_id,
            on_reconnect=on_reconnect,
        )

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._transport.aclose()

    async def __aenter__(self) -> AuraClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _id_text(name: str, value: str | int) -> str:
    """An id as the text that it has in a header; a `TypeError` that names it, if it is none."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise TypeError(f"{name} must be a str or an int, not {type(value).__name__}")


def _named(headers: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if value is not None}
