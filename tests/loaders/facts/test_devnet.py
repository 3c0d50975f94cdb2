"""Facts of a market on a real node: real contracts, loaded by the loader, read and held against each other."""

from __future__ import annotations

import json
import re
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from eth_abi.packed import encode_packed
from eth_hash.auto import keccak

from devnet.chain import Chain
from devnet.contracts import packaged
from devnet.market.simulation import build
from devnet.node import Anvil
from devnet.protocols import chainlink
from devnet.world import World, deploy
from loaders.errors import PoolhouseError
from loaders.facts.calls import StateUnavailable
from loaders.facts.complete import complete
from loaders.facts.feeds import feed_aggregators
from loaders.facts.snapshot import snapshot
from loaders.follow.chain import Choice
from loaders.follow.run import FollowedEndpoint, FollowRequest, follow
from loaders.load.opening import open_session
from loaders.load.request import LoadRequest
from loaders.load.run import load
from loaders.registry.schema import LOAD_ID
from loaders.reporting.observer import Observer
from loaders.session import Session
from loaders.source.transactions import TransactionMode
from tests.warehouse.googlesql.analyzer import Analyzer


@dataclass(frozen=True)
class Market:
    world: World
    url: str
    middle: int
    head: int
    database: Path

    def session(self, *protocols: str) -> Any:
        return open_session("devnet", protocols, self.url, "duckdb", self.database)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """A small market, loaded, with snapshots of its middle and its head."""
    database = tmp_path_factory.mktemp("facts") / "devnet.duckdb"
    with Anvil() as node:
        built = build(node.rpc, actions=120, days=10)
        load(LoadRequest("devnet", node.url, database, with_transfers=True))
        with open_session("devnet", (), node.url, "duckdb", database) as session:
            taken = snapshot(session, ["head", "middle"])
        middle, head = taken.blocks
        assert head == built.head_number
        assert head * 0.4 < middle < head * 0.6
        yield Market(built.world, node.url, middle, head, database)


@pytest.fixture
def session(market: Market) -> Iterator[Session]:
    with market.session() as opened:
        yield opened


Reads = dict[tuple[str, str], dict[str, Any]]


def reads(session: Session, function: str, block: int) -> Reads:
    """Rows of a function at a block by (contract, arguments)."""
    rows = session.query(
        "select contract_address, arguments, value, status, block_hash from {contract_reads} "
        f"where function = '{function}' and block_number = {block}"
    )
    found = {(r["contract_address"], r["arguments"]): r for r in rows}
    assert len(found) == len(rows), "one row per call"
    return found


def check_headers_of_reads(database: Path) -> None:
    """Each read has its block's header in its own package, once."""
    with duckdb.connect(str(database), read_only=True) as connection:
        functions = connection.execute(
            "select count(distinct function) from raw.contract_reads as reads anti join raw.blocks "
            "using (_dlt_load_id, chain_id, block_number, block_hash, block_timestamp)"
        ).fetchone()
        twice = connection.execute(
            "select _dlt_load_id, chain_id, block_number from raw.blocks group by all having count(*) > 1"
        ).fetchall()
        read = connection.execute("select count(distinct _dlt_load_id) from raw.contract_reads").fetchone()
    assert functions == (0,)
    assert twice == []
    assert read is not None
    assert read[0] > 1, "by the load itself, and by what completes it"


def test_headers_of_blocks_that_were_read_are_written_with_the_reads(market: Market) -> None:
    check_headers_of_reads(market.database)


def test_metadata_of_usual_and_odd_tokens(session: Session, market: Market) -> None:
    rows = session.query(
        "select contract_address, function, value, status from {contract_reads} "
        "where function in ('decimals', 'symbol', 'name')"
    )
    read = {(r["contract_address"], r["function"]): (r["status"], r["value"]) for r in rows}
    tokens = market.world.tokens
    for token in (*tokens.core.values(), tokens.taxed, tokens.bytes32):
        assert read[token.address, "symbol"] == ("ok", token.symbol)
        assert read[token.address, "name"] == ("ok", token.spec.name)
        assert read[token.address, "decimals"] == ("ok", str(token.spec.decimals))
    nameless = tokens.nameless.address
    assert read[nameless, "decimals"] == ("ok", "0")
    assert read[nameless, "symbol"] == ("reverted", None)
    assert read[nameless, "name"][0] in ("reverted", "empty")


