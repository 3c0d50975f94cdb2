"""The event registry, column naming and the dbt sources rendered from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from loaders.errors import PoolhouseError
from loaders.registry.abi import parse_event
from loaders.registry.dbt_sources import MODELS, render_sources
from loaders.registry.events import EVENTS_CSV, load_events
from loaders.registry.schema import column_type, event_columns, snake_case


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("amount0In", "amount0_in"),
        ("sqrtPriceX96", "sqrt_price_x96"),
        ("onBehalfOf", "on_behalf_of"),
        ("aToken", "atoken"),
        ("receiveAToken", "receive_atoken"),
        ("useATokens", "use_atokens"),
        ("categoryId", "category_id"),
        ("oldReserveFactor", "old_reserve_factor"),
        ("ltvzero", "ltvzero"),
        ("_from", "from"),
    ],
)
def test_snake_case(name: str, column: str) -> None:
    assert snake_case(name) == column


@pytest.mark.parametrize(
    ("abi_type", "expected"),
    [
        ("uint56", "int64"),
        ("uint64", "string"),
        ("int64", "int64"),
        ("int72", "string"),
        ("bool", "bool"),
        ("address", "string"),
        ("bytes32", "string"),
        ("uint8[]", "string"),
    ],
)
def test_only_types_that_always_fit_are_int64(abi_type: str, expected: str) -> None:
    assert column_type(abi_type) == expected


def test_parameters_never_collide_with_envelope_or_keywords() -> None:
    abi = parse_event("E(address from, address to, uint256, bytes32 blockHash, uint8 order, int256 current)")
    names = [c.name for c in event_columns(abi)][8:]
    assert names == ["from_address", "to_address", "arg_2", "block_hash_value", "order_value", "current"]


@pytest.mark.parametrize(
    ("signature", "canonical"),
    [
        ("Transfer(address indexed from, address indexed to, uint value)", "Transfer(address,address,uint256)"),
        ("A((uint8,(bytes,int)[2])[] indexed legs, string s)", "A((uint8,(bytes,int256)[2])[],string)"),
        ("B(tuple(address a, uint256 b) pair)", "B((address,uint256))"),
        ("Empty()", "Empty()"),
    ],
)
def test_canonical_signature(signature: str, canonical: str) -> None:
    assert parse_event(signature).canonical == canonical


@pytest.mark.parametrize("signature", ["Transfer", "T(uint7 a)", "T((uint8 a)", "T(address indexed)x", "T(a b c d)"])
def test_malformed_signatures_are_named(signature: str) -> None:
    with pytest.raises(PoolhouseError, match="cannot be parsed"):
        parse_event(signature)


def test_topic0_is_checked_against_keccak(tmp_path: Path) -> None:
    lines = EVENTS_CSV.read_text().splitlines()[:2]
    broken = tmp_path / "events.csv"
    broken.write_text("\n".join([lines[0], lines[1][:-1] + ("0" if lines[1][-1] != "0" else "1")]))
    with pytest.raises(PoolhouseError, match=r"line 2: topic0 of PairCreated"):
        load_events(broken)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('"Transfer(address from, address to, uint256 value, uint256 tax)",decode', "another topic0"),
        ('"Transfer(address from, address indexed to, uint256 indexed value)",count', "2 indexed already"),
        ('"Transfer(address from, address to, uint256 value)",keep', "handling is 'keep'"),
    ],
)
def test_layouts_are_checked(tmp_path: Path, row: str, message: str) -> None:
    broken = tmp_path / "event_layouts.csv"
    broken.write_text("family,role,event,signature,handling\nerc20,token,Transfer," + row)
    with pytest.raises(PoolhouseError, match=f"event_layouts.csv, line 2: .*{message}"):
        load_events(layouts_path=broken)


def test_every_table_has_distinct_columns() -> None:
    for table in load_events().tables.values():
        names = [c.name for c in table.columns]
        assert len(names) == len(set(names)), table.name
        assert all(c.description.endswith(".") for c in table.columns), table.name


def test_dbt_sources_on_disk_are_the_rendering() -> None:
    for relative, text in render_sources(load_events()).items():
        assert (MODELS / relative).read_text() == text, f"{relative}: python -m loaders.registry.dbt_sources --write"
