"""Paths of routes that have an id in them."""

from __future__ import annotations

import re

# What the server's ids are made of; any of its ids can stand in a path as it is.
_ID = re.compile(r"[A-Za-z0-9._@:~-]+")
# The names of folders here and above, which a path does not keep as they are.
_FOLDERS = (".", "..")


def segment(what: str, value: str) -> str:
    """An id as one segment of a path, and nothing else: what no server has made (an empty text, `..`, `None`) would be
    the path of another route. Raises a `ValueError` that names it, or a `TypeError` if it is no text. `what`: whose id.
    """
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a str, not {type(value).__name__}")
    if _ID.fullmatch(value) is None or value in _FOLDERS:
        raise ValueError(f"{what} must be an id that the server has given, is {value!r}")
    return value
