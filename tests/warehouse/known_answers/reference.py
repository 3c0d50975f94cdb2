"""What others computed, and the recorded blocks with the logs that both sides speak of."""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

Row = dict[str, str]

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
"""topic0 of Transfer(address,address,uint256), which ERC-20 and ERC-721 share."""


class Movement(NamedTuple):
    """An ERC-20 transfer as the token logged it; the amount in raw units."""

    sender: str
    recipient: str
    amount: int


class Trade(NamedTuple):
    """A row of ``dex_trades``, amounts as the pool logged them, in raw units."""

    pool: str
    token_in: str
    amount_in: int
    token_out: str
    amount_out: int


@dataclass
class Recorded:
    """The recorded blocks of one chain, as their receipts tell them."""

    loadable: list[int] = field(default_factory=list)
    """Blocks with a hash: two recordings lack it, and no loader can place a log without."""
    succeeded: dict[str, bool] = field(default_factory=dict)
    """By transaction."""
    movements: dict[tuple[str, str], list[Movement]] = field(default_factory=lambda: defaultdict(list))
    """ERC-20 transfers with indexed parties, by transaction and token."""
    other_transfers: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    """Number of logs with the same topic0 but other topics or data (ERC-721, old tokens), by transaction and token."""


def read_recorded(reference_data: Path, chain_id: int) -> Recorded:
    recorded = Recorded()
    for path in sorted((reference_data / "blocks" / str(chain_id)).glob("*.json.gz")):
        content = json.loads(gzip.decompress(path.read_bytes()))
        if content["block"].get("hash"):
            recorded.loadable.append(int(content["block"]["number"], 16))
        for receipt in content["receipts"]:
            recorded.succeeded[receipt["transactionHash"]] = receipt.get("status") != "0x0"
            for log in receipt["logs"]:
                _add_transfer(recorded, log)
    return recorded


def _add_transfer(recorded: Recorded, log: dict[str, Any]) -> None:
    topics = log["topics"]
    if topics[:1] != [TRANSFER]:
        return
    key = (log["transactionHash"], log["address"])
    if len(topics) == 3 and len(log["data"]) == 66:
        sender, recipient = ("0x" + topic[26:] for topic in topics[1:])
        recorded.movements[key].append(Movement(sender, recipient, int(log["data"], 16)))
    else:
        recorded.other_transfers[key] += 1


def read_expected(reference_data: Path, name: str, keep: Callable[[Row], bool] = lambda _: True) -> list[Row]:
    """The rows of ``expected/<name>.csv`` that are kept; a file with none of them is an error."""
    with (reference_data / "expected" / f"{name}.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if keep(row)]
    assert rows, f"{name}.csv has no row to compare"
    return rows


def read_trades(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, int], Trade]:
    """Ethereum's trades by transaction and log index.

    What a pool *logged*: the net amounts of `dex_trades` are smaller where a token hands part of each transfer to its
    holders, the pool among them.
    """
    rows = connection.execute(
        "select tx_hash, log_index, pool_address, token_in, amount_in_logged_raw, token_out, amount_out_logged_raw "
        "from dex.dex_trades where chain_id = 1"
    ).fetchall()
    return {(tx_hash, log_index): Trade(*trade) for tx_hash, log_index, *trade in rows}
