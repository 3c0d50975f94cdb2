"""The seeded market: it repeats, it shows every event, and its past can be asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from eth_abi.abi import decode
from eth_utils.crypto import keccak

from devnet import world as deployment
from devnet.chain import Chain
from devnet.market import simulation
from devnet.node import Anvil
from devnet.pipelined_rpc import in_order
from devnet.world import World
from loaders.errors import PoolhouseError
from loaders.facts import uniswap_v4_storage
from loaders.rpc.client import RpcError
from tests.small_market import Log, SmallMarket

# Events that the deployed versions cannot emit, or only under an administration that the market does without.
ABSENT = {
    # later versions of Aave
    "aave_v3.pool.DeficitCovered",
    "aave_v3.pool.DeficitCreated",
    "aave_v3.configurator.PendingLtvChanged",
    "aave_v3.configurator.LiquidationGracePeriodChanged",
    "aave_v3.configurator.LiquidationGracePeriodDisabled",
    "aave_v3.configurator.AssetCollateralInEModeChanged",
    "aave_v3.configurator.AssetBorrowableInEModeChanged",
    "aave_v3.configurator.AssetLtvzeroInEModeChanged",
    "aave_v3.configurator.EModeCategoryIsolationChanged",
    "aave_v3.configurator.ReserveInterestRateDataChanged",
    # bridges, stable rates and isolation mode
    "aave_v3.pool.MintUnbacked",
    "aave_v3.pool.BackUnbacked",
    "aave_v3.pool.SwapBorrowRateMode",
    "aave_v3.pool.RebalanceStableBorrowRate",
    "aave_v3.pool.IsolationModeTotalDebtUpdated",
    "aave_v3.configurator.UnbackedMintCapChanged",
    "aave_v3.configurator.BridgeProtocolFeeUpdated",
    "aave_v3.configurator.ReserveStableRateBorrowing",
    "aave_v3.configurator.DebtCeilingChanged",
    "aave_v3.configurator.SiloedBorrowingChanged",
    "aave_v3.configurator.BorrowableInIsolationChanged",
    # upgrades and emergencies
    "aave_v3.configurator.ReserveActive",
    "aave_v3.configurator.ReserveFrozen",
    "aave_v3.configurator.ReservePaused",
    "aave_v3.configurator.ReserveDropped",
    "aave_v3.configurator.ReserveInterestRateStrategyChanged",
    "aave_v3.configurator.ATokenUpgraded",
    "aave_v3.configurator.StableDebtTokenUpgraded",
    "aave_v3.configurator.VariableDebtTokenUpgraded",
    "aave_v3.configurator.FlashloanPremiumToProtocolUpdated",
    "aave_v3.addresses_provider.PriceOracleSentinelUpdated",
    "aave_v3.addresses_provider.AddressSetAsProxy",
}


def test_every_event_of_the_registry_occurs_but_those_known_to_be_absent(small: SmallMarket) -> None:
    seen = {log["topics"][0] for log in small.logs if log["topics"]}
    assert {name for name, topic in small.topics.items() if topic not in seen} == ABSENT


def test_the_same_seed_gives_the_same_chain_and_another_seed_another() -> None:
    heads = []
    for seed in (7, 7, 8):
        with Anvil() as node:
            built = simulation.build(node.rpc, seed=seed, actions=40)
            heads.append((built.head_number, built.head_hash))
    assert heads[0] == heads[1]
    assert heads[2] != heads[0]


def test_users_do_only_what_was_chosen() -> None:
    names = [scenario.name for scenario in simulation.choose(["uniswap_v2.flash_swap", "aave_v3.*loan*"])]
    assert names == ["uniswap_v2.flash_swap", "aave_v3.flash_loan_simple", "aave_v3.flash_loan"]
    with Anvil() as node:
        built = simulation.build(node.rpc, actions=10, only=["uniswap_v2.flash_swap"])
    assert built.sent["v2.flash_swap"] == 10
    assert not {"v2.swap_1_hop", "v3.swap_1_hop", "aave.borrow"} & set(built.sent)
    with pytest.raises(PoolhouseError, match="No scenario is named 'curve"):
        simulation.choose(["uniswap_v2.*", "curve.*"])


def test_every_scenario_says_what_it_does() -> None:
    scenarios = simulation.scenarios()
    assert len({scenario.name for scenario in scenarios}) == len(scenarios) > 25
    assert [scenario.name for scenario in scenarios if not scenario.summary or scenario.weight <= 0] == []


def test_every_kind_of_action_succeeded_at_least_once(small: SmallMarket) -> None:
    built = small.built
    assert [kind for kind in built.sent if built.sent[kind] == built.failed[kind]] == []
    assert {"aave.liquidate", "aave.liquidate_for_atokens", "aave.repay_with_atokens"} <= set(built.sent)


def test_failures_are_the_exception(small: SmallMarket) -> None:
    assert sum(small.built.failed.values()) < sum(small.built.sent.values()) / 20


@pytest.fixture(scope="module")
def funded() -> Iterator[World]:
    """The contracts and tokens for everybody, to write to: nobody mines on the small market."""
    with Anvil() as node:
        world = deployment.deploy(Chain(node.rpc))
        deployment.fund(world)
        yield world


def test_transactions_of_a_block_keep_the_order_in_which_they_were_sent(funded: World) -> None:
    trader = funded.roles.users[0]
    token = funded.tokens["USDC"]
    for amount in (1, 2, 3):
        funded.chain.send(trader, token.contract, "transfer", funded.roles.treasury, amount)
    mined = funded.chain.settle()
    assert [int(sent.receipt["transactionIndex"], 16) for sent in mined] == [0, 1, 2]
    assert [int(sent.receipt["logs"][0]["data"], 16) for sent in mined] == [1, 2, 3]


def test_requests_without_a_wait_between_them_are_answered_in_order(small: SmallMarket) -> None:
    calls = [("web3_sha3", (hex(number),)) for number in range(0x1000, 0x1000 + 450)]
    assert in_order(small.node.url, calls) == ["0x" + keccak(hexstr=number).hex() for _, (number,) in calls]
    with pytest.raises(RpcError, match=r"no_such_method.*-32601"):
        in_order(small.node.url, [*calls[:2], ("no_such_method", ())])


@pytest.mark.parametrize("part", [0.3, 0.6, 1.0])
def test_pairs_answer_for_past_blocks_what_their_events_said(small: SmallMarket, part: float) -> None:
    block = int(small.built.head_number * part)
    last_sync = _last_by_address(small.logs_of("uniswap_v2.pair.Sync"), block)
    exchanges = (*small.built.world.v2_exchanges, small.built.world.pancakeswap_v2)
    for pair in [pair for exchange in exchanges for pair in exchange.pairs]:
        expected = decode(["uint112", "uint112"], bytes.fromhex(last_sync[pair.contract.address]["data"][2:]))
        data = pair.contract.encode("getReserves")
        answer = small.node.rpc.call("eth_call", {"to": pair.contract.address, "data": data}, hex(block))
        assert pair.contract.function("getReserves", 0).decode(answer)[:2] == expected


@pytest.mark.parametrize("part", [0.3, 1.0])
def test_pools_answer_for_past_blocks_what_their_events_said(small: SmallMarket, part: float) -> None:
    block = int(small.built.head_number * part)
    swaps = small.logs_of("uniswap_v3.pool.Swap") + small.logs_of("uniswap_v3.pancakeswap_pool.Swap")
    last_swap = _last_by_address(swaps, block)
    world = small.built.world
    pools = [*world.v3_exchange.pools, *world.pancakeswap_v3.pools]
    assert len(last_swap) > len(pools) / 2
    for pool in pools:
        if pool.contract.address not in last_swap:
            continue
        # PancakeSwap's has two words more
        swap = decode(
            ["int256", "int256", "uint160", "uint128", "int24"],
            bytes.fromhex(last_swap[pool.contract.address]["data"][2:]),
        )
        data = pool.contract.encode("slot0")
        answer = small.node.rpc.call("eth_call", {"to": pool.contract.address, "data": data}, hex(block))
        slot0 = pool.contract.function("slot0", 0).decode(answer)
        assert (slot0[0], slot0[1]) == (swap[2], swap[4])


@pytest.mark.parametrize("part", [0.3, 1.0])
def test_the_pool_manager_keeps_for_past_blocks_what_its_events_said(small: SmallMarket, part: float) -> None:
    block = int(small.built.head_number * part)
    exchange = small.built.world.uniswap_v4
    checked = 0
    for pool in exchange.pools:
        swaps = [log for log in small.logs_of("uniswap_v4.pool_manager.Swap") if log["topics"][1] == pool.pool_id]
        last_swap = _last_by_address(swaps, block)
        if not last_swap:
            continue
        types = ["int128", "int128", "uint160", "uint128", "int24", "uint24"]
        said = decode(types, bytes.fromhex(last_swap[exchange.manager.address]["data"][2:]))
        asked = uniswap_v4_storage.slot0(exchange.manager.address, pool.pool_id)
        data = "0x" + asked.function.calldata(*asked.arguments).hex()
        word = small.node.rpc.call("eth_call", {"to": asked.contract, "data": data}, hex(block))
        price, tick, _, fee = asked.function.values(bytes.fromhex(word[2:]))
        assert (price, tick, fee) == (said[2], said[4], pool.fee_pips)
        checked += 1
    assert checked > 1


def test_the_sign_of_a_v4_swap_is_the_swappers(small: SmallMarket) -> None:
    """What he sells is negative: the price of currency0 falls when it is sold."""
    prices: dict[str, int] = {}
    directions = set()
    for log in small.logs:
        if log["topics"][:1] == [small.topics["uniswap_v4.pool_manager.Initialize"]]:
            prices[log["topics"][1]] = decode(["uint24", "int24", "address", "uint160"], _data(log))[3]
        if log["topics"][:1] == [small.topics["uniswap_v4.pool_manager.Swap"]]:
            amount0, amount1, price = decode(["int128", "int128", "uint160"], _data(log))
            sells0 = price < prices[log["topics"][1]]
            assert (amount0 < 0, amount1 < 0) == (sells0, not sells0)
            prices[log["topics"][1]] = price
            directions.add(sells0)
    assert directions == {True, False}


def test_the_past_is_callable_from_the_first_block_on(small: SmallMarket) -> None:
    trader = small.built.world.roles.users[0]
    blocks = (1, small.built.head_number)
    balances = [int(small.node.rpc.call("eth_getBalance", trader, hex(block)), 16) for block in blocks]
    assert balances[0] == 1_000_000 * 10**18 > balances[1]


def test_swaps_come_in_all_shapes(small: SmallMarket) -> None:
    swaps = small.logs_of("uniswap_v2.pair.Swap")
    amounts = [decode(["uint256"] * 4, bytes.fromhex(log["data"][2:])) for log in swaps]
    assert any(in0 and in1 and (out0 == 0 or out1 == 0) for in0, in1, out0, out1 in amounts), "both tokens paid in"
    assert any((in0 and out0) or (in1 and out1) for in0, in1, out0, out1 in amounts), "the same token in and out"
    per_transaction = [log["transactionHash"] for log in swaps]
    assert len(per_transaction) > len(set(per_transaction)), "several pairs in one transaction"


def test_liquidations_pay_in_tokens_and_in_receipt_tokens(small: SmallMarket) -> None:
    liquidations = small.logs_of("aave_v3.pool.LiquidationCall")
    kinds = {
        decode(["uint256", "uint256", "address", "bool"], bytes.fromhex(log["data"][2:]))[3] for log in liquidations
    }
    assert kinds == {True, False}


def test_the_long_tail_has_odd_metadata(small: SmallMarket) -> None:
    tokens = small.built.world.tokens
    assert small.chain.read(tokens.bytes32.contract, "symbol").rstrip(b"\0") == b"MKRL"
    assert small.chain.read(tokens.nameless.contract, "decimals") == 0
    with pytest.raises(RpcError, match="revert"):
        small.chain.read(tokens.nameless.contract, "symbol")
    traded = {log["address"] for log in small.logs_of("uniswap_v2.pair.Swap")}
    odd_pairs = [
        pair.contract.address
        for pair in small.built.world.v2_exchanges[0].pairs
        if {pair.token0.address, pair.token1.address} & {token.address for token in tokens.odd}
    ]
    assert len(odd_pairs) == len(tokens.odd)
    assert set(odd_pairs) <= traded


def test_a_transfer_of_the_taxed_token_arrives_short(funded: World) -> None:
    taxed, recipient = funded.tokens.taxed.contract, funded.roles.tokens
    before = funded.chain.read(taxed, "balanceOf", recipient)
    funded.chain.send(funded.roles.users[5], taxed, "transfer", recipient, 10_000)
    funded.chain.settle()
    assert funded.chain.read(taxed, "balanceOf", recipient) - before == 9_900


def test_prices_crash_and_a_stable_loses_its_peg(small: SmallMarket) -> None:
    feeds = small.built.world.feeds
    answers: dict[str, list[int]] = {symbol: [] for symbol in feeds}
    by_aggregator = {feed.aggregator.address: symbol for symbol, feed in feeds.items()}
    for log in small.logs_of("chainlink.aggregator.AnswerUpdated"):
        answers[by_aggregator[log["address"]]].append(int(log["topics"][1], 16))
    assert min(answers["WETH"]) < 0.75 * answers["WETH"][0]
    assert min(answers["DAI"]) < 0.98 * 10**8 < answers["DAI"][-1]


def _data(log: Log) -> bytes:
    return bytes.fromhex(log["data"][2:])


def _last_by_address(logs: list[Log], block: int) -> dict[str, Any]:
    """The last log of each contract up to and including ``block``."""
    return {log["address"]: log for log in logs if int(log["blockNumber"], 16) <= block}
