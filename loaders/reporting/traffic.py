"""What was asked of whom so far, as progress line, log, metrics and the record of the run show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from loaders.source.base import ChainView


@dataclass(frozen=True, slots=True)
class Traffic:
    """With one endpoint, since the command began."""

    host: str
    """Without its key."""
    accepted: int
    refused: Mapping[str, int]
    """By kind of refusal: ``rate`` is HTTP 429 and its like."""
    received_bytes: int
    compute_units: int


def traffic_of(view: ChainView) -> list[Traffic]:
    """One entry per endpoint that was asked anything."""
    stats = view.stats
    with stats.lock:
        if not stats.endpoints:  # a source that is no node counts only totals
            refused = {"refused": stats.refused} if stats.refused else {}
            return [Traffic(view.host, stats.accepted, refused, stats.received_bytes, stats.compute_units)]
        return [
            Traffic(host, c.accepted, {str(k): n for k, n in c.refused.items()}, c.received_bytes, c.compute_units)
            for host, c in stats.endpoints.items()
        ]
