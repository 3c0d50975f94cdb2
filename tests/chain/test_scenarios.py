"""What the scenarios leave on the chain, read from blocks and logs alone."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import Any

import pytest
from eth_abi.abi import decode

from tests.small_market import Log, SmallMarket

_SWAPS = ("uniswap_v2.pair.Swap", "uniswap_v3.pool.Swap")


def swaps_by_transaction(small: SmallMarket) -> dict[str, list[Log]]:
    found: dict[str, list[Log]] = defaultdict(list)
    for log in small.logs:
        if log["topics"] and log["topics"][0] in {small.topics[name] for name in _SWAPS}:
            found[log["transactionHash"]].append(log)
    return found


def swapping_transactions(small: SmallMarket) -> dict[int, list[dict[str, Any]]]:
    """By block, in order: sender and swaps of each transaction that swapped."""
    blocks: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for hash_, swaps in swaps_by_transaction(small).items():
        transaction = small.node.rpc.call("eth_getTransactionByHash", hash_)
        blocks[int(transaction["blockNumber"], 16)].append({"sender": transaction["from"], "swaps": swaps})
    return blocks


def data(log: Log, *types: str) -> tuple[Any, ...]:
    return decode(types, bytes.fromhex(log["data"][2:]))


@pytest.mark.parametrize("kind", _SWAPS)
def test_a_sandwich_is_front_run_victim_and_back_run_in_one_pool_of_one_block(small: SmallMarket, kind: str) -> None:
    attacker = small.built.world.roles.sandwicher
    world = small.built.world
    routers = {exchange.router.address for exchange in world.v2_exchanges} | {world.v3_exchange.router.address}
    callers = set()
    for transactions in swapping_transactions(small).values():
        for front, victim, back in zip(transactions, transactions[1:], transactions[2:], strict=False):
            if front["sender"] != attacker or back["sender"] != attacker:
                continue
            assert victim["sender"] in small.built.world.roles.users
            (one,), (two,), (three,) = front["swaps"], victim["swaps"], back["swaps"]
            assert one["address"] == two["address"] == three["address"]
            assert int(one["logIndex"], 16) < int(two["logIndex"], 16) < int(three["logIndex"], 16)
            assert _sells_token0(one) == _sells_token0(two) != _sells_token0(three)
            assert _paid(three) == _got(one), "what the front-run bought is what the back-run sells"
            if one["topics"][0] == small.topics[kind]:
                callers.add("0x" + one["topics"][1][-40:])  # the sender that the pool saw
    assert callers & routers, "by a router"
    assert callers - routers, "without one"


def test_one_transaction_goes_round_over_pools_of_both_kinds_and_gains(small: SmallMarket) -> None:
    trader = small.built.world.roles.arbitrageur
    both = [
        transaction["swaps"]
        for transactions in swapping_transactions(small).values()
        for transaction in transactions
        if transaction["sender"] == trader and len({swap["topics"][0] for swap in transaction["swaps"]}) == 2
    ]
    assert both
    for swaps in both:
        for one, other in pairwise(swaps):
            assert _got(one) == _paid(other)
    assert any(_got(swaps[-1]) > _paid(swaps[0]) for swaps in both)


def test_wash_traders_trade_with_themselves_and_with_each_other(small: SmallMarket) -> None:
    washers = set(small.built.world.roles.wash_traders)
    seen = set()
    for transactions in swapping_transactions(small).values():
        legs = [(t["sender"], number, swap) for number, t in enumerate(transactions) for swap in t["swaps"]]
        for (one, first_number, first), (other, second_number, second) in pairwise(legs):
            is_undone = first["address"] == second["address"] and _paid(second) == _got(first)
            if is_undone and {one, other} <= washers:
                seen.add((one == other, first_number == second_number))
    in_one_transaction, alone, in_company = (True, True), (True, False), (False, False)
    assert seen == {in_one_transaction, alone, in_company}


def test_positions_are_poked(small: SmallMarket) -> None:
    burns = [data(log, "uint128", "uint256", "uint256") for log in small.logs_of("uniswap_v3.pool.Burn")]
    assert (0, 0, 0) in burns


def test_a_rebasing_token_leaves_syncs_that_no_action_explains(small: SmallMarket) -> None:
    world = small.built.world
    token = world.tokens.rebasing
    (pair,) = [p for p in world.v2_exchanges[0].pairs if token in (p.token0, p.token1)]
    actions = {
        (log["blockNumber"], int(log["logIndex"], 16))
        for name in ("Swap", "Mint", "Burn")
        for log in small.logs_of(f"uniswap_v2.pair.{name}")
    }
    orphans = [
        log
        for log in small.logs_of("uniswap_v2.pair.Sync")
        if log["address"] == pair.contract.address and (log["blockNumber"], int(log["logIndex"], 16) + 1) not in actions
    ]
    assert orphans
    assert small.built.sent["v2.skim"] > small.built.failed["v2.skim"]
    assert small.chain.read(token.contract, "multiplier") != 10**18


def test_a_token_without_a_feed_trades_on_both_kinds_of_exchange(small: SmallMarket) -> None:
    world = small.built.world
    token = world.tokens["NOFEED"]
    assert "NOFEED" not in world.feeds
    pools = [p.contract.address for e in world.v2_exchanges for p in e.pairs if token in (p.token0, p.token1)]
    pools += [p.contract.address for p in world.v3_exchange.pools if token in (p.token0, p.token1)]
    swapped = {log["address"] for name in _SWAPS for log in small.logs_of(name)}
    assert len(pools) == 2
    assert set(pools) <= swapped


def test_staked_ether_is_lent_against_in_a_mode_of_its_own(small: SmallMarket) -> None:
    lending, users = small.built.world.lending, small.built.world.roles.users
    modes = small.chain.read_many((lending.pool, "getUserEMode", (user,)) for user in users)
    assert {0, 1, 2} == set(modes)
    staked = lending.reserves["wstETH"]
    borrowers = [
        user
        for user, mode in zip(users, modes, strict=True)
        if mode == 2
        and small.chain.read(staked.atoken, "balanceOf", user)
        and small.chain.read(lending.reserves["WETH"].variable_debt, "balanceOf", user)
    ]
    assert borrowers
    ltv, threshold, bonus = small.chain.read(lending.pool, "getEModeCategoryData", 2)[:3]
    assert (ltv, threshold, bonus) == (9000, 9300, 10100)


def test_staked_ether_falls_with_ether_and_once_by_itself(small: SmallMarket) -> None:
    both = _answers(small, "WETH", "wstETH")
    ratio = [staked / ether for ether, staked in both]
    assert min(ether for ether, _ in both) < 0.8 * both[0][0]
    assert 0.90 * ratio[0] < min(ratio) < 0.96 * ratio[0]
    assert max(ratio) < 1.04 * ratio[0]


def test_prices_crash_twice(small: SmallMarket) -> None:
    answers = [answer for (answer,) in _answers(small, "WETH")]
    middle = len(answers) // 2
    for part in (answers[:middle], answers[middle:]):
        high, fall = part[0], 0.0
        for answer in part:
            high = max(high, answer)
            fall = max(fall, 1 - answer / high)
        assert fall > 0.15


def test_liquidation_leaves_bad_debt(small: SmallMarket) -> None:
    lending = small.built.world.lending
    liquidated = {"0x" + log["topics"][3][-40:] for log in small.logs_of("aave_v3.pool.LiquidationCall")}
    accounts = small.chain.read_many((lending.pool, "getUserAccountData", (user,)) for user in sorted(liquidated))
    assert any(collateral == 0 < debt for collateral, debt, *_ in accounts)


def _answers(small: SmallMarket, *symbols: str) -> list[tuple[int, ...]]:
    """What the feeds of ``symbols`` said at the end of each block in which one of them spoke."""
    by_address = {small.built.world.feeds[symbol].aggregator.address: symbol for symbol in symbols}
    last: dict[str, int] = {}
    found: dict[str, tuple[int, ...]] = {}
    for log in small.logs_of("chainlink.aggregator.AnswerUpdated"):
        if log["address"] in by_address:
            last[by_address[log["address"]]] = int(log["topics"][1], 16)
            if len(last) == len(symbols):
                found[log["blockNumber"]] = tuple(last[symbol] for symbol in symbols)
    return list(found.values())


def _amounts(swap: Log) -> tuple[int, int]:
    """What the pool received (positive) and paid out, token0 and token1."""
    if len(swap["data"]) == 2 + 64 * 4:
        in0, in1, out0, out1 = data(swap, *["uint256"] * 4)
        return in0 - out0, in1 - out1
    amount0, amount1, *_ = data(swap, "int256", "int256", "uint160", "uint128", "int24")
    return amount0, amount1


def _sells_token0(swap: Log) -> bool:
    return _amounts(swap)[0] > 0


def _paid(swap: Log) -> int:
    return max(_amounts(swap))


def _got(swap: Log) -> int:
    return -min(_amounts(swap))
