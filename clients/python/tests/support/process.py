"""Processes of a test. None of them outlives it, not even one that was killed."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
PATIENCE = 30.0
"""Seconds. Nothing in these tests takes this long unless it is broken."""


async def start(
    program: str | Path, *args: str, cwd: Path, env: Mapping[str, str] | None = None
) -> asyncio.subprocess.Process:
    """A program with nothing of the test's environment. Its stderr goes to `log` in its directory."""
    # The kernel ends it when this process is gone, however that came.
    prefix = ["setpriv", "--pdeathsig", "KILL"] if sys.platform == "linux" else []
    # What it makes elsewhere would be left there by one that is killed.
    own = {"PATH": os.environ["PATH"], "TMPDIR": str(cwd)}
    with (cwd / "log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *prefix,
            str(program),
            *args,
            cwd=cwd,
            env={**own, **(env or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )


async def kill(process: asyncio.subprocess.Process | None) -> None:
    """`kill -9`; returns once it is gone."""
    if process is not None and process.returncode is None:
        process.kill()
        # What is left in the pipe would keep it from being closed.
        await process.communicate()


async def eventually(what: str, look: Callable[[], Awaitable[T | None]]) -> T:
    """Looks until there is something."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while True:
        found = await look()
        if found:
            return found
        assert asyncio.get_running_loop().time() < deadline, f"never came true: {what}"
        await asyncio.sleep(0.01)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
