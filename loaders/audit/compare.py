"""Rows of the warehouse against the rows that the logs read again decode to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that disagrees."""

    kind: str
    """``lost row``, ``row too many``, ``repeated row``, ``value``, ``block hash``, ``count``, ``proof`` or ``answer``."""
    block_number: int
    detail: str
    table: str | None = None
    log_index: int | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def rows_of(parts: Sequence[pa.Table]) -> list[Row]:
    return [row for part in parts for row in part.to_pylist()]


def compare_rows(table: str, columns: Sequence[str], expected: Sequence[Row], actual: Sequence[Row]) -> list[Finding]:
    """Every difference between what must be in the table and what is, per log and column."""
    found: list[Finding] = []
    by_log: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for row in actual:
        by_log[_key(row)].append(row)
    for row in expected:
        block_number, log_index = _key(row)
        stored = by_log.pop((block_number, log_index), [])

        def finding(kind: str, detail: str, block: int = block_number, log: int = log_index) -> Finding:
            return Finding(kind, block, detail, table, log)

        if not stored:
            found.append(finding("lost row", f"the log of transaction {row['tx_hash']} has no row"))
            continue
        if len(stored) > 1:
            found.append(finding("repeated row", f"{len(stored)} rows for one log"))
        for name in columns:
            if any(other[name] != row[name] for other in stored):
                values = ", ".join(sorted({str(other[name]) for other in stored if other[name] != row[name]}))
                found.append(finding("value", f"{name} is {values}, the chain has {row[name]}"))
    for (block_number, log_index), rows in sorted(by_log.items()):
        detail = f"{len(rows)} row(s) of transaction {rows[0]['tx_hash']} for which the chain has no such log"
        found.append(Finding("row too many", block_number, detail, table, log_index))
    return found


def _key(row: Row) -> tuple[int, int]:
    return int(row["block_number"]), int(row["log_index"])
