"""How many blocks to ask for: enough logs per request to be efficient, few enough not to be refused.

The width follows the density of logs seen so far; refusals teach caps that are never probed again.
"""

from __future__ import annotations

import threading

from loaders.rpc.classify import Verdict

_SAFETY = 0.8
_GROWTH = 4
_SMOOTHING = 0.4


class RangeController:
    """Chooses widths for one endpoint. Thread-safe."""

    def __init__(self, *, target_logs: int = 10_000, first_width: int = 2_000) -> None:
        self._target = _SAFETY * target_logs
        self._width = first_width
        self._block_cap: int | None = None
        self._density: float | None = None
        self._lock = threading.Lock()

    def width(self) -> int:
        """Number of blocks for the next request."""
        with self._lock:
            return max(1, min(self._width, self._block_cap or self._width))

    def expected_logs(self, blocks: int) -> float:
        """Logs to expect in a range, from what came before; 0 while nothing is known."""
        with self._lock:
            return (self._density or 0.0) * blocks

    def accepted(self, blocks: int, logs: int) -> None:
        with self._lock:
            # One log more than seen: an empty range says "few", not "none".
            seen = (logs + 1) / blocks
            smoothed = seen if self._density is None else (1 - _SMOOTHING) * self._density + _SMOOTHING * seen
            self._density = smoothed if logs else smoothed - _SMOOTHING / blocks
            cautious = max(seen, smoothed)
            self._width = int(max(1, min(blocks * _GROWTH, self._target / cautious)))

    def refused(self, from_block: int, to_block: int, verdict: Verdict) -> int:
        """Learn from a refusal; returns how many blocks to ask for instead, always fewer than before."""
        blocks = to_block - from_block + 1
        with self._lock:
            smaller = max(1, blocks // 2)
            if verdict.block_cap and verdict.block_cap < blocks:
                self._block_cap = min(self._block_cap or verdict.block_cap, verdict.block_cap)
                smaller = verdict.block_cap
            elif verdict.suggested and verdict.suggested[0] <= from_block <= verdict.suggested[1] < to_block:
                smaller = verdict.suggested[1] - from_block + 1
            self._width = max(1, min(self._width, smaller))
            return smaller