def test_state_at_the_head_is_what_the_contracts_say(session: Session, market: Market) -> None:
    chain = market.world.chain
    exchanges = (*market.world.v2_exchanges, market.world.pancakeswap_v2)
    pairs = [p for exchange in exchanges for p in exchange.pairs]
    found = reads(session, "getReserves", market.head)
    said = chain.read_many((p.contract, "getReserves", ()) for p in pairs)
    assert {contract: json.loads(r["value"]) for (contract, _), r in found.items()} == {
        p.contract.address: [str(v) for v in values] for p, values in zip(pairs, said, strict=True)
    }
    pool = market.world.lending.pool
    accounts = reads(session, "getUserAccountData", market.head)
    assert len(accounts) > 10
    for (contract, arguments), row in accounts.items():
        (account,) = json.loads(arguments)
        assert contract == pool.address
        assert json.loads(row["value"]) == [str(v) for v in chain.read(pool, "getUserAccountData", account)]


def test_pools_of_a_vault_are_read_by_their_ids(session: Session, market: Market) -> None:
    balancer = market.world.balancer
    found = reads(session, "getPoolTokens", market.head)
    assert len(found) == len(balancer.weighted) + 1
    for pool in (*balancer.weighted, balancer.managed):
        tokens, balances, last_change = market.world.chain.read(balancer.vault, "getPoolTokens", pool.pool_id)
        row = found[balancer.vault.address, f'["0x{pool.pool_id.hex()}"]']
        assert json.loads(row["value"]) == [*tokens, *map(str, balances), str(last_change)]
        assert tokens == tuple(token.address for token in pool.tokens)
        assert all(balance > 0 for balance in balances)


def test_state_in_the_middle_is_that_of_its_block(session: Session, market: Market) -> None:
    middle = market.middle
    last_sync = session.query(
        "select contract_address, arg_max(reserve0, (block_number, log_index)) as reserve0 from "
        f"{{uniswap_v2__pair_sync}} where block_number <= {middle} group by 1"
    )
    found = reads(session, "getReserves", middle)
    synced = {r["contract_address"]: r["reserve0"] for r in last_sync}
    assert synced
    for pool, reserve0 in synced.items():
        assert json.loads(found[pool, "[]"]["value"])[0] == reserve0
    assert {r["block_hash"] for r in found.values()} == {
        market.world.chain.rpc.call("eth_getBlockByNumber", hex(middle), False)["hash"]
    }


def test_positions_are_recorded_by_owner_and_ticks(session: Session, market: Market) -> None:
    """Asked of the pool itself under the key that Solidity computes; known from the logs as the node has them."""
    chain = market.world.chain
    found = reads(session, "positions", market.head)
    minted = session.query(
        "select distinct contract_address, owner, tick_lower, tick_upper from {uniswap_v3__pool_mint}"
    )
    assert {(contract, *json.loads(arguments)) for contract, arguments in found} == {
        (m["contract_address"], m["owner"], str(m["tick_lower"]), str(m["tick_upper"])) for m in minted
    }
    exchanges = market.world.v3_exchange, market.world.pancakeswap_v3
    pools = {p.contract.address: p.contract for exchange in exchanges for p in exchange.pools}
    liquidities = []
    for (contract, arguments), row in found.items():
        owner, lower, upper = json.loads(arguments)
        key = keccak(encode_packed(["address", "int24", "int24"], [owner, int(lower), int(upper)]))
        said = chain.read(pools[contract], "positions", key)
        assert json.loads(row["value"]) == [str(v) for v in said]
        liquidities.append(said[0])
    assert any(liquidities)


def test_shares_of_every_holder_add_up_to_the_supply(session: Session, market: Market) -> None:
    """The contracts' own arithmetic: were a holder not asked, the sum would fall short."""
    supplies = {pair: int(r["value"]) for (pair, _), r in reads(session, "totalSupply", market.head).items()}
    held = dict.fromkeys(supplies, 0)
    for (token, _), row in reads(session, "balanceOf", market.head).items():
        if token in held:
            held[token] += int(row["value"])
    assert held == supplies
    assert all(supplies.values())


def test_state_of_pools_without_contracts_comes_from_their_managers_storage(session: Session, market: Market) -> None:
    exchange = market.world.uniswap_v4
    slots = reads(session, "getSlot0", market.head)
    assert set(slots) == {(exchange.manager.address, f'["{pool.pool_id}"]') for pool in exchange.pools}
    assert {r["status"] for r in slots.values()} == {"ok"}
    changes = session.query(
        "select id, sender, tick_lower, tick_upper, salt, sum(cast(liquidity_delta as hugeint)) as liquidity "
        "from {uniswap_v4__pool_manager_modify_liquidity} group by all"
    )
    found = reads(session, "getPositionLiquidity", market.head)
    assert len(found) == len(changes) > len(exchange.pools)
    for row in changes:
        named = [row["id"], row["sender"], str(row["tick_lower"]), str(row["tick_upper"]), row["salt"]]
        position = found[exchange.manager.address, json.dumps(named, separators=(",", ":"))]
        assert position["value"] == str(row["liquidity"])


