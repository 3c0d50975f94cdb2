"""A small warehouse whose loads are written by hand: what a loader would write, in the registry's own schemas."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from loaders.registry.events import load_events

CHAIN, FAMILY, ROLE = 31337, "uniswap_v2", "pair"
PAIR = "0x" + "ab" * 20
DAY_ZERO = dt.datetime(2024, 3, 1, tzinfo=dt.UTC)
BLOCKS_A_DAY = 10


@dataclass(frozen=True)
class Load:
    """One load of one range: the swaps it found (block to raw amount of token 0 paid in) and whether it completed."""

    load_id: str
    finality: str
    from_block: int
    to_block: int
    swaps: Mapping[int, int]
    is_complete: bool = True
    events: tuple[str, ...] = ("Swap", "Sync")
    """What it asked for."""
    decoder_version: int = 1

    @property
    def loaded_at(self) -> dt.datetime:
        """When its ranges were written, soon after it began."""
        return dt.datetime.fromtimestamp(float(self.load_id) + 1, dt.UTC)


def load_id(day: int) -> str:
    """Of a load that begins so many days after the chain."""
    return f"{DAY_ZERO.timestamp() + day * 86_400}"


@dataclass(frozen=True)
class Header:
    """A block as a load saw it."""

    block: int
    fork: str
    day: int
    time: str = "12:00:00"

    @property
    def timestamp(self) -> dt.datetime:
        return dt.datetime.combine(
            DAY_ZERO.date() + dt.timedelta(days=self.day), dt.time.fromisoformat(self.time), dt.UTC
        )


@dataclass(frozen=True)
class Look:
    """One load of headers, and of contracts read at them: the number that every call at a block answered."""

    load_id: str
    headers: Sequence[Header]
    answers: Mapping[int, int] = field(default_factory=dict)
    """By block."""
    is_complete: bool = True


READ_FUNCTIONS = ("decimals", "POOL_REVISION", "getReserveData")
"""Of a token, of what every load asks again, and of the state that models are held against."""


class LedgerScenario:
    """Writes loads into the raw schema of a DuckDB file: of V2 swaps (each with the Sync before it), of reads."""

    def __init__(self, database: Path) -> None:
        self.database = database
        with duckdb.connect(str(database)) as connection:
            connection.execute("create schema raw")
            for table in load_events().tables.values():
                empty = table.arrow.append(pa.field("_dlt_load_id", pa.string())).empty_table()
                connection.register("empty", empty)
                connection.execute(f"create table raw.{table.name} as select * from empty")
            connection.execute(
                "create table raw._dlt_loads (load_id varchar, schema_name varchar, status bigint, "
                "inserted_at timestamptz, schema_version_hash varchar)"
            )

    def add(self, load: Load) -> None:
        swaps = [_swap(load, block, amount) for block, amount in load.swaps.items()]
        syncs = [_sync(load, block, amount) for block, amount in load.swaps.items()]
        with duckdb.connect(str(self.database)) as connection:
            _insert(connection, "uniswap_v2__pair_swap", swaps)
            _insert(connection, "uniswap_v2__pair_sync", syncs)
            _insert(connection, "load_ranges", [_range(load, event) for event in load.events])
            _end(connection, load)

    def look(self, look: Look) -> None:
        headers = [_header(look, header) for header in look.headers]
        reads = [
            _read(row, f, look.answers[row["block_number"]])
            for row in headers
            for f in READ_FUNCTIONS
            if row["block_number"] in look.answers
        ]
        with duckdb.connect(str(self.database)) as connection:
            _insert(connection, "blocks", headers)
            _insert(connection, "contract_reads", reads)
            _end(connection, look)

    def complete(self, load_id: str) -> None:
        with duckdb.connect(str(self.database)) as connection:
            connection.execute("update raw._dlt_loads set status = 0 where load_id = ?", [load_id])

    def withdraw(self, load_id: str) -> None:
        with duckdb.connect(str(self.database)) as connection:
            connection.execute("delete from raw._dlt_loads where load_id = ?", [load_id])


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        schema = load_events().tables[table].arrow.append(pa.field("_dlt_load_id", pa.string()))
        connection.register("new_rows", pa.Table.from_pylist(list(rows), schema))
        connection.execute(f"insert into raw.{table} by name select * from new_rows")


def _end(connection: duckdb.DuckDBPyConnection, load: Load | Look) -> None:
    status = 0 if load.is_complete else 1
    connection.execute("insert into raw._dlt_loads values (?, 'poolhouse', ?, ?, '')", [load.load_id, status, DAY_ZERO])


def _header(look: Look, header: Header) -> dict[str, Any]:
    return {
        "chain_id": CHAIN,
        "block_number": header.block,
        "block_timestamp": header.timestamp,
        "block_hash": f"0x{header.fork}{header.block}",
        "parent_hash": f"0x{header.fork}{header.block - 1}",
        "_dlt_load_id": look.load_id,
    }


def _read(header: Mapping[str, Any], function: str, answer: int) -> dict[str, Any]:
    kept = {name: value for name, value in header.items() if name != "parent_hash"}
    call = {"contract_address": PAIR, "function": function, "arguments": "[]"}
    return {**kept, **call, "output": hex(answer), "value": str(answer), "status": "ok"}


def _timestamp(block: int) -> dt.datetime:
    return DAY_ZERO + dt.timedelta(days=block // BLOCKS_A_DAY, hours=block % BLOCKS_A_DAY)


def _envelope(load: Load, block: int, log_index: int) -> dict[str, Any]:
    # Another load of the same block may have seen another fork: its hashes are its own.
    return {
        "chain_id": CHAIN,
        "block_number": block,
        "log_index": log_index,
        "tx_index": 0,
        "block_timestamp": _timestamp(block),
        "block_hash": f"0x{load.load_id}{block:056x}",
        "tx_hash": f"0x{block:064x}",
        "contract_address": PAIR,
        "_dlt_load_id": load.load_id,
    }


def _swap(load: Load, block: int, amount: int) -> dict[str, Any]:
    amounts = {"amount0_in": str(amount), "amount1_in": "0", "amount0_out": "0", "amount1_out": str(2 * amount)}
    return {**_envelope(load, block, 1), "sender": PAIR, "to_address": PAIR, **amounts}


def _sync(load: Load, block: int, amount: int) -> dict[str, Any]:
    return {**_envelope(load, block, 0), "reserve0": str(10**6 + amount), "reserve1": str(10**6)}


def _range(load: Load, event: str) -> dict[str, Any]:
    return {
        "chain_id": CHAIN,
        "family": FAMILY,
        "role": ROLE,
        "event": event,
        "table_name": f"uniswap_v2__pair_{event.lower()}",
        "topic0": "0x",
        "contract_address": "*",
        "from_block": load.from_block,
        "to_block": load.to_block,
        "min_timestamp": _timestamp(load.from_block),
        "max_timestamp": _timestamp(load.to_block),
        "log_count": len(load.swaps),
        "finality": load.finality,
        "decoder_version": str(load.decoder_version),
        "registry_version": "1",
        "source": "rpc",
        "endpoint_host": "localhost",
        "loaded_at": load.loaded_at,
        "_dlt_load_id": load.load_id,
    }


def swaps_in(rows: Iterable[tuple[Any, ...]]) -> dict[int, int]:
    """Rows of (block, amount) as a mapping; two rows of one block are an error."""
    pairs = list(rows)
    found = dict(pairs)
    assert len(found) == len(pairs), f"a log counts twice: {sorted(pairs)}"
    return found
