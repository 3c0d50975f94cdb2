"""How fast logs come in, and how long the rest will take: reckoned in logs, since blocks of a chain differ a thousandfold."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

from loaders.plan.filters import LogQuery, Segment

_WINDOW_S = 60.0
"""The rate is that of the last minute."""
_MEMORY = 0.9
"""Weight that what was seen of a density keeps with each new batch."""
_FEW_LOGS = 100
"""Below that many logs the time left is reckoned in blocks: nothing says how dense they are."""

_Queries = tuple[LogQuery, ...]


class Pace:
    """Fed with batches in the order in which they are read. ``now`` gives seconds, of any origin."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._started = now()
        self._recent: deque[tuple[float, int, int]] = deque()
        self._seen: dict[_Queries, tuple[float, float]] = {}
        self._blocks_left: dict[_Queries, int] = {}
        self.logs = 0
        self.blocks = 0

    def plan(self, segments: Sequence[Segment]) -> None:
        """What is to be read from now on; a plan made anew (after a reorg) replaces the one before."""
        self._blocks_left = {}
        for segment in segments:
            blocks = segment.to_block - segment.from_block + 1
            self._blocks_left[segment.queries] = self._blocks_left.get(segment.queries, 0) + blocks

    def read(self, segment: Segment, blocks: int, logs: int) -> None:
        self.logs += logs
        self.blocks += blocks
        left = self._blocks_left.get(segment.queries, 0)
        self._blocks_left[segment.queries] = max(0, left - blocks)
        seen_logs, seen_blocks = self._seen.get(segment.queries, (0.0, 0.0))
        self._seen[segment.queries] = seen_logs * _MEMORY + logs, seen_blocks * _MEMORY + blocks
        self._recent.append((self._now(), logs, blocks))

    @property
    def blocks_left(self) -> int:
        return sum(self._blocks_left.values())

    @property
    def logs_left(self) -> float:
        """Expected; filters not read yet are taken to be as dense as the others."""
        return sum(blocks * self._density_of(queries) for queries, blocks in self._blocks_left.items())

    @property
    def density(self) -> float:
        """Logs per block, of late."""
        logs, blocks = (sum(column) for column in zip(*self._seen.values(), strict=True)) if self._seen else (0, 0)
        return logs / blocks if blocks else 0.0

    def _density_of(self, queries: _Queries) -> float:
        if queries not in self._seen:
            return self.density
        logs, blocks = self._seen[queries]
        return logs / blocks

    @property
    def logs_per_second(self) -> float:
        return self._rates()[0]

    @property
    def share_done(self) -> float:
        """Between 0 and 1."""
        if not self.blocks_left:
            return 1.0
        if self.logs < _FEW_LOGS:
            return self.blocks / (self.blocks + self.blocks_left)
        return self.logs / (self.logs + self.logs_left)

    @property
    def seconds_left(self) -> float | None:
        """None while nothing is known, or nothing comes in."""
        if not self.blocks_left:
            return 0.0
        logs_per_second, blocks_per_second = self._rates()
        if self.logs >= _FEW_LOGS and logs_per_second > 0:
            return self.logs_left / logs_per_second
        return self.blocks_left / blocks_per_second if blocks_per_second > 0 else None

    def _rates(self) -> tuple[float, float]:
        """Logs and blocks per second."""
        now = self._now()
        while self._recent and self._recent[0][0] < now - _WINDOW_S:
            self._recent.popleft()
        seconds = max(min(now - self._started, _WINDOW_S), 1e-3)
        recent = list(self._recent)
        return sum(logs for _, logs, _ in recent) / seconds, sum(blocks for _, _, blocks in recent) / seconds
