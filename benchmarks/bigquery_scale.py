"""What Poolhouse comes to on BigQuery at the size of real chains: storage, partitions, load jobs, backfill, slots.

    python -m benchmarks.bigquery_scale            # print the page
    python -m benchmarks.bigquery_scale --write    # renew docs/scale.md

On paper: nothing was asked of BigQuery. Sizes of tables are those that `poolhouse cost` assumes
(`loaders/bigquery_cost/assumptions`), with the columns of the registry; everything else that is assumed stands in this file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from textwrap import wrap

from benchmarks.cost import (
    ALL_LOGS,
    BIGQUERY_BYTES_PER_LOG,
    BYTES_PER_S,
    CONCURRENCY,
    LATENCY_S,
    LOG_GZIP_BYTES,
    LOGS_PER_ANSWER,
    LOGS_PER_CPU_S,
    OVERHEAD,
)
from benchmarks.pages import count, print_or_write
from loaders.bigquery_cost import USD_PER_TIB
from loaders.bigquery_cost.bill import BLOCK_BYTES, MINIMUM_BYTES
from loaders.bigquery_cost.sizes import COUNTED_UNTIL, Profile, column_width, family_logs
from loaders.registry.events import load_events
from loaders.registry.schema import LOAD_ID, RawTable

PAGE = Path(__file__).resolve().parents[1] / "docs" / "scale.md"

DERIVED_PER_RAW = 6.0
"""Bytes of derived rows per byte of raw ones, by the new rows of `poolhouse cost`: 5 on Ethereum, 7 on Base."""
DAILY_LEDGER = "load_ranges"
"""Its rows follow from loads, not from the history that is backfilled."""

USD_PER_GIB_ACTIVE, USD_PER_GIB_LONG_TERM = 0.02, 0.01
"""cloud.google.com/bigquery/pricing: logical storage a month, US and EU; the second after 90 days without a change of a partition."""
LONG_TERM_AFTER_DAYS = 90

PARTITIONS_PER_TABLE = 10_000
PARTITIONS_PER_JOB = 4_000
PARTITION_CHANGES_PER_DAY = 30_000
LOAD_JOBS_PER_TABLE = 1_500
LOAD_JOBS_PER_PROJECT = 100_000
"""cloud.google.com/bigquery/quotas, in 2026."""

BYTES_PER_SLOT_S = 50e6
"""ASSUMED: logical bytes that a slot scans, joins and writes in a second."""
SLOTS = 2_000
"""On demand, of a project: cloud.google.com/bigquery/quotas."""
JOBS_PER_BUILD = 770
"""Jobs of one `dbt build` without unit tests: what the recorder of `poolhouse cost` counts."""
SECONDS_PER_JOB = 2.5
"""ASSUMED: of a job that has little to read, from request to answer."""
THREADS = 16
"""profiles.yml."""
MERGED_PARTITIONS_PER_TABLE = 3
"""Of an incremental model's MERGE: the day, at midnight the day before, and of state what still holds."""
TIMES_THE_NEW_ROWS = 5
"""What a daily build may read: the budget of `tests/warehouse/test_bigquery_budget.py`."""


@dataclass(frozen=True)
class ChainScale:
    """A chain's raw tables from the first day of each family until ``COUNTED_UNTIL``."""

    name: str

    @cached_property
    def first_day(self) -> date:
        return min(f.since for f in family_logs() if f.chain == self.name)

    @property
    def days(self) -> int:
        return (COUNTED_UNTIL - self.first_day).days

    @cached_property
    def logs(self) -> float:
        return sum(f.logs for f in family_logs() if f.chain == self.name)

    @cached_property
    def raw_bytes_per_day(self) -> float:
        """As fast as on an average day of each family."""
        profile = Profile.of((self.name,))
        grown = ((table, profile.growth(table.name)) for table in load_events().tables.values())
        return sum(growth.per_day * row_bytes(table) for table, growth in grown if growth is not None)

    @cached_property
    def raw_bytes(self) -> float:
        """Of the backfilled history: event tables by their family's logs, transactions by theirs."""
        profile = Profile.of((self.name,))
        total = 0.0
        for table in load_events().tables.values():
            growth = profile.growth(table.name)
            if growth is None or table.name == DAILY_LEDGER:
                continue
            days = self._days_of(table)
            total += growth.per_day * days * row_bytes(table)
        return total

    def _days_of(self, table: RawTable) -> int:
        family = table.name.split("__", maxsplit=1)[0]
        since = next((f.since for f in family_logs() if (f.family, f.chain) == (family, self.name)), self.first_day)
        return (COUNTED_UNTIL - since).days

    @property
    def stored_bytes(self) -> float:
        return self.raw_bytes * (1 + DERIVED_PER_RAW)

    @property
    def usd_per_month(self) -> float:
        """Of storage, the last 90 days active."""
        active = min(1.0, LONG_TERM_AFTER_DAYS / self.days)
        per_gib = active * USD_PER_GIB_ACTIVE + (1 - active) * USD_PER_GIB_LONG_TERM
        return self.stored_bytes / 2**30 * per_gib


