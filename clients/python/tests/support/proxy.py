"""A TCP proxy that cuts streams where a test wants it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Cut:
    """Where a stream is cut: after so many whole frames (-1: before the head of the answer) and, if that is said,
    half of the next one, or all of it before the middle of a character."""

    after_frames: int
    within: Literal["nothing", "half", "character"] = "nothing"


class _Over(Exception):
    """The stream is cut here."""


class Proxy:
    """`plan` says of each stream, counted from 0, where it is cut; `None`: not at all."""

    def __init__(self, target: Callable[[], int]) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.plan: Callable[[int], Cut | None] = lambda _: None
        self.streams = 0
        self.cuts = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)

    @property
    def base(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()

    async def _connected(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            server, to_server = await asyncio.open_connection("127.0.0.1", self._target(), limit=2**20)
            requests = asyncio.create_task(_copy(client, to_server))
            try:
                await self._answers(server, to_client)
            finally:
                requests.cancel()
                to_server.close()
        except (OSError, asyncio.IncompleteReadError, _Over):
            pass
        finally:
            to_client.close()
            self._tasks.discard(task)

    async def _answers(self, server: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        while True:
            head = await server.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: ([0-9]+)", head.lower())
            is_stream = b"text/event-stream" in head and length is None
            cut = self._planned() if is_stream else None
            if cut is not None and cut.after_frames < 0:
                self._cut()
            client.write(head)
            if is_stream:
                await self._frames(server, client, cut)
            elif length is not None:
                client.write(await server.readexactly(int(length[1])))

    async def _frames(self, server: asyncio.StreamReader, client: asyncio.StreamWriter, cut: Cut | None) -> None:
        """A chunk of the server's holds whole frames; an empty one is the last."""
        passed = 0
        while True:
            size = await server.readuntil(b"\r\n")
            chunk = await server.readexactly(int(size, 16) + 2)
            place = None if cut is None else _place(chunk, passed, cut)
            client.write(size + chunk[:place])
            if place is not None:
                self._cut()
            if int(size, 16) == 0:
                return
            passed += chunk.count(b"\n\n")
            if cut is not None and cut.within == "nothing" and passed == cut.after_frames:
                self._cut()

    def _planned(self) -> Cut | None:
        self.streams += 1
        return self.plan(self.streams - 1)

    def _cut(self) -> None:
        self.cuts += 1
        raise _Over


def _place(chunk: bytes, passed: int, cut: Cut) -> int | None:
    """Where in this chunk the stream is cut, if it is, after so many frames that have passed."""
    start = 0
    for _ in range(cut.after_frames - passed):
        if (end := chunk.find(b"\n\n", start)) < 0:
            return None
        start = end + 2
    if cut.within == "nothing":
        return start if start < len(chunk) - 2 else None
    if (end := chunk.find(b"\n\n", start)) < 0:
        return None
    half = (start + end) // 2
    if cut.within == "half":
        return half
    # A byte that goes on with a character that began before it.
    return next((at for at in range(start, end) if chunk[at] & 0b1100_0000 == 0b1000_0000), half)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(2**16):
        writer.write(data)
    writer.close()
