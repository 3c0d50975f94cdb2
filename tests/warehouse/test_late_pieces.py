"""Incremental models equal their full refresh whichever parts of the chain come late or cease again: what the registry and
contracts say of pools and tokens, transactions with another family's load, a hole between days."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

from tests.warehouse.convergence.dbt import NAME, Contents, Dbt
from tests.warehouse.convergence.pieces import Piece, Pieces
from tests.warehouse.small_project import ROOT
from tests.warehouse.small_warehouse import SmallWarehouse

WIDTH = 25
"""Blocks of a piece: of several days, and of families that fall silent for days."""


def test_parts_that_come_late_or_cease(small_warehouse: SmallWarehouse, tmp_path: Path) -> None:
    database = tmp_path / NAME
    shutil.copy(small_warehouse.database, database)
    pieces = Pieces.cut(database, WIDTH)
    middle = pieces.last // 2
    assert middle >= 2
    dbt = Dbt(ROOT, tmp_path / "dbt")

    def build() -> Contents:
        dbt.invoke(database, "run", "--select", "+config.materialized:incremental")
        incremental, refreshed = dbt.refreshed(database, tmp_path / "refreshed")
        assert {name for name in incremental if incremental[name] != refreshed[name]} == set()
        return incremental

    def is_dex(piece: Piece) -> bool:
        return piece.number <= middle and piece.family.startswith("uniswap")

    _execute(
        database,
        "create table forgotten as from seeds.registry_contracts where protocol = 'sushiswap'",
        "delete from seeds.registry_contracts where protocol = 'sushiswap'",
    )
    pieces.show(is_dex, with_reads=False)
    unknown = build()
    # Not a log is new: pools get their protocol, tokens their decimals.
    _execute(database, "insert into seeds.registry_contracts from forgotten")
    pieces.show(is_dex)
    known = build()
    assert known["int_dex_swaps"] != unknown["int_dex_swaps"]
    assert known["int_dex_swap_legs"] != unknown["int_dex_swap_legs"]
    # Nor is a swap new: the loads of lending bring the transactions.
    pieces.show(lambda p: is_dex(p) or (p.number <= middle and p.family == "aave_v3"))
    sent = build()
    assert sent["int_dex_swap_legs"] == known["int_dex_swap_legs"]
    assert sent["dex_trades"] != known["dex_trades"]
    # The head goes on, prices come, and the days in the middle lose what they had.
    pieces.show(lambda p: p.number != middle)
    build()
    # The hole is filled last.
    assert pieces.show(lambda p: p.number <= pieces.last) == 0
    assert len({contents["dex_volume_daily"] for contents in (unknown, known, sent, build())}) == 4


def _execute(database: Path, *statements: str) -> None:
    with duckdb.connect(str(database)) as connection:
        for statement in statements:
            connection.execute(statement)
