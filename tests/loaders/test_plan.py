"""Interval algebra, segments, range control and the meaning of providers' errors."""

from __future__ import annotations

import dataclasses
import itertools
from typing import get_args

import numpy as np
import pytest
from eth_hash.auto import keccak
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.requests import TERMS, Provider, Suggestion, Terms, density, profiles
from loaders.logs import Integers
from loaders.plan.filters import Filter, LogQuery, filters_for, segments
from loaders.plan.intervals import Interval, intersect, parse_intervals, size, subtract, union
from loaders.plan.ranges import RangeController
from loaders.registry.events import load_events
from loaders.registry.seeds import Contract
from loaders.rpc.caps import EndpointCaps
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


@pytest.mark.parametrize("suggestion", get_args(Suggestion))
@given(
    stretches=st.lists(st.tuples(st.integers(1, 150), st.sampled_from([0, 0, 1, 3, 40, 300])), min_size=1, max_size=8),
    max_logs=st.sampled_from([300, 1_000, 10_000]),
    max_blocks=st.sampled_from([None, 1, 7, 100]),
    states_block_cap=st.booleans(),
)
@example(stretches=[(34, 300), (60, 0)], max_logs=10_000, max_blocks=None, states_block_cap=False)
@settings(max_examples=12, deadline=None)
def test_whatever_a_provider_refuses_and_suggests_each_block_is_read_once(
    suggestion: Suggestion,
    stretches: list[tuple[int, int]],
    max_logs: int,
    max_blocks: int | None,
    states_block_cap: bool,
) -> None:
    """No suggestion, true or false, makes a refused range come again: reading ends, in at most a search per answer."""
    logs_per_block = np.repeat([logs for _, logs in stretches], [blocks for blocks, _ in stretches])
    provider = Provider(
        logs_per_block,
        max_logs=max_logs,
        max_blocks=max_blocks,
        suggestion=suggestion,
        states_block_cap=states_block_cap,
    )
    density(provider)
    assert provider.accepted <= provider.blocks
    assert provider.refused <= 20 * provider.accepted, "2,000 blocks shrink to one in fewer steps than that"


@pytest.fixture(scope="module")
def chains() -> dict[str, Integers]:
    return profiles()


@pytest.mark.parametrize("terms", TERMS, ids=lambda terms: terms.name)
@pytest.mark.parametrize(
    ("profile", "times_the_fewest", "share_refused"),
    [("growing", 1.3, 0.1), ("dense", 1.3, 0.1), ("bursty", None, None)],
    ids=["growing", "dense", "bursty"],
)
def test_requests_come_near_the_fewest_possible(
    chains: dict[str, Integers],
    terms: Terms,
    profile: str,
    times_the_fewest: float | None,
    share_refused: float | None,
) -> None:
    # Where nothing says at which block a burst begins, finding it takes a search (docs/requests.md has the bound).
    hinted = terms.suggestion == "fitting"
    provider = terms.provider(chains[profile])
    density(provider)
    total = provider.accepted + provider.refused
    assert total <= (times_the_fewest or (1.6 if hinted else 1.7)) * provider.fewest()
    assert provider.refused <= (share_refused or (0.1 if hinted else 0.15)) * total


def test_a_sparse_contract_takes_a_handful_of_requests(chains: dict[str, Integers]) -> None:
    for terms in TERMS:
        provider = terms.provider(chains["sparse"])
        density(provider)
        assert provider.accepted + provider.refused <= provider.fewest() + 4


@pytest.mark.parametrize("states_log_cap", [True, False])
def test_a_lower_limit_costs_no_more_refusals(chains: dict[str, Integers], states_log_cap: bool) -> None:
    provider = Provider(chains["dense"], max_logs=1_000, states_log_cap=states_log_cap)
    density(provider)
    assert provider.accepted + provider.refused <= 1.3 * provider.fewest()
    assert provider.refused <= 0.1 * provider.accepted


def test_limits_that_no_refusal_states_are_learnt_from_two() -> None:
    sparse = np.zeros(400_000, np.int64)
    sparse[::1_000] = 1
    caps = EndpointCaps()
    density(provider := Provider(sparse, max_blocks=10_000, states_block_cap=False), RangeController(caps))
    assert caps.max_blocks == 10_000
    assert provider.refused <= 8
    caps = EndpointCaps()
    density(provider := Provider(np.full(20_000, 50), max_logs=2_000), RangeController(caps))
    assert caps.max_logs == 2_000
    assert provider.refused <= 12


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
