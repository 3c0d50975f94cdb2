"""Calldata and value text, held against eth_abi on every ABI type and against bytes that are no encoding at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from loaders.errors import PoolhouseError
from loaders.facts.functions import Function, Undecodable, arguments_text, load_functions, parse_function

FUNCTIONS = load_functions()
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def _elementary() -> st.SearchStrategy[tuple[str, Any, list[str]]]:
    """An ABI type, a value of it and the texts it must become."""
    bits = st.integers(1, 32).map(lambda n: 8 * n)
    unsigned = bits.flatmap(lambda n: st.tuples(st.just(f"uint{n}"), st.integers(0, 2**n - 1)))
    signed = bits.flatmap(lambda n: st.tuples(st.just(f"int{n}"), st.integers(-(2 ** (n - 1)), 2 ** (n - 1) - 1)))
    fixed = st.integers(1, 32).flatmap(lambda n: st.tuples(st.just(f"bytes{n}"), st.binary(min_size=n, max_size=n)))
    return st.one_of(
        st.one_of(unsigned, signed).map(lambda x: (*x, [f"{x[1]}"])),
        st.one_of(fixed, st.tuples(st.just("bytes"), st.binary(max_size=80))).map(lambda x: (*x, ["0x" + x[1].hex()])),
        st.booleans().map(lambda b: ("bool", b, ["true" if b else "false"])),
        TEXT.map(lambda t: ("string", t, [t])),
        st.binary(min_size=20, max_size=20).map(lambda b: ("address", "0x" + b.hex(), ["0x" + b.hex()])),
    )


def _tuples(inner: st.SearchStrategy[tuple[str, Any, list[str]]]) -> st.SearchStrategy[tuple[str, Any, list[str]]]:
    def join(members: list[tuple[str, Any, list[str]]]) -> tuple[str, Any, list[str]]:
        kinds, values, texts = zip(*members, strict=True)
        return f"({','.join(kinds)})", tuple(values), [t for ts in texts for t in ts]

    return st.lists(inner, min_size=1, max_size=4).map(join)


def _arrays(inner: st.SearchStrategy[tuple[str, Any, list[str]]]) -> st.SearchStrategy[tuple[str, Any, list[str]]]:
    def repeat(member: tuple[str, Any, list[str]], count: int) -> tuple[str, Any, list[str]]:
        return f"{member[0]}[]", [member[1]] * count, member[2] * count

    return st.builds(repeat, inner, st.integers(0, 3))


ANY_VALUE = st.recursive(_elementary(), lambda inner: st.one_of(_tuples(inner), _arrays(inner)), max_leaves=8)


@given(st.lists(ANY_VALUE, min_size=1, max_size=5))
def test_every_value_survives_the_text_form(members: list[tuple[str, Any, list[str]]]) -> None:
    kinds = tuple(kind for kind, _, _ in members)
    function = Function("f", b"\0\0\0\0", (), kinds)
    text = function.text(encode(kinds, [value for _, value, _ in members]))
    expected = [leaf for _, _, leaves in members for leaf in leaves]
    if len(kinds) == 1 and not kinds[0].endswith((")", "]")):
        assert [text] == expected
    else:
        assert json.loads(text) == expected


@given(st.sampled_from(sorted(FUNCTIONS)), st.binary(max_size=700))
def test_no_output_breaks_the_decoder(name: str, output: bytes) -> None:
    try:
        text = FUNCTIONS[name].text(output)
    except Undecodable:
        return
    assert "\0" not in text
    text.encode("utf-8")


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (b"MKR" + bytes(29), "MKR"),  # bytes32, as Maker's token answers
        (bytes(32), ""),
        (encode(["string"], ["USD₮0"]), "USD₮0"),
        (encode(["string"], ["A\0B"]), "AB"),
        (encode(["bytes"], [b"\xff\xfeX"]), "��X"),
        (encode(["string"], ["unpadded"])[:72], "unpadded"),
    ],
)
def test_symbols_of_the_wild(output: bytes, text: str) -> None:
    assert FUNCTIONS["symbol"].text(output) == text


@pytest.mark.parametrize("output", [bytes(31) + b"\1", b"A\0B" + bytes(29), b"short", b"\xff" * 64])
def test_what_is_no_symbol_is_undecodable(output: bytes) -> None:
    with pytest.raises(Undecodable):
        FUNCTIONS["symbol"].text(output)


def test_decimals_beyond_a_byte_are_undecodable() -> None:
    with pytest.raises(Undecodable):
        FUNCTIONS["decimals"].text((300).to_bytes(32, "big"))


def test_selectors_are_the_hashes_of_the_canonical_signatures() -> None:
    for function in FUNCTIONS.values():
        assert function.selector == keccak(text=f"{function.name}({','.join(function.inputs)})")[:4]
    # Published selectors, so that a slip in a signature cannot agree with itself.
    published = {
        "decimals": "313ce567",
        "getReserves": "0902f1ac",
        "slot0": "3850c7bd",
        "getUserAccountData": "bf92857c",
    }
    assert {name: FUNCTIONS[name].selector.hex() for name in published} == published


def test_calldata_and_arguments() -> None:
    a, b = "0x" + "Ab" * 20, "0x" + "01" * 20
    data = FUNCTIONS["getPool"].calldata(a, b, 3000)
    assert data.hex() == f"1698ee82{'00' * 12}{'ab' * 20}{'00' * 12}{'01' * 20}{3000:064x}"
    assert arguments_text((a, b, 3000)) == f'["{a.lower()}","{b}","3000"]'
    assert arguments_text(()) == "[]"


def test_a_signature_without_outputs_is_refused() -> None:
    with pytest.raises(PoolhouseError, match="names no outputs"):
        parse_function("decimals()")
