"""Whatever reorganisations, failures, late and withdrawn loads do to the blocks at which contracts were read: models of
reads that are built incrementally equal a full refresh, and hold exactly what was read at blocks that are still the chain's."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.convergence.dbt import NAME, Dbt
from tests.warehouse.ledger_scenario import DAY_ZERO, Header, LedgerScenario, Look, load_id
from tests.warehouse.small_project import ROOT
from tests.warehouse.small_warehouse import content_of

REPLACED, ANSWERS, TOKENS, PINNED = MODELS = (
    "int_ledger_replaced_headers",
    "int_ledger_contract_answers",
    "int_market_token_answers",
    "int_lending_aave_v3_pinned_blocks",
)


@dataclass(frozen=True)
class Withdrawn:
    """A load that no longer counts: its row of complete loads was deleted by hand."""

    load_id: str


@dataclass(frozen=True)
class Counting:
    """What counts, by hand."""

    reads: dict[int, int]
    """Block: what was answered there."""
    replaced: set[str] = field(default_factory=set)
    held: dict[int, int] = field(default_factory=dict)
    """Answer: the newest block that gave it."""
    decimals: dict[int, int] = field(default_factory=dict)
    """Day: the newest answer of that day."""


class Warehouse:
    """A scenario's file and dbt, parsed once, in this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scenario = LedgerScenario(folder / NAME)
        self._dbt = Dbt(ROOT, folder / "dbt")

    def build(self) -> dict[str, str]:
        """Build incrementally; the content hash of each model."""
        self._dbt.invoke(self.scenario.database, "run", "--select", *(f"+{model}" for model in MODELS))
        return contents(self.scenario.database)

    def full_refresh(self) -> dict[str, str]:
        """The content hashes after a full refresh of the models, on a copy."""
        copy = self.folder / "copy" / NAME
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(self.scenario.database, copy)
        self._dbt.invoke(copy, "run", "--select", *MODELS, "--full-refresh")
        return contents(copy)

    def counting(self) -> Counting:
        with duckdb.connect(str(self.scenario.database), read_only=True) as connection:

            def pairs(query: str) -> dict[int, int]:
                rows = connection.execute(query).fetchall()
                found = dict(rows)
                assert len(found) == len(rows), rows
                return found

            replaced = connection.execute(f"select block_hash from intermediate.{REPLACED}").fetchall()
            pinned = connection.execute(f"select block_number from intermediate.{PINNED}").fetchall()
            reads = pairs(
                "select distinct block_number, cast(value as bigint) from staging.stg_poolhouse__contract_reads"
            )
            held = pairs(
                f"select cast(value as bigint), block_number from intermediate.{ANSWERS} "
                "where closed_date = date '2159-12-31'"
            )
            days = pairs(f"select block_date - date '{DAY_ZERO:%Y-%m-%d}', decimals from intermediate.{TOKENS}")
        assert {number for (number,) in pinned} == set(reads)
        return Counting(reads, {block_hash for (block_hash,) in replaced}, held, days)


def contents(database: Path) -> dict[str, str]:
    """Hashes of the models' rows, whatever their order."""
    with duckdb.connect(str(database), read_only=True) as connection:
        return {model: content_of(connection, f"intermediate.{model}") for model in MODELS}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return Warehouse(tmp_path_factory.mktemp("reads"))


TEN, TWENTY = Header(10, "a", 0), Header(20, "a", 1)
OLD_21, NEW_21 = Header(21, "a", 1, "23:59:50"), Header(21, "b", 2, "00:00:05")
LATE_21 = Header(21, "c", 3)

STEPS: list[tuple[str, list[Look | Withdrawn | str], Counting]] = [
    (
        "the first reads",
        [Look(load_id(1), [TEN], {10: 6}), Look(load_id(2), [TEN, TWENTY], {20: 6})],
        Counting({10: 6, 20: 6}, set(), {6: 20}, {0: 6, 1: 6}),
    ),
    (
        "a block replaced on its day: the older answer holds again",
        [Look(load_id(3), [Header(20, "b", 1)])],
        Counting({10: 6}, {"0xa20"}, {6: 10}, {0: 6}),
    ),
    (
        "another answer, and a load that fails",
        [Look(load_id(4), [OLD_21], {21: 7}), Look(load_id(5), [Header(10, "b", 0)], is_complete=False)],
        Counting({10: 6, 21: 7}, {"0xa20"}, {6: 10, 7: 21}, {0: 6, 1: 7}),
    ),
    (
        "a load that is not complete yet, and a block replaced by one of the next day",
        [Look(load_id(6), [LATE_21], {21: 9}, is_complete=False), Look(load_id(7), [NEW_21])],
        Counting({10: 6}, {"0xa20", "0xa21"}, {6: 10}, {0: 6}),
    ),
    (
        "a header of the replaced block's day",
        [Look(load_id(8), [Header(19, "a", 1, "11:00:00")])],
        Counting({10: 6}, {"0xa20", "0xa21"}, {6: 10}, {0: 6}),
    ),
    (
        "the fork comes back",
        [Look(load_id(9), [OLD_21])],
        Counting({10: 6, 21: 7}, {"0xa20", "0xb21"}, {6: 10, 7: 21}, {0: 6, 1: 7}),
    ),
    (
        "an older load completes late, with what is replaced already",
        [load_id(6)],
        Counting({10: 6, 21: 7}, {"0xa20", "0xb21", "0xc21"}, {6: 10, 7: 21}, {0: 6, 1: 7}),
    ),
    (
        "a header of its day",
        [Look(load_id(10), [Header(29, "a", 3, "11:00:00")])],
        Counting({10: 6, 21: 7}, {"0xa20", "0xb21", "0xc21"}, {6: 10, 7: 21}, {0: 6, 1: 7}),
    ),
    (
        "the first answer again, and reads of an older block",
        [
            Look(load_id(11), [Header(30, "a", 4)], {30: 6}),
            Look(load_id(12), [Header(11, "a", 0, "13:00:00")], {11: 5}),
        ],
        Counting({10: 6, 11: 5, 21: 7, 30: 6}, {"0xa20", "0xb21", "0xc21"}, {5: 11, 6: 30, 7: 21}, {0: 5, 1: 7, 4: 6}),
    ),
    (
        "a load is withdrawn: what it had replaced is the newest again",
        [Withdrawn(load_id(9))],
        Counting({10: 6, 11: 5, 30: 6}, {"0xa20", "0xa21", "0xc21"}, {5: 11, 6: 30}, {0: 5, 4: 6}),
    ),
    (
        "and the one before it: the newest is of a day that was not loaded when it was",
        [Withdrawn(load_id(7))],
        Counting({10: 6, 11: 5, 21: 9, 30: 6}, {"0xa20", "0xa21"}, {5: 11, 6: 30, 9: 21}, {0: 5, 3: 9, 4: 6}),
    ),
]


@pytest.mark.parametrize(("events", "expected"), [step[1:] for step in STEPS], ids=[step[0] for step in STEPS])
def test_after(warehouse: Warehouse, events: list[Look | Withdrawn | str], expected: Counting) -> None:
    """The steps build on each other, in order."""
    for event in events:
        if isinstance(event, Look):
            warehouse.scenario.look(event)
        elif isinstance(event, Withdrawn):
            warehouse.scenario.withdraw(event.load_id)
        else:
            warehouse.scenario.complete(event)

    incremental = warehouse.build()

    assert warehouse.counting() == expected
    assert warehouse.full_refresh() == incremental
    assert warehouse.build() == incremental
