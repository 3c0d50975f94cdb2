"""Real mainnet swaps, as somebody else computed them from traces, come out of `dex_trades` to the wei."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.conftest import Run

# Blocks with both versions, many pools, reverted transactions and fee-on-transfer tokens among their neighbours.
BLOCKS = (12505500, 17034873, 19426586)


@pytest.fixture(scope="module")
def trades(
    poolhouse: Run, mainnet: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse of the three blocks, loaded and built as a user would."""
    database = tmp_path_factory.mktemp("known_answers") / "ethereum.duckdb"
    common = ("--chain", "ethereum", "--database", str(database), "--rpc-url", mainnet)
    for block in BLOCKS:
        span = ("--from-block", str(block), "--to-block", str(block))
        poolhouse("load", *common, "--protocol", "uniswap_v2,uniswap_v3", *span)
    poolhouse("build", "--database", str(database))
    with duckdb.connect(str(database), read_only=True) as connection:
        yield connection


def expected_swaps(reference_data: Path, match_class: str) -> list[dict[str, str]]:
    with (reference_data / "expected" / "mev_swaps.csv").open() as file:
        return [
            row
            for row in csv.DictReader(file)
            if row["block_has_raw_logs"] == "1"
            and int(row["block_number"]) in BLOCKS
            and row["match_class"] == match_class
        ]


Trade = tuple[str, str, int, str, int]


def found_trades(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, int], Trade]:
    """By transaction and log: pool, token and amount in, token and amount out, as logged like in the traces.

    Net amounts are smaller where a token hands part of each transfer to its holders, the pool among them.
    """
    rows = connection.execute(
        "select tx_hash, log_index, pool_address, token_in, amount_in_logged_raw, token_out, amount_out_logged_raw "
        "from dex.dex_trades"
    ).fetchall()
    return {(tx, log): (pool, token_in, paid, token_out, got) for tx, log, pool, token_in, paid, token_out, got in rows}


def test_exact_swaps_equal_to_the_wei(trades: duckdb.DuckDBPyConnection, reference_data: Path) -> None:
    expected = expected_swaps(reference_data, "exact")
    found = found_trades(trades)
    wrong = []
    for row in expected:
        answer = (row["pool"], row["token_in"], int(row["amount_in"]), row["token_out"], int(row["amount_out"]))
        trade = found.get((row["transaction_hash"], int(row["matched_log_index"])))
        if trade != answer:
            wrong.append((row["transaction_hash"], answer, trade))
    assert len(expected) >= 100, "the reference must cover the three blocks"
    assert not wrong, f"{len(wrong)} of {len(expected)} swaps differ, for example {wrong[0]}"


def test_swaps_that_received_less_than_was_sent(trades: duckdb.DuckDBPyConnection, reference_data: Path) -> None:
    """A token that takes a fee on transfer: the trace has what was sent, the log what the pool received."""
    expected = expected_swaps(reference_data, "in_amount_differs(fee_on_transfer_or_rebase)")
    found = found_trades(trades)
    assert expected
    for row in expected:
        trade = found[row["transaction_hash"], int(row["matched_log_index"])]
        assert trade[3:] == (row["token_out"], int(row["amount_out"]))
        assert trade[1] == row["token_in"]
        assert trade[2] != int(row["amount_in"])


def test_reverted_transactions_have_no_trade(trades: duckdb.DuckDBPyConnection, reference_data: Path) -> None:
    reverted = {row["transaction_hash"] for row in expected_swaps(reference_data, "tx_reverted")}
    assert reverted
    assert not reverted & {tx for tx, _ in found_trades(trades)}


def test_pools_are_proven_where_the_reference_proves_them(
    trades: duckdb.DuckDBPyConnection, reference_data: Path
) -> None:
    """`pools.csv` names the factory of each pool whose address follows from it by CREATE2."""
    with (reference_data / "expected" / "pools.csv").open() as file:
        proven = {row["pool"]: (row["protocol"], row["version"]) for row in csv.DictReader(file) if row["factory"]}
    pools = trades.execute("select pool_address, protocol, version from dex.dex_pools").fetchall()
    registered = {
        name for (name,) in trades.execute("select distinct protocol from seeds.registry_contracts").fetchall()
    }
    compared = [(pool, (protocol, version)) for pool, protocol, version in pools if pool in proven]
    assert len(compared) >= 50
    for pool, found in compared:
        expected = proven[pool]
        if expected[0] in registered:
            assert found == expected, pool
        else:
            assert found[0] == "unknown", pool