@pytest.mark.parametrize("where", ["middle", "head"])
def test_every_holder_is_asked(session: Session, market: Market, where: str) -> None:
    """Balances of all accounts found in the events add up to the supply that the token states."""
    block = market.head if where == "head" else market.middle
    supply = {token: int(r["value"]) for (token, _), r in reads(session, "scaledTotalSupply", block).items()}
    held: dict[str, int] = defaultdict(int)
    for (token, _), row in reads(session, "scaledBalanceOf", block).items():
        held[token] += int(row["value"])
    assert len(supply) == 2 * len(market.world.lending.reserves)
    assert sum(s > 0 for s in supply.values()) > 6
    assert {token: held[token] for token in supply} == supply


def test_what_does_not_exist_yet_is_not_asked(session: Session) -> None:
    rows = session.query("select pair, block_number from {uniswap_v2__factory_pair_created}")
    born = {r["pair"]: r["block_number"] for r in rows}
    block = min(born.values())
    assert block < max(born.values())
    taken = snapshot(session, [block])
    assert {pair for pair, _ in reads(session, "getReserves", block)} == {p for p, b in born.items() if b <= block}
    assert not reads(session, "slot0", block)
    assert "empty" not in taken.statuses
    assert taken.blocks == [block]


def test_known_facts_are_not_asked_again(session: Session) -> None:
    def count() -> dict[str, int]:
        rows = session.query("select function, count(*) as n from {contract_reads} where status = 'ok' group by 1")
        return {r["function"]: r["n"] for r in rows}

    before = count()
    complete(session)
    after = count()
    fixed = ("decimals", "symbol", "name", "token0", "phaseAggregators")
    assert {f: after.get(f) for f in fixed} == {f: before.get(f) for f in fixed}
    assert after["POOL_REVISION"] == before["POOL_REVISION"] + 1


def test_a_snapshot_that_fails_writes_nothing(session: Session, market: Market) -> None:
    loads = session.query("select count(*) as n from {_dlt_loads}")
    with pytest.raises(PoolhouseError, match="is not loaded") as caught:
        snapshot(session, ["head", market.head + 1])
    assert "Load it first" in caught.value.remedy
    with pytest.raises(PoolhouseError, match="'tomorrow' is not a block"):
        snapshot(session, ["tomorrow"])
    assert session.query("select count(*) as n from {_dlt_loads}") == loads


def test_one_protocol_alone(market: Market) -> None:
    with market.session("uniswap_v3") as session:
        taken = snapshot(session, ["head"])
        newest = session.query(
            "select function, count(*) as n from {contract_reads} "
            "where _dlt_load_id = (select max(_dlt_load_id) from {contract_reads}) group by function"
        )
    counts = {r["function"]: r["n"] for r in newest}
    pools = len([*market.world.v3_exchange.pools, *market.world.pancakeswap_v3.pools])
    constants = {"factory", "token0", "token1", "fee", "tickSpacing"}
    assert set(counts) == {"slot0", "liquidity", "balanceOf", "positions", "ticks"} | constants
    assert (counts["slot0"], counts["liquidity"], counts["balanceOf"]) == (pools, pools, 2 * pools)
    assert taken.reads == sum(counts.values())


@dataclass(frozen=True)
class Deployed:
    node: Anvil
    world: World
    database: Path


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[Deployed]:
    """The contracts alone, on a node that forgets states quickly."""
    with Anvil(kept_states=20) as node:
        yield Deployed(node, deploy(Chain(node.rpc)), tmp_path / "deployed.duckdb")


def test_aggregators_of_earlier_phases_are_loaded(deployed: Deployed) -> None:
    world, chain = deployed.world, deployed.world.chain
    old, feed = world.feeds["WETH"].aggregator, world.feeds["WETH"]
    code = packaged("@chainlink/contracts", "abi/v0.6/FluxAggregator.json")
    link = world.tokens["LINK"].address
    owner, oracle = world.roles.chainlink, world.roles.oracle_node
    new = chain.deploy(owner, code, link, 0, 1800, "0x" + "00" * 20, 1, 10**18, 8, "WETH / USD")
    chain.send(owner, new, "changeOracles", [], [oracle], [oracle], 1, 1, 0)
    chain.settle()
    load(LoadRequest("devnet", deployed.node.url, deployed.database, ("chainlink",)))
    with open_session("devnet", (), deployed.node.url, "duckdb", deployed.database) as session:
        assert feed_aggregators(session).by_feed[feed.proxy.address] == (old.address,)

    chain.send(owner, feed.proxy, "proposeAggregator", new.address)
    chain.send(owner, feed.proxy, "confirmAggregator", new.address)
    chain.send(oracle, new, "submit", 1, chainlink.answer(3100.0))
    chain.settle()
    load(LoadRequest("devnet", deployed.node.url, deployed.database, ("chainlink",)))
    with open_session("devnet", (), deployed.node.url, "duckdb", deployed.database) as session:
        found = feed_aggregators(session)
        assert found.by_feed[feed.proxy.address] == (old.address, new.address)
        asked = {answer.call.function.name for answer in found.reads.answers}
        assert "aggregator" in asked
        assert "phaseAggregators" not in asked, "phases were read by the load"
        answers = session.query(
            "select contract_address, current from {chainlink__aggregator_answer_updated} "
            f"where contract_address in ('{old.address}', '{new.address}')"
        )
    assert {(r["contract_address"], r["current"]) for r in answers} == {
        (old.address, str(chainlink.answer(3000.0))),
        (new.address, str(chainlink.answer(3100.0))),
    }


