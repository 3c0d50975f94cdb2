"""The registry's rows of real chains, reviewed: addresses prove each other, and no log lies below its contract's start."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from loaders.facts.create2 import create2_address, pool_salt
from loaders.registry.families import load_families
from loaders.registry.seeds import Contract, Registry, load_registry

REGISTRY: Registry = load_registry()
DEVNET = 31337
REAL = [contract for contract in REGISTRY.contracts if contract.chain_id != DEVNET]
_ONLY_READ = {("uniswap_v3", "pool_deployer"), ("aave_v3", "data_provider")}
"""Roles that emit nothing that is loaded: their contracts are called, or their pools' addresses derived."""


def test_eight_chains_have_what_models_read() -> None:
    chains = [chain for chain in REGISTRY.chains if chain.chain_id != DEVNET]
    assert len(chains) == 8
    families = {chain.name: set(REGISTRY.families_of(chain)) for chain in chains}
    assert all(of >= {"uniswap_v3", "aave_v3", "chainlink"} for of in families.values()), families
    assert {name for name, of in families.items() if "uniswap_v2" not in of} == set()
    assert {name for name, of in families.items() if "uniswap_v4" not in of} == {"gnosis"}
    assert {name for name, of in families.items() if "balancer_v2" not in of} == {"bnb"}
    assert {name for name, of in families.items() if "morpho_blue" not in of} == {"avalanche"}


def test_no_row_is_there_twice() -> None:
    keys = [(c.chain_id, c.address, c.role) for c in REGISTRY.contracts]
    assert max(Counter(keys).values()) == 1
    assert max(Counter((t.chain_id, t.address) for t in REGISTRY.tokens).values()) == 1
    assert max(Counter((f.chain_id, f.address) for f in REGISTRY.feeds).values()) == 1


def test_every_row_says_where_its_start_is_from() -> None:
    assert [c for c in REAL if "start: " not in c.note] == []
    unknown = {(c.family, c.role) for c in REAL if c.start_block == 0 and "lower bound" not in c.note}
    assert {family for family, _ in unknown if load_families()[family].is_modelled} == set()
    assert all("unknown" in c.note or "lower bound" in c.note for c in REAL if c.start_block == 0)


def test_roles_are_those_of_events_or_of_contracts_that_are_called() -> None:
    emitting = {(event.family, event.role) for event in REGISTRY.events.events}
    assert {(c.family, c.role) for c in REGISTRY.contracts} <= emitting | _ONLY_READ | {("compound_v2", "comptroller")}


def test_events_of_registered_contracts_have_contracts() -> None:
    """An event that is asked for by address and has none would never be loaded. Aggregators are read from the chain."""
    known = {(c.family, c.role) for c in REAL}
    asked = {(e.family, e.role) for e in REGISTRY.events.events if e.emitters == "registered"}
    assert asked - known == {("chainlink", "aggregator")}


def test_every_market_of_aave_v3_is_complete() -> None:
    markets: dict[tuple[int, str, str], set[str]] = {}
    for contract in REAL:
        if contract.family == "aave_v3":
            markets.setdefault((contract.chain_id, contract.protocol, contract.market), set()).add(contract.role)
    assert len(markets) >= 13
    assert all(roles >= {"pool", "configurator", "oracle", "addresses_provider"} for roles in markets.values())


def test_wrapped_natives_are_tokens_of_18_decimals() -> None:
    tokens = {(t.chain_id, t.address): t for t in REGISTRY.tokens}
    for chain in REGISTRY.chains:
        token = tokens[chain.chain_id, chain.wrapped_native_address]
        assert (token.category, token.decimals, token.is_anchor) == ("wrapped_native", 18, True), chain.name


def test_feeds_price_registered_tokens() -> None:
    tokens = {(t.chain_id, t.address): t.symbol for t in REGISTRY.tokens}
    assert {f for f in REGISTRY.feeds if tokens.get((f.chain_id, f.base_token_address)) != f.base_symbol} == set()
    assert {f.decimals for f in REGISTRY.feeds} == {8}


