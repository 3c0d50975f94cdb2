"""Real mainnet swaps, as Flashbots' mev-inspect-py computed them from traces, come out of `dex_trades` to the wei."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import duckdb
import pytest

from loaders.registry.families import load_families
from tests.warehouse.known_answers.record import Recorder
from tests.warehouse.known_answers.reference import Recorded, Row, Trade, read_expected

FLASHBOTS = "mev-inspect-py (Flashbots), from traces"
EXACT, LESS, REVERTED, OTHER = (
    "exact",
    "in_amount_differs(fee_on_transfer_or_rebase)",
    "tx_reverted",
    "non_uniswap_protocol",
)
FAMILY = {"uniswap_v2": "V2 family", "uniswap_v3": "V3 family"}
# Swaps of protocols without a family here. A family that arrives takes its name off this list: its swaps are compared then.
NOT_MODELLED = {"balancer_v1": 10, "0x": 4, "curve": 2}
# Swaps that the traces' reader did not recognise, because it found no transfer that paid them: block and log.
NOT_IN_REFERENCE = {
    (15199017, 102),
    (16899757, 13),
    (19426586, 21),
    (19426586, 36),
    (19426586, 37),
    (19529630, 2),
    (19529630, 21),
    (19933612, 2),
    (19933612, 20),
}

Trades = dict[tuple[str, int], Trade]


@pytest.fixture(scope="module")
def swaps(reference_data: Path) -> list[Row]:
    """The reference's swaps in blocks whose logs are recorded."""
    return read_expected(reference_data, "mev_swaps", lambda row: row["block_has_raw_logs"] == "1")


def of_class(swaps: list[Row], match_class: str) -> list[Row]:
    found = [row for row in swaps if row["match_class"] == match_class]
    assert found, f"the reference has no swap of class {match_class}"
    return found


def key_of(row: Row) -> tuple[str, int]:
    return row["transaction_hash"], int(row["matched_log_index"])


def answer_of(row: Row) -> Trade:
    return Trade(row["pool"], row["token_in"], int(row["amount_in"]), row["token_out"], int(row["amount_out"]))


def test_every_swap_of_the_reference_has_a_class(swaps: list[Row], reference_data: Path, recorded: Recorded) -> None:
    """Nothing is left out: as many swaps as the reference's own summary counts, each with an explanation."""
    summary = {row["block_number"]: int(row["swaps"]) for row in read_expected(reference_data, "mev_block_summary")}
    blocks = Counter(row["block_number"] for row in swaps)
    with_swaps = [n for n in map(str, recorded.loadable) if summary.get(n)]
    assert blocks == {n: summary[n] for n in with_swaps}
    assert {row["match_class"] for row in swaps} == {EXACT, LESS, REVERTED, OTHER}


@pytest.mark.parametrize("protocol", FAMILY)
def test_exact_swaps_equal_to_the_wei(trades: Trades, swaps: list[Row], known_answers: Recorder, protocol: str) -> None:
    expected = [row for row in of_class(swaps, EXACT) if row["protocol"] == protocol]
    wrong = [(row["transaction_hash"], answer_of(row), trades.get(key_of(row))) for row in expected]
    wrong = [(tx_hash, answer, trade) for tx_hash, answer, trade in wrong if answer != trade]
    assert not wrong, f"{len(wrong)} of {len(expected)} swaps differ, for example {wrong[0]}"
    known_answers.compared(FLASHBOTS, f"swaps of the {FAMILY[protocol]}", "dex_trades", len(expected))


