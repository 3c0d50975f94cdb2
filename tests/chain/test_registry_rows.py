"""The registry's rows: the devnet's are what is deployed, mainnet's lead to contracts that everybody knows."""

from __future__ import annotations

import pytest

from devnet import registry_rows
from devnet.registry_rows import Row, SeedFile
from loaders.facts.create2 import create2_address, pool_salt
from loaders.registry.seeds import SEEDS
from tests.small_market import SmallMarket

FILES = ["chains.csv", "registry_contracts.csv", "registry_tokens.csv", "registry_feeds.csv"]


@pytest.mark.parametrize("name", FILES)
def test_committed_rows_are_those_of_the_deployment(small: SmallMarket, name: str) -> None:
    committed = SeedFile.read(SEEDS / name).devnet_rows()
    assert committed
    assert committed == registry_rows.of(small.built.world)[name]


def test_rows_of_other_chains_survive_a_rewrite() -> None:
    tokens = SeedFile.read(SEEDS / "registry_tokens.csv")
    rewritten = tokens.with_devnet([])
    assert rewritten.rows == [row for row in tokens.rows if row["chain_id"] != "31337"]
    assert rewritten.rows
    assert tokens.with_devnet(tokens.devnet_rows()).text() == (SEEDS / "registry_tokens.csv").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize(
    ("protocol", "pair"),
    [
        ("uniswap", "0xb4e16d0168e52d35cacd2c6185b44281ec28c9dc"),
        ("sushiswap", "0x397ff1542f962076d0bfe58ea045ffa2d347aca0"),
        ("pancakeswap", "0x2e8135be71230c6b1b4045696d41c09db0414226"),
    ],
)
def test_mainnet_v2_factories_lead_to_the_usdc_weth_pair(protocol: str, pair: str) -> None:
    assert _usdc_weth_pool(_mainnet_row(protocol, "2", "factory")) == pair


@pytest.mark.parametrize(
    ("protocol", "role", "pool"),
    [
        ("uniswap", "factory", "0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640"),
        ("pancakeswap", "pool_deployer", "0x1ac1a8feaaea1900c4166deeed0c11cc10669d36"),
    ],
)
def test_mainnet_v3_exchanges_lead_to_the_usdc_weth_pool(protocol: str, role: str, pool: str) -> None:
    assert _usdc_weth_pool(_mainnet_row(protocol, "3", role), fee_pips=500) == pool


def _mainnet_row(protocol: str, version: str, role: str) -> Row:
    rows = SeedFile.read(SEEDS / "registry_contracts.csv").rows
    wanted = {"chain_id": "1", "protocol": protocol, "version": version, "role": role}
    (row,) = [row for row in rows if wanted.items() <= row.items()]
    return row


def _usdc_weth_pool(maker: Row, fee_pips: int | None = None) -> str:
    rows = SeedFile.read(SEEDS / "registry_tokens.csv").rows
    usdc, weth = sorted(r["token_address"] for r in rows if r["chain_id"] == "1" and r["symbol"] in ("USDC", "WETH"))
    salt = pool_salt(maker["family"], usdc, weth, fee_pips)
    return create2_address(maker["contract_address"], salt, maker["init_code_hash"])
