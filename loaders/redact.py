"""Keep secrets out of output: RPC URLs carry keys in path, query, user info and sub-domain-like segments."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_URL = re.compile(r"(?:https?|wss?)://[^\s\"'<>\\)\]}]+")


def host(url: str) -> str:
    """Host and port of an endpoint: the only part of a URL that may be shown, logged or stored."""
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "?", parts.port
    except ValueError:
        return "?"
    return f"{name}:{port}" if port else name


def redact(text: str) -> str:
    """Replace every URL in ``text`` by its scheme and host."""
    return _URL.sub(lambda m: f"{m.group(0).split('://')[0]}://{host(m.group(0))}/…", text)
