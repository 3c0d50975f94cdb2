"""The main job, end to end: a real node with the real contracts → raw tables → marts that agree with the chain.

Everything runs through the command, as a user would run it, against one small devnet market.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from loaders.trust.catalogue import load_checks
from tests.conftest import ROOT, Run
from tests.warehouse.small_warehouse import SmallWarehouse, mart_contents


@pytest.fixture(scope="module")
def marts(small_warehouse: SmallWarehouse) -> dict[str, str]:
    """Content of each mart."""
    return mart_contents(small_warehouse.database)


def test_every_mart_has_rows(marts: dict[str, str]) -> None:
    assert set(marts) >= {
        "market.tokens",
        "market.token_prices_hourly",
        "dex.dex_pools",
        "dex.dex_trades",
        "dex.dex_volume_daily",
        "lending.lending_actions",
        "lending.lending_reserves_daily",
        "lending.lending_positions",
        "lending.lending_account_health",
        "lending.lending_liquidations",
        "quality.data_invariants",
        "quality.data_trust",
    }
    empty = [mart for mart, content in marts.items() if content.startswith("0 rows")]
    assert not empty


def test_state_equals_the_contracts_own_answers(small_warehouse: SmallWarehouse) -> None:
    """Every pool, reserve and account at the head and in history; the checks themselves are dbt models."""
    with duckdb.connect(str(small_warehouse.database), read_only=True) as connection:
        checks = connection.execute(
            "select invariant_id, count(distinct as_of_block), sum(checked_count), sum(failed_count) "
            "from quality.data_invariants where status != 'incomplete' group by all order by all"
        ).fetchall()
        incomplete = connection.execute(
            "select invariant_id, entity from quality.data_invariants where status = 'incomplete'"
        ).fetchall()
    by_id = {invariant: (blocks, checked, failed) for invariant, blocks, checked, failed in checks}
    assert not incomplete, "the whole history is loaded: nothing may be left unchecked"
    assert set(by_id) == {check.check_id for check in load_checks()}
    assert all(checked > 0 and failed == 0 for _, checked, failed in by_id.values()), by_id
    # RD8 compares what never changes, once for each pool.
    reconciled = {i: c for i, c in by_id.items() if i.startswith("R") and i != "RD8"}
    assert reconciled
    assert all(blocks == 4 for blocks, _, _ in reconciled.values()), reconciled


def test_a_family_that_no_model_reads_is_checked_by_the_ledger(small_warehouse: SmallWarehouse) -> None:
    with duckdb.connect(str(small_warehouse.database), read_only=True) as connection:
        tables = connection.execute("select table_name from duckdb_tables() where schema_name = 'raw'").fetchall()
        (loaded,) = connection.execute("select count(*) from raw.contract_risk__events").fetchall()
        (live,) = connection.execute(
            "select count(*) from staging.stg_poolhouse__live_logs where table_name = 'contract_risk__events'"
        ).fetchall()
    assert ("curve__events",) not in tables, "nobody loaded it"
    assert loaded == live > (0,)


def test_unit_tests_of_the_models(warehouse_copy: Path, tmp_path: Path) -> None:
    """They need no data, but dbt reads the types of their fixtures from built relations."""
    dbt = [sys.executable, "-m", "dbt.cli.main", "test", "--select", "test_type:unit", "--target", "duckdb"]
    done = subprocess.run(
        [*dbt, "--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "POOLHOUSE_DUCKDB": str(warehouse_copy)},
    )
    assert done.returncode == 0, done.stdout
    assert int(re.findall(r"PASS=(\d+)", done.stdout)[-1]) >= 60


def test_readers_open_the_published_marts(
    poolhouse: Run, small_warehouse: SmallWarehouse, marts: dict[str, str]
) -> None:
    query = "select count(*) as trades from dex.dex_trades"
    answer = poolhouse("query", query, "--database", str(small_warehouse.database))
    trades = marts["dex.dex_trades"].split()[0]
    assert trades in answer.stdout.replace(",", "")
