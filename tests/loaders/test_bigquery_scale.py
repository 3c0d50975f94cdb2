"""The page on scale adds up, and is what the script prints."""

from __future__ import annotations

import pytest

from benchmarks.bigquery_scale import PAGE, ChainScale, chains, page, row_bytes
from loaders.registry.events import load_events


def test_the_page_is_what_the_script_prints() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m benchmarks.bigquery_scale --write`"


def test_a_row_is_as_wide_as_its_columns() -> None:
    # Four numbers and the tick, the time, three addresses, two hashes, three short decimal texts and a long one, the load id.
    assert row_bytes(load_events().tables["uniswap_v3__pool_swap"]) == 5 * 8 + 8 + 3 * 44 + 2 * 68 + 3 * 14 + 31 + 20


def test_storage_is_paid_by_age() -> None:
    ethereum = ChainScale("ethereum")
    assert str(ethereum.first_day) == "2020-05-05"
    assert ethereum.days == 2396
    per_gib = (90 * 0.02 + (2396 - 90) * 0.01) / 2396
    assert ethereum.usd_per_month == pytest.approx(ethereum.stored_bytes / 2**30 * per_gib)
    assert [c.logs for c in chains()] == sorted((c.logs for c in chains()), reverse=True)
