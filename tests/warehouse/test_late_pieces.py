"""Incremental models equal their full refresh whichever parts of the chain come late: a family long after another, factories
after the swaps of their pools, what contracts answer after their logs, transactions with another family's load."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.warehouse.convergence.dbt import NAME, Dbt
from tests.warehouse.convergence.pieces import Pieces
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

    def build() -> dict[str, str]:
        dbt.invoke(database, "run", "--select", "+config.materialized:incremental")
        incremental, refreshed = dbt.refreshed(database, tmp_path / "refreshed")
        assert {name for name in incremental if incremental[name] != refreshed[name]} == set()
        return incremental

    # No factory, no answer of a token, no transaction: swaps of unknown pools.
    pieces.show(
        lambda p: p.number <= middle and not p.family.endswith("_factory") and p.family != "aave_v3", with_reads=False
    )
    unknown = build()
    # The head goes on, with a hole; pools and tokens become known, for all days that were built.
    pieces.show(lambda p: p.number != middle and p.family not in ("aave_v3", "chainlink"))
    known = build()
    # Prices, senders and the hole come last.
    assert pieces.show(lambda p: p.number <= pieces.last) == 0
    whole = build()
    # A part of the newest days ceases again, and with it the last swaps of some hours.
    pieces.show(lambda p: p.number < pieces.last or p.family == "uniswap_v3")
    build()
    for name in ("int_dex_swaps", "dex_trades", "dex_volume_daily"):
        assert len({unknown[name], known[name], whole[name]}) == 3, name
