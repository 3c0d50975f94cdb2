"""Whatever the order of loads, retries, reorgs and failures: an incremental build equals a full refresh, and both hold
exactly the logs that count. dbt itself builds the ledger and an incremental model of logs after every load."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.convergence.dbt import NAME, Dbt
from tests.warehouse.ledger_scenario import LedgerScenario, Load, load_id, swaps_in
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

    def build_at_once(self) -> Path:
        """A copy, built from nothing."""
        copy = self.folder / "at_once" / NAME
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(self.scenario.database, copy)
        with duckdb.connect(str(copy)) as connection:
            connection.execute("drop schema intermediate cascade; drop schema staging cascade")
        self._dbt.invoke(copy, "run", "--select", f"+{MODEL}")
        return copy

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
BACK = {5: 13, 55: 12}
AHEAD = {65: 15, 75: 16}
ALL = ("Swap", "Sync", "Mint")
STEPS: list[tuple[str, Load | str, dict[int, int]]] = [
    ("the first piece", Load(load_id(1), "final", 10, 19, FIRST), FIRST),
    ("the second piece", Load(load_id(2), "final", 20, 29, SECOND), OLD),
    ("an overlapping retry", Load(load_id(3), "final", 15, 29, {17: 2, **SECOND}), OLD),
    ("a tail", Load(load_id(4), "tail", 30, 39, {31: 5, 35: 6}), OLD | {31: 5, 35: 6}),
    ("a reorg of the tail", Load(load_id(5), "tail", 30, 39, {31: 7, 37: 8}), OLD | {31: 7, 37: 8}),
    ("a reorg that empties a day", Load(load_id(6), "tail", 30, 45, {42: 9}), OLD | {42: 9}),
    ("a reorg that shortens the chain", Load(load_id(7), "tail", 30, 38, {33: 14}), OLD | {33: 14}),
    ("it grows back", Load(load_id(8), "tail", 30, 45, {33: 14, 42: 9}), OLD | {33: 14, 42: 9}),
    ("half of the tail becomes final", Load(load_id(9), "final", 30, 41, {33: 14}), OLD | {33: 14, 42: 9}),
    ("the tail moves on", Load(load_id(10), "tail", 42, 49, {42: 10, 48: 11}), OLD | NEW),
    ("the tail becomes final", Load(load_id(11), "final", 42, 49, {42: 10, 48: 11}), OLD | NEW),
    ("a load that fails", Load(load_id(12), "final", 50, 59, {55: 12}, is_complete=False), OLD | NEW),
    ("a backfill before everything", Load(load_id(13), "final", 0, 9, {5: 13}), OLD | NEW | {5: 13}),
    ("the failed load completes", load_id(12), OLD | NEW | BACK),
    ("another event, for old blocks", Load(load_id(14), "final", 0, 59, {}, events=("Mint",)), OLD | NEW | BACK),
    ("it goes on with the rest", Load(load_id(15), "final", 60, 69, {65: 15}, events=ALL), OLD | NEW | BACK | {65: 15}),
    ("one goes ahead", Load(load_id(16), "final", 70, 79, {75: 16}, events=("Swap",)), OLD | NEW | BACK | AHEAD),
    (
        "the rest follow",
        Load(load_id(17), "final", 70, 89, {75: 0, 85: 17}, events=ALL),
        OLD | NEW | BACK | AHEAD | {85: 17},
    ),
    (
        "a newer decoder",
        Load(load_id(18), "final", 5, 14, {5: 18, 11: 19}, events=("Swap",), decoder_version=2),
        OLD | NEW | BACK | AHEAD | {85: 17, 5: 18, 11: 19},
    ),
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


LIVE_SETS = (
    "(select distinct sets.* from intermediate.int_ledger_filter_sets as sets "
    "inner join intermediate.int_ledger_live_segments as segments on sets.filter_set = segments.filter_set)"
)


def test_the_ledger_is_the_same_load_by_load_and_at_once(warehouse: Warehouse) -> None:
    """After all the steps: which rows count, and what that rests on. The last build sees all loads again, as after one that
    was killed before it moved the watermark."""
    with duckdb.connect(str(warehouse.scenario.database)) as connection:
        connection.execute("delete from intermediate.model_watermarks where model_name = 'int_ledger_loaded_ranges'")
    warehouse.build()
    at_once = warehouse.build_at_once()
    ledger = (
        "int_ledger_loaded_ranges",
        "int_ledger_loaded_filters",
        "int_ledger_class_segments",
        "int_ledger_live_segments",
    )
    for relation in (*(f"intermediate.{name}" for name in ledger), LIVE_SETS):
        with duckdb.connect(str(warehouse.scenario.database), read_only=True) as connection:
            load_by_load = content_of(connection, relation)
        with duckdb.connect(str(at_once), read_only=True) as connection:
            assert content_of(connection, relation) == load_by_load, relation