def test_swaps_whose_pool_received_another_amount(
    trades: Trades, swaps: list[Row], recorded: Recorded, known_answers: Recorder
) -> None:
    """The trace has an amount that was asked to be sent; the log has what the pool received, as the token says.

    Tokens that take a fee send less than asked. Where the token sells its own fees meanwhile, the traces' reader took
    the amount of the outer transfer for the inner swap.
    """
    expected = of_class(swaps, LESS)
    as_the_token_says = 0
    for row in expected:
        trade, answer = trades[key_of(row)], answer_of(row)
        assert trade._replace(amount_in=0) == answer._replace(amount_in=0), "all but the amount paid is equal"
        assert trade.amount_in != answer.amount_in
        received = paid_to_pool(recorded, row["transaction_hash"], trade)
        if trade.amount_in in received:
            as_the_token_says += 1
        elif row["protocol"] == "uniswap_v3":
            # The pool logs what it asked for; the payer sent a little more (shares of a rebasing token round).
            assert max(received) - trade.amount_in in range(1, trade.amount_in // 10**9)
        else:
            # The token hands part of every transfer to its holders: the pool's balance rose by more than it was sent.
            assert max(received) < trade.amount_in < answer.amount_in
            assert trade.amount_in - max(received) < trade.amount_in // 1000
    known_answers.compared(
        FLASHBOTS, "amount bought, pool and tokens where the amount paid is another", "dex_trades", len(expected)
    )
    known_answers.compared(
        "The tokens' Transfer logs", "amount paid where the traces have another", "dex_trades", as_the_token_says
    )


def paid_to_pool(recorded: Recorded, tx_hash: str, trade: Trade) -> list[int]:
    return [m.amount for m in recorded.movements[tx_hash, trade.token_in] if m.recipient == trade.pool]


def test_reverted_transactions_have_no_trade(
    trades: Trades, swaps: list[Row], recorded: Recorded, known_answers: Recorder
) -> None:
    """The reference counts swaps that were undone with their transaction; the chain has no log of them."""
    expected = of_class(swaps, REVERTED)
    reverted = {row["transaction_hash"] for row in expected}
    assert not any(recorded.succeeded[tx_hash] for tx_hash in reverted)
    assert not reverted & {tx_hash for tx_hash, _ in trades}
    known_answers.compared(FLASHBOTS, "reverted swaps, which are no trades", "dex_trades", len(expected))


def test_protocols_without_a_family_are_named(trades: Trades, swaps: list[Row]) -> None:
    expected = of_class(swaps, OTHER)
    assert Counter(row["protocol"] for row in expected) == NOT_MODELLED
    modelled = {name for name, family in load_families().items() if family.is_modelled}
    assert not modelled & NOT_MODELLED.keys(), "a family arrived: compare its swaps"
    pools = {(row["transaction_hash"], row["pool"]) for row in expected}
    assert not pools & {(tx_hash, trade.pool) for (tx_hash, _), trade in trades.items()}


def test_every_trade_is_in_the_reference(
    ethereum: duckdb.DuckDBPyConnection, trades: Trades, swaps: list[Row], recorded: Recorded, known_answers: Recorder
) -> None:
    """No trade is invented: in the reference's blocks all are its swaps, but for a few that the tokens' logs prove."""
    blocks = sorted({int(row["block_number"]) for row in swaps})
    found = ethereum.execute(
        "select tx_hash, log_index, block_number from dex.dex_trades "
        "where chain_id = 1 and block_number in (select unnest(?))",
        [blocks],
    ).fetchall()
    known = {key_of(row) for row in swaps if row["match_class"] in (EXACT, LESS)}
    others = [(tx_hash, log_index, block) for tx_hash, log_index, block in found if (tx_hash, log_index) not in known]
    assert len(found) - len(others) == len(known)
    assert {(block, log_index) for _, log_index, block in others} == NOT_IN_REFERENCE
    proven = sum(moved_as_logged(recorded, tx_hash, trades[tx_hash, log_index]) for tx_hash, log_index, _ in others)
    assert proven == len(others) - 2, "two tokens move other amounts than they are asked to"
    known_answers.compared(
        FLASHBOTS, "trades of the reference's blocks, each one of its swaps", "dex_trades", len(known)
    )


def moved_as_logged(recorded: Recorded, tx_hash: str, trade: Trade) -> bool:
    """Both tokens logged a transfer of exactly the pool's amount."""
    bought = [m.amount for m in recorded.movements[tx_hash, trade.token_out] if m.sender == trade.pool]
    return trade.amount_in in paid_to_pool(recorded, tx_hash, trade) and trade.amount_out in bought


def test_trades_equal_what_the_tokens_moved(trades: Trades, recorded: Recorded, known_answers: Recorder) -> None:
    """Blocks without a reference too: a pool says what it traded, and each token, in logs of its own, what it moved."""
    known = {key: trade for key, trade in trades.items() if trade.token_in and trade.token_out}
    assert len(known) > 0.95 * len(trades), "the reference knows the tokens of nearly every pool"
    equal = 0
    for (tx_hash, _), trade in known.items():
        if moved_as_logged(recorded, tx_hash, trade):
            equal += 1
            continue
        # Tokens that take a fee, or pay holders, in the transfer itself: they moved something between the same parties.
        assert paid_to_pool(recorded, tx_hash, trade), trade
        assert [m for m in recorded.movements[tx_hash, trade.token_out] if m.sender == trade.pool], trade
    known_answers.compared("The tokens' Transfer logs", "amounts of both tokens of a trade", "dex_trades", equal)


def test_arbitrages_trade_along_their_paths(
    trades: Trades, reference_data: Path, swaps: list[Row], known_answers: Recorder
) -> None:
    """Each hop of an arbitrage is a trade; the first paid what it started with, the last bought what it ended with."""
    arbitrages = read_expected(reference_data, "mev_arbitrages", lambda row: row["has_raw_logs"] == "1")
    foreign = {(row["transaction_hash"], row["pool"]) for row in of_class(swaps, OTHER)}
    hops = 0
    for row in arbitrages:
        legs = [leg.split(":") for leg in row["path"].split("|")]
        assert len(legs) == int(row["n_swaps"])
        found: list[Trade | None] = []
        for pool, tokens in legs:
            token_in, token_out = tokens.split(">")
            if (row["transaction_hash"], pool) in foreign:
                found.append(None)
                continue
            found.append(trade_on(trades, row["transaction_hash"], pool, token_in, token_out))
            hops += 1
        if found[0]:
            assert found[0].amount_in == int(row["start_amount"])
        if found[-1]:
            assert found[-1].amount_out == int(row["end_amount"])
    known_answers.compared(FLASHBOTS, "hops of arbitrages", "dex_trades", hops)


def trade_on(trades: Trades, tx_hash: str, pool: str, token_in: str, token_out: str) -> Trade:
    found = [
        trade
        for (of, _), trade in trades.items()
        if of == tx_hash and (trade.pool, trade.token_in, trade.token_out) == (pool, token_in, token_out)
    ]
    assert len(found) == 1, f"{len(found)} trades of {token_in} for {token_out} on {pool} in {tx_hash}"
    return found[0]


def test_sandwiches_are_three_trades(
    trades: Trades, reference_data: Path, swaps: list[Row], recorded: Recorded, known_answers: Recorder
) -> None:
    """Front run, victims and back run on one pool; a leg that was reverted is none, whatever the reference says."""
    sandwiches = read_expected(reference_data, "mev_sandwiches", lambda row: row["has_raw_logs"] == "1")
    paid_otherwise = {(row["transaction_hash"], row["pool"]) for row in of_class(swaps, LESS)}
    legs = undone = 0
    for row in sandwiches:
        runs = {
            row["frontrun_tx"]: (int(row["frontrun_in"]), int(row["frontrun_out"])),
            row["backrun_tx"]: (int(row["backrun_in"]), int(row["backrun_out"])),
        }
        victims = dict.fromkeys(row["victim_txs"].split("|"), None)
        assert len(victims) == int(row["n_victims"])
        for tx_hash, amounts in {**runs, **victims}.items():
            leg = (tx_hash, row["pool"])
            found = [(t.amount_in, t.amount_out) for (of, _), t in trades.items() if (of, t.pool) == leg]
            if not recorded.succeeded[tx_hash]:
                assert not found
                undone += 1
                continue
            assert found, leg
            if amounts and leg in paid_otherwise:
                assert amounts[1] in [bought for _, bought in found], leg
            elif amounts:
                assert amounts in found, leg
            legs += 1
    assert undone == 2, "the reference's two false positives"
    known_answers.compared(FLASHBOTS, "legs of sandwiches", "dex_trades", legs)


def test_pools_are_proven_where_the_reference_proves_them(
    ethereum: duckdb.DuckDBPyConnection, reference_data: Path, known_answers: Recorder
) -> None:
    """`pools.csv` names the factory of each pool whose address follows from it by CREATE2."""
    rows = read_expected(reference_data, "pools", lambda row: row["chain_id"] == "1" and row["factory"] != "")
    proven = {row["pool"]: (row["protocol"], row["version"]) for row in rows}
    pools = ethereum.execute("select pool_address, protocol, version from dex.dex_pools where chain_id = 1").fetchall()
    registered = {
        name
        for (name,) in ethereum.execute(
            "select distinct protocol from seeds.registry_contracts where chain_id = 1 and role = 'factory'"
        ).fetchall()
    }
    compared = 0
    for pool, *found in pools:
        expected = proven.get(pool)
        if expected and expected[0] in registered:
            assert tuple(found) == expected, pool
            compared += 1
        elif expected:
            assert found[0] == "unknown", pool
    known_answers.compared(
        "CREATE2, from factory, tokens and fee", "protocol and version of pools", "dex_pools", compared
    )
