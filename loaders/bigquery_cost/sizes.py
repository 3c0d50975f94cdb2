"""How large the tables are: rows by chain and history, bytes by column. Assumptions stand in `assumptions/*.csv`.

Everything grows linearly: a table has rows from the start and more with each day. Widths are those that BigQuery bills
(2 bytes and the UTF-8 text for a STRING, 8 for INT64, FLOAT64, DATE and TIMESTAMP, 16 for NUMERIC, 32 for BIGNUMERIC).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Literal

from loaders.errors import PoolhouseError

_FOLDER = Path(__file__).with_name("assumptions")
COUNTED_UNTIL = date(2026, 11, 26)
"""`logs.csv` counts from a family's first day to this one."""
_FIXED_WIDTHS = {
    "int64": 8, "bigint": 8, "float64": 8, "date": 8, "timestamp": 8, "datetime": 8, "bool": 1, "boolean": 1,
    "numeric": 16, "bignumeric": 32,
}  # fmt: skip
_ANY_CHAIN = "*"

Kind = Literal["log", "dimension", "state", "daily"]


@dataclass(frozen=True, slots=True)
class Growth:
    """Rows that are there whatever the history, and rows that each day adds."""

    start: float = 0.0
    per_day: float = 0.0

    def __add__(self, other: Growth) -> Growth:
        return Growth(self.start + other.start, self.per_day + other.per_day)

    def __mul__(self, factor: float) -> Growth:
        return Growth(self.start * factor, self.per_day * factor)


@dataclass(frozen=True, slots=True)
class TableRule:
    """How a table's rows follow from logs, entities or other tables."""

    table: str
    follows: tuple[str, ...]
    factor: float
    kind: Kind
    """``log``: grows with history. ``dimension``, ``state``: as large as what exists now. ``daily``: each day's state, as many
    rows as exist then; a run restates that of the day."""
    holds: tuple[str, ...]
    """Entities whose current state it keeps in the partition of the open end."""


@cache
def table_rules() -> dict[str, TableRule]:
    rules = {}
    for row in _rows("tables.csv"):
        kind: Kind = row["kind"]  # type: ignore[assignment]
        rules[row["table"]] = TableRule(
            row["table"], tuple(row["follows"].split()), float(row["factor"]), kind, tuple(row["holds"].split())
        )
    return rules


@dataclass(frozen=True, slots=True)
class FamilyLogs:
    """Logs of a family on a chain from its first day until ``COUNTED_UNTIL``."""

    family: str
    chain: str
    logs: float
    since: date


@cache
def family_logs() -> tuple[FamilyLogs, ...]:
    return tuple(
        FamilyLogs(row["family"], row["chain"], float(row["logs"]), date.fromisoformat(row["since"]))
        for row in _rows("logs.csv")
    )


def logs_of(family: str, chain: str) -> float:
    """0 where none are assumed."""
    return sum(f.logs for f in family_logs() if (f.family, f.chain) == (family, chain))


@dataclass(frozen=True)
class Profile:
    """The assumed size of everything on some chains together."""

    chains: tuple[str, ...]

    @classmethod
    def of(cls, chains: tuple[str, ...]) -> Profile:
        """Raises :class:`PoolhouseError` for a chain that nothing is assumed of."""
        known = {f.chain for f in family_logs()}
        for chain in chains:
            if chain not in known:
                raise PoolhouseError(
                    f"Nothing is assumed of the size of {chain}.", f"Name one of {', '.join(sorted(known))}."
                )
        return cls(chains)

    def growth(self, table: str) -> Growth | None:
        """Rows of a table; None when nothing is assumed of it."""
        total = Growth()
        for chain in self.chains:
            growth = _growth(table, chain)
            if growth is None:
                return None
            total += growth
        return total

    def held(self, table: str) -> float:
        """Rows of a table in the partition of the open end."""
        rule = table_rules().get(table)
        if rule is None:
            return 0.0
        growths = (_growth(entity, chain) for entity in rule.holds for chain in self.chains)
        return sum(growth.start for growth in growths if growth is not None)


@cache
def _growth(name: str, chain: str) -> Growth | None:
    rule = table_rules().get(name)
    if rule is not None:
        total = Growth()
        for followed in rule.follows:
            growth = _growth(followed, chain)
            if growth is None:
                raise KeyError(f"tables.csv: {name} follows {followed}, which is unknown")
            total += growth
        return total * rule.factor
    if any(f.family == name for f in family_logs()):
        return sum((_daily(f) for f in family_logs() if (f.family, f.chain) == (name, chain)), Growth())
    rows = [row for row in _rows("entities.csv") if row["entity"] == name and row["chain"] in (chain, _ANY_CHAIN)]
    if not rows:
        return None
    row = min(rows, key=lambda r: r["chain"] == _ANY_CHAIN)
    return Growth(float(row["count"]), float(row["per_day"]))


def _daily(counted: FamilyLogs) -> Growth:
    return Growth(0.0, counted.logs / (COUNTED_UNTIL - counted.since).days)


def column_width(name: str, data_type: str | None) -> float:
    """Bytes of a column on average, as BigQuery counts them; ``data_type`` None where the project does not document it."""
    if data_type:
        bare = data_type.split("(", maxsplit=1)[0].lower()
        if bare in _FIXED_WIDTHS:
            return _FIXED_WIDTHS[bare]
    for pattern, width in _width_patterns():
        if pattern.search(name) and not (data_type and _is_number(width)):
            return width
    raise AssertionError("the last pattern matches everything")


def _is_number(width: float) -> bool:
    """A text is none of the widths of numbers, whatever its name says: decimal text of an integer."""
    return width in (1, 8, 16, 32)


@cache
def _width_patterns() -> tuple[tuple[re.Pattern[str], float], ...]:
    return tuple((re.compile(row["pattern"]), float(row["bytes"])) for row in _rows("widths.csv"))


@cache
def _rows(name: str) -> tuple[Mapping[str, str], ...]:
    with (_FOLDER / name).open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def days_between(first: date, last: date) -> Iterator[date]:
    """Both ends included."""
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(ordinal)


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
