"""The estimate of costs adds up: figures by hand, for a million blocks."""

from __future__ import annotations

import pytest

from benchmarks.cost import PAGE, PLANS, Workload, dollars, hours, months, page
from loaders.registry.seeds import load_registry

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


def test_transactions_are_read_as_the_plan_bills_least() -> None:
    alchemy = BY_NAME["Alchemy free"]
    # Of ten blocks six have one transaction: 40 units for it and its receipt, 40 for a block and its receipts.
    few = AAVE.reading_transactions(alchemy)
    assert few.billed == pytest.approx(350_000 * 40)
    assert few.throughput == pytest.approx(350_000 * (0.6 * 40 + 0.4 * 520))
    assert few.received == pytest.approx(350_000 * (0.6 * 1_500 + 0.4 * 116_000))
    uniswap = Workload("uniswap_v3", "ethereum", 1_000_000)
    assert uniswap.reading_transactions(alchemy).billed == pytest.approx(950_000 * 40)
    infura = BY_NAME["Infura Developer"]
    estimate = AAVE.reading_transactions(infura)
    assert estimate.requests == pytest.approx(350_000 * 1.4 / 20)
    assert estimate.billed == pytest.approx(350_000 * 1.4 * 160)
    assert dollars(infura, estimate) == 50  # 78.4 million units of 450
    # Four transactions one by one are 640 units, their block with its receipts 1,080.
    assert uniswap.reading_transactions(infura).billed == pytest.approx(950_000 * 640)


def test_the_page_is_what_the_script_prints() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(load_registry()), "run `python -m benchmarks.cost --write`"
