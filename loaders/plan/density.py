"""How dense logs are along the chain, as far as it has been read."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from loaders.logs import Integers

_REMEMBERED = 256
_NEWEST_LOGS = 10_000
"""So many tell a density; more would only be older."""
_FEWEST_LOGS = 40
_FEWEST_BLOCKS = 8
_SAME = math.log(1.5)
"""Densities whose logarithms differ by less are not told apart, however many logs speak for it."""
_DEVIATIONS = 3.0
_BLOCK_VARIANCE = 0.2
"""Logs of neighbouring blocks vary by more than chance alone: relative variance of a block beyond a Poisson's."""


class Expected(NamedTuple):
    """What to expect of a range, from what came before it; nothing where nothing did."""

    logs: float = 0.0
    filled_share: float = 0.0
    """Share of blocks with any log, estimated with caution: never 1."""


@dataclass(frozen=True, slots=True, order=True)
class Stretch:
    """The blocks up to ``end`` that are as dense as the last of them."""

    end: int
    blocks: int
    logs: int
    filled: int = 0
    """Blocks with any log."""

    @property
    def density(self) -> float:
        """Logs per block. One log more than seen: an empty range says "few", not "none"."""
        return (self.logs + 1) / self.blocks


class DensityMap:
    """What answers have shown, by place: the density at a block is that of the nearest stretch before it."""

    def __init__(self) -> None:
        self._stretches: list[Stretch] = []

    def before(self, block: int) -> Stretch | None:
        """The nearest stretch that ends before ``block``."""
        at = bisect_left(self._stretches, Stretch(block, 0, 0))
        return self._stretches[at - 1] if at else None

    def expected(self, low: int, high: int) -> Expected:
        before = self.before(low)
        if before is None:
            return Expected()
        # Exactly the logs that were seen, not one more: this decides what is suspicious, not what is safe to ask for.
        logs = before.logs / before.blocks * (high - low + 1)
        return Expected(logs, (before.filled + 0.5) / (before.blocks + 1))

    def observe(self, low: int, high: int, blocks: Integers) -> float | None:
        """Take note of an answer; ``blocks`` are the block numbers of its logs, ascending.

        Returns by how much the whole range differs from what was expected, as the absolute logarithm of the ratio;
        None where the density changed, or nothing was expected.
        """
        before = self.before(low)
        last = _last_stretch(low, high, blocks)
        error = None
        if before is not None and last.blocks == high - low + 1 and not _differ(before, last):
            error = abs(math.log(last.density / before.density))
            # Of one kind: the newest logs say how dense, all of them how sure that is.
            older = min(before.logs, max(0, _NEWEST_LOGS - last.logs))
            density = (last.logs + 1 + older) / (last.blocks + older / before.density)
            blocks_alike = before.blocks + last.blocks
            logs = round(density * blocks_alike) - 1
            last = Stretch(high, blocks_alike, logs, before.filled + last.filled)
        insort(self._stretches, last)
        if len(self._stretches) > _REMEMBERED:
            del self._stretches[0]
        return error


def _last_stretch(low: int, high: int, blocks: Integers) -> Stretch:
    """The longest end of the range, by doubling, that is as dense as its last blocks."""
    size = high - low + 1
    filled = blocks[np.r_[True, np.diff(blocks) > 0]] if len(blocks) else blocks

    def end_of(length: int) -> Stretch:
        first = high - length + 1
        logs, with_logs = (len(numbers) - int(np.searchsorted(numbers, first)) for numbers in (blocks, filled))
        return Stretch(high, length, logs, with_logs)

    length = size
    if len(blocks) >= _FEWEST_LOGS:
        length = min(size, max(_FEWEST_BLOCKS, high - int(blocks[-_FEWEST_LOGS]) + 1))
    last = end_of(length)
    while length < size:
        longer = min(size, 2 * length)
        extended = end_of(longer)
        if _differ(Stretch(high - length, longer - length, extended.logs - last.logs), last):
            break
        length, last = longer, extended
    return last


def _differ(a: Stretch, b: Stretch) -> bool:
    variance = 1 / (a.logs + 1) + 1 / (b.logs + 1) + _BLOCK_VARIANCE * (1 / a.blocks + 1 / b.blocks)
    return abs(math.log(a.density / b.density)) > max(_SAME, _DEVIATIONS * math.sqrt(variance))
