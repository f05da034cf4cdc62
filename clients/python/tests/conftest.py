"""What most tests begin with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from support.proxy import Proxy
from support.scene import Scene
from support.server import Redis, Server


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """Whatever is registered here is gone when the test is."""
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def scene(stack: AsyncExitStack) -> Callable[..., Awaitable[Scene]]:
    """Starts a server with these settings, with Redis if it is to keep what it has, and a proxy before it."""

    async def start(*, durable: bool = False, **env: str | int) -> Scene:
        settings: dict[str, str | int] = {"AURA__STREAM__KEEP_ALIVE_SECONDS": 1, **env}
        if durable:
            redis = Redis()
            stack.push_async_callback(redis.close)
            await redis.restart()
            settings |= {"REDIS_URL": redis.url, "AURA__AGENT__LEASE_SECONDS": 1}
        server = Server(settings)
        stack.push_async_callback(server.close)
        await server.restart()
        proxy = Proxy(lambda: server.port)
        await proxy.start()
        stack.push_async_callback(proxy.close)
        return Scene(server, proxy, stack)

    return start
