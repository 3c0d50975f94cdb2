"""The packages: whatever chains are ready share one, and the warehouse is open no longer than it takes to write it."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from loaders.errors import PoolhouseError
from loaders.follow.reader import ChainReader
from loaders.follow.round import Round
from loaders.load.archive import Archive
from loaders.load.package import PackageWriter, Work
from loaders.load.warehouse import Package, Rows, Warehouse
from loaders.logs import RawLogs
from loaders.plan.filters import Segment
from loaders.plan.intervals import Interval
from loaders.reporting.observer import Observer
from loaders.rpc.endpoint import Header
from loaders.source.base import Batch

_EVERYTHING = 1 << 62


class FollowWriter:
    """Serves readers with the warehouse open."""

    def __init__(self, readers: Sequence[ChainReader], archives: Mapping[int, Archive], observer: Observer) -> None:
        self._readers = readers
        self._archives = archives
        self._observer = observer
        self._newest_load: str | None = None

    def serve(self, warehouse: Warehouse, ready: Sequence[ChainReader]) -> int | None:
        """Write the rounds that are ready, prepare the chains that ask for it. Raises what the warehouse raises.

        Returns how many logs of tails it wrote, which the next round writes again; None when there was nothing to write.
        """
        if _newest_load(warehouse) != self._newest_load:
            # Somebody else loaded meanwhile: a tail planned without it could leave blocks out that it covers.
            for reader in self._readers:
                reader.needs_ledger = True
        for reader in ready:
            self._prepare(warehouse, reader)
        moved = [(reader, reader.round) for reader in ready if reader.round is not None]
        if moved:
            self._write(warehouse, moved)
        for reader, _ in moved:
            if reader.facts_are_due and reader.followed.is_caught_up:
                self._observer.stage(reader.followed.chain.name, "reading contract state")
                self._ask(reader, warehouse)
            self._observer.stage(
                reader.followed.chain.name, "at the head" if reader.followed.is_caught_up else "catching up"
            )
        self._newest_load = _newest_load(warehouse)
        return sum(done.tail_logs for _, done in moved) if moved else None

    def _prepare(self, warehouse: Warehouse, reader: ChainReader) -> None:
        if not (reader.needs_preparation or reader.needs_ledger):
            return
        reader.round = None
        try:
            if reader.needs_preparation:
                reader.followed.prepare(warehouse)
                reader.prepared()
            else:
                reader.followed.read_ledger(warehouse)
                reader.needs_ledger = False
        except PoolhouseError as error:
            reader.trouble = error

    def _ask(self, reader: ChainReader, warehouse: Warehouse) -> None:
        try:
            reader.followed.complete_facts(warehouse)
            reader.facts_are_due = False
        except PoolhouseError as error:
            reader.trouble = error

    def _write(self, warehouse: Warehouse, moved: Sequence[tuple[ChainReader, Round]]) -> None:
        parts = [self._part(reader, done) for reader, done in moved]
        package = warehouse.load(itertools.chain.from_iterable(items for _, _, items in parts))
        for (reader, done), (writer, rows, _) in zip(moved, parts, strict=True):
            reader.followed.written(done, package.load_id)
            reader.summary.packages.append(package.load_id)
            for table, count in rows.items():
                reader.summary.rows[table] = reader.summary.rows.get(table, 0) + count
            own = Package(package.load_id, dict(rows))
            self._observer.committed(reader.followed.chain.name, own, writer.loaded_block)

    def _part(self, reader: ChainReader, done: Round) -> tuple[PackageWriter, Counter[str], Iterator[Rows]]:
        chain, summary, version = reader.followed.chain, reader.summary, reader.followed.registry.events.version
        self._observer.connected(chain.name, done)
        self._observer.planned(chain.name, done.segments)

        def on_batch(segment: Segment, batch: Batch) -> None:
            summary.logs += len(batch.logs)
            summary.blocks_read += batch.to_block - batch.from_block + 1
            self._observer.batch(chain.name, segment, batch)

        if done.segments:
            summary.to_block = max(summary.to_block, done.head_block)
            first = min(s.from_block for s in done.segments)
            summary.from_block = first if summary.from_block < 0 else min(first, summary.from_block)
        writer = PackageWriter(done, chain.chain_id, version, self._archives.get(chain.chain_id), done.rechecked)
        work = Work(list(done.segments), done, on_batch)
        rows: Counter[str] = Counter()
        return writer, rows, _counted(itertools.chain(done.rows, writer.items(work, _EVERYTHING)), rows)


class ArchiveOfFinals(Archive):
    """Keeps the logs of final blocks alone: a tail is read again in every round, and what becomes final comes once more."""

    def add(self, segment: Segment, from_block: int, logs: RawLogs) -> None:
        if segment.finality == "final":
            super().add(segment, from_block, logs)

    def finish(
        self, segment: Segment, blocks: Interval, ends: Sequence[Header], genesis_hash: str | None, tag: str
    ) -> None:
        if segment.finality == "final":
            super().finish(segment, blocks, ends, genesis_hash, tag)


def _counted(items: Iterable[Rows], rows: Counter[str]) -> Iterator[Rows]:
    for table, part in items:
        rows[table] += len(part)
        yield table, part


def _newest_load(warehouse: Warehouse) -> str | None:
    found = warehouse.query("select max(load_id) as load_id from {_dlt_loads} where status = 0")
    return found[0]["load_id"] if found else None
