"""Interval algebra, segments, range control and the meaning of providers' errors."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from loaders.plan.density import RangeController
from loaders.plan.filters import Filter, LogQuery, filters_for, segments
from loaders.plan.intervals import Interval, intersect, parse_intervals, size, subtract, union
from loaders.registry.events import load_events
from loaders.registry.seeds import Contract
from loaders.rpc.classify import Verdict
from loaders.source.bloom import may_contain, may_match

interval = st.tuples(st.integers(0, 40), st.integers(0, 8)).map(lambda t: (t[0], t[0] + t[1]))
sets = st.lists(interval, max_size=6)


def blocks(intervals: tuple[Interval, ...] | list[Interval]) -> set[int]:
    return {n for a, b in intervals for n in range(a, b + 1)}


@given(sets, sets, interval)
def test_intervals_are_sets_of_blocks(a: list[Interval], b: list[Interval], window: Interval) -> None:
    left, right = union(a), union(b)
    assert blocks(left) == blocks(a)
    assert all(later[0] > earlier[1] + 1 for earlier, later in itertools.pairwise(left))
    assert blocks(subtract(left, right)) == blocks(a) - blocks(b)
    assert blocks(intersect(left, *window)) == blocks(a) & blocks([window])
    assert size(left) == len(blocks(a))


@given(st.lists(interval, min_size=1, max_size=6))
def test_intervals_are_read_as_they_are_written(intervals: list[Interval]) -> None:
    written = ",".join(f"{a}-{b}" if a < b else f" {a} " for a, b in intervals)
    assert parse_intervals(written) == union(intervals)


EVENTS = load_events().events[:4]


@given(st.lists(sets, min_size=4, max_size=4))
def test_segments_cover_exactly_what_each_filter_misses(missing: list[list[Interval]]) -> None:
    wanted = {Filter(spec, "*"): union(m) for spec, m in zip(EVENTS, missing, strict=True)}
    cut = segments(wanted, "final")
    for f, ranges in wanted.items():
        mine = [(s.from_block, s.to_block) for s in cut if f in s.filters]
        assert blocks(mine) == blocks(ranges)
    assert sum(s.to_block - s.from_block + 1 for s in cut) == len(blocks([i for m in missing for i in m])), "read once"


def test_registered_and_free_events_are_two_queries_of_one_segment() -> None:
    events = load_events().events
    pool = Contract(1, "aave", "3", "aave_v3", "pool", "main", "0x" + "87" * 20, 0, None, "")
    filters = filters_for([e for e in events if e.family == "aave_v3"], [pool])
    assert {f.contract_address for f in filters if f.spec.role == "pool"} == {pool.address}
    assert {f.contract_address for f in filters if f.spec.role == "token"} == {"*"}
    assert not [f for f in filters if f.spec.role == "oracle"], "no oracle is registered"
    (segment,) = segments(dict.fromkeys(filters, ((1, 9),)), "tail")
    anyone, registered = segment.queries
    assert anyone.addresses == ()
    assert registered.addresses == (pool.address,)
    assert len(anyone.topics) == 3
    assert not set(anyone.topics) & set(registered.topics)


class Provider:
    """Logs per block, and a cap on logs or blocks per answer."""

    def __init__(self, density: list[int], max_logs: int = 10_000, max_blocks: int | None = None) -> None:
        self._sums = [0]
        for logs in density:
            self._sums.append(self._sums[-1] + logs)
        self.blocks, self._max_logs, self._max_blocks = len(density), max_logs, max_blocks
        self.accepted = self.refused = 0

    @property
    def ideal(self) -> int:
        return max(1, -(-self._sums[-1] // self._max_logs))

    def read(self, controller: RangeController) -> None:
        at = 0
        while at < self.blocks:
            to = min(at + controller.width(), self.blocks) - 1
            while True:
                logs = self._sums[to + 1] - self._sums[at]
                if self._max_blocks and to - at >= self._max_blocks:
                    verdict = Verdict("size", block_cap=self._max_blocks)
                elif logs > self._max_logs:
                    verdict = Verdict("size")
                else:
                    break
                self.refused += 1
                smaller = controller.refused(at, to, verdict)
                assert smaller <= to - at, "a refused range must shrink"
                to = at + smaller - 1
            self.accepted += 1
            controller.accepted(to - at + 1, logs)
            at = to + 1


@pytest.mark.parametrize(
    ("density", "max_blocks"),
    [
        ([0, 1, 0, 2] * 50_000, None),
        ([50, 40, 70, 45] * 5_000, None),
        ([i // 4_000 for i in range(200_000)], None),
        ([50] * 20_000, 150),
    ],
    ids=["thin", "dense", "growing", "capped"],
)
def test_ranges_come_near_the_fewest_requests(density: list[int], max_blocks: int | None) -> None:
    provider = Provider(density, max_blocks=max_blocks)
    provider.read(RangeController())
    fewest = max(provider.ideal, provider.blocks // (max_blocks or provider.blocks))
    assert provider.accepted <= 1.4 * fewest + 12
    assert provider.refused <= 0.1 * provider.accepted + 8


@given(st.lists(st.binary(min_size=20, max_size=32), min_size=1, max_size=8), st.binary(min_size=20, max_size=32))
def test_blooms_exclude_only_what_is_not_there(values: list[bytes], other: bytes) -> None:
    bits = 0
    for value in values:
        digest = keccak(value)
        for i in (0, 2, 4):
            bits |= 1 << (int.from_bytes(digest[i : i + 2], "big") % 2048)
    bloom = bits.to_bytes(256, "big")
    assert all(may_contain(bloom, v) for v in values)
    assert not may_contain(bytes(256), other)
    query = LogQuery(("0x" + other.hex(), "0x" + values[0].hex()), ("0x" + values[-1].hex(),))
    assert may_match(bloom, query)
    assert may_match(bloom, dataclasses.replace(query, addresses=("0x" + other.hex(),))) == may_contain(bloom, other)
