"""Reads Server-Sent Events out of bytes, in whatever pieces they come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class Frame:
    """One event of a stream: what stood between two blank lines."""

    id: str | None
    event: str | None
    data: str


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment line: the server is there, and has nothing to say."""


class TooLarge(Exception):
    """One event is larger than a reader wants to keep."""


@dataclass(slots=True)
class _Fields:
    """What came since the last blank line."""

    id: str | None = None
    event: str | None = None
    data: list[str] = field(default_factory=list)
    size: int = 0


class SseParser:
    """An incremental parser of one response body.

    Bytes are only decoded once a line is whole: a line break is never part of a longer UTF-8 character.
    """

    def __init__(self, limit: int = 1024 * 1024) -> None:
        """`limit`: bytes of one event, above which `push` raises `TooLarge`."""
        self._limit = limit
        # The beginning of a line whose end has not come yet.
        self._rest = b""
        # The last byte was a CR: an LF right after it belongs to the same line break.
        self._after_cr = False
        self._fields = _Fields()
        self._is_first_line = True

    def push(self, data: bytes) -> Iterator[Frame | Comment]:
        """What is complete with these bytes, in order."""
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
        self._after_cr = data.endswith(b"\r") or (self._after_cr and not data)
        lines = (self._rest + data).splitlines(keepends=True)
        self._rest = lines.pop() if lines and not lines[-1].endswith((b"\n", b"\r")) else b""
        for line in lines:
            item = self._line(line.rstrip(b"\r\n"))
            if item is not None:
                yield item
        self._check()

    def _line(self, raw: bytes) -> Frame | Comment | None:
        line = raw.decode("utf-8", errors="replace")
        if self._is_first_line:
            line = line.removeprefix(_BYTE_ORDER_MARK)
            self._is_first_line = False
        if line == "":
            return self._dispatch()
        if line.startswith(":"):
            return Comment()
        self._field(line)
        self._fields.size += len(raw)
        self._check()
        return None

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._fields.data.append(value)
        elif name == "event":
            self._fields.event = value
        elif name == "id" and "\0" not in value:
            self._fields.id = value

    def _dispatch(self) -> Frame | None:
        """As the standard says: without `data` there is no event."""
        fields, self._fields = self._fields, _Fields()
        return Frame(fields.id, fields.event, "\n".join(fields.data)) if fields.data else None

    def _check(self) -> None:
        if len(self._rest) + self._fields.size > self._limit:
            raise TooLarge(f"an event has more than {self._limit} bytes")
