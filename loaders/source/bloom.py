"""A header's logs bloom: what it excludes is certainly not in the block."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from eth_hash.auto import keccak

from loaders.plan.filters import LogQuery


@lru_cache(maxsize=4096)
def _bits(value: bytes) -> tuple[int, int, int]:
    digest = keccak(value)
    first, second, third = (int.from_bytes(digest[i : i + 2], "big") & 2047 for i in (0, 2, 4))
    return first, second, third


def may_contain(bloom: bytes, value: bytes) -> bool:
    """False is certain; true may be a collision. ``bloom`` has 256 bytes."""
    return all(bloom[255 - bit // 8] >> (bit % 8) & 1 for bit in _bits(value))


def may_match(bloom: bytes, query: LogQuery) -> bool:
    """Whether a block with this bloom can hold a log of the query."""
    return _any(bloom, query.topics) and (not query.addresses or _any(bloom, query.addresses))


def is_usable(bloom: bytes) -> bool:
    """Some chains leave the bloom out or fill it with zeros; then it says nothing."""
    return len(bloom) == 256 and any(bloom)


def _any(bloom: bytes, values: Iterable[str]) -> bool:
    return any(may_contain(bloom, bytes.fromhex(v[2:])) for v in values)
