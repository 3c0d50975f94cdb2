"""A header's logs bloom: what it excludes is certainly not in the block."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from eth_hash.auto import keccak

from loaders.logs import RawLogs
from loaders.plan.filters import LogQuery

_BITS = 2048


@lru_cache(maxsize=4096)
def _bits(value: bytes) -> tuple[int, int, int]:
    digest = keccak(value)
    first, second, third = (int.from_bytes(digest[i : i + 2], "big") % _BITS for i in (0, 2, 4))
    return first, second, third


def may_contain(bloom: bytes, value: bytes) -> bool:
    """False is certain; true may be a collision. ``bloom`` has 256 bytes."""
    return all(bloom[255 - bit // 8] >> (bit % 8) & 1 for bit in _bits(value))


def may_match(bloom: bytes, query: LogQuery) -> bool:
    """Whether a block with this bloom can hold a log of the query."""
    asked = (values for values in (query.topics, query.addresses) if values)
    return all(_any(bloom, values) for values in asked)


def collision_probability(bloom: bytes, query: LogQuery) -> float:
    """How probable :func:`may_match` is true by chance, given how full the bloom is."""
    filled = sum(byte.bit_count() for byte in bloom) / _BITS
    by_chance = filled**3
    by_topic: float = 1 - (1 - by_chance) ** len(query.topics) if query.topics else 1.0
    by_address: float = 1 - (1 - by_chance) ** len(query.addresses) if query.addresses else 1.0
    return by_topic * by_address


def is_usable(bloom: bytes) -> bool:
    """Some chains leave the bloom out or fill it with zeros; then it says nothing."""
    return len(bloom) == 256 and any(bloom)


def bloom_of(logs: RawLogs) -> bytes:
    """The bloom of a block with exactly these logs."""
    bloom = bytearray(256)
    values = {a.tobytes() for a in logs.address}
    values |= {logs.topics[i, t].tobytes() for i in range(len(logs)) for t in range(int(logs.topic_count[i]))}
    for value in values:
        for bit in _bits(value):
            bloom[255 - bit // 8] |= 1 << (bit % 8)
    return bytes(bloom)


def _any(bloom: bytes, values: Iterable[str]) -> bool:
    return any(may_contain(bloom, bytes.fromhex(v[2:])) for v in values)
