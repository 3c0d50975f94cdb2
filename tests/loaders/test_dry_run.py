"""A dry run foretells what the load then costs, and leaves nothing behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from devnet.node import Anvil
from loaders.load.dry_run import dry_run
from loaders.load.dry_run_report import as_json
from loaders.load.request import LoadRequest
from loaders.load.run import load
from loaders.load.runs import LoadSummary
from loaders.source.transactions import TransactionMode, most_singles
from tests.loaders.emitter import Emitter


@pytest.fixture(scope="module")
def chain() -> Iterator[Emitter]:
    with Anvil() as anvil:
        emitter = Emitter(anvil)
        emitter.mine([2, 0, 3, 1, 4] * 30)
        yield emitter


def request(chain: Emitter, database: Path, transactions: TransactionMode) -> LoadRequest:
    return LoadRequest(
        chain="devnet",
        rpc_url=chain.url,
        database=database,
        protocols=("uniswap_v2",),
        from_block=0,
        with_facts=False,
        transactions=transactions,
    )


def test_what_a_load_costs_is_foretold(chain: Emitter, tmp_path: Path) -> None:
    foretold = dry_run(request(chain, tmp_path / "w.duckdb", TransactionMode.AUTO))
    assert list(tmp_path.glob("*.duckdb*")) == []
    segments = [(s.segment.from_block, s.segment.to_block, s.segment.finality) for s in foretold.segments]
    assert segments == [(0, 86, "final"), (87, 150, "tail")]
    assert foretold.log_count == pytest.approx(len(chain.logs()), rel=0.1)

    def loaded(mode: TransactionMode) -> LoadSummary:
        return load(request(chain, tmp_path / f"{mode.value}.duckdb", mode))

    without = loaded(TransactionMode.NONE)
    for mode in (TransactionMode.BLOCKS, TransactionMode.RECEIPTS):
        with_transactions, expected = loaded(mode), foretold.transactions[mode]
        spent = with_transactions.compute_units - without.compute_units
        assert with_transactions.transaction_units == spent, "what is said of transactions is what they add"
        requests = with_transactions.requests_accepted - without.requests_accepted
        assert expected.requests == pytest.approx(requests, abs=2)
        assert expected.compute_units == pytest.approx(spent, rel=0.15)
        assert expected.received_bytes == pytest.approx(
            with_transactions.received_bytes - without.received_bytes, rel=0.35
        )
    again = dry_run(request(chain, tmp_path / "none.duckdb", TransactionMode.AUTO))
    assert [(s.segment.from_block, s.segment.to_block) for s in again.segments] == [(87, 150)], "the rest is loaded"
    shown = json.loads(json.dumps(as_json(foretold, price=1_000_000.0)))
    assert shown["logs"]["usd"] == shown["logs"]["compute_units"], "a dollar a unit"


@pytest.mark.parametrize(
    ("provider", "with_receipts", "expected"),
    [
        # Alchemy: every call 20 units, so that a second transaction already costs more than the block and its receipts.
        ("alchemy", True, 1),
        # Infura: receipts of a block 1000, any other of these calls 80: 1080 for all, 160 for each.
        ("infura", True, 6),
        ("infura", False, 1),
    ],
)
def test_transactions_are_read_the_way_that_the_provider_bills_least(
    provider: str, expected: int, *, with_receipts: bool
) -> None:
    assert most_singles(provider, with_receipts=with_receipts) == expected
