"""Pools of any factory, known or not, come with one pass over the chain: also those that trade as soon as they exist."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from devnet.chain import Chain
from devnet.contracts import Contract, own, packaged
from devnet.node import Anvil
from loaders.discover.creations import creations_of
from loaders.discover.run import discover_in_warehouse, discover_on_chain
from loaders.load.request import LoadRequest
from loaders.load.run import load
from loaders.registry.abi import parse_event
from loaders.registry.seeds import load_registry
from loaders.rpc.client import RpcClient
from loaders.source.transactions import TransactionMode
from tests.loaders.emitter import Proxy, serve

TABLES = {
    "uniswap_v2__factory_pair_created": parse_event("PairCreated(address, address, address, uint256)").topic0,
    "uniswap_v2__pair_mint": parse_event("Mint(address, uint256, uint256)").topic0,
    "uniswap_v2__pair_sync": parse_event("Sync(uint112, uint112)").topic0,
    "uniswap_v2__pair_swap": parse_event("Swap(address, uint256, uint256, uint256, uint256, address)").topic0,
}
FOREVER = 2**64
PLENTY = 10**24


@dataclass
class Exchange:
    """Uniswap's own factory and router, and the block in which their one pair was created, filled and traded."""

    factory: Contract
    router: Contract
    block: int = 0


@dataclass
class Setting:
    chain: Chain
    url: str
    exchanges: list[Exchange]

    def logs(self, topic0: str) -> list[dict[str, Any]]:
        """As the node has them."""
        found: list[dict[str, Any]] = self.chain.rpc.call(
            "eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest", "topics": [[topic0]]}
        )
        return found


@pytest.fixture(scope="module")
def setting() -> Iterator[Setting]:
    with Anvil() as anvil:
        chain = Chain(RpcClient(anvil.url))
        exchanges = [_deploy(chain, owner) for owner in chain.accounts[:2]]
        tokens = [chain.deploy(chain.accounts[0], own("TradedToken"), s, s, 18) for s in ("ONE", "TWO")]
        chain.settle()
        trader = chain.accounts[2]
        for token in tokens:
            chain.send(chain.accounts[0], token, "mint", [trader], PLENTY)
            chain.send(chain.accounts[0], token, "trust", [exchange.router.address for exchange in exchanges])
        chain.settle()
        addresses = [token.address for token in tokens]
        for exchange in exchanges:
            amounts = [10**21, 10**21, 0, 0]
            # The router creates the pair and fills it in one transaction; the next one trades.
            chain.send(trader, exchange.router, "addLiquidity", *addresses, *amounts, trader, FOREVER, gas=6_000_000)
            chain.send(trader, exchange.router, "swapExactTokensForTokens", 10**18, 0, addresses, trader, FOREVER)
            exchange.block = int(chain.settle()[0].receipt["blockNumber"], 16)
        chain.mine()
        yield Setting(chain, anvil.url, exchanges)


def _deploy(chain: Chain, owner: str) -> Exchange:
    weth = chain.deploy(owner, packaged("@uniswap/v2-periphery", "build/WETH9.json"))
    factory = chain.deploy(owner, packaged("@uniswap/v2-core", "build/UniswapV2Factory.json"), owner)
    code = packaged("@uniswap/v2-periphery", "build/UniswapV2Router02.json")
    return Exchange(factory, chain.deploy(owner, code, factory.address, weth.address))


@pytest.fixture(scope="module")
def loaded(setting: Setting, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """A warehouse, and the filters of all requests for logs that filled it."""
    proxy = Proxy(setting.url)
    database = tmp_path_factory.mktemp("factories") / "w.duckdb"
    with serve(proxy.respond) as url:
        load(
            LoadRequest(
                chain="devnet",
                rpc_url=url,
                database=database,
                protocols=("uniswap_v2",),
                from_block=0,
                with_facts=False,
                transactions=TransactionMode.NONE,
            )
        )
    return database, [call["params"][0] for call in proxy.calls if call["method"] == "eth_getLogs"]


def test_a_pool_created_and_traded_in_one_block_is_there_whole(
    setting: Setting, loaded: tuple[Path, list[dict[str, Any]]]
) -> None:
    first, second = setting.exchanges
    assert first.block != second.block
    with duckdb.connect(str(loaded[0]), read_only=True) as connection:
        for table, topic0 in TABLES.items():
            rows = connection.execute(
                f"select block_number, log_index, contract_address from raw.{table} order by all"
            ).fetchall()
            logs = setting.logs(topic0)
            expected = [(int(log["blockNumber"], 16), int(log["logIndex"], 16), log["address"]) for log in logs]
            assert rows == sorted(expected), table
            assert {row[0] for row in rows} == {first.block, second.block}, table


def test_creation_and_first_liquidity_were_one_transaction(setting: Setting) -> None:
    created, minted = (setting.logs(TABLES[f"uniswap_v2__{t}"]) for t in ("factory_pair_created", "pair_mint"))
    assert [log["transactionHash"] for log in created] == [log["transactionHash"] for log in minted]


def test_one_pass_without_addresses_reads_every_factorys_pools(
    setting: Setting, loaded: tuple[Path, list[dict[str, Any]]]
) -> None:
    asked = loaded[1]
    assert not any("address" in filter_ for filter_ in asked)
    # What came empty is asked for again, to be sure; what has logs is read once, whichever factory they are of.
    for exchange in setting.exchanges:
        ranges = [f for f in asked if int(f.get("fromBlock", "0x0"), 16) <= exchange.block <= _last_block(f)]
        topics = Counter(topic for filter_ in ranges for topic in filter_["topics"][0])
        assert set(topics) >= set(TABLES.values())
        assert max(topics.values()) == 1


def _last_block(filter_: dict[str, Any]) -> int:
    """-1 for a filter of one block by its hash."""
    return int(filter_["toBlock"], 16) if "toBlock" in filter_ else -1


def test_both_factories_are_discovered(setting: Setting, loaded: tuple[Path, list[dict[str, Any]]]) -> None:
    registry = load_registry()
    head = int(setting.chain.rpc.call("eth_blockNumber"), 16)
    on_chain = discover_on_chain(registry, "devnet", setting.url, creations_of([]), from_block=0, to_block=head)
    in_warehouse = discover_in_warehouse(registry, "devnet", loaded[0], creations_of([]))
    expected = {exchange.factory.address: exchange.block for exchange in setting.exchanges}
    for discovery in (on_chain, in_warehouse):
        assert {f.emitter: f.first_block for f in discovery.findings} == expected
        assert {(f.family, f.role, f.event, f.count) for f in discovery.findings} == {
            ("uniswap_v2", "factory", "PairCreated", 1)
        }
    pairs = {log["address"] for log in setting.logs(TABLES["uniswap_v2__pair_mint"])}
    assert {f.sample for f in on_chain.findings} == {f.sample for f in in_warehouse.findings} == pairs
