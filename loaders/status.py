"""What a warehouse holds: coverage, holes and age, from its ledger alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from loaders.load.duckdb_file import not_readable, require_warehouse
from loaders.plan.intervals import Intervals, subtract, union
from loaders.registry.seeds import Registry

_LEDGER = """
    select r.chain_id, r.family, r.role, r.event, r.contract_address, r.from_block, r.to_block, r.finality, r.log_count,
        r.loaded_at, r.max_timestamp, r._dlt_load_id as load_id
    from raw.load_ranges as r
    inner join raw._dlt_loads as l on r._dlt_load_id = l.load_id and l.status = 0
"""


@dataclass(frozen=True, slots=True)
class FamilyStatus:
    """Coverage of one family on one chain: the blocks that *every* filter of the family covers."""

    chain_id: int
    family: str
    final: Intervals
    tail: Intervals
    """Blocks above finality, which the next load reads again."""
    holes: Intervals
    """Blocks between the first and the last covered one that some filter lacks."""
    rows: int
    loaded_at: datetime
    last_block_at: datetime


def read_status(database: Path) -> list[FamilyStatus]:
    """Raises :class:`PoolhouseError` when there is no warehouse in the file."""
    require_warehouse(database)
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            cursor = connection.execute(_LEDGER)
            columns = [d[0] for d in cursor.description or ()]
            ranges = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    except duckdb.CatalogException:
        return []
    except duckdb.IOException as error:
        raise not_readable(database, error) from None
    families: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for row in ranges:
        families.setdefault((row["chain_id"], row["family"]), []).append(row)
    return [_family(chain_id, family, rows) for (chain_id, family), rows in sorted(families.items())]


def _family(chain_id: int, family: str, rows: list[dict[str, Any]]) -> FamilyStatus:
    filters: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        filters.setdefault((row["role"], row["event"], row["contract_address"]), []).append(row)
    finals = [_blocks(f, "final") for f in filters.values()]
    everything = [union([*_blocks(f, "final"), *_blocks(f, "tail")]) for f in filters.values()]
    span = union(i for blocks in everything for i in blocks)
    missing = union(i for blocks in everything for i in subtract(((span[0][0], span[-1][1]),), blocks))
    covered = subtract(((span[0][0], span[-1][1]),), missing)
    not_final = union(i for blocks in finals for i in subtract(covered, blocks))
    return FamilyStatus(
        chain_id,
        family,
        subtract(covered, not_final),
        not_final,
        missing,
        sum(row["log_count"] for f in filters.values() for row in _live(f)),
        max(row["loaded_at"] for row in rows),
        max(row["max_timestamp"] for row in rows),
    )


def _live(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Finals, and the ranges of the newest tail load (as an estimate of rows: finals inside it count twice)."""
    tails = [r for r in rows if r["finality"] == "tail"]
    newest = max((r["load_id"] for r in tails), default="")
    return [r for r in rows if r["finality"] == "final" or r["load_id"] == newest]


def _blocks(rows: list[dict[str, Any]], finality: str) -> Intervals:
    return union((r["from_block"], r["to_block"]) for r in rows if r["finality"] == finality)


def print_status(console: Console, database: Path, statuses: list[FamilyStatus], registry: Registry) -> None:
    if not statuses:
        console.print(f"{database} holds no completed load yet.")
        return
    table = Table(title=str(database), title_justify="left", box=None, pad_edge=False)
    for name in ("chain", "family", "final blocks", "tail", "holes"):
        table.add_column(name)
    for name in ("logs", "last block (UTC)", "last load (UTC)"):
        table.add_column(name, justify="right")
    for status in statuses:
        table.add_row(
            registry.chain_name(status.chain_id),
            status.family,
            _text(status.final),
            _text(status.tail),
            _text(status.holes),
            f"{status.rows:,}",
            f"{status.last_block_at:%Y-%m-%d %H:%M}",
            f"{status.loaded_at:%Y-%m-%d %H:%M}",
        )
    console.print(table)


def _text(intervals: Intervals) -> str:
    if not intervals:
        return "–"
    shown = [f"{a:,}–{b:,}" if a != b else f"{a:,}" for a, b in intervals[:3]]
    more = f" +{len(intervals) - 3} more" if len(intervals) > 3 else ""
    return ", ".join(shown) + more
