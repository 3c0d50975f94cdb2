"""The root of a block's list trie: what a header says about its receipts, in 32 bytes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import rlp
from eth_hash.auto import keccak

_Item = tuple[bytes, bytes]
"""Key as nibbles (one per byte), value."""


def list_root(values: Sequence[bytes]) -> bytes:
    """Merkle-Patricia root of ``values``, keyed by the RLP of their position."""
    if not values:
        return keccak(_encode(b""))
    items = sorted((_nibbles(_encode(_position(i))), value) for i, value in enumerate(values))
    return keccak(_encode(_node(items, 0)))


def _node(items: list[_Item], depth: int) -> Any:
    """The node of sorted items that share ``depth`` nibbles. RLP is prefix-free: no key ends inside another."""
    first, last = items[0][0], items[-1][0]
    if len(items) == 1:
        return [_compact(first[depth:], is_leaf=True), items[0][1]]
    end = depth
    while first[end] == last[end]:
        end += 1
    if end > depth:
        return [_compact(first[depth:end], is_leaf=False), _reference(_node(items, end))]
    branch: list[Any] = [b""] * 17
    for nibble, group in groupby(items, key=lambda item: item[0][depth]):
        branch[nibble] = _reference(_node(list(group), depth + 1))
    return branch


def _reference(node: Any) -> Any:
    """How a parent names a node: by hash, or the node itself where that is shorter."""
    encoded = _encode(node)
    return node if len(encoded) < 32 else keccak(encoded)


def _compact(nibbles: bytes, *, is_leaf: bool) -> bytes:
    odd = len(nibbles) % 2
    flag = 2 * is_leaf + odd
    padded = bytes([flag, *nibbles]) if odd else bytes([flag, 0, *nibbles])
    return bytes(16 * padded[i] + padded[i + 1] for i in range(0, len(padded), 2))


def _nibbles(key: bytes) -> bytes:
    return bytes(nibble for byte in key for nibble in (byte >> 4, byte & 15))


def _position(index: int) -> bytes:
    return index.to_bytes((index.bit_length() + 7) // 8, "big")


def _encode(item: Any) -> bytes:
    encoded: bytes = rlp.encode(item, infer_serializer=False)
    return encoded
