"""ERC-20 transfers as three other programs read or traced them, out of `stg_erc20__token_transfer`, to the digit."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from loaders.source.bloom import may_contain
from tests.warehouse.known_answers.conftest import OTHER_CHAINS
from tests.warehouse.known_answers.record import Recorder
from tests.warehouse.known_answers.reference import Movement, Recorded, Row, read_expected

STAGING = "stg_erc20__token_transfer"
FLASHBOTS = "mev-inspect-py (Flashbots), from traces"
ETHER = "0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
POLYGON, POLYGON_BLOCK = 137, 10_000_000

# Rows of mev_transfers.csv in recorded blocks, by what the chain's logs make of them.
CLASSES = {
    "equal": 2382,
    "ether": 5935,
    "reverted": 102,
    "code of a proxy": 351,
    "fee": 107,
    "not an ERC-20": 406,
    "another sender": 1,
    "no log": 28,
}


class Transfer(NamedTuple):
    """A row of the staging model; the amount in raw units."""

    block_number: int
    token: str
    moved: Movement


Transfers = dict[tuple[int, str, int], Transfer]
"""By chain, transaction and log."""


@pytest.fixture(scope="module")
def transfers(ethereum: duckdb.DuckDBPyConnection) -> Transfers:
    rows = ethereum.execute(
        "select chain_id, tx_hash, log_index, block_number, token_address, from_address, to_address, amount_raw "
        f"from staging.{STAGING}"
    ).fetchall()
    return {
        (chain_id, tx_hash, log_index): Transfer(block_number, token, Movement(*moved))
        for chain_id, tx_hash, log_index, block_number, token, *moved in rows
    }


def test_transfers_of_ethereum_etl(transfers: Transfers, reference_data: Path, known_answers: Recorder) -> None:
    """It takes every log of that topic 0 for a transfer of tokens; those of ERC-721 are not here, and nothing else is."""
    rows = read_expected(reference_data, "etl_token_transfers")
    expected = {
        (1, row["transaction_hash"], int(row["log_index"])): Transfer(
            int(row["block_number"]),
            row["token_address"],
            Movement(row["from_address"], row["to_address"], int(row["value"])),
        )
        for row in rows
    }
    assert len(expected) == len(rows)
    assert_equal_but_for_nfts(transfers, expected, reference_data, known_answers, "ethereum-etl")


def test_transfers_of_chainstorage(transfers: Transfers, reference_data: Path, known_answers: Recorder) -> None:
    """Coinbase's reader of five chains, which tells ERC-20 from ERC-721 itself."""
    loaded = {1, *(chain_id for chain_id, _, _ in OTHER_CHAINS)}
    rows = [
        row
        for row in read_expected(reference_data, "chainstorage_token_transfers")
        if (int(row["chain_id"]), int(row["block_number"])) != (POLYGON, POLYGON_BLOCK)
    ]
    assert {int(row["chain_id"]) for row in rows} == loaded, "every chain of the reference but the refused block"
    expected = {
        (int(row["chain_id"]), row["transaction_hash"], int(row["log_index"])): Transfer(
            int(row["block_number"]),
            row["token"],
            Movement(row["from_address"], row["to_address"], int(row["value_or_token_id"])),
        )
        for row in rows
        if row["standard"] == "erc20"
    }
    assert_equal_but_for_nfts(transfers, expected, reference_data, known_answers, "chainstorage (Coinbase)")
    nfts = [row for row in rows if row["standard"] == "erc721"]
    assert nfts
    for row in nfts:
        assert (int(row["chain_id"]), row["transaction_hash"], int(row["log_index"])) not in transfers


def assert_equal_but_for_nfts(
    transfers: Transfers, expected: Transfers, reference_data: Path, known_answers: Recorder, source: str
) -> None:
    blocks = {(chain_id, transfer.block_number) for (chain_id, _, _), transfer in expected.items()}
    nfts = {key for block in sorted(blocks) for key in four_topics(reference_data, *block)}
    fungible = {key: transfer for key, transfer in expected.items() if key not in nfts}
    found = {key: t for key, t in transfers.items() if (key[0], t.block_number) in blocks}
    assert found == fungible
    known_answers.compared(source, "ERC-20 transfers of whole blocks", STAGING, len(fungible))


