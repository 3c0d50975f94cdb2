"""Bytes that BigQuery bills for what statements scan, on demand, in an assumed warehouse and run.

Rules of https://cloud.google.com/bigquery/pricing and https://cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax
(On-demand query size calculation): the columns that are read times the partitions that are left, every column of the partitions
in which rows are updated or deleted, at least 10 MB per table and statement, taken for MiB. Statements of a script and defaults
of its variables are billed one by one. What is undocumented, or counted otherwise than it is written there:

- ASSUMED: a table that one statement names several times is billed once, with all the columns asked for anywhere, over the
  widest of the filters of each column.
- ASSUMED: so is a table in which rows are updated or deleted. The reference adds what conditions and sources read of it to its
  partitions; a MERGE into all of a table of 543 MB was billed these 543 MB (github.com/bruin-data/ingestr/pull/943).
- ASSUMED: clustering prunes blocks of such partitions, too. The reference has them whole; MERGEs into clustered tables were
  billed less (the same, and github.com/dbt-labs/dbt-core/issues/2196).
- ASSUMED: who reads no column of a table (COUNT(*), EXISTS, a MERGE that only inserts) pays nothing for it, not even a minimum.
- ASSUMED: no result comes from the cache, where it would be free.
"""

from __future__ import annotations

import math
from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, cached_property
from typing import Literal, NamedTuple

from sqlglot import exp

from loaders.bigquery_cost.pruning import Value, Variables, is_understood, may_match
from loaders.bigquery_cost.scans import Filter, Scan, Statement
from loaders.bigquery_cost.sizes import COUNTED_UNTIL, Growth, Kind, days_between, midnight

MINIMUM_BYTES = 10 * 2**20
"""Billed per table that a statement reads, and per statement."""
BLOCK_BYTES = 64 * 2**20
"""ASSUMED size of a block of a clustered table: Google says that clustering shows from 64 MB per table or partition on."""
_VALUES = {"family": 8, "role": 3, "event": 5}
"""ASSUMED: values of columns that a filter equates with a constant, each as frequent as the next."""
_FEW_VALUES = ("chain_id",)
"""Columns with so few values that blocks of the next clustering column are still found below them."""
OPEN_DAY = date(2159, 12, 31)
"""Partition of state that still holds: `open_date()` of the macros."""

Every = Literal["hour", "day"]


@dataclass(frozen=True)
class Table:
    """A table as it is assumed to be."""

    name: str
    growth: Growth
    kind: Kind
    widths: Mapping[str, float]
    """Bytes by column."""
    partition: str | None = None
    """Column whose day partitions it, or, with ``builds_per_partition``, the number of the build that wrote the row."""
    cluster: tuple[str, ...] = ()
    held: float = 0.0
    """Rows in the partition of the open end: current state, as large as what exists now."""
    builds_per_partition: int | None = None
    is_partitioned_by_month: bool = False

    @cached_property
    def row_bytes(self) -> float:
        return sum(self.widths.values())

    @property
    def is_standing(self) -> bool:
        """All of it is as large as what exists now, whatever the history."""
        return self.kind in ("dimension", "state")

    def rows(self, history_days: float) -> float:
        logged = 0.0 if self.is_standing else self.growth.per_day * history_days
        return self.growth.start + logged + self.held


@dataclass(frozen=True)
class Run:
    """One run of dbt, and what is new in it.

    Hourly: the run at noon, the average of a day's: half of the day's partition is there. Daily: the run at midnight.
    """

    every: Every
    history_days: int
    tail: timedelta = timedelta(minutes=30)
    """ASSUMED: what was not final at the run before, and is replaced."""

    @property
    def now(self) -> datetime:
        return midnight(COUNTED_UNTIL) + (timedelta(hours=12) if self.every == "hour" else timedelta())

    @property
    def interval(self) -> timedelta:
        return timedelta(hours=1) if self.every == "hour" else timedelta(days=1)

    @property
    def new_days(self) -> float:
        """Length, in days, of what is loaded and built anew: the hour or the day, and the tail, which comes once more."""
        return (self.interval + self.tail) / timedelta(days=1)

    @property
    def since(self) -> datetime:
        return self.now - self.interval - self.tail

    def variables(self, grain: str = "log", read_back_days: int = 0) -> Variables:
        """Script variables of `macros/ledger/dirty_days.sql` and `new_loads.sql`, and of `macros/quality/tested_days.sql`.
        ASSUMED: what loads ask for, hour after hour, is known; filters that are new would be read of older loads."""
        last = (self.now - timedelta(microseconds=1)).date()
        first = self.since.date()
        hour = self.since.replace(minute=0, second=0, microsecond=0)
        since = {"log": self.since, "hour": hour, "day": midnight(first)}[grain]
        return {
            "dirty_days": tuple(days_between(first, last)),
            "first_dirty_day": first,
            "dirty_since": since,
            "read_days": tuple(days_between(first - timedelta(days=read_back_days), last)),
            "untested_days": tuple(days_between(first, last)),
            "first_untested_day": first,
            "untested_since": hour,
            "loaded_since": self.since - timedelta(days=1),
            "sets_since": self.now,
        }


