"""Events of any ABI types and logs of them, encoded by `eth_abi`: what scanner, parser and decoder are held against."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
from eth_abi.abi import encode
from eth_hash.auto import keccak
from hypothesis import strategies as st

from loaders.decode.decoder import Decoder, Wanted
from loaders.logs import RawLogs
from loaders.registry.abi import EventAbi, Parameter, parse_event
from loaders.registry.events import EventSpec
from loaders.registry.schema import column_type

STATIC = [
    "bool",
    "address",
    *(f"{sign}int{bits}" for sign in ("u", "") for bits in range(8, 257, 8)),
    *(f"bytes{size}" for size in range(1, 33)),
]

Event = tuple[EventAbi, list[list[Any]]]
"""An event, and the values of one to five logs of it."""


def types(*, depth: int = 3) -> st.SearchStrategy[str]:
    """Any ABI type: static ones, text and bytes, and arrays and tuples of them in each other."""
    simple = st.one_of(st.sampled_from(STATIC), st.sampled_from(["string", "bytes"]))
    if not depth:
        return simple
    inner = types(depth=depth - 1)
    return st.one_of(
        simple,
        st.builds("{}[{}]".format, inner, st.sampled_from(["", "1", "2", "3"])),
        st.lists(inner, min_size=1, max_size=3).map(lambda members: f"({','.join(members)})"),
    )


def is_dynamic(abi_type: str) -> bool:
    """More or less than one word: what an event can only index as a hash."""
    return abi_type not in STATIC


def values_of(abi_type: str) -> st.SearchStrategy[Any]:
    """Python values that `eth_abi` encodes as the type; boundaries often."""
    if abi_type.endswith("]"):
        base, _, size = abi_type.rpartition("[")
        fixed = size.rstrip("]")
        fewest, most = (int(fixed), int(fixed)) if fixed else (0, 3)
        return st.lists(values_of(base), min_size=fewest, max_size=most)
    if abi_type.startswith("("):
        members = [p.type for p in parse_event(f"T{abi_type}").parameters]
        return st.tuples(*map(values_of, members))
    if abi_type == "bool":
        return st.booleans()
    if abi_type == "address":
        return st.binary(min_size=20, max_size=20).map(lambda b: "0x" + b.hex())
    if abi_type == "string":
        return st.text(max_size=40)
    if abi_type == "bytes":
        return st.binary(max_size=70)
    if abi_type.startswith("bytes"):
        width = int(abi_type[5:])
        return st.binary(min_size=width, max_size=width)
    bits = int(abi_type.lstrip("uint"))
    low, high = (0, 2**bits - 1) if abi_type.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return st.one_of(st.integers(low, high), st.sampled_from([low, high, 0, 1, high // 2, high // 2 + 1]))


@st.composite
def events(draw: st.DrawFn, of_types: st.SearchStrategy[str]) -> Event:
    """Up to eight parameters, up to three of them indexed."""
    kinds = draw(st.lists(of_types, max_size=8))
    wishes = draw(st.lists(st.booleans(), min_size=len(kinds), max_size=len(kinds)))
    parameters: list[Parameter] = []
    for i, (kind, wish) in enumerate(zip(kinds, wishes, strict=True)):
        parameters.append(Parameter(f"p{i}", kind, wish and sum(p.indexed for p in parameters) < 3))
    text = ", ".join(f"{p.type}{' indexed' if p.indexed else ''} {p.name}" for p in parameters)
    rows = draw(st.lists(st.tuples(*(values_of(k) for k in kinds)), min_size=1, max_size=5))
    return parse_event(f"E({text})"), [list(r) for r in rows]


def topic_of(abi_type: str, value: Any) -> str:
    """The value itself, or a hash (whose preimage the decoder never sees)."""
    encoded = encode([abi_type], [value])
    return "0x" + (keccak(encoded) if is_dynamic(abi_type) else encoded).hex()


def data_of(abi: EventAbi, values: list[Any]) -> bytes:
    in_data = [(p.type, v) for p, v in zip(abi.parameters, values, strict=True) if not p.indexed]
    return encode([t for t, _ in in_data], [v for _, v in in_data])


def log_json(abi: EventAbi, values: list[Any], position: int, **changes: Any) -> dict[str, Any]:
    indexed = [(p.type, v) for p, v in zip(abi.parameters, values, strict=True) if p.indexed]
    return {
        "address": "0x" + "ab" * 20,
        "topics": [abi.topic0, *(topic_of(t, v) for t, v in indexed)],
        "data": "0x" + data_of(abi, values).hex(),
        "blockNumber": hex(17_000_000 + position),
        "blockHash": "0x" + f"{position:064x}",
        "transactionHash": "0x" + f"{position + 7:064x}",
        "transactionIndex": hex(position % 300),
        "blockTimestamp": hex(1_681_338_455 + 12 * position),
        "logIndex": hex(position),
        "removed": False,
        **changes,
    }


def spec_of(abi: EventAbi) -> EventSpec:
    return EventSpec("family", "role", "family__event", "any", abi, is_shared=False)


def decoded(spec: EventSpec, logs: RawLogs) -> dict[str, pa.Table]:
    tables = Decoder(1, [Wanted(spec, None)]).decode(logs).tables
    return {name: pa.concat_tables(parts) for name, parts in tables.items()}


def plain(value: Any) -> Any:
    """What the raw tables promise: integers as digits, bytes as hex, arrays and tuples as lists."""
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return value if isinstance(value, (bool, str)) else str(value)


def column_value(parameter: Parameter, cell: Any) -> Any:
    """The cell of a parameter's column, arrays and tuples read back from their JSON."""
    is_list = parameter.type.endswith("]") or parameter.type.startswith("(")
    return json.loads(cell) if is_list and not parameter.indexed else cell


def expected_value(parameter: Parameter, value: Any) -> Any:
    """What :func:`column_value` must be."""
    if parameter.indexed and is_dynamic(parameter.type):
        return topic_of(parameter.type, value)
    return value if column_type(parameter.type) == "int64" else plain(value)
