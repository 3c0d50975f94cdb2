"""What ships for mainnet, unchanged, against a chain that passes for it: the registry's rows lead to proven pools.

The addresses are mainnet's own, which everybody can look up.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from devnet.market import simulation
from devnet.node import ETHEREUM, Anvil
from tests.conftest import ROOT, Run

USDC_WETH_PAIR = "0xb4e16d0168e52d35cacd2c6185b44281ec28c9dc"
USDC_WETH_POOL = "0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640"
WETH = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
USDC = "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with Anvil(network=ETHEREUM) as node:
        simulation.build(node.rpc, actions=40, only=["uniswap_v2.swap*", "uniswap_v3.swap*"])
        yield node.url


@pytest.fixture(scope="module")
def database(poolhouse: Run, url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Loaded as mainnet is, and built as far as the trades."""
    file = tmp_path_factory.mktemp("ethereum") / "rehearsal.duckdb"
    where = ("--chain", "ethereum", "--rpc-url", url, "--database", str(file))
    poolhouse("load", *where, "--protocol", "uniswap_v2,uniswap_v3", "--from-block", str(ETHEREUM.first_block))
    dbt = [
        sys.executable,
        "-m",
        "dbt.cli.main",
        "build",
        "--select",
        "+dex_trades",
        "+dex_pools",
        "--exclude",
        "test_type:unit",
    ]
    dbt += ["--indirect-selection", "cautious"]  # no test of a model that is not built here
    paths = ["--target-path", str(file.parent / "target"), "--log-path", str(file.parent / "logs")]
    done = subprocess.run(
        [*dbt, "--target", "duckdb", *paths],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "POOLHOUSE_DUCKDB": str(file)},
    )
    assert done.returncode == 0, done.stdout
    return file


def test_pools_of_both_versions_are_proven(database: Path) -> None:
    pools = _rows(
        database,
        "select pool_address, protocol, version, token0, token1, fee_pips from dex.dex_pools "
        f"where pool_address in ('{USDC_WETH_PAIR}', '{USDC_WETH_POOL}') order by version",
    )
    assert pools == [
        (USDC_WETH_PAIR, "uniswap", "2", USDC, WETH, 3000),
        (USDC_WETH_POOL, "uniswap", "3", USDC, WETH, 500),
    ]


def test_their_trades_are_there(database: Path) -> None:
    trades = _rows(
        database,
        "select version, count(*) > 20, min(block_number) >= 20000000, count(distinct chain_id) from dex.dex_trades "
        "where protocol = 'uniswap' and chain_id = 1 group by version order by version",
    )
    assert trades == [("2", True, True, 1), ("3", True, True, 1)]


def test_another_chain_of_the_same_id_is_not_mixed_in(poolhouse: Run, database: Path) -> None:
    with Anvil(network=replace(ETHEREUM, first_block=0)) as other:
        where = ("--chain", "ethereum", "--rpc-url", other.url, "--database", str(database))
        refused = poolhouse("load", *where, "--last-blocks", "1", check=False)
    assert refused.returncode == 1
    assert f"is not the chain already in {database}" in refused.stderr.replace("\n", "")


def _rows(database: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(query).fetchall()