@pytest.mark.parametrize(
    ("chain", "protocol", "version", "tokens", "fee_pips", "pool"),
    [
        ("base", "uniswap", "2", "WETH USDC", None, "0x88a43bbdf9d098eec7bceda4e2494615dfd9bb9c"),
        ("base", "uniswap", "3", "WETH USDC", 500, "0xd0b53d9277642d899df5c87a3966a349a798f224"),
        ("base", "pancakeswap", "3", "WETH USDC", 100, "0x72ab388e2e2f6facef59e3c3fa2c4e29011c2d38"),
        ("arbitrum", "uniswap", "3", "WETH USDC", 500, "0xc6962004f452be9203591991d15f6b388e09e8d0"),
        ("arbitrum", "uniswap", "3", "WETH USDC.e", 500, "0xc31e54c7a869b9fcbecc14363cf510d1c41fa443"),
        ("arbitrum", "sushiswap", "2", "WETH USDC.e", None, "0x905dfcd5649217c42684f23958568e533c711aa3"),
        ("arbitrum", "pancakeswap", "3", "WETH USDC", 100, "0x7fcdc35463e3770c2fb992716cd070b63540b947"),
        ("optimism", "uniswap", "3", "WETH USDC", 500, "0x1fb3cf6e48f1e7b10213e7b6d87d4c073c7fdb7b"),
        ("polygon", "uniswap", "3", "WETH USDC.e", 500, "0x45dda9cb7c25131df268515131f647d726f50608"),
        ("polygon", "sushiswap", "2", "WETH USDC.e", None, "0x34965ba0ac2451a34a0471f04cca3f990b8dea27"),
        ("polygon", "quickswap", "2", "WETH USDC.e", None, "0x853ee4b2a13f8a742d64c8f088be7ba2131f670d"),
        ("bnb", "uniswap", "3", "WBNB USDT", 500, "0x6fe9e9de56356f7edbfcbb29fab7cd69471a4869"),
        ("bnb", "sushiswap", "2", "WBNB BUSD", None, "0xdc558d64c29721d74c4456cfb4363a6e6660a9bb"),
        ("bnb", "pancakeswap", "2", "WBNB BUSD", None, "0x58f876857a02d6762e0101bb5c46a8c1ed44dc16"),
        ("bnb", "pancakeswap", "3", "WBNB USDT", 500, "0x36696169c63e42cd08ce11f5deebbcebae652050"),
        ("avalanche", "uniswap", "3", "WAVAX USDC", 500, "0xfae3f424a0a47706811521e3ee268f00cfb5c45e"),
        ("avalanche", "traderjoe", "1", "WAVAX USDC", None, "0xf4003f4efbe8691b60249e6afbd307abe7758adb"),
        ("avalanche", "pangolin", "2", "WAVAX USDC", None, "0x0e0100ab771e9288e0aa97e11557e6654c3a9665"),
    ],
)
def test_factories_lead_to_pools_that_everybody_can_look_up(
    chain: str, protocol: str, version: str, tokens: str, fee_pips: int | None, pool: str
) -> None:
    """One address proves the factory's, its init code hash and both tokens'."""
    known = REGISTRY.chain(chain)
    by_symbol = {t.symbol: t.address for t in REGISTRY.tokens_of(known)}
    token0, token1 = sorted(by_symbol[symbol] for symbol in tokens.split())
    (maker,) = [
        c
        for c in REGISTRY.contracts_of(known)
        if (c.protocol, c.version) == (protocol, version) and c.family.startswith("uniswap_v") and c.init_code_hash
    ]
    salt = pool_salt(maker.family, token0, token1, fee_pips)
    assert create2_address(maker.address, salt, maker.init_code_hash) == pool


def test_no_recorded_log_lies_below_the_start_of_its_contract(reference_data: Path) -> None:
    contracts: dict[tuple[int, str], list[Contract]] = {}
    for contract in REAL:
        contracts.setdefault((contract.chain_id, contract.address), []).append(contract)
    factories = {(c.chain_id, c.address): c.start_block for c in REAL if c.role == "factory"}
    with (reference_data / "expected" / "pools.csv").open(encoding="utf-8", newline="") as file:
        starts = {
            (int(row["chain_id"]), row["pool"]): factories[int(row["chain_id"]), row["factory"]]
            for row in csv.DictReader(file)
            if (int(row["chain_id"]), row["factory"]) in factories
        }
    starts |= {key: min(c.start_block for c in known) for key, known in contracts.items()}
    seen = 0
    for path in sorted((reference_data / "blocks").glob("*/*.json.gz")):
        recorded = json.loads(gzip.decompress(path.read_bytes()))
        chain_id, number = int(path.parent.name), int(recorded["block"]["number"], 16)
        emitters = {log["address"] for receipt in recorded["receipts"] for log in receipt["logs"]}
        for emitter in emitters:
            start = starts.get((chain_id, emitter))
            if start is not None:
                seen += 1
                assert start <= number, (chain_id, emitter)
    assert seen > 100
