"""One package: pull batches, decode and archive them, hand rows to the warehouse, end with the ledger rows.

Rows stream: only what the warehouse's buffers need is in memory, whatever the size of the package.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from loaders.decode.decoder import Decoder
from loaders.errors import PoolhouseError
from loaders.load.archive import Archive
from loaders.load.ledger import CoveredRange, ledger_rows
from loaders.load.warehouse import Rows
from loaders.plan.filters import Segment
from loaders.registry.events import EventSpec
from loaders.registry.tables import BLOCKS, LOAD_RANGES, TRANSACTIONS
from loaders.rpc.endpoint import Header
from loaders.shutdown import Stopped
from loaders.source.base import Batch, ChainView, LogSource
from loaders.source.clock import block_rows

_ROWS_PER_ITEM = 122_880
"""Rows of a table that go to dlt at once: fewer cost time per item, more cost memory."""


@dataclass
class Work:
    """The segments of a load, read front to back over as many packages as it takes."""

    segments: list[Segment]
    source: LogSource
    on_batch: Callable[[Segment, Batch], None]
    stop: threading.Event = field(default_factory=threading.Event)
    """Once set, nothing further is read."""
    failure: PoolhouseError | None = None
    """What stopped the reading; set so that everything read before it is still loaded."""
    _reader: Iterator[tuple[Segment, Batch]] | None = None
    _next: tuple[Segment, Batch] | None = None

    def __post_init__(self) -> None:
        self._reader = self._read()
        self._next = next(self._reader, None)

    @property
    def is_done(self) -> bool:
        return self._next is None

    def goes_on_in(self, segment: Segment) -> bool:
        """Whether what comes next counts only together with the segment."""
        return self._next is not None and segment.is_indivisible and self._next[0].is_indivisible

    def take(self) -> tuple[Segment, Batch]:
        """The next batch; :attr:`is_done` says whether there is another."""
        if self._next is None or self._reader is None:
            raise StopIteration
        current = self._next
        self._next = next(self._reader, None)
        self.on_batch(*current)
        return current

    def _read(self) -> Iterator[tuple[Segment, Batch]]:
        try:
            for segment in self.segments:
                self._raise_if_stopped()
                for batch in self.source.batches(segment):
                    yield segment, batch
                    self._raise_if_stopped()
        except PoolhouseError as error:
            self.failure = error

    def _raise_if_stopped(self) -> None:
        if self.stop.is_set():
            raise Stopped


@dataclass
class _Open:
    """The contiguous range under way in a package."""

    segment: Segment
    decoder: Decoder
    from_block: int
    to_block: int
    last: Header | None
    first_timestamp: int | None = None
    """Of the first log."""
    counts: Counter[tuple[EventSpec, str]] = field(default_factory=Counter)
    namesakes: Counter[tuple[EventSpec, str]] = field(default_factory=Counter)
    hosts: set[str] = field(default_factory=set)


class ChainMoved(PoolhouseError):
    """Blocks above finality were replaced while they were read."""


def _moved(number: int) -> ChainMoved:
    return ChainMoved(f"Block {number} was replaced while it was read.", "Load again: the chain reorganised.")


class PackageWriter:
    """Turns work into the items of one package."""

    def __init__(
        self,
        view: ChainView,
        chain_id: int,
        registry_version: str,
        archive: Archive | None,
        headers: Iterable[Header] = (),
    ) -> None:
        self._view = view
        self._chain_id = chain_id
        self._registry_version = registry_version
        self._archive = archive
        self._tag = f"{time.time_ns() // 1_000_000:x}"
        self._waiting: dict[str, list[pa.Table]] = {}
        self._headers: dict[int, Header] = {}
        for header in headers:
            self._see(header)
        self._tail_ends: dict[int, str] = {}
        self._covered: list[CoveredRange] = []

    def items(self, work: Work, limit: int) -> Iterator[Rows]:
        """Rows of at least ``limit`` logs (or all there are), then headers and ledger. Covers whole batches only.

        Indivisible segments are in one package, or, where reading them failed, in none.
        """
        under_way: _Open | None = None
        logs = 0
        try:
            while not work.is_done and (logs < limit or (under_way and work.goes_on_in(under_way.segment))):
                segment, batch = work.take()
                if under_way is not None and under_way.segment is not segment:
                    self._close(under_way)
                    under_way = None
                if under_way is None:
                    decoder = Decoder(self._chain_id, segment.wanted)
                    under_way = _Open(segment, decoder, batch.from_block, batch.to_block, batch.end)
                logs += len(batch.logs)
                yield from self._add(under_way, batch)
            if under_way is not None and under_way.segment.is_indivisible and work.failure is not None:
                self._withdraw()
            elif under_way is not None:
                self._close(under_way)
            self._check_tail()
        except BaseException:
            if self._archive:
                self._archive.abandon()
            raise
        for table in list(self._waiting):
            yield from self._flush(table, everything=True)
        yield BLOCKS.name, self._block_rows()
        yield LOAD_RANGES.name, ledger_rows(self._covered, self._view, self._chain_id, self._registry_version)

    def _add(self, under_way: _Open, batch: Batch) -> Iterator[Rows]:
        if self._archive:
            self._archive.add(under_way.segment, under_way.from_block, batch.logs)
        if under_way.first_timestamp is None and len(batch.logs):
            under_way.first_timestamp = int(batch.logs.timestamp[0])
        decoded = under_way.decoder.decode(batch.logs)
        under_way.counts.update(decoded.counts)
        under_way.namesakes.update(decoded.namesakes)
        under_way.hosts.add(batch.host or self._view.host)
        under_way.to_block, under_way.last = batch.to_block, batch.end
        for header in (*batch.headers, *([batch.end] if batch.end else ())):
            self._see(header)
        if under_way.segment.finality == "tail" and batch.end:
            self._tail_ends[batch.end.number] = batch.end.hash
        for table, parts in decoded.tables.items():
            self._waiting.setdefault(table, []).extend(parts)
        if batch.transactions is not None:
            self._waiting.setdefault(TRANSACTIONS.name, []).append(batch.transactions)
        for table in list(self._waiting):
            yield from self._flush(table)

    def _flush(self, table: str, *, everything: bool = False) -> Iterator[Rows]:
        parts = self._waiting[table]
        if everything or sum(map(len, parts)) >= _ROWS_PER_ITEM:
            del self._waiting[table]
            yield table, pa.concat_tables(parts)

    def _close(self, under_way: _Open) -> None:
        first = self._headers.get(under_way.from_block)
        if first is None:
            first = next(iter(self._view.headers([under_way.from_block])), None)
        if first is not None:
            self._see(first)
        blocks = under_way.from_block, under_way.to_block
        hosts = ", ".join(sorted(under_way.hosts))
        counts = under_way.counts, under_way.namesakes
        self._covered.append(
            CoveredRange(under_way.segment, *blocks, first, under_way.last, *counts, hosts, under_way.first_timestamp)
        )
        if self._archive:
            ends = [header for header in (first, under_way.last) if header is not None]
            self._archive.finish(under_way.segment, blocks, ends, self._view.genesis_hash, self._tag)

    @property
    def loaded_block(self) -> int:
        """Highest block of the package's ledger rows, -1 when there are none."""
        return max((covered.to_block for covered in self._covered), default=-1)

    def _withdraw(self) -> None:
        """Leave the indivisible segments out of the ledger: the tail that they were to replace stands."""
        while self._covered and self._covered[-1].segment.is_indivisible:
            self._covered.pop()
        self._tail_ends = {}
        if self._archive:
            self._archive.abandon()

    def _check_tail(self) -> None:
        """A block's hash fixes all blocks below it: if no range end changed, all ranges are of one chain."""
        numbers = sorted(self._tail_ends)
        for header in self._view.headers(numbers):
            if header.hash != self._tail_ends[header.number]:
                raise _moved(header.number)

    def _see(self, header: Header) -> None:
        """A package has one header of a number: what was read of contracts at another would not be known as replaced."""
        known = self._headers.setdefault(header.number, header)
        if known.hash != header.hash:
            raise _moved(header.number)
        if not known.parent_hash:
            self._headers[header.number] = header

    def _block_rows(self) -> pa.Table:
        # A header without its parent's hash is what logs say of their block: enough for the ledger, no row of its own.
        whole = [self._headers[n] for n in sorted(self._headers) if self._headers[n].parent_hash]
        return block_rows(self._chain_id, whole)
