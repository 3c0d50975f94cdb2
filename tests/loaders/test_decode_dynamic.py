"""Events with strings, bytes, arrays and tuples, nested anyhow, against `eth_abi`; and data that is no encoding of them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from hypothesis import given
from hypothesis import strategies as st

from loaders.registry.abi import EventAbi, parse_event
from loaders.registry.events import load_events
from loaders.registry.schema import event_columns
from loaders.source.parse import parse_logs
from tests.examples import examples
from tests.loaders.abi_values import (
    Event,
    column_value,
    data_of,
    decoded,
    events,
    expected_value,
    is_dynamic,
    log_json,
    plain,
    spec_of,
    types,
    values_of,
)

WORD = 32
TABLE = "family__event"


def raw(*logs: dict[str, Any]) -> bytes:
    return json.dumps(logs).encode()


def assert_decodes(abi: EventAbi, rows: list[list[Any]], logs: list[dict[str, Any]]) -> None:
    table = decoded(spec_of(abi), parse_logs(raw(*logs)))[TABLE]
    names = [c.name for c in event_columns(abi)][8:]
    for i, (parameter, name) in enumerate(zip(abi.parameters, names, strict=True)):
        found = [column_value(parameter, cell) for cell in table[name].to_pylist()]
        assert found == [expected_value(parameter, row[i]) for row in rows], parameter.type


@examples(200)
@given(events(types()))
def test_events_of_any_types_decode_as_eth_abi_encodes(event: Event) -> None:
    abi, rows = event
    assert_decodes(abi, rows, [log_json(abi, values, i) for i, values in enumerate(rows)])


@examples(60)
@given(events(types()))
def test_shared_tables_hold_the_same_values_as_json(event: Event) -> None:
    """Lists are text in it, as in a column of their own; whatever is a number is digits."""
    abi, rows = event
    spec = replace(spec_of(abi), is_shared=True)
    logs = [log_json(abi, values, i) for i, values in enumerate(rows)]
    table = decoded(spec, parse_logs(raw(*logs)))[TABLE]
    names = [c.name for c in event_columns(abi)][8:]
    for payload, row in zip(table["payload"].to_pylist(), rows, strict=True):
        found = json.loads(payload)
        assert list(found) == names
        for parameter, name, value in zip(abi.parameters, names, row, strict=True):
            expected = expected_value(parameter, value)
            assert column_value(parameter, found[name]) == (str(expected) if type(expected) is int else expected)


def as_eth_abi_reads(abi: EventAbi, data: bytes) -> list[Any] | None:
    """The values in data, or None where it is no encoding of them: text that is no UTF-8 included."""
    try:
        return list(decode([p.type for p in abi.in_data], data))
    except (DecodingError, UnicodeDecodeError, OverflowError):
        return None


@st.composite
def damaged(draw: st.DrawFn) -> tuple[EventAbi, bytes]:
    """An event with at least one dynamic parameter, and data that began as an encoding of its values."""
    kinds = draw(st.lists(types(), min_size=1, max_size=4).filter(lambda kinds: any(map(is_dynamic, kinds))))
    abi = parse_event(f"E({','.join(kinds)})")
    data = bytearray(data_of(abi, [draw(values_of(kind)) for kind in kinds]))
    for _ in range(draw(st.integers(1, 3))):
        size = len(data)
        at = draw(st.integers(0, max(0, size // WORD - 1))) * WORD
        # Offsets and lengths that are too large, that point at each other or back at their own place.
        number = draw(
            st.one_of(st.integers(0, size + WORD), st.sampled_from([0, at, 2**31, 2**63, 2**255, 2**256 - 1]))
        )
        match draw(st.sampled_from(["word", "bit", "cut", "longer"])):
            case "word":
                data[at : at + WORD] = number.to_bytes(WORD, "big")
            case "bit" if size:
                data[draw(st.integers(0, size - 1))] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del data[draw(st.integers(0, size)) :]
            case _:
                data += draw(st.binary(max_size=2 * WORD))
    return abi, bytes(data)


@examples(300)
@given(damaged())
def test_what_is_no_encoding_is_kept_undecoded(case: tuple[EventAbi, bytes]) -> None:
    """As `eth_abi` in strict mode reads it, or not at all, with the reason."""
    abi, data = case
    expected = as_eth_abi_reads(abi, data)
    log = {**log_json(parse_event("E()"), [], 0), "topics": [abi.topic0], "data": "0x" + data.hex()}
    tables = decoded(spec_of(abi), parse_logs(raw(log)))
    if expected is None:
        assert list(tables) == ["undecoded_logs"]
        kept = tables["undecoded_logs"].to_pylist()[0]
        assert kept["data"] == "0x" + data.hex()
        assert abi.canonical in kept["reason"]
    else:
        assert list(tables) == [TABLE]
        assert_decodes(abi, [expected], [log])


def test_the_registry_has_no_event_that_grows_out_of_its_data() -> None:
    """An array of items without size would be as long as its length says, whatever the data: no event may have one."""
    for spec in load_events().events:
        assert "[0]" not in spec.abi.canonical
        assert "()" not in spec.abi.canonical.removesuffix("()")


@pytest.mark.parametrize(
    ("signature", "data"),
    [
        ("E(uint256[] a)", [2**64, 1]),  # the offset is beyond the data
        ("E(uint256[] a)", [32, 2**64, 1]),  # a length that would fill the memory
        ("E(bytes a)", [32, 2**255]),
        ("E(string a)", [0]),  # an offset to itself: an empty text of length 0 it is not
        ("E(uint256[][] a)", [32, 2, 0, 0]),  # items that begin at their own offsets
        ("E(bytes[] a)", [32, 1, 2**256 - 1, 0]),  # an offset that wraps around
    ],
)
def test_lying_offsets_and_lengths(signature: str, data: list[int]) -> None:
    abi = parse_event(signature)
    encoded = b"".join(word.to_bytes(WORD, "big") for word in data)
    log = {**log_json(parse_event("E()"), [], 0), "topics": [abi.topic0], "data": "0x" + encoded.hex()}
    tables = decoded(spec_of(abi), parse_logs(raw(log)))
    expected = as_eth_abi_reads(abi, encoded)
    if expected is None:
        assert list(tables) == ["undecoded_logs"]
    else:
        assert column_value(abi.parameters[0], tables[TABLE]["a"][0].as_py()) == plain(expected[0])
