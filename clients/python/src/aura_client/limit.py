"""How long something may take."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .errors import connection_lost


@asynccontextmanager
async def time_limit(seconds: float) -> AsyncIterator[None]:
    """What takes longer is a lost connection. (`asyncio.timeout` is not there in Python 3.10.)"""
    task = asyncio.current_task()
    if task is None or math.isinf(seconds):
        yield
        return
    has_expired = False

    def expire() -> None:
        nonlocal has_expired
        has_expired = True
        task.cancel()

    timer = asyncio.get_running_loop().call_later(seconds, expire)
    try:
        yield
    except asyncio.CancelledError:
        # Who was cancelled by somebody else as well, is.
        if not has_expired or (sys.version_info >= (3, 11) and task.uncancel() > 0):
            raise
        raise connection_lost("no answer in time") from None
    finally:
        timer.cancel()
