"""Emitters of creation events that the registry does not know, from a node or from what is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from loaders.decode.decoder import ANY, Decoder
from loaders.discover.creations import Creation
from loaders.plan.filters import Filter, Segment
from loaders.registry.chains import Chain
from loaders.registry.seeds import Registry
from loaders.source.base import LogSource

Query = Callable[[str], list[dict[str, Any]]]
"""SQL in which ``{name}`` stands for a raw table; no rows where there is no such table."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A contract that creates as a family does, and that the registry of the chain does not have."""

    emitter: str
    family: str
    role: str
    event: str
    count: int
    """Creations seen."""
    first_block: int
    last_block: int
    sample: str
    """Address or id of the one created last; empty where the event names none."""

    def registry_row(self, chain: Chain) -> str:
        """Line for ``seeds/registry_contracts.csv``; protocol and version are for the user to name."""
        market = "main" if self.family == "aave_v3" else ""
        note = "start: first creation that discover saw"
        name = f"fork_{self.emitter[2:10]}"
        return (
            f"{chain.chain_id},{name},1,{self.family},{self.role},{market},{self.emitter},{self.first_block},,,{note}"
        )


@dataclass(slots=True)
class _Seen:
    count: int
    first_block: int
    last_block: int
    sample: str

    def add(self, count: int, first_block: int, last_block: int, sample: str) -> None:
        self.count += count
        self.first_block = min(self.first_block, first_block)
        if last_block >= self.last_block:
            self.last_block, self.sample = last_block, sample or self.sample


class Findings:
    """Collects creations and tells those of unknown emitters."""

    def __init__(self, registry: Registry, chain: Chain) -> None:
        self._known = {contract.address for contract in registry.contracts_of(chain)}
        self._seen: dict[tuple[str, Creation], _Seen] = {}

    def add(
        self, creation: Creation, emitter: str, count: int, first_block: int, last_block: int, sample: str | None
    ) -> None:
        if emitter in self._known:
            return
        seen = self._seen.get((emitter, creation))
        if seen is None:
            self._seen[emitter, creation] = _Seen(count, first_block, last_block, sample or "")
        else:
            seen.add(count, first_block, last_block, sample or "")

    def sorted(self) -> list[Finding]:
        """Those that created most first."""
        found = [
            Finding(
                emitter, creation.family, creation.role, creation.event, s.count, s.first_block, s.last_block, s.sample
            )
            for (emitter, creation), s in self._seen.items()
        ]
        return sorted(found, key=lambda f: (-f.count, f.emitter, f.family, f.event))


def find_on_chain(
    source: LogSource, registry: Registry, chain: Chain, creations: Iterable[Creation], blocks: tuple[int, int]
) -> list[Finding]:
    """One pass over the blocks, both ends included, with one filter: all creation events of any emitter."""
    by_table = {creation.spec.table: creation for creation in creations}
    segment = Segment(*blocks, "final", tuple(Filter(c.spec, ANY) for c in by_table.values()))
    decoder = Decoder(chain.chain_id, segment.wanted)
    findings = Findings(registry, chain)
    for batch in source.batches(segment):
        tables = decoder.decode(batch.logs).tables
        for table, creation in by_table.items():
            for rows in tables.get(table, []):
                _add_rows(findings, creation, rows)
    return findings.sorted()


def _add_rows(findings: Findings, creation: Creation, rows: pa.Table) -> None:
    columns = ["contract_address", "block_number", *([creation.created_column] if creation.created_column else [])]
    for row in rows.select(columns).to_pylist():
        sample = row[creation.created_column] if creation.created_column else None
        findings.add(creation, row["contract_address"], 1, row["block_number"], row["block_number"], sample)


def find_in_warehouse(
    query: Query, registry: Registry, chain: Chain, creations: Iterable[Creation]
) -> tuple[list[Finding], list[Creation]]:
    """What the rows of a warehouse say, and which creation events it has from any emitter, so that it could say it.

    Blocks that a reorganisation replaced may still count: this lists candidates, it is no evidence.
    """
    findings = Findings(registry, chain)
    loaded = []
    covered = {
        (row["family"], row["role"], row["event"])
        for row in query(
            "select distinct r.family, r.role, r.event from {load_ranges} as r inner join {_dlt_loads} as l "
            f"on r._dlt_load_id = l.load_id and l.status = 0 where r.chain_id = {chain.chain_id} "
            f"and r.contract_address = '{ANY}'"
        )
    }
    for creation in creations:
        if creation.loaded_as is None or (creation.family, creation.role, creation.event) not in covered:
            continue
        loaded.append(creation)
        for row in query(_loaded_creations(creation, chain)):
            findings.add(creation, **_numbers(row))
    return findings.sorted(), loaded


def _numbers(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: row[key] for key in ("emitter", "count", "first_block", "last_block", "sample")}


def _loaded_creations(creation: Creation, chain: Chain) -> str:
    spec = creation.loaded_as
    assert spec is not None
    created = creation.created_column or "null"
    condition = ""
    if spec.is_shared:
        created = f"payload->>'$.{creation.created_column}'" if creation.created_column else "null"
        condition = f"and event_role = '{spec.role}' and event_name = '{spec.event}' "
    # A block that was read again, when it was not yet final, is there once per load.
    return (
        f"with logs as (select contract_address, block_number, log_index, max({created}) as created "
        f"from {{{spec.table}}} as t inner join {{_dlt_loads}} as l on t._dlt_load_id = l.load_id and l.status = 0 "
        f"where chain_id = {chain.chain_id} {condition}group by all) "
        "select contract_address as emitter, count(*) as count, min(block_number) as first_block, "
        "max(block_number) as last_block, arg_max(created, (block_number, log_index)) as sample from logs group by all"
    )
