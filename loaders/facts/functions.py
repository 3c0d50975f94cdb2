"""View functions by name: calldata from arguments, and text from what a call returned.

``functions.csv`` lists them as in Solidity. The text rules are those of the raw tables: integers as exact decimals,
addresses and bytes as lower-case hex, ``true`` or ``false``; one elementary output is its plain text, anything else a
JSON array of the flattened values.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from eth_abi.codec import ABICodec
from eth_abi.decoding import StringDecoder
from eth_abi.exceptions import DecodingError
from eth_abi.registry import registry

from loaders.errors import PoolhouseError
from loaders.registry.abi import parse_event

FUNCTIONS_CSV = Path(__file__).with_name("functions.csv")

Argument = str | int | bool | bytes | tuple[Any, ...]
Status = Literal["ok", "reverted", "empty", "undecodable"]

_WORD = 32


class _AnyString(StringDecoder):
    """A token may call itself anything: U+FFFD stands for what is not UTF-8."""

    def __init__(self) -> None:
        super().__init__(handle_string_errors="replace")  # type: ignore[no-untyped-call]  # eth_abi leaves it bare


def _lenient_codec() -> ABICodec:
    types = registry.copy()  # type: ignore[no-untyped-call]  # likewise
    types.unregister_decoder("string")
    types.register_decoder("string", _AnyString)
    return ABICodec(types)


_CODEC = _lenient_codec()


class Undecodable(Exception):
    """The bytes are not an encoding of the function's outputs."""


@dataclass(frozen=True, slots=True)
class Function:
    """One view function: name, four-byte selector and ABI types of what goes in and comes out."""

    name: str
    selector: bytes
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def calldata(self, *arguments: Any) -> bytes:
        return self.selector + _CODEC.encode(self.inputs, arguments)

    def values(self, output: bytes) -> tuple[Any, ...]:
        """The outputs as Python values. Raises :class:`Undecodable`."""
        try:
            # Not strict: contracts in the wild leave strings unpadded, which says nothing about their content.
            return _CODEC.decode(self.outputs, output, strict=False)
        except (DecodingError, OverflowError, ValueError) as error:
            raise Undecodable(type(error).__name__) from None

    def text(self, output: bytes) -> str:
        """The outputs as the text of ``contract_reads.value``. Raises :class:`Undecodable`."""
        if self.outputs == ("string",) and len(output) == _WORD:
            return _fixed_text(output)
        leaves = list(_leaves(self.values(output)))
        if len(self.outputs) == 1 and not self.outputs[0].endswith((")", "]")):
            return leaves[0]
        return json.dumps(leaves, separators=(",", ":"), ensure_ascii=False)


def arguments_text(arguments: tuple[Argument, ...]) -> str:
    """The arguments as the JSON array of ``contract_reads.arguments``; a tuple or array among them stays nested."""
    return json.dumps([_argument(a) for a in arguments], separators=(",", ":"))


def parse_function(signature: str) -> Function:
    """``getPair(address a, address b) returns (address)`` -> :class:`Function`. Raises :class:`PoolhouseError`."""
    call, separator, outputs = signature.partition(" returns ")
    if not separator:
        raise PoolhouseError(
            f"Function signature {signature!r} names no outputs.",
            "Write it as in Solidity, for example decimals() returns (uint8).",
        )
    # Functions and events share one grammar, and a selector is the head of the hash that makes an event's topic0.
    parsed = parse_event(call)
    return Function(
        name=parsed.name,
        selector=bytes.fromhex(parsed.topic0[2:10]),
        inputs=tuple(p.type for p in parsed.parameters),
        outputs=tuple(p.type for p in parse_event(f"returns{outputs}").parameters),
    )


@cache
def load_functions() -> Mapping[str, Function]:
    """All functions by name. Raises :class:`PoolhouseError` naming the row that is wrong."""
    functions: dict[str, Function] = {}
    with FUNCTIONS_CSV.open(encoding="utf-8", newline="") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            function = parse_function(row["signature"])
            if function.name != row["name"] or function.name in functions:
                raise PoolhouseError(
                    f"{FUNCTIONS_CSV.name}, line {line}: {row['name']!r} is there twice or differs from its signature.",
                    f"Correct {FUNCTIONS_CSV}: one row per function name.",
                )
            functions[function.name] = function
    return functions


def _fixed_text(word: bytes) -> str:
    """A bytes32 in place of a string, as early tokens such as MKR have it: text, then zeros to the end."""
    text = word.rstrip(b"\0")
    if b"\0" in text:
        raise Undecodable("32 bytes that are not text")
    return text.decode("utf-8", errors="replace")


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, (list, tuple)):
        for member in value:
            yield from _leaves(member)
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, bytes):
        yield "0x" + value.hex()
    else:
        # NUL is valid in a Solidity string, but not in the text of every warehouse and tool.
        yield str(value).replace("\0", "")


def _argument(value: Argument) -> Any:
    if isinstance(value, (list, tuple)):
        return [_argument(v) for v in value]
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).lower()