def test_state_that_the_node_pruned(deployed: Deployed) -> None:
    """The load is completed all the same; the snapshot says what is missing and writes nothing."""
    deployed.node.rpc.call("anvil_mine", hex(60))
    head = int(deployed.node.rpc.call("eth_blockNumber"), 16)
    early = head - 45
    load(LoadRequest("devnet", deployed.node.url, deployed.database, to_block=early))
    with open_session("devnet", (), deployed.node.url, "duckdb", deployed.database) as session:
        symbols = session.query("select value from {contract_reads} where function = 'symbol' and status = 'ok'")
        assert {r["value"] for r in symbols} >= {"WETH", "USDC"}
        before = session.query("select count(*) as n from {contract_reads}")
        with pytest.raises(StateUnavailable, match=f"no longer has the contract state of block {early}"):
            snapshot(session, ["head"])
        assert session.query("select count(*) as n from {contract_reads}") == before
    check_headers_of_reads(deployed.database)


def test_nothing_loaded(deployed: Deployed) -> None:
    with (
        open_session("devnet", (), deployed.node.url, "duckdb", deployed.database) as session,
        pytest.raises(PoolhouseError, match="Nothing is loaded of devnet") as caught,
    ):
        snapshot(session)
    assert "poolhouse load --chain devnet" in caught.value.remedy


class Recording(Session):
    """A session that remembers its queries."""

    def query(self, sql: str) -> list[dict[str, Any]]:
        self.__dict__.setdefault("asked", []).append(sql)
        return super().query(sql)


BIGQUERY = {"string": "STRING", "int64": "INT64", "timestamp": "TIMESTAMP", "bool": "BOOL"}


def test_bigquery_accepts_every_lookup(session: Session) -> None:
    recording = Recording(
        session.registry, session.chain, session.families, session.view, session.warehouse, session.endpoint
    )
    feed_aggregators(recording)
    complete(recording)
    snapshot(recording)
    tables = {
        f"raw.{name}": {c.name: BIGQUERY[c.type] for c in (*table.columns, LOAD_ID)}
        for name, table in session.registry.events.tables.items()
    }
    tables["raw._dlt_loads"] = {"load_id": "STRING", "status": "INT64"}
    analyzer = Analyzer()
    queries = sorted(set(recording.__dict__["asked"]))
    for sql in queries:
        analyzer.check(re.sub(r"\{(\w+)\}", r"raw.\1", sql), tables.get)
    assert len(queries) > 10


def test_following_reads_the_same_facts_as_a_load(market: Market, tmp_path: Path) -> None:
    """Aggregators before the events, the rest once the head is reached."""
    reached = threading.Event()

    class AtTheHead(Observer):
        def stage(self, chain: str, name: str) -> None:
            del chain
            if name == "at the head":
                reached.set()

    database = tmp_path / "followed.duckdb"
    choice = Choice(last_blocks=market.head + 1, transactions=TransactionMode.NONE)
    request = FollowRequest((FollowedEndpoint("devnet", market.url),), database, choice)
    follow(request, AtTheHead(), stop=reached)
    reads = (
        "select distinct contract_address, function, arguments, value, status from raw.contract_reads "
        "where function in ('decimals', 'symbol', 'name', 'aggregator', 'phaseId', 'phaseAggregators') order by all"
    )
    answers = "select count(*) from raw.chainlink__aggregator_answer_updated"
    found: list[list[Any]] = []
    for file in (database, market.database):
        with duckdb.connect(str(file), read_only=True) as connection:
            found.append([connection.execute(sql).fetchall() for sql in (reads, answers)])
    assert found[0] == found[1]
    assert len(found[0][0]) > 10
    assert found[0][1][0][0] > 0
    check_headers_of_reads(database)
