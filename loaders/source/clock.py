"""Block timestamps: the logs' own where the node states them and they are sane, else proven from few headers.

A chain guarantees how many seconds consecutive blocks are apart at least. Where two headers are exactly as far apart as the
blocks between them demand, all of those are proven: none can be earlier, none later. A range that holds a missed slot is cut
and looked at again. What cannot be proven is read; nothing is interpolated.
"""

from __future__ import annotations

import bisect
import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from loaders.logs import LATEST_SANE_TIMESTAMP, Integers, RawLogs
from loaders.registry.chains import Chain
from loaders.registry.tables import BLOCKS
from loaders.rpc.endpoint import Header
from loaders.source.verify import Inconsistent

_REMEMBERED = 4096
"""Range ends that later ranges start from; more would only cost memory."""

ReadHeaders = Callable[[list[int]], list[Header]]
"""Headers of the given blocks, in order."""


@dataclass(frozen=True, slots=True)
class BlockGap:
    """What a chain guarantees: timestamps never decrease, and within the bounds grow by ``seconds`` a block at least."""

    seconds: int = 0
    since_block: int = 0
    until_block: int | None = None

    @classmethod
    def of(cls, chain: Chain) -> BlockGap:
        return cls(chain.min_block_gap_s, chain.min_block_gap_since_block, chain.min_block_gap_until_block)

    def least(self, low: int, numbers: Integers) -> Integers:
        """Seconds that pass at least from block ``low`` to each of the ``numbers``, none of them below it."""
        covered = numbers if self.until_block is None else np.minimum(numbers, self.until_block)
        return self.seconds * np.maximum(0, covered - max(low, self.since_block))

    def excess(self, low: Header, high: Header) -> int:
        """Seconds that passed beyond the least: 0 proves all blocks between. Raises :class:`Inconsistent` below 0."""
        passed = high.timestamp - low.timestamp
        least = int(self.least(low.number, np.array([high.number]))[0])
        if passed < least:
            raise Inconsistent(
                f"blocks {low.number} and {high.number} are {passed} s apart, at least {least} s pass between them"
            )
        return passed - least


NO_GUARANTEE = BlockGap()


class Clock:
    """Dates the logs of one load. Thread-safe; the ends of ranges already read serve those that follow them."""

    def __init__(self, gap: BlockGap, read: ReadHeaders) -> None:
        self._gap = gap
        self._read = read
        self._numbers: list[int] = []
        self._ends: dict[int, Header] = {}
        self._lock = threading.Lock()

    def with_timestamps(self, logs: RawLogs, end: Header) -> tuple[RawLogs, list[Header]]:
        """The logs with a proven timestamp each, and the headers that had to be read for it.

        ``end`` is the header of the last block that was asked for. Raises :class:`Inconsistent` when headers contradict the
        logs, each other or what the chain guarantees.
        """
        read: list[Header] = []
        if len(logs) and not _sane(logs, end):
            try:
                logs, read = self._dated(logs, end)
            except Inconsistent:
                # Whichever header was wrong, it must not spoil the next attempt.
                self._forget()
                raise
        self._remember(end)
        return logs, read

    def _dated(self, logs: RawLogs, end: Header) -> tuple[RawLogs, list[Header]]:
        numbers, first_rows = np.unique(logs.block_number, return_index=True)
        read: list[Header] = []

        def read_logged(wanted: list[int]) -> list[Header]:
            headers = self._read(wanted)
            for header in headers:
                row = first_rows[np.searchsorted(numbers, header.number)]
                if header.hash != "0x" + logs.block_hash[row].tobytes().hex():
                    raise Inconsistent(f"block {header.number} changed between its logs and its header")
            read.extend(headers)
            return headers

        seconds = prove_timestamps(numbers, self._end_before(int(numbers[0])), end, self._gap, read_logged)
        return logs.with_timestamps(seconds[np.searchsorted(numbers, logs.block_number)]), read

    def _end_before(self, number: int) -> Header | None:
        with self._lock:
            at = bisect.bisect_left(self._numbers, number)
            return self._ends[self._numbers[at - 1]] if at else None

    def _remember(self, end: Header) -> None:
        with self._lock:
            if end.number not in self._ends:
                bisect.insort(self._numbers, end.number)
            self._ends[end.number] = end
            if len(self._numbers) > _REMEMBERED:
                del self._ends[self._numbers.pop(0)]

    def _forget(self) -> None:
        with self._lock:
            self._numbers, self._ends = [], {}


