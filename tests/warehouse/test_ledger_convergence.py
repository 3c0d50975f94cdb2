"""Whatever the order of loads, retries, reorgs and failures: an incremental build equals a full refresh, and both hold
exactly the logs that count. dbt itself builds the ledger and an incremental model of logs after every load."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.convergence.dbt import NAME, Dbt
from tests.warehouse.ledger_scenario import LedgerScenario, Load, swaps_in
from tests.warehouse.small_project import ROOT
from tests.warehouse.small_warehouse import content_of

MODEL = "int_dex_v2_swaps"


class Warehouse:
    """A scenario's file and dbt, parsed once, in this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scenario = LedgerScenario(folder / NAME)
        self._dbt = Dbt(ROOT, folder / "dbt")

    def build(self) -> str:
        """Build incrementally; the content hash of the model."""
        self._dbt.invoke(self.scenario.database, "run", "--select", f"+{MODEL}")
        return content(self.scenario.database)

    def full_refresh(self) -> str:
        """The content hash after a full refresh of the model, on a copy."""
        copy = self.folder / "copy" / NAME
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(self.scenario.database, copy)
        self._dbt.invoke(copy, "run", "--select", MODEL, "--full-refresh")
        return content(copy)

    def swaps(self) -> dict[int, int]:
        """Raw amount of token 0 by block."""
        with duckdb.connect(str(self.scenario.database), read_only=True) as connection:
            query = f"select block_number, cast(amount0_raw as bigint) from intermediate.{MODEL}"
            return swaps_in(connection.execute(query).fetchall())

    def changes(self) -> int:
        """Rows of the ledger's change log."""
        with duckdb.connect(str(self.scenario.database), read_only=True) as connection:
            row = connection.execute("select count(*) from intermediate.int_ledger_changes").fetchone()
            assert row is not None
            return int(row[0])


def content(database: Path) -> str:
    """Hash of the model's rows, whatever their order."""
    with duckdb.connect(str(database), read_only=True) as connection:
        return content_of(connection, f"intermediate.{MODEL}")


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return Warehouse(tmp_path_factory.mktemp("ledger"))


# Ten blocks a day. Each step: what happens, and the swaps (block: amount) that count afterwards.
FIRST = {11: 1, 17: 2}
SECOND = {20: 3, 25: 4}
OLD = FIRST | SECOND
NEW = {33: 14, 42: 10, 48: 11}
STEPS: list[tuple[str, Load | str, dict[int, int]]] = [
    ("the first piece", Load("load01", "final", 10, 19, FIRST), FIRST),
    ("the second piece", Load("load02", "final", 20, 29, SECOND), OLD),
    ("an overlapping retry", Load("load03", "final", 15, 29, {17: 2, **SECOND}), OLD),
    ("a tail", Load("load04", "tail", 30, 39, {31: 5, 35: 6}), OLD | {31: 5, 35: 6}),
    ("a reorg of the tail", Load("load05", "tail", 30, 39, {31: 7, 37: 8}), OLD | {31: 7, 37: 8}),
    ("a reorg that empties a day", Load("load06", "tail", 30, 45, {42: 9}), OLD | {42: 9}),
    ("a reorg that shortens the chain", Load("load07", "tail", 30, 38, {33: 14}), OLD | {33: 14}),
    ("it grows back", Load("load08", "tail", 30, 45, {33: 14, 42: 9}), OLD | {33: 14, 42: 9}),
    ("half of the tail becomes final", Load("load09", "final", 30, 41, {33: 14}), OLD | {33: 14, 42: 9}),
    ("the tail moves on", Load("load10", "tail", 42, 49, {42: 10, 48: 11}), OLD | NEW),
    ("the tail becomes final", Load("load11", "final", 42, 49, {42: 10, 48: 11}), OLD | NEW),
    ("a load that fails", Load("load12", "final", 50, 59, {55: 12}, is_complete=False), OLD | NEW),
    ("a backfill before everything", Load("load13", "final", 0, 9, {5: 13}), OLD | NEW | {5: 13}),
    ("the failed load completes", "load12", OLD | NEW | {5: 13, 55: 12}),
]


@pytest.mark.parametrize(("event", "expected"), [step[1:] for step in STEPS], ids=[step[0] for step in STEPS])
def test_after(warehouse: Warehouse, event: Load | str, expected: dict[int, int]) -> None:
    """The steps build on each other, in order."""
    if isinstance(event, Load):
        warehouse.scenario.add(event)
    else:
        warehouse.scenario.complete(event)

    incremental = warehouse.build()

    assert warehouse.swaps() == expected
    assert warehouse.full_refresh() == incremental
    changes = warehouse.changes()
    assert warehouse.build() == incremental
    assert warehouse.changes() == changes, "a second build saw changes where nothing had changed"
