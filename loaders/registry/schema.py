"""Raw tables: how columns are named and typed, and the Arrow schema of each table.

One rule for every event: an envelope that places the log, then the event's parameters in ABI order. Integers whose *type*
fits a signed 64-bit column are int64; wider ones are exact decimal text, because no warehouse type holds all of uint256.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from loaders.registry.abi import EventAbi, Parameter

ColumnType = Literal["string", "int64", "timestamp", "bool"]

_ARROW: dict[ColumnType, pa.DataType] = {
    "string": pa.string(),
    "int64": pa.int64(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "bool": pa.bool_(),
}


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: ColumnType
    description: str
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class RawTable:
    """A table of schema ``raw``, without the ``_dlt_load_id`` that the load adds."""

    name: str
    columns: tuple[Column, ...]
    description: str
    source: str
    """The dbt source that lists it: a family, or ``poolhouse``."""

    @property
    def arrow(self) -> pa.Schema:
        return pa.schema([pa.field(c.name, _ARROW[c.type], nullable=c.nullable) for c in self.columns])

    @property
    def partition_column(self) -> str:
        """The column whose day partitions the table on BigQuery."""
        names = {c.name for c in self.columns}
        return next(name for name in ("block_timestamp", "loaded_at", "ended_at") if name in names)

    @property
    def cluster_columns(self) -> list[str]:
        """How rows lie within a day on BigQuery: by time, because that is what models read by (docs/scale.md)."""
        names = {c.name for c in self.columns}
        order = (
            ("chain_id", "block_timestamp") if "block_timestamp" in names else ("chain_id", "family", "role", "event")
        )
        return [n for n in order if n in names]


CHAIN_ID = Column("chain_id", "int64", "EIP-155 chain id.")
BLOCK_NUMBER = Column("block_number", "int64", "Number of the block.")
BLOCK_TIMESTAMP = Column("block_timestamp", "timestamp", "Timestamp of the block's header, UTC.")
BLOCK_HASH = Column("block_hash", "string", "Hash of the block, lower-case 0x hex.")
TX_HASH = Column("tx_hash", "string", "Hash of the transaction, lower-case 0x hex.")
TX_INDEX = Column("tx_index", "int64", "Position of the transaction in its block, from 0.")

ENVELOPE: tuple[Column, ...] = (
    CHAIN_ID,
    BLOCK_NUMBER,
    Column("log_index", "int64", "Position of the log in its block, from 0; unique together with chain and block."),
    TX_INDEX,
    BLOCK_TIMESTAMP,
    BLOCK_HASH,
    TX_HASH,
    Column("contract_address", "string", "Contract that emitted the log, lower-case 0x hex."),
)

LOAD_ID = Column(
    "_dlt_load_id", "string", "The load that wrote the row; `_dlt_loads` and `load_ranges` say whether it counts."
)

# Reserved by DuckDB and BigQuery alike: neither reads them as a column without quotes.
_RESERVED = frozenset(
    re.findall(
        r"\w+",
        """
        all and any array as asc case cast collate create default desc distinct else end except false fetch for from
        group having in into lateral limit not null on or order qualify select some then to true union unnest using
        when where window with
        """,
    )
)
# Aave writes "aToken" as one word; splitting it would give a_token.
_ONE_WORD = re.compile(r"([aA])T(oken)")
_WORD_END = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_INTEGER = re.compile(r"(u?)int(\d+)")


def snake_case(name: str) -> str:
    """``sqrtPriceX96`` -> ``sqrt_price_x96``, ``receiveAToken`` -> ``receive_atoken``."""
    return _WORD_END.sub("_", _ONE_WORD.sub(r"\1t\2", name)).lower().strip("_")


def column_name(parameter: Parameter, position: int) -> str:
    """Column of a parameter; ``position`` is 0-based and names the unnamed."""
    name = snake_case(parameter.name)
    if not name:
        return f"arg_{position}"
    if name in ("from", "to"):
        return f"{name}_address"
    return f"{name}_value" if name in _RESERVED or name in _ENVELOPE_NAMES else name


_ENVELOPE_NAMES = frozenset(c.name for c in (*ENVELOPE, LOAD_ID))


def column_type(abi_type: str) -> ColumnType:
    if abi_type == "bool":
        return "bool"
    match = _INTEGER.fullmatch(abi_type)
    if match and int(match[2]) <= (56 if match[1] else 64):
        return "int64"
    return "string"


def parameter_column(parameter: Parameter, position: int) -> Column:
    kind = column_type(parameter.type)
    label = f"`{parameter.name}`" if parameter.name else f"parameter {position}"
    return Column(
        column_name(parameter, position), kind, f"Event parameter {label} ({parameter.type}), {_encoding(parameter)}."
    )


def _encoding(parameter: Parameter) -> str:
    abi_type = parameter.type
    if parameter.indexed and not parameter.is_static:
        return "keccak of its value as 0x hex: an indexed parameter of dynamic size keeps only its hash"
    if abi_type == "bool":
        return "true or false"
    if abi_type.endswith("]") or abi_type.startswith("("):
        return "JSON text, integers as decimal strings"
    if _INTEGER.fullmatch(abi_type):
        return "raw integer" if column_type(abi_type) == "int64" else "exact decimal text of the raw integer"
    return "text as emitted" if abi_type == "string" else "lower-case 0x hex"


def event_columns(abi: EventAbi) -> tuple[Column, ...]:
    """Envelope and parameters of an event's own table."""
    return ENVELOPE + tuple(parameter_column(p, i) for i, p in enumerate(abi.parameters))


def integer_texts(abi: EventAbi) -> tuple[str, ...]:
    """Columns of an event that hold an integer as decimal text, because it may exceed int64."""
    return tuple(
        column_name(parameter, position)
        for position, parameter in enumerate(abi.parameters)
        if _INTEGER.fullmatch(parameter.type) and column_type(parameter.type) == "string"
    )


SHARED_EVENT_COLUMNS: tuple[Column, ...] = (
    *ENVELOPE,
    Column("event_role", "string", "Role of the contract that emitted it, for example pool or configurator."),
    Column("event_name", "string", "Name of the event as in its ABI."),
    Column(
        "payload",
        "string",
        "JSON object of the parameters, keys in snake_case, integers as decimal strings, addresses and bytes as lower-case hex.",
    ),
)
