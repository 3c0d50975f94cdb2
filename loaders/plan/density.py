"""How dense logs are along the chain, as far as it has been read."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from dataclasses import dataclass

import numpy as np

from loaders.logs import Integers

_REMEMBERED = 256
_FEWEST_LOGS = 40
_FEWEST_BLOCKS = 8
_SAME = math.log(1.5)
"""Densities whose logarithms differ by less are not told apart, however many logs speak for it."""
_DEVIATIONS = 3.0
_BLOCK_VARIANCE = 0.2
"""Logs of neighbouring blocks vary by more than chance alone: relative variance of a block beyond a Poisson's."""


@dataclass(frozen=True, slots=True, order=True)
class Stretch:
    """The blocks up to ``end`` that are as dense as the last of them."""

    end: int
    blocks: int
    logs: int

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

    def expected(self, low: int, high: int) -> float:
        """Logs to expect in the range, from what came before it; 0 while nothing is known."""
        before = self.before(low)
        # Exactly what was seen, not one log more: this decides what is suspicious, not what is safe to ask for.
        return before.logs / before.blocks * (high - low + 1) if before else 0.0

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
            # Of one kind: the newest answer says how dense, all of them how sure that is.
            blocks_alike = before.blocks + last.blocks
            last = Stretch(high, blocks_alike, round(last.density * blocks_alike) - 1)
        insort(self._stretches, last)
        if len(self._stretches) > _REMEMBERED:
            del self._stretches[0]
        return error


def _last_stretch(low: int, high: int, blocks: Integers) -> Stretch:
    """The longest end of the range, by doubling, that is as dense as its last blocks."""
    size = high - low + 1
    length = size
    if len(blocks) >= _FEWEST_LOGS:
        length = min(size, max(_FEWEST_BLOCKS, high - int(blocks[-_FEWEST_LOGS]) + 1))
    last = _end_of(blocks, high, length)
    while length < size:
        longer = min(size, 2 * length)
        extended = _end_of(blocks, high, longer)
        if _differ(Stretch(high - length, longer - length, extended.logs - last.logs), last):
            break
        length, last = longer, extended
    return last


def _end_of(blocks: Integers, high: int, length: int) -> Stretch:
    return Stretch(high, length, len(blocks) - int(np.searchsorted(blocks, high - length + 1)))


def _differ(a: Stretch, b: Stretch) -> bool:
    variance = 1 / (a.logs + 1) + 1 / (b.logs + 1) + _BLOCK_VARIANCE * (1 / a.blocks + 1 / b.blocks)
    return abs(math.log(a.density / b.density)) > max(_SAME, _DEVIATIONS * math.sqrt(variance))
