"""Whole loads through every fault: no log is lost, none is there twice, and the ledger says what the table holds.

All loads go into one warehouse, each fault into blocks of its own, below finality: what counts is final and is never read again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from devnet.node import Anvil
from loaders.errors import PoolhouseError
from loaders.load.request import LoadRequest
from loaders.load.run import load
from loaders.load.runs import LoadSummary
from loaders.source.transactions import TransactionMode
from tests.loaders.emitter import Emitter, Fault, Proxy, serve
from tests.loaders.fault_lab.faults import CAPS, PASSING, asks_for_range, block_cap, several, together

BLOCKS_PER_FAULT = 28
NAMES = [*CAPS, *PASSING]
SEEDS = (1, 2)
SPECIAL = ("a limit met", "a limit known", "another chain", "a provider that disagrees", "a node without logs")
RANGES = [*NAMES, *(f"seed {s}" for s in SEEDS), *SPECIAL]

LIVE = """
    select s.block_number, s.log_index, s.reserve0, s.reserve1
    from raw.uniswap_v2__pair_sync as s
    inner join raw.load_ranges as r
        on s._dlt_load_id = r._dlt_load_id and s.block_number between r.from_block and r.to_block
        and r.event = 'Sync' and r.finality = 'final'
    where s.block_number between ? and ?
    order by all
"""


@dataclass
class Laboratory:
    chain: Emitter
    database: Path

    def blocks(self, name: str) -> tuple[int, int]:
        first = 1 + RANGES.index(name) * BLOCKS_PER_FAULT
        return first, first + BLOCKS_PER_FAULT - 1

    def load(self, name: str, *faults: Fault | None) -> None:
        """Load the blocks of a fault from one endpoint per argument."""
        with ExitStack() as servers:
            urls = []
            for fault in faults:
                proxy = Proxy(self.chain.url)
                proxy.fault = fault
                urls.append(servers.enter_context(serve(proxy.respond)))
            self.load_from(",".join(urls), name)

    def load_from(self, url: str, name: str) -> LoadSummary:
        first, last = self.blocks(name)
        request = LoadRequest(
            chain="devnet",
            rpc_url=url,
            database=self.database,
            protocols=("uniswap_v2",),
            from_block=first,
            to_block=last,
            transactions=TransactionMode.NONE,
            with_facts=False,
        )
        return load(request)

    def assert_whole(self, name: str) -> None:
        first, last = self.blocks(name)
        expected = [
            (block, index, str(int(data[2:66], 16)), str(int(data[66:], 16)))
            for block, index, data in self.chain.logs()
            if first <= block <= last
        ]
        assert expected, "blocks without logs prove nothing"
        with duckdb.connect(str(self.database), read_only=True) as connection:
            assert connection.execute(LIVE, [first, last]).fetchall() == expected
            covered = connection.execute(
                "select min(from_block), max(to_block), sum(to_block - from_block + 1), sum(log_count) "
                "from raw.load_ranges where event = 'Sync' and from_block between ? and ?",
                [first, last],
            ).fetchone()
        assert covered == (first, last, BLOCKS_PER_FAULT, len(expected))

    def assert_nothing(self, name: str) -> None:
        first, last = self.blocks(name)
        with duckdb.connect(str(self.database), read_only=True) as connection:
            assert connection.execute(LIVE, [first, last]).fetchall() == []


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    with Anvil() as anvil:
        chain = Emitter(anvil)
        chain.mine([1 + (i * 7) % 4 for i in range(len(RANGES) * BLOCKS_PER_FAULT)])
        chain.rpc.call("anvil_mine", hex(64))
        yield Laboratory(chain, tmp_path_factory.mktemp("lab") / "lab.duckdb")


@pytest.mark.parametrize("name", CAPS)
def test_refusals_cost_requests_and_nothing_else(lab: Laboratory, name: str) -> None:
    lab.load(name, CAPS[name])
    lab.assert_whole(name)


@pytest.mark.parametrize("name", PASSING)
def test_faults_that_pass_lose_nothing(lab: Laboratory, name: str) -> None:
    # Behind a small cap: there are answers enough for the fault to strike.
    lab.load(name, together([block_cap(6), PASSING[name]]))
    lab.assert_whole(name)


@pytest.mark.parametrize("seed", SEEDS)
def test_several_faults_at_once_lose_nothing(lab: Laboratory, seed: int) -> None:
    lab.load(f"seed {seed}", several(seed))
    lab.assert_whole(f"seed {seed}")


def test_a_limit_that_one_load_met_the_next_one_knows(lab: Laboratory) -> None:
    proxy = Proxy(lab.chain.url)
    proxy.fault = block_cap(7)
    with serve(proxy.respond) as url:
        assert lab.load_from(url, "a limit met").requests_refused > 0
        assert lab.load_from(url, "a limit known").requests_refused == 0
    lab.assert_whole("a limit met")
    lab.assert_whole("a limit known")


def test_a_node_of_another_chain_is_refused(lab: Laboratory) -> None:
    with pytest.raises(PoolhouseError, match="is chain ethereum"):
        lab.load(
            "another chain",
            lambda call, answer: {**answer, "result": "0x1"} if call["method"] == "eth_chainId" else answer,
        )
    lab.assert_nothing("another chain")


def test_a_provider_that_disagrees_is_overruled_by_what_the_other_has(lab: Laboratory) -> None:
    """Its answers are half of what there is, without a bloom that would tell; the other endpoint's are whole."""

    def half(call: dict[str, object], answer: dict[str, object]) -> dict[str, object]:
        result = answer.get("result")
        if isinstance(result, list):
            return {**answer, "result": result[: len(result) // 2]}
        if isinstance(result, dict) and "logsBloom" in result:
            return {**answer, "result": {**result, "logsBloom": "0x" + "00" * 256}}
        return answer

    name = "a provider that disagrees"
    lab.load(name, together([block_cap(6), half]), block_cap(6))
    lab.assert_whole(name)


def test_a_node_without_logs_is_an_error_and_not_an_empty_range(lab: Laboratory) -> None:
    name = "a node without logs"
    with pytest.raises(PoolhouseError, match=r"does not answer blocks .* consistently"):
        lab.load(name, lambda call, answer: {**answer, "result": []} if call["method"] == "eth_getLogs" else answer)
    lab.assert_nothing(name)
    lab.load(name, None)
    lab.assert_whole(name)


def test_every_fault_strikes() -> None:
    """A fault that no load meets proves nothing: each changes some answer to a range of logs."""
    logs = [{"blockNumber": hex(n // 2), "blockTimestamp": "0x5"} for n in range(40)]
    for name, fault in {**CAPS, **PASSING}.items():
        struck = 0
        for at in range(14):
            calls = [
                {"id": 0, "method": "eth_getLogs", "params": [{"fromBlock": "0x0", "toBlock": "0x13"}]},
                {"id": 1, "method": "eth_getBlockByNumber", "params": ["0x13", False]},
            ]
            for call, result in zip(calls, (logs, {"number": "0x13"}), strict=True):
                answer = {"jsonrpc": "2.0", "id": at, "result": result}
                struck += fault(call, answer) != answer
        assert struck or name == "slow", name
    assert asks_for_range(calls[0])
