"""Compare the rows of two engines, and say where they differ."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.warehouse.googlesql.values import decode

FLOAT_BOUND = 1e-12
"""Relative difference of two floats that count as equal: sums of floats depend on their order, and so does each engine's
last digit of powers and logarithms. All other values must be equal."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One cell, or (``column`` empty) one row that only one engine has."""

    key: str
    """What tells the row from others: its key columns and their values."""
    column: str
    duckdb: str
    bigquery: str

    def __str__(self) -> str:
        where = f"column {self.column}" if self.column else "row"
        return f"{where} of {self.key}: DuckDB {self.duckdb}, BigQuery {self.bigquery}"


def compare(
    columns: Sequence[str], key: Sequence[str], duckdb: Iterable[Any], bigquery: Iterable[Any]
) -> list[Difference]:
    """Differences of two multisets of rows (GoogleSQL's messages), none if they are equal."""
    local, remote = _by_content(duckdb), _by_content(bigquery)
    common = local & remote
    local, remote = local - common, remote - common
    if not local and not remote:
        return []
    return _Comparison(columns, key).differences(_rows(duckdb, local), _rows(bigquery, remote))


def _by_content(rows: Iterable[Any]) -> Counter[bytes]:
    return Counter(row.SerializeToString(deterministic=True) for row in rows)


def _rows(rows: Iterable[Any], wanted: Counter[bytes]) -> list[Any]:
    found = {content: row for row in rows if (content := row.SerializeToString(deterministic=True)) in wanted}
    return [found[content] for content in wanted.elements()]


class _Comparison:
    """Rows that are not equal to the last bit: first those that differ within the bound are paired off, then the rest by key."""

    def __init__(self, columns: Sequence[str], key: Sequence[str]) -> None:
        self._columns = columns
        self._key = [columns.index(name) for name in key if name in columns] or list(range(len(columns)))

    def differences(self, local: list[Any], remote: list[Any]) -> list[Difference]:
        local, remote = self._without_equals(local, remote)
        found: list[Difference] = []
        waiting: dict[bytes, list[Any]] = defaultdict(list)
        for row in remote:
            waiting[self._identity(row)].append(row)
        for row in local:
            candidates = waiting[self._identity(row)]
            if candidates:
                nearest = min(candidates, key=lambda other: len(self._unequal(row, other)))
                candidates.remove(nearest)
                found += [
                    Difference(self._name(row), self._columns[i], *_texts(row.cell[i], nearest.cell[i]))
                    for i in self._unequal(row, nearest)
                ]
            else:
                found.append(Difference(self._name(row), "", "has it", "lacks it"))
        for candidates in waiting.values():
            found += [Difference(self._name(row), "", "lacks it", "has it") for row in candidates]
        return found

    def _without_equals(self, local: list[Any], remote: list[Any]) -> tuple[list[Any], list[Any]]:
        """What remains when each row of one engine has taken one of the other that is equal but for floats within the bound."""
        waiting: dict[bytes, list[Any]] = defaultdict(list)
        for row in remote:
            waiting[_without_floats(row)].append(row)
        rest = []
        for row in local:
            candidates = waiting[_without_floats(row)]
            equal = next((other for other in candidates if not self._unequal(row, other)), None)
            if equal is None:
                rest.append(row)
            else:
                candidates.remove(equal)
        return rest, [row for candidates in waiting.values() for row in candidates]

    def _unequal(self, row: Any, other: Any) -> list[int]:
        pairs = zip(row.cell, other.cell, strict=True)
        return [position for position, (one, two) in enumerate(pairs) if not _is_equal(one, two)]

    def _identity(self, row: Any) -> bytes:
        return b"|".join(row.cell[i].SerializeToString(deterministic=True) for i in self._key)

    def _name(self, row: Any) -> str:
        return ", ".join(f"{self._columns[i]}={_text(row.cell[i])}" for i in self._key)


def _is_equal(one: Any, two: Any) -> bool:
    if one == two:
        return True
    if one.WhichOneof("value") != "double_value" or two.WhichOneof("value") != "double_value":
        return False
    return math.isclose(one.double_value, two.double_value, rel_tol=FLOAT_BOUND, abs_tol=0)


def _without_floats(row: Any) -> bytes:
    kept = (cell for cell in row.cell if cell.WhichOneof("value") != "double_value")
    return b"|".join(cell.SerializeToString(deterministic=True) for cell in kept)


def _texts(one: Any, two: Any) -> tuple[str, str]:
    """Both values; with their types, where those are what differs."""
    types = [(cell.WhichOneof("value") or "").removesuffix("_value").upper() for cell in (one, two)]
    if all(types) and types[0] != types[1]:
        return f"{_text(one)} ({types[0]})", f"{_text(two)} ({types[1]})"
    return _text(one), _text(two)


def _text(cell: Any) -> str:
    value = decode(cell)
    if isinstance(value, str):
        return repr(value)
    return "NULL" if value is None else format(value, "f") if isinstance(value, Decimal) else str(value)
