"""The audit's queries, as BigQuery would resolve them: its logic is tried on DuckDB, the same texts run on both."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from loaders.audit.live import LiveRange, SampledRange
from loaders.audit.stored import LedgerRow, Stored
from loaders.load.ledger import read_ledger
from loaders.plan.filters import Filter
from loaders.registry.events import load_events
from loaders.registry.schema import LOAD_ID
from tests.warehouse.googlesql.analyzer import Analyzer, Columns
from tests.warehouse.googlesql.column_types import canonical_type

TABLES = load_events().tables


class ResolvingWarehouse:
    """Resolves every query instead of running it."""

    def __init__(self) -> None:
        self.analyzer = Analyzer()
        self.resolved = 0

    def query(self, sql: str) -> list[dict[str, Any]]:
        names = {name: f"`p`.`raw`.`{name}`" for name in (*TABLES, "_dlt_loads")}
        (statement,) = self.analyzer.check(sql.format_map(names), columns_of)
        assert statement.kind == "query"
        self.resolved += 1
        return [dict.fromkeys(statement.columns, 0)] if "count_0" in statement.columns else []


def columns_of(name: str) -> Columns | None:
    table = name.rsplit(".", 1)[-1]
    if table == "_dlt_loads":
        return {"load_id": "STRING", "status": "INT64"}
    return {c.name: canonical_type(c.type) for c in (*TABLES[table].columns, LOAD_ID)} if table in TABLES else None


def test_every_query_of_the_audit_resolves() -> None:
    warehouse = ResolvingWarehouse()
    stored = Stored(warehouse, 1)  # type: ignore[arg-type]  # all that it asks of a warehouse is query()
    shared = next(e for e in load_events().events if e.is_shared and e.emitters == "registered")
    own = next(e for e in load_events().events if not e.is_shared and e.emitters == "any")
    day = datetime(2024, 1, 1, tzinfo=UTC)
    period = (1_704_067_200, 1_704_153_600)
    for spec, address in ((shared, "0x" + "ab" * 20), (own, "*")):
        f = Filter(spec, address)
        owner = LiveRange(f.key, 1, 9, "1700000000.5")
        row = LedgerRow(owner, None, None, 3, day, day, "host")
        assert stored.rows(TABLES[spec.table], [(f, "1700000000.5")], SampledRange(1, 9, (owner,)), period) == []
        assert stored.counts(spec.table, [(f, row), (f, row)]) == [0, 0]
        assert stored.undecoded(["1700000000.5"], SampledRange(1, 9, (owner,)), period) == []
    assert stored.hashes(1, 9) == {}
    assert stored.final_ledger_rows() == []
    for by_load in (True, False):
        assert read_ledger(warehouse, 1, by_load=by_load).ranges == ()  # type: ignore[arg-type]  # as above
    assert warehouse.resolved == 10
