"""The estimate of costs adds up: figures by hand, for a million blocks."""

from __future__ import annotations

import pytest

from benchmarks.cost import PLANS, Workload, dollars, hours, months

AAVE = Workload("aave_v3", "ethereum", 1_000_000)
BY_NAME = {plan.name: plan for plan in PLANS}


def test_a_cap_on_blocks_costs_requests() -> None:
    free = BY_NAME["Alchemy free"]
    estimate = AAVE.reading_logs(free)
    assert estimate.requests == pytest.approx(120_000)  # 1,000,000 / 10, and a fifth more
    assert estimate.billed == pytest.approx(9_600_000)  # logs 60, a header 20
    assert months(free, estimate) == pytest.approx(0.32)
    assert dollars(free, estimate) == 0
    assert hours(free, estimate, AAVE.logs) == pytest.approx(9_600_000 / 500 / 3600)


def test_a_cap_on_logs_costs_few() -> None:
    paid = BY_NAME["Alchemy pay as you go"]
    estimate = AAVE.reading_logs(paid)
    assert estimate.requests == pytest.approx(20e6 / 9_000 * 1.2)
    assert dollars(paid, estimate) == pytest.approx(20e6 / 9_000 * 1.2 * 80 / 1e6 * 0.45)


def test_transactions_of_few_are_read_one_by_one() -> None:
    infura = BY_NAME["Infura Developer"]
    estimate = AAVE.reading_transactions(infura)
    assert estimate.requests == pytest.approx(350_000 * 1.4 / 20)
    assert estimate.billed == pytest.approx(350_000 * 1.4 * 160)
    assert dollars(infura, estimate) == 50  # 78.4 million units of 450
    whole = Workload("uniswap_v3", "ethereum", 1_000_000).reading_transactions(infura)
    assert whole.billed == pytest.approx(950_000 * 1_080)
