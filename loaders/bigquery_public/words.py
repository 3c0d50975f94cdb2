"""GoogleSQL for one 32-byte ABI word, given as 64 lower-case hex digits: does it fit a static type, and its value.

BigQuery has no 256-bit integer. Wide ones become exact decimal text: the word is cut into limbs of 48 bits, each multiplied by
its power of two as digits of base 10^23; sums of such products stay below what BIGNUMERIC holds exactly (5.7e38), and carries
between the digits are divisions without rest.
"""

from __future__ import annotations

import re

from loaders.registry.schema import column_type

_SIZED = re.compile(r"(uint|int|bytes)(\d+)")

_LIMB_DIGITS = 12
"""Hex digits of a limb: 48 bits, which CAST reads as a non-negative INT64."""
_LIMBS = 6
_BASE_DIGITS = 23
_BASE = 10**_BASE_DIGITS
_PARTS = 4

UINT_TEXT = "poolhouse_uint_text"
INT_TEXT = "poolhouse_int_text"


def fits(abi_type: str, word: str) -> str:
    """A condition: the padding is what the ABI prescribes. ``word`` is an expression."""
    if abi_type == "bool":
        return f"substr({word}, 1, 63) = '{'0' * 63}' and substr({word}, 64) in ('0', '1')"
    if abi_type == "address":
        return f"starts_with({word}, '{'0' * 24}')"
    kind, size = _sized(abi_type)
    if kind == "bytes":
        return f"substr({word}, {2 * size + 1}) = '{'0' * (64 - 2 * size)}'"
    padding = 64 - size // 4
    if not padding:
        return "true"
    if kind == "uint":
        return f"starts_with({word}, '{'0' * padding}')"
    sign = f"if(substr({word}, {padding + 1}, 1) >= '8', '{'f' * padding}', '{'0' * padding}')"
    return f"starts_with({word}, {sign})"


def value(abi_type: str, word: str) -> str:
    """The column's value, as the loader writes it, of a word that fits."""
    if abi_type == "bool":
        return f"substr({word}, 64) = '1'"
    if abi_type == "address":
        return f"concat('0x', substr({word}, 25))"
    kind, size = _sized(abi_type)
    if kind == "bytes":
        return f"concat('0x', substr({word}, 1, {2 * size}))"
    if column_type(abi_type) == "int64":
        return _small(kind, size, word)
    return f"{UINT_TEXT if kind == 'uint' else INT_TEXT}({word})"


def _small(kind: str, size: int, word: str) -> str:
    """An integer that fits INT64, from its low digits; the sign is that of the whole word."""
    if size == 64:
        high = f"cast(concat('0x', substr({word}, 49, 8)) as int64)"
        low = f"cast(concat('0x', substr({word}, 57)) as int64)"
        return f"({high} - if(substr({word}, 49, 1) >= '8', {2**32}, 0)) * {2**32} + {low}"
    unsigned = f"cast(concat('0x', substr({word}, {64 - size // 4 + 1})) as int64)"
    return unsigned if kind == "uint" else f"{unsigned} - if(substr({word}, 1, 1) >= '8', {2**size}, 0)"


def functions() -> str:
    """Definitions of the temporary functions that :func:`value` calls; SQL, not JavaScript."""
    return (
        f"create temp function {UINT_TEXT}(word string) returns string as ({uint_text_body()});\n"
        f"create temp function {INT_TEXT}(word string) returns string as ({int_text_body()});\n"
    )


def uint_text_body() -> str:
    """Decimal text of an unsigned ``word``."""
    return f"(select {_joined()} from ({_digits('word', '0')}))"


def int_text_body() -> str:
    """Decimal text of a ``word`` in two's complement: the magnitude of a negative one is its complement plus one."""
    is_negative = "substr(word, 1, 1) >= '8'"
    magnitude = f"if({is_negative}, translate(word, '0123456789abcdef', 'fedcba9876543210'), word)"
    digits = _digits(magnitude, f"if({is_negative}, 1, 0)")
    return f"concat(if({is_negative}, '-', ''), (select {_joined()} from ({digits})))"


def _joined() -> str:
    padded = [f"lpad(cast(part{i} as string), {_BASE_DIGITS}, '0')" for i in reversed(range(_PARTS))]
    return f"coalesce(nullif(ltrim(concat({', '.join(padded)}), '0'), ''), '0')"


def _digits(word: str, addend: str) -> str:
    """A query of ``part0`` (lowest) to ``part3``: the digits of the word plus ``addend`` in base 10^23."""
    widths = [_LIMB_DIGITS] * (_LIMBS - 1)
    widths.append(64 - sum(widths))
    starts, end = [], 64
    for width in widths:
        end -= width
        starts.append(end + 1)
    limbs = ", ".join(
        f"cast(cast(concat('0x', substr(word, {start}, {width})) as int64) as bignumeric) as limb{k}"
        for k, (start, width) in enumerate(zip(starts, widths, strict=True))
    )
    query = f"select addend, {limbs} from (select {word} as word, {addend} as addend)"
    sums = []
    for part in range(_PARTS):
        factors = [2 ** (4 * _LIMB_DIGITS * k) // _BASE**part % _BASE for k in range(_LIMBS)]
        terms = [f"limb{k} * bignumeric '{factor}'" for k, factor in enumerate(factors) if factor]
        sums.append(f"{' + '.join([*terms, *(['addend'] if part == 0 else [])])} as sum{part}")
    query = f"select {', '.join(sums)} from ({query})"
    # Each sum is below 2e38; what exceeds a digit is carried into the next.
    for part in range(_PARTS):
        later = [f"sum{p}" for p in range(part + 2, _PARTS)]
        carried = (
            [f"sum{part + 1} + div(sum{part}, bignumeric '{_BASE}') as sum{part + 1}"] if part + 1 < _PARTS else []
        )
        parts = [*(f"part{p}" for p in range(part)), f"mod(sum{part}, bignumeric '{_BASE}') as part{part}"]
        query = f"select {', '.join([*parts, *carried, *later])} from ({query})"
    return query


def _sized(abi_type: str) -> tuple[str, int]:
    match = _SIZED.fullmatch(abi_type)
    if match is None:
        raise ValueError(f"{abi_type} is not a static ABI type")
    return match[1], int(match[2])
