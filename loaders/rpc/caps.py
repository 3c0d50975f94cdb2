"""What an endpoint was found to refuse: learnt once, kept beside the warehouse, forgotten after some days.

A provider changes its limits, a key moves to another plan and a node is upgraded: what is not learnt again expires.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_KEPT_S = 7 * 86_400.0
FILE_NAME = "endpoints.json"

_LIMITS = ("max_blocks", "max_logs", "max_response_bytes", "max_batch_calls")


class EndpointCaps:
    """Limits of one endpoint, None where nothing was found. Thread-safe."""

    def __init__(self, *, now: Callable[[], float] = time.time, changed: Callable[[], None] = lambda: None) -> None:
        self._known: dict[str, Any] = {}
        self._learnt_at: dict[str, float] = {}
        self._now = now
        self._changed = changed
        self._lock = threading.Lock()

    @property
    def max_blocks(self) -> int | None:
        """Most blocks that one ``eth_getLogs`` may span."""
        return self._limit("max_blocks")

    @property
    def max_logs(self) -> int | None:
        """Most logs that one answer holds; one that has exactly as many may be cut off."""
        return self._limit("max_logs")

    @property
    def max_response_bytes(self) -> int | None:
        """An answer of this size was refused, or the largest that the endpoint says it gives."""
        return self._limit("max_response_bytes")

    @property
    def max_batch_calls(self) -> int | None:
        """Most calls in one JSON-RPC batch; 1 where batches are refused."""
        return self._limit("max_batch_calls")

    @property
    def lacks_methods(self) -> frozenset[str]:
        return self._unexpired("lacks_methods") or frozenset()

    def learn(
        self,
        *,
        max_blocks: int | None = None,
        max_logs: int | None = None,
        max_response_bytes: int | None = None,
        max_batch_calls: int | None = None,
        lacks_method: str | None = None,
    ) -> None:
        """Take note of what an answer showed. The smaller of two limits stands."""
        found = dict(zip(_LIMITS, (max_blocks, max_logs, max_response_bytes, max_batch_calls), strict=True))
        with self._lock:
            before = dict(self._known)
            for name, limit in found.items():
                known = self._unexpired(name)
                if limit is not None and (known is None or limit <= known):
                    self._note(name, max(1, limit))
            if lacks_method is not None:
                self._note("lacks_methods", self.lacks_methods | {lacks_method})
            is_changed = self._known != before
        if is_changed:
            self._changed()

    def as_json(self) -> dict[str, dict[str, Any]]:
        """What is known, each with the time it was learnt, in seconds since 1970."""
        with self._lock:
            return {
                name: {"value": sorted(value) if isinstance(value, frozenset) else value, "at": self._learnt_at[name]}
                for name, value in self._known.items()
            }

    def restore(self, saved: dict[str, dict[str, Any]]) -> None:
        """Take over what :meth:`as_json` returned; what is too old or of another shape is left out."""
        oldest = self._now() - _KEPT_S
        for name, entry in saved.items():
            try:
                value, learnt_at = entry["value"], float(entry["at"])
            except (TypeError, KeyError, ValueError):
                continue
            if learnt_at < oldest or not _is_valid(name, value):
                continue
            with self._lock:
                self._learnt_at[name] = learnt_at
                self._known[name] = frozenset(value) if name == "lacks_methods" else value

    def _limit(self, name: str) -> int | None:
        limit: int | None = self._unexpired(name)
        return limit

    def _unexpired(self, name: str) -> Any:
        """None where nothing is known, or no longer: a command may run for weeks."""
        value = self._known.get(name)
        return value if value is not None and self._learnt_at[name] >= self._now() - _KEPT_S else None

    def _note(self, name: str, value: Any) -> None:
        # The time first: others read without the lock.
        self._learnt_at[name] = self._now()
        self._known[name] = value


class PooledCaps(EndpointCaps):
    """What some endpoint of a pool will take, as of now: a request wider than others bear goes to one that bears it."""

    def __init__(self, members: Callable[[], Sequence[EndpointCaps]]) -> None:
        super().__init__()
        self._members = members

    def learn(self, **_: Any) -> None:
        """Nothing: a refusal is that of one endpoint, whose own limits it teaches, and of the others says nothing."""

    @property
    def lacks_methods(self) -> frozenset[str]:
        return frozenset.intersection(*(caps.lacks_methods for caps in self._members()))

    def _limit(self, name: str) -> int | None:
        limits = [getattr(caps, name) for caps in self._members()]
        if name == "max_blocks":
            return None if None in limits else max(limits)
        # How full an answer may be is not known before it is: what all of them take.
        return min((limit for limit in limits if limit is not None), default=None)


def _is_valid(name: str, value: Any) -> bool:
    if name in _LIMITS:
        return isinstance(value, int) and not isinstance(value, bool) and value > 0
    return name == "lacks_methods" and isinstance(value, list) and all(isinstance(v, str) for v in value)


class CapsFile:
    """The caps of all endpoints that a warehouse was loaded from. URLs carry keys, hence only a hash of each is kept."""

    def __init__(self, path: Path, *, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._now = now
        self._lock = threading.Lock()
        self._caps: dict[str, EndpointCaps] = {}

    def of(self, url: str) -> EndpointCaps:
        """The caps of the endpoint; what they learn is written to the file at once."""
        key = endpoint_key(url)
        with self._lock:
            if key not in self._caps:
                self._caps[key] = EndpointCaps(now=self._now, changed=self._save)
                self._caps[key].restore(self._read().get(key, {}))
            return self._caps[key]

    def _save(self) -> None:
        with self._lock:
            # Another command may have learnt of other endpoints meanwhile.
            content = {**self._read(), **{key: caps.as_json() for key, caps in self._caps.items()}}
            temporary = self._path.with_suffix(f".{os.getpid()}.tmp")
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                temporary.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
                temporary.replace(self._path)
            except OSError:
                # It saves requests, nothing more: a load does not end for it.
                with contextlib.suppress(OSError):
                    temporary.unlink()

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(content, dict):
            return {}
        return {key: caps for key, caps in content.items() if isinstance(caps, dict)}


def endpoint_key(url: str) -> str:
    """Tells endpoints apart without giving their keys away."""
    return hashlib.sha256(url.encode()).hexdigest()[:16]