@dataclass(frozen=True, slots=True)
class Bill:
    """What a statement, or several, cost."""

    scanned: float = 0.0
    """Bytes of columns and partitions, before minimums and with the pruning of blocks by clustering."""
    unclustered: float = 0.0
    """The same if clustering pruned no block: the upper bound that BigQuery tells before it runs a query."""
    standing: float = 0.0
    """What of ``billed`` dimensions and current state are, beyond their minimums."""
    minimum: float = 0.0
    """What minimums alone would come to."""
    billed: float = 0.0
    rounding: float = 0.0
    """What of ``billed`` statements are rounded up to whole MiB by."""

    @classmethod
    def of(cls, reads: Iterable[Read]) -> Bill:
        """Of one statement, that reads these tables."""
        reads = tuple(reads)
        counted = sum(max(read.scanned, MINIMUM_BYTES) for read in reads)
        billed = math.ceil(counted / 2**20) * 2**20
        return cls(
            sum(read.scanned for read in reads),
            sum(read.unclustered for read in reads),
            sum(read.standing for read in reads),
            MINIMUM_BYTES * len(reads),
            billed,
            billed - counted,
        )

    @property
    def of_days(self) -> float:
        """What is billed besides minimums, rounding, dimensions and current state: for rows of the days that are read."""
        return self.billed - self.minimum - self.rounding - self.standing

    def __add__(self, other: Bill) -> Bill:
        return Bill(
            self.scanned + other.scanned,
            self.unclustered + other.unclustered,
            self.standing + other.standing,
            self.minimum + other.minimum,
            self.billed + other.billed,
            self.rounding + other.rounding,
        )


@dataclass(frozen=True, slots=True)
class Read:
    """Bytes that one statement reads of one table."""

    scanned: float
    unclustered: float
    """Without the pruning of blocks."""
    current: float
    """What of ``scanned`` are dimensions and current state."""

    @property
    def standing(self) -> float:
        return max(0.0, self.current - MINIMUM_BYTES)


class Rows(NamedTuple):
    """Rows that a statement reads of a table."""

    total: float
    current: float
    """Those that are dimensions and current state, as many as exist now."""


def statement_reads(
    statement: Statement, tables: Mapping[str, Table], run: Run, variables: Variables
) -> dict[str, Read]:
    """By table; ``tables`` knows every table that the statement scans."""
    by_table: dict[str, list[Scan]] = {}
    for scan in statement.scans:
        if scan.columns:
            by_table.setdefault(scan.table, []).append(scan)
    return {name: _read(tables[name], scans, run, variables) for name, scans in by_table.items()}


def _read(table: Table, scans: Sequence[Scan], run: Run, variables: Variables) -> Read:
    pruned = _widest(table, scans, lambda scan: rows_read(table, scan.filters, run, variables))
    whole = _widest(table, scans, lambda scan: rows_read(table, scan.filters, run, variables, clustered=False))
    return Read(pruned.total, whole.total, pruned.current)


def _widest(table: Table, scans: Sequence[Scan], rows_of: Callable[[Scan], Rows]) -> Rows:
    """Bytes of every column, each over the widest of the scans that ask for it."""
    rows = {scan: rows_of(scan) for scan in scans}
    total = current = 0.0
    for column, width in table.widths.items():
        asked = [rows[scan] for scan in scans if column in scan.columns]
        total += width * max((r.total for r in asked), default=0.0)
        current += width * max((r.current for r in asked), default=0.0)
    return Rows(total, current)


def rows_read(
    table: Table, filters: Sequence[Filter], run: Run, variables: Variables, *, clustered: bool = True
) -> Rows:
    """Rows in the blocks that filters on partition and clustering columns leave."""
    current, others = _rows_by_age(table, filters, run, variables, clustered=clustered)
    return Rows(current + others, current + others if table.is_standing else current)


