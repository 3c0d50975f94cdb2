"""Columns of 32-byte ABI words as Arrow arrays, without a Python object per value and without rounding.

The trick for exact text: a big-endian 256-bit word reversed *is* the memory of an Arrow ``decimal256`` value, which Arrow
prints exactly. Only unsigned words of 2^255 and above would print as negative; those few are printed by Python.
"""

from __future__ import annotations

import binascii
import re
from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from loaders.logs import Bytes, Integers, Mask
from loaders.registry.schema import column_type

_SIZED = re.compile(r"(uint|int|bytes)(\d+)")
_INT32_MAX = 2**31 - 1


def hex_text(matrix: Bytes) -> pa.Array:
    """Rows of bytes as ``0x…`` text."""
    count, width = matrix.shape
    if count * (2 + 2 * width) > _INT32_MAX:
        half = count // 2
        return pa.concat_arrays([hex_text(matrix[:half]), hex_text(matrix[half:])])
    text = np.empty((count, 2 + 2 * width), np.uint8)
    text[:, 0], text[:, 1] = 48, 120
    digits = binascii.hexlify(np.ascontiguousarray(matrix).data)
    text[:, 2:] = np.frombuffer(digits, np.uint8).reshape(count, 2 * width)
    offsets = np.arange(count + 1, dtype=np.int32) * np.int32(2 + 2 * width)
    return pa.Array.from_buffers(pa.string(), count, [None, pa.py_buffer(offsets), pa.py_buffer(text)])


def low_int64(words: Bytes) -> Integers:
    """The last 8 bytes of each word as a signed integer."""
    return np.ascontiguousarray(words[:, -8:]).view(">i8")[:, 0].astype(np.int64)


def decimal_text(words: Bytes, *, signed: bool) -> pa.Array:
    """Each word as exact decimal text."""
    reversed_words = np.ascontiguousarray(words[:, ::-1])
    numbers = pa.Array.from_buffers(pa.decimal256(76, 0), len(words), [None, pa.py_buffer(reversed_words)])
    text = numbers.cast(pa.string())
    if signed:
        return text
    large = np.flatnonzero(words[:, 0] >= 128)
    if not len(large):
        return text
    values = text.to_pylist()
    for row in large:
        values[row] = str(int.from_bytes(words[row].tobytes(), "big"))
    return pa.array(values, pa.string())


def decode_words(abi_type: str, words: Bytes) -> pa.Array:
    """The Arrow column of a static type; ``words`` is (n, 32) and fits the type (see :func:`fits`)."""
    if abi_type == "bool":
        return pa.array(words[:, 31] != 0)
    if abi_type == "address":
        return hex_text(words[:, 12:])
    kind, size = _sized(abi_type)
    if kind == "bytes":
        return hex_text(words[:, :size])
    if column_type(abi_type) == "int64":
        return pa.array(low_int64(words))
    return decimal_text(words, signed=kind == "int")


def fits(abi_type: str, words: Bytes) -> Mask:
    """Rows whose padding is what the ABI prescribes: anything else is not a value of the type."""
    padding, sign_byte = _padding(abi_type)
    negative = None if sign_byte is None else words[:, sign_byte] >= 128
    found: Mask = np.ones(len(words), bool)
    # Eight bytes at a time: words are the rows of a matrix, whose last axis is contiguous.
    for position, mask in enumerate(padding):
        if mask:
            lane = words[:, 8 * position : 8 * position + 8].view(np.uint64)[:, 0] & mask
            found &= lane == (0 if negative is None else np.where(negative, mask, 0))
    return found


@lru_cache
def _padding(abi_type: str) -> tuple[NDArray[np.uint64], int | None]:
    """Which bits of a word are no part of the value, in lanes of eight bytes; and which byte's first bit they repeat."""
    if abi_type == "bool":
        mask, sign_byte = b"\xff" * 31 + b"\xfe", None
    elif abi_type == "address":
        mask, sign_byte = b"\xff" * 12 + bytes(20), None
    else:
        kind, size = _sized(abi_type)
        if kind == "bytes":
            mask, sign_byte = bytes(size) + b"\xff" * (32 - size), None
        else:
            start = 32 - size // 8
            mask, sign_byte = b"\xff" * start + bytes(size // 8), start if kind == "int" else None
    return np.frombuffer(mask, np.uint64), sign_byte


def _sized(abi_type: str) -> tuple[str, int]:
    match = _SIZED.fullmatch(abi_type)
    if match is None:
        raise ValueError(f"{abi_type} is not a static ABI type")
    return match[1], int(match[2])
