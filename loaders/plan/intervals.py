"""Sets of blocks as sorted, disjoint, inclusive intervals."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeAlias

from loaders.errors import PoolhouseError

Interval: TypeAlias = tuple[int, int]
"""First and last block, both included."""
Intervals: TypeAlias = tuple[Interval, ...]
"""Sorted, disjoint and not adjacent."""


_WRITTEN = re.compile(r"(\d+)(?:-(\d+))?")


def parse_intervals(text: str) -> Intervals:
    """``12,20-29`` as intervals. Raises :class:`PoolhouseError` for what is neither a block nor a range."""
    found: list[Interval] = []
    for part in text.split(","):
        match = _WRITTEN.fullmatch(part.strip())
        low, high = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if low > high:
            raise PoolhouseError(
                f"{part.strip()!r} is neither a block nor a range of blocks.",
                "Write blocks and ranges as 17000000,17000100-17000200; both ends of a range belong to it.",
            )
        found.append((low, high))
    return union(found)


def union(intervals: Iterable[Interval]) -> Intervals:
    merged: list[Interval] = []
    for low, high in sorted(i for i in intervals if i[0] <= i[1]):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return tuple(merged)


def intersect(intervals: Intervals, low: int, high: int) -> Intervals:
    """The part within [low, high]."""
    return tuple((max(a, low), min(b, high)) for a, b in intervals if max(a, low) <= min(b, high))


def subtract(intervals: Intervals, removed: Intervals) -> Intervals:
    """Blocks of the first set that are not in the second."""
    left: list[Interval] = []
    for low, high in intervals:
        at = low
        for a, b in removed:
            if b < at or a > high:
                continue
            if a > at:
                left.append((at, a - 1))
            at = b + 1
        if at <= high:
            left.append((at, high))
    return tuple(left)


def common(intervals: Intervals, others: Intervals) -> Intervals:
    """Blocks that are in both sets."""
    return tuple(part for low, high in others for part in intersect(intervals, low, high))


def size(intervals: Intervals) -> int:
    """Number of blocks."""
    return sum(b - a + 1 for a, b in intervals)