def row_bytes(table: RawTable) -> float:
    return sum(column_width(c.name, c.type) for c in (*table.columns, LOAD_ID))


def chains() -> list[ChainScale]:
    """Largest first."""
    return sorted((ChainScale(name) for name in {f.chain for f in family_logs()}), key=lambda c: (-c.logs, c.name))


LAYOUT = (
    (
        "raw, of logs and blocks",
        "day of `block_timestamp`",
        "`chain_id`, `block_timestamp`",
        "models read them by time alone: the dirty days, from the first changed log on",
    ),
    (
        "raw, of loads",
        "day they were loaded or ended",
        "`chain_id`, `family`, `role`, `event`, as far as there",
        "the ledger is read by filter",
    ),
    (
        "facts and marts",
        "`block_date`",
        "`chain_id`, `block_timestamp`, then what readers look up (`protocol`, `pool_id`)",
        "replaced by day and time; readers of marts name chain and time first, too",
    ),
    (
        "state",
        "`closed_date`",
        "`chain_id` and the entity",
        "what still holds is one partition; a run reads it and the days since the first dirty one",
    ),
)


BACKFILL = (
    """
    **Ethereum:** `poolhouse bigquery-public`, year by year with `--maximum-gb`: no egress, no node. Then `poolhouse load` for what SQL does
    not decode, for transactions and for the days that have not settled.
    """,
    "**Chains that files or a portal hold:** [sources](sources.md). The requests below are for the case of neither.",
    "**A node** for the rest. The ledger says what is missing after a stop.",
    "`dbt build --full-refresh` once, after the history is there, with no build in between. Then hourly or daily builds.",
)


def page() -> str:
    found = chains()
    lines = ["# Scale on BigQuery, on paper", ""]
    lines += prose("""
        Estimates of `python -m benchmarks.bigquery_scale --write`; BigQuery was never asked. Logs per chain are **assumed** by order of
        magnitude ([`logs.csv`](../loaders/bigquery_cost/assumptions/logs.csv)), and so is what each table makes of them; prices and
        limits are those published in 2026. Each assumption stands once, there or in
        [`benchmarks/bigquery_scale.py`](../benchmarks/bigquery_scale.py): change it and run the script again. What the builds read, model
        by model: `poolhouse cost` ([BigQuery](bigquery.md)).
    """)
    for title, part in (
        ("How tables lie", _layout()),
        ("History and storage", _storage(found)),
        ("Backfill", _backfill(found)),
        ("Limits", _limits(found)),
        ("Slots and time", _slots(found)),
    ):
        lines += ["", f"## {title}", "", *part]
    return "\n".join(lines) + "\n"


def _layout() -> Iterator[str]:
    yield from table(("tables", "partition", "clustering", "why"), LAYOUT)
    yield ""
    yield from prose(f"""
        One partition is one day of all chains. By hour it would be 24 times as many: {PARTITIONS_PER_TABLE:,} partitions would be full
        after {PARTITIONS_PER_TABLE // 24} days. By month an hourly run would replace, and pay for, a month. Clustering does within the
        day what partitions cannot: blocks of about {BLOCK_BYTES / 2**20:.0f} MiB (assumed) are skipped by their least and greatest time,
        if nothing but columns of few values stand before it. Days smaller than a block are read whole, and tables below
        {MINIMUM_BYTES / 2**20:.0f} MiB cost that minimum whatever is done.
    """)


def _storage(found: list[ChainScale]) -> Iterator[str]:
    yield from prose(f"""
        Logical bytes, all families that models read, since the first of them. Derived tables are taken for {DERIVED_PER_RAW:.0f} times
        the raw ones. Of storage the last {LONG_TERM_AFTER_DAYS} days are active, the rest long-term: a partition that nothing replaces
        halves its price by itself. Physical billing, after compression, is often cheaper and not estimated.
    """)
    yield ""
    rows: list[tuple[str, ...]] = [
        (
            c.name,
            str(c.first_day),
            count(c.logs),
            size(c.raw_bytes),
            size(c.stored_bytes),
            f"{c.usd_per_month:,.0f}",
            size(c.raw_bytes_per_day),
        )
        for c in found
    ]
    everything = ("all", "", count(sum(c.logs for c in found)), *(size(sum(n)) for n in _sums(found)))
    usd = f"{sum(c.usd_per_month for c in found):,.0f}"
    rows.append((*everything, usd, size(sum(c.raw_bytes_per_day for c in found))))
    yield from table(("chain", "since", "logs", "raw", "raw and derived", "USD a month", "raw a day"), rows)


def _sums(found: list[ChainScale]) -> tuple[list[float], list[float]]:
    return [c.raw_bytes for c in found], [c.stored_bytes for c in found]


