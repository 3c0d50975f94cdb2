"""What a warehouse holds: coverage, holes, age and the last runs, from its ledger and, if asked, a look at the node."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from loaders.load.duckdb_file import not_readable, require_warehouse
from loaders.plan.filters import Finality
from loaders.plan.intervals import Intervals, subtract, union

Row = dict[str, Any]
Query = Callable[[str], list[Row]]
"""Rows of a query in which ``{table}`` stands for a raw table; none if the table is absent."""

_LEDGER = """
    select r.chain_id, r.family, r.role, r.event, r.contract_address, r.from_block, r.to_block, r.finality, r.log_count,
        cast(r.decoder_version as int64) as decoder_version, r.loaded_at, r.max_timestamp, r._dlt_load_id as load_id
    from {load_ranges} as r
    inner join {_dlt_loads} as l on r._dlt_load_id = l.load_id and l.status = 0
"""
_RUNS = """
    select r.* from {runs} as r
    inner join {_dlt_loads} as l on r._dlt_load_id = l.load_id and l.status = 0
    order by r.ended_at
"""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Blocks that are loaded of one stream, or of every stream of a family."""

    final: Intervals
    tail: Intervals
    """Blocks above finality, which the next load reads again."""
    holes: Intervals
    """Blocks between the first and the last covered one that are lacking."""

    @property
    def covered(self) -> Intervals:
        return union((*self.final, *self.tail))

    @property
    def last_block(self) -> int:
        """-1 where nothing is covered."""
        return self.covered[-1][1] if self.covered else -1

    def blocks_behind(self, block: int) -> int:
        """How many blocks up to that one are still to come after the last covered one."""
        return max(0, block - self.last_block)


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """One filter of the ledger: an event of any emitter (``*``) or of one contract."""

    role: str
    event: str
    contract_address: str
    coverage: Coverage
    rows: int


@dataclass(frozen=True, slots=True)
class FamilyStatus:
    """Coverage of one family on one chain: the blocks that *every* stream of the family covers."""

    chain_id: int
    family: str
    coverage: Coverage
    rows: int
    loaded_at: datetime
    last_block_at: datetime | None
    """None where what was loaded has no timestamps of its ends (logs from files)."""
    streams: tuple[StreamStatus, ...]


@dataclass(frozen=True, slots=True)
class WarehouseStatus:
    families: tuple[FamilyStatus, ...]
    last_runs: tuple[Row, ...]
    """The newest row of ``runs`` per chain and command."""
    last_successes: Mapping[tuple[int, str], datetime]
    """By chain and command."""


@contextmanager
def read_only(database: Path) -> Iterator[Query]:
    """Queries on the DuckDB file. Raises :class:`PoolhouseError` when there is no warehouse in it, or another holds it."""
    require_warehouse(database)
    try:
        connection = duckdb.connect(str(database), read_only=True)
    except duckdb.Error as error:
        raise not_readable(database, error) from None

    def query(sql: str) -> list[Row]:
        try:
            cursor = connection.execute(sql.format_map(_RawTables()))
        except duckdb.CatalogException:
            return []
        columns = [d[0] for d in cursor.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]

    with connection:
        connection.execute("set TimeZone = 'UTC'")
        yield query


class _RawTables(dict[str, str]):
    def __missing__(self, table: str) -> str:
        return f"raw.{table}"


def read_status(query: Query) -> WarehouseStatus:
    families: dict[tuple[int, str], list[Row]] = {}
    for row in query(_LEDGER):
        families.setdefault((row["chain_id"], row["family"]), []).append(row)
    runs = query(_RUNS)
    return WarehouseStatus(
        tuple(_family(chain_id, family, rows) for (chain_id, family), rows in sorted(families.items())),
        tuple({(run["chain_id"], run["command"]): run for run in runs}.values()),
        {(run["chain_id"], run["command"]): run["ended_at"] for run in runs if run["outcome"] == "succeeded"},
    )


def _family(chain_id: int, family: str, rows: list[Row]) -> FamilyStatus:
    by_stream: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        by_stream.setdefault((row["role"], row["event"], row["contract_address"]), []).append(row)
    streams = tuple(
        StreamStatus(*key, _coverage([ranges]), _live_logs(ranges)) for key, ranges in sorted(by_stream.items())
    )
    return FamilyStatus(
        chain_id,
        family,
        _coverage(by_stream.values()),
        sum(stream.rows for stream in streams),
        max(row["loaded_at"] for row in rows),
        max((row["max_timestamp"] for row in rows if row["max_timestamp"] is not None), default=None),
        streams,
    )


def _coverage(streams: Iterable[Sequence[Row]]) -> Coverage:
    """Blocks that every one of the streams covers."""
    streams = list(streams)
    finals = [_blocks(rows, "final") for rows in streams]
    everything = [union([*_blocks(rows, "final"), *_blocks(rows, "tail")]) for rows in streams]
    span = union(i for blocks in everything for i in blocks)
    whole = ((span[0][0], span[-1][1]),)
    missing = union(i for blocks in everything for i in subtract(whole, blocks))
    covered = subtract(whole, missing)
    not_final = union(i for blocks in finals for i in subtract(covered, blocks))
    return Coverage(subtract(covered, not_final), not_final, missing)


def _live_logs(rows: Sequence[Row]) -> int:
    """Finals that no newer decoder wrote again, and the ranges of the newest tail load.

    An estimate of rows: finals inside that tail count twice, and so does what was written again in part.
    """
    newest = max((r["load_id"] for r in rows if r["finality"] == "tail"), default="")
    finals = [r for r in rows if r["finality"] == "final"]
    written = {
        version: union((r["from_block"], r["to_block"]) for r in finals if r["decoder_version"] > version)
        for version in {r["decoder_version"] for r in finals}
    }
    live = [r for r in finals if subtract(((r["from_block"], r["to_block"]),), written[r["decoder_version"]])]
    tails = [r for r in rows if r["finality"] == "tail" and r["load_id"] == newest]
    return sum(r["log_count"] for r in (*live, *tails))


def _blocks(rows: Sequence[Row], finality: Finality) -> Intervals:
    return union((r["from_block"], r["to_block"]) for r in rows if r["finality"] == finality)
