"""Keep secrets out of output: RPC URLs carry keys in path, query, user info and sub-domain-like segments."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_SHORTEST_KEY = 12
# A label of a host name that no person chose: some providers put the key there.
_KEY_LABEL = re.compile(r"(?=[a-z]*\d)(?=\d*[a-z])[a-z0-9]{20,}")
_URL = re.compile(r"(?:https?|wss?)://[^\s\"'<>\\)\]}]+")


def host(url: str) -> str:
    """Host and port of an endpoint, without what looks like a key: all of a URL that may be shown, logged or stored."""
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "?", parts.port
    except ValueError:
        return "?"
    shown = ".".join("…" if _KEY_LABEL.fullmatch(label) else label for label in name.split("."))
    return f"{shown}:{port}" if port else shown


def redact(text: str) -> str:
    """Replace every URL in ``text`` by its scheme and host."""
    return _URL.sub(lambda m: f"{m.group(0).split('://')[0]}://{host(m.group(0))}/…", text)


def without_keys_of(url: str, text: str) -> str:
    """Redact ``text``, and also what of ``url`` may be a key: providers quote it in their error messages."""
    try:
        parts = urlsplit(url)
        candidates = [
            *parts.path.split("/"),
            *re.split(r"[=&]", parts.query),
            parts.username or "",
            parts.password or "",
        ]
        candidates += (parts.hostname or "").split(".")
    except ValueError:
        return redact(text)
    text = redact(text)
    for secret in sorted({c for c in candidates if len(c) >= _SHORTEST_KEY}, key=len, reverse=True):
        text = text.replace(secret, "…")
    return text
