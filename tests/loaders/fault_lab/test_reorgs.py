"""Chains that reorganise between and in the middle of loads: what counts afterwards is the chain's, each log once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devnet.node import Anvil
from loaders.errors import PoolhouseError
from loaders.load.request import LoadRequest
from loaders.load.run import load
from loaders.load.runs import LoadSummary
from loaders.source.transactions import TransactionMode
from tests.loaders.emitter import Answer, Emitter, Proxy, serve
from tests.loaders.fault_lab.faults import MAX_LOGS, asks_for_range, block_cap, bounds, error, together
from tests.loaders.live import assert_live_is_the_chain, rows

FINALITY = 64
"""Depth below which a block of the devnet is final."""


@pytest.fixture
def chain() -> Iterator[Emitter]:
    with Anvil() as anvil:
        yield Emitter(anvil)


def run(url: str, database: Path, **options: object) -> LoadSummary:
    request = LoadRequest(
        **{
            "chain": "devnet",
            "rpc_url": url,
            "database": database,
            "protocols": ("uniswap_v2",),
            "from_block": 0,
            "with_facts": False,
            "transactions": TransactionMode.NONE,
            **options,
        }  # type: ignore[arg-type]  # options are those of LoadRequest
    )
    return load(request)


def reorganise(chain: Emitter, depth: int) -> None:
    """As many other blocks in place of the newest ones, some with other logs."""
    transactions = [[chain.transaction(50_000 + 100 * depth + i), i] for i in range(0, depth, 2)]
    chain.rpc.call("anvil_reorg", depth, transactions)


def test_reorganisations_of_any_depth_up_to_finality_converge(chain: Emitter, tmp_path: Path) -> None:
    database = tmp_path / "w.duckdb"
    chain.mine([2, 0, 1] * 40)
    run(chain.url, database)
    for depth in (1, 9, FINALITY - 1):
        reorganise(chain, depth)
        chain.mine([1, 2])
        run(chain.url, database)
        assert_live_is_the_chain(chain, database)
    reorganise(chain, FINALITY + 6)
    with pytest.raises(PoolhouseError, match="differs from the one loaded as final"):
        run(chain.url, database)


class ReorganisesOnce:
    """Replaces blocks of the chain the first time that a range up to ``at`` or beyond has been answered."""

    def __init__(self, chain: Emitter, depth: int, at: int) -> None:
        self._chain, self._depth, self._at = chain, depth, at
        self.happened = False

    def __call__(self, call: dict[str, Any], answer: Answer) -> Answer:
        if asks_for_range(call) and bounds(call)[1] >= self._at and not self.happened:
            self.happened = True
            reorganise(self._chain, self._depth)
        return answer


def test_a_reorganisation_in_the_middle_of_a_load_leaves_no_block_of_either_chain_behind(
    chain: Emitter, tmp_path: Path
) -> None:
    """Blocks above finality are read again as one chain, however far they had been read."""
    database = tmp_path / "w.duckdb"
    chain.mine([2, 1, 0] * 40)
    for depth, at in ((1, chain.head), (60, chain.head - 5)):
        reorganisation = ReorganisesOnce(chain, depth, at)
        proxy = Proxy(chain.url)
        proxy.fault = together([block_cap(8), reorganisation])
        with serve(proxy.respond) as url:
            run(url, database)
        assert reorganisation.happened
        assert_live_is_the_chain(chain, database)


def test_holes_anywhere_are_filled_and_nothing_is_read_twice(chain: Emitter, tmp_path: Path) -> None:
    database = tmp_path / "w.duckdb"
    chain.mine([1, 2] * 70)
    loaded = ((5, 9), (20, 20), (31, 44), (60, 61), (70, 75))
    run(chain.url, database, from_block=None, blocks=loaded)
    summary = run(chain.url, database, to_block=75)
    assert summary.blocks_read == 76 - sum(high - low + 1 for low, high in loaded)
    finals = rows(
        database,
        "select from_block, to_block from raw.load_ranges where event = 'Sync' and finality = 'final' order by all",
    )
    assert [int(str(low)) for low, _ in finals] == [0, *(int(str(high)) + 1 for _, high in finals[:-1])]
    assert run(chain.url, database, to_block=75).blocks_read == 0
    run(chain.url, database)
    assert_live_is_the_chain(chain, database)


@pytest.mark.parametrize("serves_receipts", [True, False])
def test_a_block_over_the_cap_is_in_the_ledger_as_any_other(
    chain: Emitter, tmp_path: Path, serves_receipts: bool
) -> None:
    """Nothing splits one event of one block but its receipts; without them the load says so and the block is not covered."""
    database = tmp_path / "w.duckdb"
    chain.mine([1, MAX_LOGS + 4, 1, 2])
    chain.rpc.call("anvil_mine", hex(FINALITY))

    def fault(call: dict[str, Any], answer: Answer) -> Answer:
        if call["method"] == "eth_getBlockReceipts" and not serves_receipts:
            return error(call, -32601, "the method eth_getBlockReceipts does not exist")
        if call["method"] == "eth_getLogs" and len(answer["result"]) > MAX_LOGS:
            return error(call, -32005, f"query returned more than {MAX_LOGS} results")
        return answer

    proxy = Proxy(chain.url)
    proxy.fault = fault
    with serve(proxy.respond) as url:
        if serves_receipts:
            run(url, database)
        else:
            with pytest.raises(PoolhouseError, match="neither the logs nor the receipts of block 2"):
                run(url, database, to_block=4)
            covered = rows(database, "select max(to_block), sum(log_count) from raw.load_ranges where event = 'Sync'")
            assert covered == [(1, 1)], "what was read before it stays loaded"
            run(chain.url, database)
    assert_live_is_the_chain(chain, database)
