"""How many blocks to ask for: enough logs per request to be efficient, few enough not to be refused.

No provider needs to say anything for it. The density at the end of what was read decides the width of what comes next; a
refusal says where more logs hide than expected, and the search for them narrows down on it; limits are learnt once, from what
a refusal states or from what two of them prove, and never tried again.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from loaders.logs import Integers
from loaders.plan.density import DensityMap
from loaders.rpc.caps import EndpointCaps
from loaders.rpc.classify import Verdict

TARGET_LOGS = 10_000
"""The answer of most providers; more at a time would save few requests and cost memory."""

FIRST_WIDTH = 2_000

_FULLEST = 0.97
_MARGIN = 2.5
"""Distance from the limit, in expected errors of the prediction."""
_FIRST_ERROR = 0.03
_LEARNING = 0.2
_MIN_LOGS_TO_LEARN = 200
_GROWTH = 64
"""A width is at most this many times the blocks that were seen to be as dense."""
_NARROWING = 0.4
"""Of a range that hides more logs than expected, so much is asked for next.

Half of it would find them in the fewest requests, of which half are refused; this costs 3 % more and a fifth fewer refusals."""
_SURPRISE_SHARE = 0.7
"""Where bursts came as a surprise, no more is asked for at once than this share of their mean distance: wider ranges are
refused so often that the search costs more than the width saves. The optimum is flat."""
_MIN_SURPRISES = 4
_LEAST_LOG_LIMIT = 1_000
"""No provider returns fewer logs at most: a range of fewer was refused for its blocks."""
_REFUSALS_KEPT = 64
_ROUND = sorted(int(m * 10**k) for m in (1, 2, 2.5, 3, 5, 8) for k in range(1, 8))


@dataclass(slots=True)
class _Refusal:
    """A range the endpoint refused for its size, and what was read of it since."""

    low: int
    high: int
    suggested_end: int | None
    caps: EndpointCaps
    """Of who refused it."""
    is_slow: bool
    blocks: int = 0
    logs: int = 0

    @property
    def size(self) -> int:
        return self.high - self.low + 1


class RangeController:
    """Chooses widths for one kind of query at one endpoint; ranges may be answered in any order. Not thread-safe."""

    def __init__(
        self, caps: EndpointCaps | None = None, *, target_logs: int = TARGET_LOGS, first_width: int = FIRST_WIDTH
    ) -> None:
        self.caps = caps or EndpointCaps()
        self._target_logs = target_logs
        self._first_width = first_width
        self._density = DensityMap()
        self._error = _FIRST_ERROR
        self._log_bytes = 0.0
        self._most_logs = self._most_blocks = 0
        self._blocks_read = self._surprises = 0
        self._refusals: list[_Refusal] = []
        self._too_wide: list[_Refusal] = []
        self._too_many: list[_Refusal] = []
        """Refusals that nothing but their blocks, or their logs, explain."""

    def width(self, at: int, remaining: int) -> int:
        """Number of blocks to ask for from block ``at`` on, at most ``remaining``."""
        width = min(self._wanted_width(at), remaining)
        before = self._density.before(at)
        if before is not None and before.blocks * _GROWTH >= remaining:
            # Pieces of equal logs instead of full ones and a rest: as many requests, and threads end together.
            pieces = -(-remaining // width)
            width = -(-remaining // pieces)
        return max(1, min(width, self.caps.max_blocks or width))

    def expected_logs(self, low: int, high: int) -> float:
        """Logs to expect in a range, from what came before it; 0 while nothing is known."""
        return self._density.expected(low, high).logs

    def accepted(self, low: int, high: int, blocks: Integers, received_bytes: int = 0) -> None:
        """Learn from a complete answer: the block numbers of its logs, ascending, and its size."""
        size = high - low + 1
        self._blocks_read += size
        self._most_blocks = max(self._most_blocks, size)
        self._most_logs = max(self._most_logs, len(blocks))
        error = self._density.observe(low, high, blocks)
        if len(blocks) >= _MIN_LOGS_TO_LEARN:
            self._log_bytes = received_bytes / len(blocks)
            if error is not None:
                self._error += _LEARNING * (error - self._error)
        for refusal in list(self._refusals):
            first, last = max(low, refusal.low), min(high, refusal.high)
            if first <= last:
                refusal.blocks += last - first + 1
                refusal.logs += int(np.searchsorted(blocks, last + 1) - np.searchsorted(blocks, first))
                if refusal.blocks >= refusal.size:
                    self._refusals.remove(refusal)
                    self._explain(refusal)

    def refused(self, low: int, high: int, verdict: Verdict, caps: EndpointCaps | None = None) -> int:
        """Learn from a refusal for size; returns the last block to ask for instead, always below ``high``.

        ``caps`` are those of who refused, where several endpoints answer.
        """
        size, caps = high - low + 1, caps or self.caps
        caps.learn(max_logs=verdict.log_cap, max_response_bytes=verdict.byte_cap)
        if verdict.block_cap and verdict.block_cap < size:
            caps.learn(max_blocks=verdict.block_cap)
            return low + verdict.block_cap - 1
        if self._innermost(low) is None:
            self._surprises += 1
        # Who refuses what it suggested is not followed again: it would give way block by block.
        was_suggested = any(r.low == low and r.suggested_end == high for r in self._refusals)
        is_useful = not was_suggested and self._is_useful(verdict.suggested, low, high)
        suggested = verdict.suggested if is_useful else None
        refusal = _Refusal(low, high, suggested and suggested[1], caps, verdict.is_slow)
        self._refusals = [*self._refusals[-_REFUSALS_KEPT:], refusal]
        return min(low + self._wanted_width(low), high) - 1 if high > low else low

    @staticmethod
    def _is_useful(suggested: tuple[int, int] | None, low: int, high: int) -> bool:
        """Some providers suggest the very range they refused, an inverted one or one that begins elsewhere."""
        return suggested is not None and suggested[0] <= low <= suggested[1] < high

    @property
    def _limit(self) -> int:
        """Logs that the endpoint returns, as far as is known, or that are worth asking for at once."""
        limit = min(self._target_logs, self.caps.max_logs or self._target_logs)
        if self.caps.max_response_bytes and self._log_bytes:
            limit = min(limit, int(self.caps.max_response_bytes / self._log_bytes))
        return limit

    @property
    def _fill(self) -> float:
        """Logs to aim at: the limit, less what predictions err by."""
        return self._limit * max(0.5, min(_FULLEST, 1 - _MARGIN * self._error))

    def _wanted_width(self, at: int) -> int:
        before = self._density.before(at)
        width = float(self._first_width)
        if before is not None:
            width = min(self._fill / before.density, _GROWTH * before.blocks)
            if self._surprises >= _MIN_SURPRISES:
                width = min(width, _SURPRISE_SHARE * self._blocks_read / self._surprises)
        refusal = self._innermost(at)
        if refusal is not None:
            rest = refusal.high - at + 1
            hidden = self._limit - refusal.logs
            if at == refusal.low and refusal.suggested_end is not None:
                width = refusal.suggested_end - at + 1
            elif before is None or before.density * rest < hidden:
                width = min(width, rest * _NARROWING)
            if at == refusal.low:
                width = min(width, refusal.size - 1)
        return max(1, int(width))

    def _innermost(self, at: int) -> _Refusal | None:
        """The smallest refused range around a block that still hides logs."""
        around = [r for r in self._refusals if r.low <= at <= r.high and r.logs < self._limit]
        return min(around, key=lambda r: r.size, default=None)

    def _explain(self, refusal: _Refusal) -> None:
        """A refused range has been read in parts: was it too many blocks or too many logs? What two of them say is learnt."""
        too_wide, too_many = refusal.size > self._most_blocks, refusal.logs > self._most_logs
        if refusal.is_slow or refusal.logs >= self._limit:
            return
        caps = refusal.caps
        if too_wide and (refusal.logs < _LEAST_LOG_LIMIT or not too_many):
            self._too_wide.append(refusal)
            sizes = [r.size for r in self._too_wide if r.caps is caps]
            if len(sizes) >= 2:
                caps.learn(max_blocks=_round_below(min(sizes), self._most_blocks))
        elif too_many:
            self._too_many.append(refusal)
            counts = [r.logs for r in self._too_many if r.caps is caps]
            if len(counts) >= 2:
                caps.learn(max_logs=_round_below(min(counts), self._most_logs))


def _round_below(refused: int, accepted: int) -> int:
    """A limit that refuses the one number and accepts the other: providers choose round ones."""
    at = bisect_left(_ROUND, refused)
    return max(accepted, _ROUND[at - 1] if at else 1)
