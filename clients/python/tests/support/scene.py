"""A server with a proxy before it, and clients of it."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx

from aura_client import AuraClient, AuraRun, Retry, RunEvent, TokenSource

from .proxy import Proxy
from .server import Server, token

RETRY = Retry(initial_delay=0.005, max_delay=0.2, max_attempts=200, max_request_attempts=200)
"""Quick, since the servers of the tests are back at once."""
MAIL = "kim@example.com 에게 메일을 보내주세요. 제목: 보고"
"""Asks for a mail, which a person has to approve."""


@dataclass
class Scene:
    server: Server
    proxy: Proxy
    stack: AsyncExitStack

    async def client(self, *, user: str = "1", source: TokenSource | None = None, direct: bool = False) -> AuraClient:
        """A client of the proxy, or of the server itself."""
        base = self.server.base if direct else self.proxy.base
        client = AuraClient(base, token=source or token(user=user), tenant_id="1", retry=RETRY)
        return await self.stack.enter_async_context(client)

    async def journal(self, session_id: str) -> str:
        """A stream read in one go over a connection that nothing cuts: the bytes that the server has for it."""
        headers = {"Authorization": f"Bearer {token()}", "X-Tenant-ID": "1"}
        async with httpx.AsyncClient(base_url=self.server.base, headers=headers, timeout=30) as http:
            text = (await http.get(f"/aura/sessions/{session_id}/stream")).text
        frames = text.replace(": keep-alive id:\n\n", "").split("\n\n")
        assert frames[-1] == "" and frames[-2].endswith("\ndata: [DONE]"), text[-200:]
        return "".join(f"{frame}\n\n" for frame in frames[:-2])


def bytes_of(events: Iterable[RunEvent]) -> str:
    """The bytes that these events were."""
    name = {event.id: event.name if event.type == "unknown" else event.type for event in events}
    return "".join(f"id: {event.id}\nevent: {name[event.id]}\ndata: {event.raw}\n\n" for event in events)


async def approving_all(client: AuraClient, run: AuraRun) -> list[RunEvent]:
    """All events of a run; whatever is asked is approved."""
    events: list[RunEvent] = []
    async for event in run:
        events.append(event)
        if event.type == "hitl":
            await client.approvals.approve(event.data["requestId"])
    return events


async def every(items: AsyncIterable[RunEvent]) -> list[RunEvent]:
    return [item async for item in items]