def _rows_by_age(
    table: Table, filters: Sequence[Filter], run: Run, variables: Variables, *, clustered: bool
) -> tuple[float, float]:
    """Rows in the partitions of current state (of the open end, and of days whose state the run restates), and in all others."""
    if table.builds_per_partition is not None:
        return 0.0, _rows_of_builds(table, table.builds_per_partition, filters, run)
    on_partition = [
        f.condition for f in filters if f.column == table.partition and is_understood(f.condition, variables)
    ]
    on_time = [f.condition for f in _clustering_filters(table, filters, variables)] if clustered else []
    share = _equated_share(table, filters) if clustered else 1.0
    others = table.rows(run.history_days) - table.held
    if table.partition is None:
        rows = table.held + others
        left = _in_blocks(table, rows, share) / rows if rows else 0.0
        return table.held * left, others * left
    is_held_read = not on_partition or _matches(on_partition, OPEN_DAY, variables)
    held = _in_blocks(table, table.held, share) if is_held_read else 0.0
    if not on_partition and not on_time:
        return held, _in_blocks(table, others, share)
    first, last = run.now.date() - timedelta(days=run.history_days), run.now.date()
    restated = matched = 0.0
    for day in sorted(
        _matching_days(tuple(on_partition), first, last, _hashable(variables), table.is_partitioned_by_month)
    ):
        elapsed = min(1.0, (run.now - midnight(day)) / timedelta(days=1))
        is_state = table.kind == "daily"
        logged = 0.0 if table.is_standing else table.growth.per_day * (math.ceil(elapsed) if is_state else elapsed)
        rows = logged + table.growth.start / run.history_days
        read = _in_blocks(table, rows, share * _share_of_day(on_time, day, elapsed, variables))
        if is_state and day >= run.since.date():
            restated += read
        else:
            matched += read
    return held + restated, matched


def _rows_of_builds(table: Table, builds_per_partition: int, filters: Sequence[Filter], run: Run) -> float:
    """Rows of a log of changes by build. Who reads what came after the last build seen reads the newest partition, taken to
    be full; every other reader all of them."""
    rows = table.rows(run.history_days)
    if any(f.column == table.partition and isinstance(f.condition, exp.GT) for f in filters):
        return min(rows, table.growth.per_day * run.interval / timedelta(days=1) * builds_per_partition)
    return rows


def _hashable(variables: Variables) -> tuple[tuple[str, Value], ...]:
    return tuple(variables.items())


@cache
def _matching_days(
    conditions: tuple[exp.Expr, ...],
    first: date,
    last: date,
    variables: tuple[tuple[str, Value], ...],
    is_by_month: bool,
) -> frozenset[date]:
    """Days between in partitions that can satisfy all conditions. Many statements filter alike, and a history has many
    days."""
    known = dict(variables)
    return frozenset(
        day for day in days_between(first, last) if _matches(conditions, day, known, is_by_month=is_by_month)
    )


def _matches(conditions: Sequence[exp.Expr], day: date, variables: Variables, *, is_by_month: bool = False) -> bool:
    """Of the partition that a day lies in."""
    first, days = midnight(day), 1
    if is_by_month and day < OPEN_DAY:
        first, days = midnight(day.replace(day=1)), monthrange(day.year, day.month)[1]
    last = first + timedelta(days=days, microseconds=-1) if day < OPEN_DAY else first
    return all(may_match(condition, first, last, variables) for condition in conditions)


def _share_of_day(conditions: Sequence[exp.Expr], day: date, elapsed: float, variables: Variables) -> float:
    """Share of a day's rows, of which ``elapsed`` has passed, whose hour can satisfy conditions on time."""
    if not conditions or elapsed <= 0:
        return 1.0
    hours = max(1, round(24 * elapsed))
    matched = 0
    for hour in range(hours):
        first = midnight(day) + timedelta(hours=hour)
        last = first + timedelta(hours=1, microseconds=-1)
        matched += all(may_match(condition, first, last, variables) for condition in conditions)
    return matched / hours


def _clustering_filters(table: Table, filters: Sequence[Filter], variables: Variables) -> list[Filter]:
    """Filters on time that blocks are sorted by: on a clustering column below none but columns of few values or equated."""
    equated = {f.column for f in filters if isinstance(f.condition, exp.EQ)}
    for column in table.cluster:
        found = [f for f in filters if f.column == column and is_understood(f.condition, variables)]
        if found:
            return found
        if column not in _FEW_VALUES and column not in equated:
            break
    return []


def _equated_share(table: Table, filters: Sequence[Filter]) -> float:
    """Share of the rows that equalities on the first clustering columns leave."""
    equated = {f.column for f in filters if isinstance(f.condition, exp.EQ)}
    share = 1.0
    for column in table.cluster:
        if column not in equated:
            break
        share /= _VALUES.get(column, 1)
    return share


def _in_blocks(table: Table, rows: float, share: float) -> float:
    """Rows of the blocks that a share of some rows lies in; the blocks of one partition, or of a table without any."""
    blocks = math.ceil(rows * table.row_bytes / BLOCK_BYTES)
    if share >= 1 or blocks <= 1:
        return rows
    # What is looked for begins and ends within blocks.
    return rows * min(1.0, (math.ceil(blocks * share) + 1) / blocks)
