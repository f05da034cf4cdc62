"""What is checked without a server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def _passes(*command: str) -> None:
    done = subprocess.run([sys.executable, *command], cwd=PACKAGE, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_types_are_what_the_servers_documents_say() -> None:
    _passes("scripts/generate_types.py", "--check")


def test_the_types_hold() -> None:
    _passes("-m", "mypy")