def _backfill(found: list[ChainScale]) -> Iterator[str]:
    yield from prose("""
        History comes cheapest where it lies decoded or in bulk; a node is for what is missing and new. Each route leaves the same rows and
        ledger, so they mix, and each continues where another stopped.
    """)
    yield ""
    for number, step in enumerate(BACKFILL, 1):
        yield from prose(step, first=f"{number}. ", others="   ")
    yield ""
    rows = []
    for c in found:
        requests = c.logs / LOGS_PER_ANSWER * OVERHEAD
        hours = (
            max(requests * LATENCY_S / CONCURRENCY, c.logs * LOG_GZIP_BYTES / BYTES_PER_S, c.logs / LOGS_PER_CPU_S)
            / 3600
        )
        full = c.raw_bytes * (1 + DERIVED_PER_RAW)
        rows.append((c.name, count(requests), f"{hours:,.1f}", size(full), f"{full / 2**40 * USD_PER_TIB:,.0f}"))
    yield from table(("chain", "requests for logs", "hours by node", "first build reads at least", "USD of it"), rows)
    yield ""
    ethereum = next(c for c in found if c.name == "ethereum")
    scanned = ALL_LOGS["ethereum"] * BIGQUERY_BYTES_PER_LOG
    yield from prose(f"""
        From the public dataset all logs of Ethereum since {ethereum.first_day.year} are scanned once, {size(scanned)}:
        {scanned / 2**40 * USD_PER_TIB:,.0f} USD, whatever share of them is kept ([cost](cost.md)). Hours are those of the slowest of line,
        latency and processor at the assumptions of that page, transactions left out, where the node caps answers and not ranges. The first
        build reads every table once at least; models that read one several times add to it (`poolhouse cost --full-refresh`).
    """)


def _limits(found: list[ChainScale]) -> Iterator[str]:
    longest = max(found, key=lambda c: c.days)
    last = COUNTED_UNTIL.toordinal()
    per_table = date.fromordinal(last + PARTITIONS_PER_TABLE - longest.days)
    per_job = date.fromordinal(last + PARTITIONS_PER_JOB - longest.days)
    tables = len(load_events().with_tables_for(()).event_tables)
    every = 86_400 / LOAD_JOBS_PER_TABLE
    rows = [
        (
            "partitions of a table",
            f"{PARTITIONS_PER_TABLE:,}",
            f"{longest.days:,} days since {longest.first_day} ({longest.name}); full in {per_table.year}",
        ),
        (
            "partitions that one job changes",
            f"{PARTITIONS_PER_JOB:,}",
            f"a full build writes all of them: possible until {per_job.year}; then in two steps, the older years first",
        ),
        (
            "changes of partitions of a table in a day",
            f"{PARTITION_CHANGES_PER_DAY:,}",
            f"hourly builds: {24 * MERGED_PARTITIONS_PER_TABLE}; a backfill: one per load job and day in it",
        ),
        (
            "load jobs into a table in a day",
            f"{LOAD_JOBS_PER_TABLE:,}",
            (
                f"one per package and table with rows in it: packages at least {every:.0f} s apart, all chains together. "
                "`poolhouse follow` at every block does not fit"
            ),
        ),
        (
            "load jobs of a project in a day",
            f"{LOAD_JOBS_PER_PROJECT:,}",
            f"{tables} event tables and the fixed ones: {LOAD_JOBS_PER_PROJECT // (tables + 7):,} packages",
        ),
    ]
    yield from table(("limit", "value", "Poolhouse"), rows)


def _slots(found: list[ChainScale]) -> Iterator[str]:
    waiting = JOBS_PER_BUILD * SECONDS_PER_JOB / THREADS
    yield from prose(f"""
        A build sends some {JOBS_PER_BUILD} jobs, {THREADS} at a time; at {SECONDS_PER_JOB} s for one that reads little (assumed) that alone
        takes {waiting / 60:.1f} minutes, whatever the chain. Reading at {BYTES_PER_SLOT_S / 1e6:.0f} MB a slot-second (assumed) comes on
        top: the first build has {SLOTS:,} slots at most, a daily one hardly needs ten.
    """)
    yield ""
    rows = []
    for c in found:
        first = c.stored_bytes / BYTES_PER_SLOT_S
        daily = TIMES_THE_NEW_ROWS * c.raw_bytes_per_day * (1 + DERIVED_PER_RAW) / BYTES_PER_SLOT_S
        rows.append(
            (
                c.name,
                f"{first / 3600:,.0f}",
                f"{(first / SLOTS + waiting) / 60:,.0f}",
                f"{daily / 60:,.0f}",
                f"{(daily / 10 + waiting) / 60:,.0f}",
            )
        )
    header = ("chain", "first build, slot-hours", "minutes", "daily build, slot-minutes", "minutes on 10 slots")
    yield from table(header, rows)
    yield ""
    yield from prose("""
        Daily builds are taken at five times the new rows, their budget. Chains of dependent models, shuffles that spill and skewed keys are
        not in it: these are lower bounds, good for choosing between on demand and reservations, not for promising when a build is done.
    """)


def prose(text: str, first: str = "", others: str = "") -> list[str]:
    return wrap(" ".join(text.split()), 128, initial_indent=first, subsequent_indent=others, break_on_hyphens=False)


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    header = tuple(header)
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def size(n: float) -> str:
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if n >= unit:
            return f"{n / unit:.0f} {name}" if n >= 10 * unit else f"{n / unit:.1f} {name}"
    return f"{n / 1e3:.0f} kB"


if __name__ == "__main__":
    print_or_write(PAGE, page(), __doc__)
