"""A set of log files: what each holds, what it claims to be complete for, and its rows in order of blocks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from loaders.errors import PoolhouseError
from loaders.plan.filters import LogQuery
from loaders.plan.intervals import Interval
from loaders.rpc.endpoint import Header
from loaders.source.files.columns import Unfit, integers
from loaders.source.files.layout import EXPECTED, Layout, Rows, recognise
from loaders.source.files.opening import Format, StoredFile, local, readable
from loaders.source.files.staging import sort_into

_ROWS_AT_A_TIME = 1 << 14
_RANGE_IN_NAME = re.compile(r"__(\d+)_to_(\d+)\b|start_block=(\d+)/end_block=(\d+)|\blogs_(\d{8,})_(\d{8,})\.")
"""As cryo, ethereum-etl's partitions and its file names have it; both ends included."""
_DATE_IN_PATH = re.compile(r"\bdate=(\d{4}-\d\d-\d\d)/")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a file says of itself."""

    blocks: Interval | None = None
    """Blocks it is complete for; None where it does not say."""
    day: date | None = None
    """UTC day it is part of."""
    queries: tuple[LogQuery, ...] | None = None
    """What it answers, for files of our archive; None: every log, as far as anyone says."""
    emitters: tuple[tuple[str, str, str], ...] = ()
    """Family, role and address of the contracts that were asked for, for files of our archive."""
    ends: tuple[Header, ...] = ()
    """Headers of its first and last block, where it names them."""
    chain_id: int | None = None
    genesis_hash: str = ""
    """Of the chain that our archive read, where its source knew it."""
    is_final: bool = True


@dataclass(frozen=True, slots=True)
class RowGroup:
    number: int
    first_block: int
    last_block: int


@dataclass(frozen=True, slots=True)
class LogFile:
    """A Parquet file of raw logs whose columns were recognised."""

    stored: StoredFile
    layout: Layout
    claim: Claim
    groups: tuple[RowGroup, ...]
    """None of them is empty."""

    def has_logs_of(self, low: int, high: int) -> bool:
        """Whether any of its logs may be of blocks [low, high]."""
        return bool(self._groups(low, high))

    def _groups(self, low: int, high: int) -> list[int]:
        return [g.number for g in self.groups if g.first_block <= high and g.last_block >= low]

    def rows(self, low: int, high: int, topics: list[bytes] | None, chain_id: int) -> Iterator[Rows]:
        """Its logs of blocks [low, high], piece by piece in the file's order."""
        numbers = self._groups(low, high)
        if not numbers:
            return
        with _parquet(self.stored) as file:
            # One thread: decompressing on several costs more time in total, and the others have work.
            for batch in file.iter_batches(
                _ROWS_AT_A_TIME, row_groups=numbers, columns=self.layout.columns, use_threads=False
            ):
                try:
                    yield self.layout.read(batch, low, high, topics, chain_id)
                except Unfit as error:
                    raise PoolhouseError(
                        f"{self.stored.shown} does not hold what its columns are named for: {error}.",
                        "Export the file again, or leave it out.",
                    ) from None

    def is_in_order(self, low: int, high: int) -> bool:
        """Whether its blocks within [low, high] never decrease from row to row."""
        numbers = self._groups(low, high)
        last = -1
        with _parquet(self.stored) as file:
            for batch in file.iter_batches(1 << 20, row_groups=numbers, columns=["block_number"]):
                block = integers(batch["block_number"])
                if len(block) and (block[0] < last or (np.diff(block) < 0).any()):
                    return False
                last = int(block[-1]) if len(block) else last
        return True


def open_logs(files: Sequence[StoredFile], folder: Path) -> list[LogFile]:
    """Look at every file; text is turned into Parquet in ``folder``. Raises :class:`PoolhouseError` for what are no logs."""
    found: list[LogFile] = []
    text: dict[tuple[Format, bool, Layout, Claim], list[StoredFile]] = {}
    lists: set[str] = set()
    for file in files:
        kind, packed = file.format()
        if kind == "parquet":
            found.append(open_parquet(file))
            continue
        names = file.names(kind, packed=packed)
        lists |= {name for name, value in names.items() if isinstance(value, list)}
        text.setdefault((kind, packed, _layout(file, names), _claim(file, {})), []).append(file)
    for (kind, packed, layout, claim), same in text.items():
        target = folder / f"{len(list(folder.iterdir())):04d}.parquet"
        named = sorted(lists & set(layout.columns))
        sort_into(target, same, kind, packed=packed, columns=layout.columns, lists=named)
        found.append(open_parquet(local(target), claim))
    return found


