"""Counts of requests, in all and by endpoint: what progress, metrics and a load's summary report."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from loaders.rpc.classify import Kind


@dataclass
class EndpointCounts:
    accepted: int = 0
    """HTTP requests that were answered in full."""
    refused: Counter[Kind] = field(default_factory=Counter)
    """Others, by what their answer meant."""
    received_bytes: int = 0
    compute_units: int = 0
    """What a provider bills, by the table of its calls; batches are billed by call."""
    calls: Counter[str] = field(default_factory=Counter)
    """Calls by method, in requests of either kind."""


@dataclass
class RequestStats:
    """Totals, and the same per endpoint. Written under ``lock``; plain reads are good enough for a display."""

    accepted: int = 0
    refused: int = 0
    received_bytes: int = 0
    compute_units: int = 0
    endpoints: dict[str, EndpointCounts] = field(default_factory=dict)
    """By host, without what may be a key."""
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def sent(self, host: str, methods: Iterable[str], compute_units: int) -> None:
        with self.lock:
            counts = self._of(host)
            counts.calls.update(methods)
            counts.compute_units += compute_units
            self.compute_units += compute_units

    def received(self, host: str, size: int) -> None:
        with self.lock:
            self._of(host).received_bytes += size
            self.received_bytes += size

    def answered(self, host: str, refusal: Kind | None = None) -> None:
        with self.lock:
            counts = self._of(host)
            if refusal is None:
                counts.accepted += 1
                self.accepted += 1
            else:
                counts.refused[refusal] += 1
                self.refused += 1

    def _of(self, host: str) -> EndpointCounts:
        return self.endpoints.setdefault(host, EndpointCounts())
