"""One log of the raw tables, and what can be done to it with the ledger none the wiser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import duckdb

from loaders.registry.events import EventSpec
from loaders.registry.schema import column_name
from tests.warehouse.mutation.project import name_of
from tests.warehouse.mutation.rebuild import Change

Mutation = Literal["drop", "duplicate", "alter"]
MUTATIONS: tuple[Mutation, ...] = ("drop", "duplicate", "alter")


@dataclass(frozen=True, slots=True)
class Log:
    """Key of one raw row."""

    event: EventSpec
    chain_id: int
    block_number: int
    log_index: int
    load_id: str

    @property
    def where(self) -> str:
        key = (
            f"chain_id = {self.chain_id} and block_number = {self.block_number} "
            f"and log_index = {self.log_index} and _dlt_load_id = '{self.load_id}'"
        )
        shared = f" and event_role = '{self.event.role}' and event_name = '{self.event.event}'"
        return key + (shared if self.event.is_shared else "")

    @property
    def relation(self) -> str:
        return f"raw.{self.event.table}"


def logs_of(connection: duckdb.DuckDBPyConnection, event: EventSpec) -> list[Log]:
    """Every log of the event, in the order of the chain."""
    condition = f"event_role = '{event.role}' and event_name = '{event.event}'" if event.is_shared else "true"
    rows = connection.execute(
        f"select chain_id, block_number, log_index, _dlt_load_id from raw.{event.table} where {condition} order by all"
    ).fetchall()
    return [Log(event, *row) for row in rows]


def middle_and_last_first(logs: list[Log]) -> list[Log]:
    """The one in the middle, the last one, then the others from the middle outwards."""
    middle = (len(logs) - 1) // 2
    by_distance = sorted(range(len(logs)), key=lambda position: (abs(position - middle), position))
    order = dict.fromkeys([middle, len(logs) - 1, *by_distance] if logs else [])
    return [logs[position] for position in order]


def change(mutation: Mutation, log: Log) -> Change:
    """The mutation of one log; the ledger counts the rows that are there afterwards."""
    mutate: Callable[[duckdb.DuckDBPyConnection, Log], None]
    mutate = {"drop": drop, "duplicate": duplicate, "alter": alter}[mutation]
    return lambda connection: mutate(connection, log)


def drop(connection: duckdb.DuckDBPyConnection, log: Log) -> None:
    _count(connection, log, -1)
    lose(connection, log)


def lose(connection: duckdb.DuckDBPyConnection, log: Log) -> None:
    """The row is gone, and the ledger knows nothing of it."""
    connection.execute(f"delete from {log.relation} where {log.where}")


def duplicate(connection: duckdb.DuckDBPyConnection, log: Log) -> None:
    """A second row that the ledger accepts: the last log of its block."""
    _count(connection, log, +1)
    copy(connection, log, log_index=_free_log_index(connection, log))


def copy(connection: duckdb.DuckDBPyConnection, log: Log, log_index: int | None = None) -> None:
    """A second row, with a log index of its own or the very same."""
    columns = "*" if log_index is None else f"* replace ({log_index} as log_index)"
    connection.execute(f"insert into {log.relation} select {columns} from {log.relation} where {log.where}")


def alter(connection: duckdb.DuckDBPyConnection, log: Log, column: str | None = None) -> None:
    """The smallest change of the parameter that matters most, or of the one named."""
    column = column or decisive_column(log.event)
    if log.event.is_shared:
        payload = json.loads(_value(connection, f"select payload from {log.relation} where {log.where}"))
        payload[column] = altered(payload[column])
        changed: Any = json.dumps(payload, separators=(",", ":"))
        column = "payload"
    else:
        changed = altered(_value(connection, f"select {column} from {log.relation} where {log.where}"))
    connection.execute(f"update {log.relation} set {column} = ? where {log.where}", [changed])


def altered(value: Any) -> Any:
    """Another value of the same type, as near as can be."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case list():
            return [altered(value[0]), *value[1:]] if value else ["1"]
        case str() if value.startswith("0x"):
            return value[:-1] + ("1" if value[-1] != "1" else "2")
        case str() if re.fullmatch(r"-?\d+", value):
            return str(int(value) + 1)
        case str() if value.startswith("["):
            return json.dumps(altered(json.loads(value)), separators=(",", ":"))
    return f"{value}x"


# What a parameter is likely to be worth, best first: amounts, then other numbers, then switches, then addresses.
_AMOUNTS = re.compile(r"amount|value|reserve\d|assets|delta|liquidity|price|answer|current|shares|wad|new_.*")
_NUMBER = re.compile(r"u?int\d+(\[\])?")


# Where the first of its rank is none that anybody reads.
_DECISIVE = {
    "uniswap_v2.factory.PairCreated": "token0",
    "aave_v3.configurator.ReserveInitialized": "atoken",
    "aave_v3.pool.ReserveDataUpdated": "liquidity_index",  # a rate off by 1e-27 grows to nothing before the next one
    "aave_v3.configurator.EModeCategoryAdded": "liquidation_threshold",
    "aave_v3.oracle.AssetSourceUpdated": "source",
}


def decisive_column(event: EventSpec) -> str:
    """Column (or payload key) of the parameter to alter: an amount where there is one."""
    if (chosen := _DECISIVE.get(name_of(event))) is not None:
        return chosen
    ranked = sorted((_rank(name, kind), position, name) for position, (name, kind) in enumerate(parameters(event)))
    return ranked[0][2]


def parameters(event: EventSpec) -> list[tuple[str, str]]:
    """Name of column or payload key, and ABI type, of each parameter."""
    return [(column_name(p, position), p.type) for position, p in enumerate(event.abi.parameters)]


def _rank(name: str, abi_type: str) -> int:
    is_amount = _AMOUNTS.search(name) is not None
    if _NUMBER.fullmatch(abi_type):
        return 0 if is_amount else 2 if not name.startswith("old_") else 6
    if abi_type == "bool":
        return 3
    if abi_type == "address":
        return 1 if name.startswith("new_") else 4
    return 5


def _free_log_index(connection: duckdb.DuckDBPyConnection, log: Log) -> int:
    of_block = f"where chain_id = {log.chain_id} and block_number = {log.block_number}"
    tables = connection.execute(
        "select table_name from duckdb_columns() where database_name = current_database() and schema_name = 'raw' "
        "and column_name = 'log_index'"
    ).fetchall()
    highest = " union all ".join(f"select max(log_index) as log_index from raw.{t} {of_block}" for (t,) in tables)
    return int(_value(connection, f"select max(log_index) from ({highest})")) + 1


def _count(connection: duckdb.DuckDBPyConnection, log: Log, difference: int) -> None:
    """Let the ledger expect another number of rows in the range that the log belongs to."""
    emitter = _value(connection, f"select contract_address from {log.relation} where {log.where}")
    connection.execute(
        "update raw.load_ranges set log_count = log_count + ? where _dlt_load_id = ? and chain_id = ? and family = ? "
        "and role = ? and event = ? and contract_address in ('*', ?) and ? between from_block and to_block",
        [
            *(difference, log.load_id, log.chain_id, log.event.family, log.event.role, log.event.event),
            *(emitter, log.block_number),
        ],
    )


def _value(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = connection.execute(query).fetchone()
    if row is None:
        raise LookupError(f"no row: {query}")
    return row[0]