def four_topics(reference_data: Path, chain_id: int, block_number: int) -> set[tuple[int, str, int]]:
    """Logs of a recorded block that index three parameters: an ERC-721 transfer where topic 0 is that of Transfer."""
    content = recorded_block(reference_data, chain_id, block_number)
    logs = [log for receipt in content["receipts"] for log in receipt["logs"]]
    return {(chain_id, log["transactionHash"], int(log["logIndex"], 16)) for log in logs if len(log["topics"]) == 4}


def recorded_block(reference_data: Path, chain_id: int, block_number: int) -> dict[str, list[dict[str, list[Row]]]]:
    path = reference_data / "blocks" / str(chain_id) / f"{block_number}.json.gz"
    content: dict[str, list[dict[str, list[Row]]]] = json.loads(gzip.decompress(path.read_bytes()))
    return content


def test_why_the_block_of_polygon_is_not_loaded(reference_data: Path) -> None:
    """Polygon adds a transaction of its own (to nobody) whose logs the header's bloom leaves out.

    The loader believes a header before an answer, and so refuses the block: the chain needs a rule before it is registered.
    """
    content: dict[str, object] = dict(recorded_block(reference_data, POLYGON, POLYGON_BLOCK))
    block, receipts = content["block"], content["receipts"]
    assert isinstance(block, dict)
    assert isinstance(receipts, list)
    bloom = bytes.fromhex(block["logsBloom"][2:])
    excluded = [
        receipt["to"]
        for receipt in receipts
        for log in receipt["logs"]
        if not may_contain(bloom, bytes.fromhex(log["address"][2:]))
    ]
    assert excluded == ["0x" + "00" * 20]


def test_transfers_of_traces(
    transfers: Transfers, reference_data: Path, recorded: Recorded, known_answers: Recorder
) -> None:
    """Calls of transfer functions and moves of ether, of all recorded blocks: each is a row here or has its reason."""
    blocks = set(map(str, recorded.loadable))
    rows = read_expected(reference_data, "mev_transfers", lambda row: row["block_number"] in blocks)
    summary = {row["block_number"]: int(row["transfers"]) for row in read_expected(reference_data, "mev_block_summary")}
    counted = Counter(row["block_number"] for row in rows)
    assert counted == {n: summary[n] for n in blocks if summary.get(n)}, "all that the reference's own summary counts"
    staged = Counter((tx_hash, t.token, t.moved) for (chain_id, tx_hash, _), t in transfers.items() if chain_id == 1)
    moved: dict[str, set[tuple[str, Movement]]] = {}
    for tx_hash, token, movement in staged:
        moved.setdefault(tx_hash, set()).add((token, movement))
    classes: Counter[str] = Counter()
    for row in rows:
        key = (row["transaction_hash"], row["token"], movement_of(row))
        if staged[key]:
            staged[key] -= 1  # each row of ours answers once
            classes["equal"] += 1
        else:
            classes[reason(row, moved.get(row["transaction_hash"], set()), recorded)] += 1
    assert classes == CLASSES
    known_answers.compared(FLASHBOTS, "ERC-20 transfers", STAGING, classes["equal"])


def movement_of(row: Row) -> Movement:
    return Movement(row["from_address"], row["to_address"], int(row["amount"]))


def reason(row: Row, moved: set[tuple[str, Movement]], recorded: Recorded) -> str:
    """Why a transfer of the traces is not a transfer of the logs."""
    wanted = movement_of(row)
    if row["token"] == ETHER:
        return "ether"  # has no log
    if not recorded.succeeded[row["transaction_hash"]]:
        return "reverted"
    if any(token != row["token"] and m[1:] == wanted[1:] for token, m in moved):
        return "code of a proxy"  # the trace names the contract whose code ran, the log the token it ran for
    if any(token == row["token"] and m[:2] == wanted[:2] and m.amount < wanted.amount for token, m in moved):
        return "fee"  # the token moved less than it was asked to
    if recorded.other_transfers.get((row["transaction_hash"], row["token"])):
        return "not an ERC-20"  # ERC-721 transfers by the same function
    same_token = [m for token, m in moved if token == row["token"]]
    if any(m[1:] == wanted[1:] for m in same_token):
        return "another sender"  # a token that logs the recipient as sender
    return f"unexplained {same_token}" if same_token else "no log"  # undone inside the transaction, or no event
