"""Raw logs by JSON-RPC: ranges sized by density, fetched ahead by a few threads, delivered verified and in block order."""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from loaders.errors import PoolhouseError
from loaders.plan.density import DensityMap
from loaders.plan.filters import LogQuery, Segment
from loaders.plan.ranges import FIRST_WIDTH, TARGET_LOGS, RangeController
from loaders.registry.chains import Chain
from loaders.rpc.node import Node, SizeRefused
from loaders.source.ask import Part, RangeReader
from loaders.source.base import Batch
from loaders.source.clock import NO_GUARANTEE, BlockGap
from loaders.source.transactions import TransactionReader

_LATENCY_S = 0.05
_MEMORY_BYTES = 128 * 2**20
_LOG_BYTES = 2_000
"""Memory of a log until it is delivered: its JSON and its columns."""


@dataclass
class _Knowledge:
    """What earlier answers to the same queries say about the next."""

    controller: RangeController
    densities: tuple[DensityMap, ...]
    """One per query: that one of them is empty does not show in their sum."""


@dataclass
class _Reading:
    """A segment under way. Ranges are pairs of first and last block."""

    todo: list[tuple[int, int]]
    """Heap of ranges not yet asked for."""
    running: dict[Future[list[Part]], tuple[int, int]] = field(default_factory=dict)
    ready: dict[int, list[Part]] = field(default_factory=dict)
    """Answers that wait for earlier ones, by their first block."""
    failures: dict[int, PoolhouseError] = field(default_factory=dict)

    @property
    def failed_from(self) -> int | None:
        return min(self.failures, default=None)

    def put_back(self, low: int, middle: int, high: int) -> None:
        """A refused range, to be asked for up to ``middle`` first. The rest joins what follows, unless that is under way."""
        heapq.heappush(self.todo, (low, middle))
        following = next((r for r in self.todo if r[0] == high + 1), None)
        if following is not None:
            self.todo.remove(following)
            heapq.heapify(self.todo)
        heapq.heappush(self.todo, (middle + 1, following[1] if following else high))


class RpcSource:
    """Yields the batches of a segment. Up to ``threads`` requests are under way, within ``memory_bytes`` of answers."""

    def __init__(
        self,
        node: Node,
        *,
        chain: Chain | None = None,
        gap: BlockGap = NO_GUARANTEE,
        threads: int = 4,
        transactions: TransactionReader | None = None,
        target_logs: int = TARGET_LOGS,
        first_width: int = FIRST_WIDTH,
        retry_wait_s: float = 0.1,
        memory_bytes: int = _MEMORY_BYTES,
    ) -> None:
        self.node = node
        self._threads = threads
        self._reader = RangeReader(node, chain, gap, transactions, retry_wait_s=retry_wait_s)
        self._target_logs = target_logs
        self._first_width = first_width
        self._memory_bytes = memory_bytes
        self._knowledge: dict[tuple[LogQuery, ...], _Knowledge] = {}

    def batches(self, segment: Segment) -> Iterator[Batch]:
        """Batches that together cover the segment, in block order. Raises :class:`PoolhouseError` rather than skip."""
        known = self._known(segment.queries)
        reading = _Reading([(segment.from_block, segment.to_block)])
        at = segment.from_block
        ahead = 1
        with ThreadPoolExecutor(self._threads, thread_name_prefix="fetch") as pool:
            try:
                while at <= segment.to_block:
                    self._submit(pool, segment, reading, known, at, ahead)
                    if at in reading.failures:
                        raise reading.failures[at]
                    if at not in reading.ready:
                        asked = time.monotonic()
                        done, _ = wait(reading.running, return_when=FIRST_COMPLETED)
                        ahead = self._next_ahead(ahead, time.monotonic() - asked)
                        for future in sorted(done, key=lambda f: reading.running[f]):
                            self._take(future, reading, known)
                        continue
                    for part in reading.ready.pop(at):
                        at = part.batch.to_block + 1
                        yield part.batch
            finally:
                for future in reading.running:
                    future.cancel()

    def _known(self, queries: tuple[LogQuery, ...]) -> _Knowledge:
        if queries not in self._knowledge:
            controller = RangeController(self.node.caps, target_logs=self._target_logs, first_width=self._first_width)
            self._knowledge[queries] = _Knowledge(controller, tuple(DensityMap() for _ in queries))
        return self._knowledge[queries]

    def _next_ahead(self, ahead: int, waited_s: float) -> int:
        """More at a time only as long as the network is what we wait for; else threads just share a processor."""
        if waited_s > _LATENCY_S:
            return min(ahead + 1, self._threads)
        return ahead - 1 if ahead > 2 else min(2, self._threads)

    def _submit(
        self,
        pool: ThreadPoolExecutor,
        segment: Segment,
        reading: _Reading,
        known: _Knowledge,
        at: int,
        ahead: int,
    ) -> None:
        """Ask for the next ranges: always for the one that is to be delivered next, for others as memory allows."""
        while reading.todo and (len(reading.running) < ahead or reading.todo[0][0] == at):
            low, end = reading.todo[0]
            failed_from = reading.failed_from
            if failed_from is not None and low > failed_from:
                return
            if low != at and self._held_bytes(reading, known) > self._memory_bytes:
                return
            heapq.heappop(reading.todo)
            high = low + known.controller.width(low, end - low + 1) - 1
            if high < end:
                heapq.heappush(reading.todo, (high + 1, end))
            expected = tuple(d.expected(low, high) for d in known.densities)
            future = pool.submit(self._reader.read, segment.queries, low, high, expected)
            reading.running[future] = (low, high)

    def _take(self, future: Future[list[Part]], reading: _Reading, known: _Knowledge) -> None:
        low, high = reading.running.pop(future)
        try:
            parts = future.result()
        except PoolhouseError as error:
            if isinstance(error, SizeRefused) and low < high:
                caps = error.upstream.caps if error.upstream else None
                reading.put_back(low, known.controller.refused(low, high, error.verdict, caps), high)
            else:
                reading.failures[low] = error
            return
        for part in parts:
            first, last = part.batch.from_block, part.batch.to_block
            known.controller.accepted(first, last, part.batch.logs.block_number, part.received_bytes)
            for density, blocks in zip(known.densities, part.blocks, strict=True):
                density.observe(first, last, blocks)
        reading.ready[low] = parts

    def _held_bytes(self, reading: _Reading, known: _Knowledge) -> float:
        held = sum(len(part.batch.logs) for parts in reading.ready.values() for part in parts)
        expected = sum(known.controller.expected_logs(low, high) for low, high in reading.running.values())
        return _LOG_BYTES * (held + expected)
