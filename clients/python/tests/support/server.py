"""The real server and a real Redis, as processes."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import math
import os
import re
import tempfile
import time
from pathlib import Path

from .process import PATIENCE, eventually, free_port, kill, start

_SECRET = "0123456789abcdef0123456789abcdef"
_PACKAGE = Path(__file__).resolve().parents[2]


def _binary() -> Path:
    path = (_PACKAGE / os.environ.get("AURA_BINARY", "../../target/debug/aura-platform")).resolve()
    assert path.exists(), f"there is no {path}: build it (cargo build), or set AURA_BINARY"
    return path


class Redis:
    """A `redis-server` of a test's own."""

    def __init__(self) -> None:
        self._port = free_port()
        self._directory = tempfile.TemporaryDirectory(prefix="aura-client-")
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    async def restart(self) -> None:
        """Starts it again with what it had stored: it hands every write to the system at once."""
        await kill(self._process)
        options = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--appendfsync", "no")
        directory = Path(self._directory.name)
        self._process = await start("redis-server", "--port", str(self._port), *options, cwd=directory)
        await eventually("redis-server answers", self._answers)

    async def _answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            writer.write(b"PING\r\n")
            answer = await reader.readline()
            writer.close()
        except OSError:
            return False
        return answer.startswith(b"+PONG")

    async def close(self) -> None:
        await kill(self._process)
        self._directory.cleanup()


class Server:
    """`serve --dev` with these settings."""

    def __init__(self, env: dict[str, str | int]) -> None:
        self._env = {name: str(value) for name, value in env.items()}
        self._directory = tempfile.TemporaryDirectory(prefix="aura-client-")
        self._process: asyncio.subprocess.Process | None = None
        self.base = ""

    @property
    def port(self) -> int:
        return int(self.base.rsplit(":", 1)[1])

    async def restart(self) -> None:
        """Kills it, and starts it again on what its store has kept; on another port."""
        await kill(self._process)
        env = {"JWT_SECRET": _SECRET, "API_PORT": "0", "LOG_LEVEL": "info", **self._env}
        self._process = await start(_binary(), "serve", "--dev", cwd=Path(self._directory.name), env=env)
        self.base = await asyncio.wait_for(self._listening(self._process), PATIENCE)

    @staticmethod
    async def _listening(process: asyncio.subprocess.Process) -> str:
        assert process.stdout is not None
        async for line in process.stdout:
            if found := re.match(r"\s*health\s+(\S+)/health", line.decode()):
                return found[1]
        raise AssertionError("the server ended before it listened")

    async def kill(self) -> None:
        await kill(self._process)

    async def close(self) -> None:
        await self.kill()
        self._directory.cleanup()


def token(*, user: str = "1", tenant: str = "1", seconds: int = 3600, role: str | None = None) -> str:
    """A token as the Auth Server signs it, valid for so many seconds and the rest of this one."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    in_role = {} if role is None else {"role": role}
    claims = {"sub": user, "tenant_id": tenant, "exp": math.ceil(time.time()) + seconds, **in_role}
    text = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims)}"
    signature = hmac.new(_SECRET.encode(), text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
