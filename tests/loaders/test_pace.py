"""The time that is left, on a clock of our own: what counts is how many logs are to come, not how many blocks."""

from __future__ import annotations

import pytest

from loaders.plan.filters import Segment, filters_for
from loaders.registry.events import load_events
from loaders.reporting.pace import Pace
from loaders.reporting.progress import time_left

_SWAPS, _SYNCS = (
    filters_for([e for e in load_events().events if (e.family, e.event) == (family, event)], [])
    for family, event in (("uniswap_v3", "Swap"), ("uniswap_v2", "Sync"))
)


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_time_left_follows_the_logs_where_blocks_become_denser() -> None:
    clock = Clock()
    pace = Pace(clock)
    segment = Segment(0, 1_999, "final", _SWAPS)
    pace.plan([segment])
    assert (pace.share_done, pace.seconds_left) == (0.0, None)
    for _ in range(50):  # half of the blocks, sparse: 2 logs each, at 1,000 logs a second
        clock.seconds += 0.04
        pace.read(segment, 20, 40)
    assert pace.logs_left == pytest.approx(2_000)
    assert pace.seconds_left == pytest.approx(2.0)
    for _ in range(25):  # then 100 logs a block, at the same 1,000 logs a second
        clock.seconds += 2.0
        pace.read(segment, 20, 2_000)
    # 500 blocks are left: by blocks two thirds of the time so far (26 s), by logs 500 * 100 / 1,000 s.
    assert pace.blocks_left == 500
    assert pace.logs_left == pytest.approx(50_000, rel=0.1)
    assert pace.seconds_left == pytest.approx(50.0, rel=0.1)


def test_segments_of_other_filters_have_densities_of_their_own() -> None:
    clock = Clock()
    pace = Pace(clock)
    dense, sparse = Segment(0, 999, "final", _SWAPS), Segment(1_000, 1_999, "final", _SYNCS)
    pace.plan([dense, sparse])
    clock.seconds = 1.0
    pace.read(dense, 500, 5_000)
    pace.read(sparse, 500, 50)
    assert pace.logs_left == pytest.approx(500 * 10 + 500 * 0.1)
    pace.read(dense, 500, 5_000)
    pace.read(sparse, 500, 50)
    assert (pace.blocks_left, pace.logs_left, pace.share_done, pace.seconds_left) == (0, 0, 1.0, 0.0)


def test_a_plan_made_anew_replaces_the_one_before() -> None:
    pace = Pace(Clock())
    pace.plan([Segment(0, 99, "final", _SWAPS)])
    pace.read(Segment(0, 99, "final", _SWAPS), 50, 0)
    pace.plan([Segment(40, 99, "final", _SWAPS)])
    assert pace.blocks_left == 60


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "unknown time"), (0.4, "0 s"), (89, "89 s"), (600, "10 min"), (3 * 3600, "3.0 h"), (10 * 86400, "10 d")],
)
def test_time_is_told_in_units_that_fit(seconds: float | None, text: str) -> None:
    assert time_left(seconds) == text
