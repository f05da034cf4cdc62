#!/usr/bin/env python3
"""Runs schemathesis against the real server: guarded, unguarded and, below /aura/admin/, as an operator.

It makes up requests of every kind from the server's own OpenAPI document and fails on an answer that the document does not
know: a 5xx, an undocumented status, header or body, a wrong request that is taken, a right one that is refused.

    target/clients/bin/python tests/schemathesis/run.py [--seed N] [--examples N] [further options of `schemathesis run`]

AURA_BINARY names the server, otherwise target/debug/aura-platform.
"""

import argparse
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BINARY = os.environ.get("AURA_BINARY", str(ROOT / "target/debug/aura-platform"))
PATIENCE = 60.0

SETTINGS = {
    "JWT_SECRET": "a secret of this test, longer than 32 bytes",
    # Nobody answers: what is asked is soon over.
    "HITL_TIMEOUT_SECONDS": "1",
    # One user sends everything.
    "AURA__LIMITS__STARTS_PER_MINUTE_PER_USER": "0",
    "AURA__AUDIT__ROLE": "auditor",
    "LOG_LEVEL": "warn",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """The real process, with everything that it makes in a directory of its own."""

    def __init__(self, scratch: pathlib.Path) -> None:
        self.base = f"http://127.0.0.1:{free_port()}"
        self.environment = {**os.environ, **SETTINGS, "TMPDIR": str(scratch)}
        self.log = scratch / "server.log"
        port = self.base.rsplit(":", 1)[1]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [BINARY, "serve", "--dev", "--port", port], cwd=scratch, env=self.environment, stdout=log, stderr=log
            )

    def __enter__(self) -> "Server":
        deadline = time.monotonic() + PATIENCE
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise SystemExit(f"the server did not come up:\n{self.log.read_text()}")
            time.sleep(0.05)
        return self

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.base}/health/ready", timeout=5):
                return True
        except OSError:
            return False

    def token(self, role: str) -> str:
        command = [BINARY, "token", "--sub", "1", "--tenant", "1", "--role", role, "--ttl", "1h"]
        return subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True).stdout.strip()

    def panics(self) -> list[str]:
        return [line for line in self.log.read_text().splitlines() if "panicked" in line]

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def attack(server: Server, headers: dict[str, str], options: list[str], scratch: pathlib.Path) -> bool:
    """One run of schemathesis; whether it found nothing."""
    command = [
        str(pathlib.Path(sys.executable).parent / "schemathesis"),
        "--config-file",
        str(HERE / "schemathesis.toml"),
        "run",
        f"{server.base}/aura/openapi.json",
        "--generation-database",
        "none",
        *options,
    ]
    for name, value in headers.items():
        command += ["--header", f"{name}: {value}"]
    # In a directory of its own, where it may leave what it likes.
    return subprocess.run(command, cwd=scratch).returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", default="20260116", help="which requests are made up")
    parser.add_argument("--examples", default="20", help="how many of them for each operation, and phase")
    known, others = parser.parse_known_args()
    options = ["--seed", known.seed, "--max-examples", known.examples, *others]
    with tempfile.TemporaryDirectory(prefix="aura-schemathesis-") as directory:
        scratch = pathlib.Path(directory)
        with Server(scratch) as server:

            def caller(role: str) -> dict[str, str]:
                return {"Authorization": f"Bearer {server.token(role)}", "X-Tenant-ID": "1", "X-User-ID": "1"}

            failed = []
            # An operator stops what the others try, and comes last.
            for name, headers, which in [
                ("guarded", caller("auditor"), []),
                ("unguarded", {}, []),
                ("operator", caller("operator"), ["--include-path-regex", "^/aura/admin/"]),
            ]:
                print(f"== schemathesis, {name} ==", flush=True)
                if not attack(server, headers, [*options, *which], scratch):
                    failed.append(name)
            panics = server.panics()
            alive = server.answers()
    if panics:
        failed.append("the server has panicked:\n" + "\n".join(panics))
    if not alive:
        failed.append("the server does not answer any more")
    if failed:
        raise SystemExit("schemathesis: " + "; ".join(failed))


if __name__ == "__main__":
    main()