def sorted_copy(files: Sequence[LogFile], folder: Path) -> list[LogFile]:
    """The same logs in order of blocks, whatever order they are in."""
    copies = []
    for layout in dict.fromkeys(f.layout for f in files):
        target = folder / f"{len(list(folder.iterdir())):04d}.parquet"
        same = [f.stored for f in files if f.layout == layout]
        sort_into(target, same, "parquet", packed=False, columns=layout.columns, lists=())
        copies.append(open_parquet(local(target)))
    return copies


def open_parquet(file: StoredFile, claim: Claim | None = None) -> LogFile:
    """``claim`` replaces what the file says itself (a copy does not say it)."""
    with _parquet(file) as parquet:
        schema = parquet.schema_arrow
        layout = _layout(file, schema.names)
        if not pa.types.is_integer(schema.field("block_number").type):
            raise PoolhouseError(f"{file.shown} has block numbers that are no integers.", "Export it again.")
        groups = [_bounds(parquet, i) for i in range(parquet.num_row_groups) if parquet.metadata.row_group(i).num_rows]
        found = claim or _claim(file, parquet.metadata.metadata or {})
    if found.blocks and any(g.first_block < found.blocks[0] or g.last_block > found.blocks[1] for g in groups):
        raise PoolhouseError(
            f"{file.shown} says it holds blocks {found.blocks[0]} to {found.blocks[1]}, but has logs of others.",
            "Give it the name of what it holds, or export it again.",
        )
    return LogFile(file, layout, found, tuple(groups))


@contextmanager
def _parquet(file: StoredFile) -> Iterator[pq.ParquetFile]:
    with file.open() as stream, readable(file.shown):
        yield pq.ParquetFile(stream)


def _bounds(parquet: pq.ParquetFile, number: int) -> RowGroup:
    group = parquet.metadata.row_group(number)
    column = next(i for i in range(group.num_columns) if group.column(i).path_in_schema == "block_number")
    statistics = group.column(column).statistics
    if statistics is not None and statistics.has_min_max:
        return RowGroup(number, int(statistics.min), int(statistics.max))
    blocks = integers(parquet.read_row_group(number, columns=["block_number"])["block_number"].combine_chunks())
    return RowGroup(number, int(blocks.min()), int(blocks.max()))


def _layout(file: StoredFile, names: Iterable[str]) -> Layout:
    layout = recognise(names)
    if layout is None:
        raise PoolhouseError(
            f"{file.shown} is not of a known layout of raw logs: its columns are {', '.join(sorted(names))[:400]}.",
            f"Expected are {EXPECTED}: docs/files.md.",
        )
    return layout


def _claim(file: StoredFile, metadata: dict[bytes, bytes]) -> Claim:
    if b"queries" in metadata and b"from_block" in metadata:
        queries = tuple(
            LogQuery(tuple(q["topic0"]), tuple(q["address"])) for q in json.loads(metadata[b"queries"].decode())
        )
        ends = tuple(Header(**end) for end in json.loads(metadata.get(b"ends", b"[]").decode()))
        blocks = int(metadata[b"from_block"]), int(metadata[b"to_block"])
        emitters = tuple((f, r, a) for f, r, a in json.loads(metadata.get(b"emitters", b"[]").decode()))
        chain_id = int(metadata[b"chain_id"])
        genesis_hash = metadata.get(b"genesis_hash", b"").decode()
        is_final = metadata.get(b"finality") == b"final"
        return Claim(blocks, None, queries, emitters, ends, chain_id, genesis_hash, is_final)
    path = file.path
    if match := _RANGE_IN_NAME.search(path):
        low, high = (int(group) for group in match.groups() if group is not None)
        return Claim((low, high))
    if match := _DATE_IN_PATH.search(path):
        return Claim(day=date.fromisoformat(match[1]))
    return Claim()
