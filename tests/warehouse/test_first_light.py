"""The main job, end to end: a real node with the real contracts → raw tables → marts that agree with the chain.

Everything runs through the command, as a user would run it, against one small devnet market.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from devnet.market import simulation
from devnet.node import Anvil
from loaders.trust.catalogue import load_checks
from tests.conftest import ROOT, Run

SERVED = ("dex", "lending", "market", "quality")


@dataclass(frozen=True)
class Node:
    url: str
    head: int
    middle: int


@dataclass(frozen=True)
class Built:
    database: Path
    marts: dict[str, str]
    """Content hash of each mart."""


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """A small market, simulated anew, with every block still callable."""
    with Anvil() as anvil:
        market = simulation.build(anvil.rpc, actions=simulation.SMALL_ACTIONS)
        yield Node(anvil.url, market.head_number, market.head_number * 2 // 3)


def load(poolhouse: Run, node: Node, database: Path, *extra: str) -> None:
    where = ("--chain", "devnet", "--rpc-url", node.url, "--database", str(database))
    poolhouse("load", *where, "--with-transfers", *extra)


def snapshot(poolhouse: Run, node: Node, database: Path) -> None:
    blocks = f"{node.middle},head"
    where = ("--chain", "devnet", "--rpc-url", node.url, "--database", str(database))
    poolhouse("snapshot", *where, "--blocks", blocks)


def build(poolhouse: Run, database: Path) -> Built:
    poolhouse("build", "--database", str(database))
    return Built(database, content(database))


def content(database: Path) -> dict[str, str]:
    """Hash of every mart's rows, whatever their order."""
    with duckdb.connect(str(database), read_only=True) as connection:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where schema_name in (select unnest(?)) order by all",
            [list(SERVED)],
        ).fetchall()
        hashes = {}
        for schema, table in tables:
            row = connection.execute(
                f"select count(*), md5(coalesce(string_agg(hash, '' order by hash), '')) "
                f"from (select md5(cast(mart as varchar)) as hash from {schema}.{table} as mart)"
            ).fetchone()
            assert row is not None
            hashes[f"{schema}.{table}"] = f"{row[0]} rows {row[1]}"
        return hashes


@pytest.fixture(scope="module")
def warehouse(poolhouse: Run, node: Node, tmp_path_factory: pytest.TempPathFactory) -> Built:
    database = tmp_path_factory.mktemp("first") / "devnet.duckdb"
    load(poolhouse, node, database)
    snapshot(poolhouse, node, database)
    return build(poolhouse, database)


def test_every_mart_has_rows(warehouse: Built) -> None:
    assert set(warehouse.marts) >= {
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
    }
    empty = [mart for mart, digest in warehouse.marts.items() if digest.startswith("0 rows")]
    assert not empty


def test_state_equals_the_contracts_own_answers(warehouse: Built) -> None:
    """Every pool, reserve and account at the head and in history; the checks themselves are dbt models."""
    with duckdb.connect(str(warehouse.database), read_only=True) as connection:
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
    reconciled = {i: c for i, c in by_id.items() if i.startswith("R")}
    assert reconciled
    assert all(blocks == 2 for blocks, _, _ in reconciled.values()), reconciled


def test_unit_tests_of_the_models(warehouse: Built, tmp_path: Path) -> None:
    """They need no data, but dbt reads the types of their fixtures from built relations."""
    dbt = [sys.executable, "-m", "dbt.cli.main", "test", "--select", "test_type:unit", "--target", "duckdb"]
    done = subprocess.run(
        [*dbt, "--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "POOLHOUSE_DUCKDB": str(warehouse.database)},
    )
    assert done.returncode == 0, done.stdout
    assert int(re.findall(r"PASS=(\d+)", done.stdout)[-1]) >= 60


def test_second_build_changes_nothing(poolhouse: Run, warehouse: Built) -> None:
    assert build(poolhouse, warehouse.database).marts == warehouse.marts


def test_an_identical_run_gives_identical_marts(poolhouse: Run, node: Node, warehouse: Built, tmp_path: Path) -> None:
    """Loaded in two pieces, the later one first, and built in between: the same content, incrementally."""
    database = tmp_path / "again.duckdb"
    load(poolhouse, node, database, "--from-block", str(node.middle + 1))
    poolhouse("build", "--database", str(database))
    load(poolhouse, node, database, "--to-block", str(node.middle))
    load(poolhouse, node, database)
    snapshot(poolhouse, node, database)
    assert build(poolhouse, database).marts == warehouse.marts


def test_readers_open_the_published_marts(poolhouse: Run, warehouse: Built) -> None:
    answer = poolhouse("query", "select count(*) as trades from dex.dex_trades", "--database", str(warehouse.database))
    trades = warehouse.marts["dex.dex_trades"].split()[0]
    assert trades in answer.stdout.replace(",", "")
