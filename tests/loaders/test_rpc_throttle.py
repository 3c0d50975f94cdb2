"""Budgets of compute units under a clock that only waiting moves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from loaders.rpc.compute_units import Units, provider_of, units
from loaders.rpc.throttle import Budget
from tests.loaders.clocks import SteppedClock


@given(st.lists(st.tuples(st.integers(1, 500), st.floats(0, 3)), min_size=1, max_size=60))
def test_a_budget_is_never_exceeded(requests: list[tuple[int, float]]) -> None:
    """Units spent in any span, at most a second's more than the span itself allows."""
    clock, per_second = SteppedClock(), 500
    budget = Budget(per_second, clock)
    spent: list[tuple[float, int]] = []
    for cost, pause in requests:
        clock.sleep(pause)
        clock.sleep(budget.reserve(cost))
        spent.append((clock.now(), cost))
    for i, (start, _) in enumerate(spent):
        total = 0
        for end, cost in spent[i:]:
            total += cost
            assert total <= per_second * (end - start + 1) + 1e-6


def test_a_budget_is_used_up() -> None:
    clock = SteppedClock()
    budget = Budget(100, clock)
    for _ in range(50):
        clock.sleep(budget.reserve(20))
    assert clock.now() == 9.0  # 1000 units, the first 100 of them at once


def test_what_is_dearer_than_a_second_is_paid_before_it_leaves() -> None:
    clock = SteppedClock()
    budget = Budget(100, clock)
    assert budget.reserve(350) == 2.5
    assert budget.wait_s(10) == 2.6


def test_units_are_the_users_or_the_providers() -> None:
    assert provider_of("eth-mainnet.g.alchemy.com") == "alchemy"
    assert provider_of("notalchemy.com") == ""
    # As of late 2026: https://www.alchemy.com/docs/reference/compute-unit-costs
    assert units("eth_getLogs", "alchemy") == Units(60, 60)
    assert units("eth_getBlockReceipts", "alchemy") == Units(20, 500)
    assert units("eth_getBlockByNumber", "") == units("eth_getBlockByNumber", "alchemy") == Units(20, 20)
    own = {"eth_getLogs": 75, "*": 1}
    assert units("eth_getLogs", "alchemy", own) == Units(75, 75)
    assert units("eth_call", "alchemy", own) == Units(1, 1)
