"""What the warehouse holds of sampled blocks: rows that count, hashes, and how many rows a range of the ledger has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from loaders.audit.compare import Row
from loaders.audit.live import LiveRange, SampledRange
from loaders.decode.decoder import ANY
from loaders.load.warehouse import Warehouse
from loaders.plan.filters import Filter
from loaders.registry.events import EventSpec
from loaders.registry.schema import RawTable
from loaders.registry.tables import UNDECODED_LOGS

_MARGIN = timedelta(days=1)
"""Partitions read beside those of the sampled blocks."""

Period = tuple[int, int]
"""Timestamps of a range's first and last block, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A range as the ledger has it; the hashes are those of its ends."""

    owner: LiveRange
    from_block_hash: str | None
    to_block_hash: str | None
    log_count: int
    min_timestamp: datetime | None
    max_timestamp: datetime | None
    endpoint_host: str


class Stored:
    """Reads the warehouse of one chain."""

    def __init__(self, warehouse: Warehouse, chain_id: int) -> None:
        self._warehouse = warehouse
        self._chain_id = chain_id

    def rows(
        self, table: RawTable, owners: Sequence[tuple[Filter, str]], sampled: SampledRange, period: Period
    ) -> list[Row]:
        """The rows of the range that count, by filter and owning load."""
        loads: dict[tuple[EventSpec, str], list[str]] = defaultdict(list)
        for f, load_id in owners:
            loads[f.spec, load_id].append(f.contract_address)
        # One statement per event and load: the addresses of a family may be thousands, but they share both.
        conditions = [_owned(spec, load_id, addresses) for (spec, load_id), addresses in loads.items()]
        return self._rows(table, f"({' or '.join(conditions)})", sampled, period)

    def undecoded(self, loads: Iterable[str], sampled: SampledRange, period: Period) -> list[Row]:
        return self._rows(UNDECODED_LOGS, f"_dlt_load_id in ({_texts(loads)})", sampled, period)

    def hashes(self, low: int, high: int) -> dict[int, str]:
        """Block hashes that complete loads stored as headers of final blocks; the newest of a number counts.

        What a load read above finality may have been replaced since, without anybody having looked at that block again.
        """
        found = self._warehouse.query(
            "select b.block_number, b.block_hash from {blocks} as b "
            "inner join {_dlt_loads} as l on b._dlt_load_id = l.load_id and l.status = 0 "
            "inner join (select _dlt_load_id, max(to_block) as final_block from {load_ranges} "
            f"where chain_id = {self._chain_id} and finality = 'final' group by _dlt_load_id) as f "
            "on b._dlt_load_id = f._dlt_load_id and b.block_number <= f.final_block "
            f"where b.chain_id = {self._chain_id} and b.block_number between {low} and {high} "
            "order by b._dlt_load_id"
        )
        return {row["block_number"]: row["block_hash"] for row in found}

    def final_ledger_rows(self) -> list[LedgerRow]:
        """All final ranges of complete loads."""
        found = self._warehouse.query(
            "select r.* from {load_ranges} as r "
            "inner join {_dlt_loads} as l on r._dlt_load_id = l.load_id and l.status = 0 "
            f"where r.chain_id = {self._chain_id} and r.finality = 'final'"
        )
        return [
            LedgerRow(
                LiveRange(
                    (r["family"], r["role"], r["event"], r["contract_address"]),
                    r["from_block"],
                    r["to_block"],
                    r["_dlt_load_id"],
                ),
                r["from_block_hash"],
                r["to_block_hash"],
                r["log_count"],
                r["min_timestamp"],
                r["max_timestamp"],
                r["endpoint_host"],
            )
            for r in found
        ]

    def counts(self, table: str, written: Sequence[tuple[Filter, LedgerRow]]) -> list[int]:
        """How many rows there are of each ledger row, all of one table, in one statement."""
        if not written:
            return []
        cases = [
            f"count(case when {_owned(f.spec, row.owner.load_id, [f.contract_address])} and block_number between "
            f"{row.owner.from_block} and {row.owner.to_block} then 1 end) as count_{i}"
            for i, (f, row) in enumerate(written)
        ]
        ends = [t for _, row in written for t in (row.min_timestamp, row.max_timestamp)]
        known = [t for t in ends if t is not None]
        # A range of files may have no timestamps of its ends; then there is nothing to prune partitions by.
        period = f" and {_within(min(known), max(known))}" if len(known) == len(ends) else ""
        found = self._warehouse.query(
            f"select {', '.join(cases)} from {{{table}}} where chain_id = {self._chain_id}{period}"
        )
        return [int(found[0][f"count_{i}"]) for i in range(len(written))]

    def _rows(self, table: RawTable, condition: str, sampled: SampledRange, period: Period) -> list[Row]:
        first, last = (datetime.fromtimestamp(t, UTC) for t in period)
        found: list[dict[str, Any]] = self._warehouse.query(
            f"select {', '.join(c.name for c in table.columns)} from {{{table.name}}} "
            f"where chain_id = {self._chain_id} and {condition} "
            f"and block_number between {sampled.from_block} and {sampled.to_block} and {_within(first, last)}"
        )
        return list(found)


def _owned(spec: EventSpec, load_id: str, addresses: Sequence[str]) -> str:
    parts = [f"_dlt_load_id = '{load_id}'"]
    if ANY not in addresses:
        parts.append(f"contract_address in ({_texts(addresses)})")
    if spec.is_shared:
        parts.append(f"event_role = '{spec.role}' and event_name = '{spec.event}'")
    return f"({' and '.join(parts)})"


def _within(low: datetime, high: datetime) -> str:
    """Prunes partitions on BigQuery."""
    first, last = (t.astimezone(UTC).isoformat(sep=" ") for t in (low - _MARGIN, high + _MARGIN))
    return f"block_timestamp between timestamp '{first}' and timestamp '{last}'"


def _texts(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in sorted(values))