def prove_timestamps(
    numbers: Integers, before: Header | None, end: Header, gap: BlockGap, read: ReadHeaders
) -> Integers:
    """Seconds of each of the ``numbers``: sorted, distinct, none above ``end``, none below ``before``.

    Without ``before`` the first of them is read. Only blocks of ``numbers`` are read, many at a time: a range is cut into as
    many parts as it seems to miss slots, so that few rounds are needed and those parts that miss none cost nothing more.
    Raises :class:`Inconsistent` when headers are closer in time than the chain guarantees.
    """
    seconds = np.full(len(numbers), -1, np.int64)
    start = before or (end if int(numbers[0]) == end.number else read([int(numbers[0])])[0])
    ranges = [(start, end)]
    while ranges:
        cuts: list[list[int]] = []
        unproven: list[tuple[Header, Header]] = []
        for low, high in ranges:
            excess = gap.excess(low, high)
            # The ends are known; what needs proof lies between them.
            inside = slice(np.searchsorted(numbers, low.number + 1), np.searchsorted(numbers, high.number))
            for known in (low, high):
                at = int(np.searchsorted(numbers, known.number))
                if at < len(numbers) and numbers[at] == known.number:
                    seconds[at] = known.timestamp
            if excess == 0:
                seconds[inside] = low.timestamp + gap.least(low.number, numbers[inside])
            elif inside.start < inside.stop:
                cuts.append(_cuts(numbers[inside], low, high, parts=2 + (excess - 1) // max(1, gap.seconds)))
                unproven.append((low, high))
        headers = iter(read([number for chosen in cuts for number in chosen]) if cuts else [])
        ranges = [
            pair
            for (low, high), chosen in zip(unproven, cuts, strict=True)
            for pair in itertools.pairwise([low, *itertools.islice(headers, len(chosen)), high])
        ]
    return seconds


def _cuts(inside: Integers, low: Header, high: Header, *, parts: int) -> list[int]:
    """Blocks to read: of those ``inside``, the nearest to where ``parts`` equal parts would meet."""
    if parts > len(inside):
        return [int(n) for n in inside]
    meetings = np.linspace(low.number, high.number, parts + 1)[1:-1]
    after = np.clip(np.searchsorted(inside, meetings), 1, len(inside) - 1) if len(inside) > 1 else np.zeros(1, np.int64)
    nearest = np.where(meetings - inside[after - 1] < inside[after] - meetings, after - 1, after)
    return [int(n) for n in np.unique(inside[nearest])]


def _sane(logs: RawLogs, end: Header) -> bool:
    seconds = logs.timestamp
    if int(seconds.min()) <= 0 or int(seconds.max()) >= LATEST_SANE_TIMESTAMP or int(seconds.max()) > end.timestamp:
        return False
    step = np.diff(seconds)
    same_block = np.diff(logs.block_number) == 0
    if (step < 0).any() or step[same_block].any():
        return False
    return bool(logs.block_number[-1] != end.number or seconds[-1] == end.timestamp)


def block_rows(chain_id: int, headers: Sequence[Header]) -> pa.Table:
    """The headers as rows of ``blocks``."""
    columns = {
        "chain_id": [chain_id] * len(headers),
        "block_number": [h.number for h in headers],
        "block_timestamp": [datetime.fromtimestamp(h.timestamp, UTC) for h in headers],
        "block_hash": [h.hash for h in headers],
        "parent_hash": [h.parent_hash for h in headers],
    }
    return pa.table(columns, schema=BLOCKS.arrow)
