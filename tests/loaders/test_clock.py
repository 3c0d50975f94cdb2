"""Timestamps without reading every header: what is proven is true, what contradicts the chain's guarantee is an error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devnet.node import BLOCK_INTERVAL_S, Anvil
from loaders.errors import PoolhouseError
from loaders.plan.filters import Segment, filters_for
from loaders.registry.events import load_events
from loaders.rpc.client import RpcClient
from loaders.rpc.endpoint import Header
from loaders.rpc.node import Node
from loaders.source.clock import BlockGap, prove_timestamps
from loaders.source.rpc import RpcSource
from loaders.source.verify import Inconsistent
from tests.examples import examples
from tests.loaders.emitter import SYNC, Answer, Emitter, Proxy, serve

GENESIS = 1_600_000_000


class Headers:
    """The headers of a chain given by its gaps; counts what is read of them."""

    def __init__(self, gaps: list[int]) -> None:
        self.seconds = GENESIS + np.cumsum([0, *gaps])
        self.read_blocks: list[int] = []
        self.rounds = 0

    def __call__(self, numbers: list[int]) -> list[Header]:
        self.read_blocks += numbers
        self.rounds += 1
        return [self.header(n) for n in numbers]

    def header(self, number: int) -> Header:
        return Header(number, f"0x{number:064x}", f"0x{number - 1:064x}", int(self.seconds[number]))


@st.composite
def asked(draw: st.DrawFn, gaps: st.SearchStrategy[int]) -> tuple[list[int], list[int], int, int | None]:
    """Gaps, the blocks wanted, the last block that was asked for, and a block below them whose header is known."""
    chain = draw(st.lists(gaps, min_size=1, max_size=120))
    end = len(chain)
    wanted = sorted(draw(st.sets(st.integers(0, end), min_size=1)))
    before = draw(st.none() | st.integers(0, wanted[0] - 1)) if wanted[0] else None
    return chain, wanted, end, before


@given(
    asked(st.sampled_from([12] * 20 + [24] * 2 + [36, 13, 500])),
    st.integers(0, 120),
    st.none() | st.integers(0, 120),
    st.lists(st.integers(0, 11), min_size=120, max_size=120),
)
@examples(150)
def test_proven_timestamps_are_the_true_ones(
    question: tuple[list[int], list[int], int, int | None], since: int, until: int | None, faster: list[int]
) -> None:
    gaps, wanted, end, before = question
    # Outside the guarantee's bounds blocks come as fast as they like, several in a second included.
    is_guaranteed = [n > since and (until is None or n <= until) for n in range(1, end + 1)]
    chain = Headers([gap if held else faster[i] for i, (gap, held) in enumerate(zip(gaps, is_guaranteed, strict=True))])
    known = None if before is None else chain.header(before)
    proven = prove_timestamps(np.array(wanted), known, chain.header(end), BlockGap(12, since, until), chain)
    assert proven.tolist() == chain.seconds[wanted].tolist()
    assert len(set(chain.read_blocks)) == len(chain.read_blocks), "no header is read twice"
    assert set(chain.read_blocks) <= set(wanted) - {end}, "only blocks whose time is wanted are read"


@given(asked(st.integers(0, 30)))
@examples(50)
def test_without_a_guarantee_every_answer_is_true_as_well(
    question: tuple[list[int], list[int], int, int | None],
) -> None:
    gaps, wanted, end, before = question
    chain = Headers(gaps)
    known = None if before is None else chain.header(before)
    proven = prove_timestamps(np.array(wanted), known, chain.header(end), BlockGap(), chain)
    assert proven.tolist() == chain.seconds[wanted].tolist()


@given(asked(st.just(12)), st.data())
@examples(50)
def test_blocks_closer_than_the_chain_guarantees_are_an_error(
    question: tuple[list[int], list[int], int, int | None], data: st.DataObject
) -> None:
    gaps, wanted, end, before = question
    first = wanted[0] if before is None else before
    if first == end:
        return  # one block alone contradicts nothing
    gaps[data.draw(st.integers(first, end - 1))] = data.draw(st.integers(0, 11))
    chain = Headers(gaps)
    known = None if before is None else chain.header(before)
    with pytest.raises(Inconsistent, match="at least"):
        prove_timestamps(np.array(wanted), known, chain.header(end), BlockGap(12), chain)


@pytest.mark.parametrize(("missed", "wanted", "share"), [(0.01, 1.0, 0.10), (0.005, 1.0, 0.06), (0.01, 0.1, 0.10)])
def test_few_headers_are_read_of_a_chain_that_misses_a_slot_now_and_then(
    missed: float, wanted: float, share: float
) -> None:
    """Ranges of 2,000 blocks as a load asks for them, each starting from the end of the one before; share of all blocks."""
    random = np.random.default_rng(20_240_601)
    blocks, width = 20_000, 2_000
    chain = Headers([12 * (1 + int(m)) for m in random.random(blocks) < missed])
    dated = 0
    for low in range(1, blocks, width):
        inside = low + np.flatnonzero(random.random(width) < wanted)
        proven = prove_timestamps(inside, chain.header(low - 1), chain.header(low + width - 1), BlockGap(12), chain)
        assert proven.tolist() == chain.seconds[inside].tolist()
        dated += len(inside)
    assert dated > 0.9 * wanted * blocks
    assert len(chain.read_blocks) <= share * blocks


def test_a_chain_that_misses_none_needs_none() -> None:
    chain = Headers([2] * 100_000)
    inside = np.arange(1, 100_000)
    proven = prove_timestamps(inside, chain.header(0), chain.header(100_000), BlockGap(2), chain)
    assert proven.tolist() == chain.seconds[inside].tolist()
    assert chain.read_blocks == []


@pytest.fixture(scope="module")
def chain() -> Iterator[Emitter]:
    with Anvil() as anvil:
        emitter = Emitter(anvil)
        for _ in range(4):
            emitter.mine([1] * 25)
            head = emitter.rpc.call("eth_getBlockByNumber", "latest", False)
            # a missed slot
            emitter.rpc.call("evm_setNextBlockTimestamp", int(head["timestamp"], 16) + 2 * BLOCK_INTERVAL_S)
        emitter.mine([1])
        yield emitter


def without_timestamps(call: dict[str, Any], answer: Answer) -> Answer:
    if call["method"] != "eth_getLogs":
        return answer
    return {**answer, "result": [{k: v for k, v in log.items() if k != "blockTimestamp"} for log in answer["result"]]}


def read_seconds(url: str, head: int, gap: BlockGap, *, width: int) -> dict[int, int]:
    sync = next(e for e in load_events().events if e.abi.topic0 == SYNC.topic0)
    node = Node(RpcClient(url, timeout=5), attempts=2, first_wait_s=0.01)
    source = RpcSource(node, threads=1, target_logs=width, first_width=width, gap=gap, retry_wait_s=0.01)
    seconds: dict[int, int] = {}
    for batch in source.batches(Segment(0, head, "final", filters_for([sync], []))):
        seconds.update(zip(batch.logs.block_number.tolist(), batch.logs.timestamp.tolist(), strict=True))
    return seconds


def test_a_node_without_timestamps_is_asked_for_few_headers(chain: Emitter) -> None:
    blocks = {number for number, _, _ in chain.logs()}
    truth = {n: int(chain.rpc.call("eth_getBlockByNumber", hex(n), False)["timestamp"], 16) for n in sorted(blocks)}
    assert len(truth) == 101
    steps = np.diff(list(truth.values()))
    assert min(steps) == BLOCK_INTERVAL_S
    assert max(steps) > BLOCK_INTERVAL_S
    proxy = Proxy(chain.url)
    proxy.fault = without_timestamps
    with serve(proxy.respond) as url:
        assert read_seconds(url, chain.head, BlockGap(BLOCK_INTERVAL_S), width=20) == truth
    ranges = sum(call["method"] == "eth_getLogs" for call in proxy.calls)
    headers = sum(call["method"] == "eth_getBlockByNumber" for call in proxy.calls) - ranges
    assert ranges > 3
    assert headers <= 30, "besides the end of each range"


def test_a_header_of_another_chain_is_noticed(chain: Emitter) -> None:
    def fault(call: dict[str, Any], answer: Answer) -> Answer:
        answer = without_timestamps(call, answer)
        if call["method"] == "eth_getBlockByNumber" and int(call["params"][0], 16) % 20 != 19:
            return {**answer, "result": {**answer["result"], "hash": "0x" + "ab" * 32}}
        return answer

    proxy = Proxy(chain.url)
    proxy.fault = fault
    with serve(proxy.respond) as url, pytest.raises(PoolhouseError, match="changed between its logs and its header"):
        read_seconds(url, chain.head - chain.head % 20 - 1, BlockGap(BLOCK_INTERVAL_S), width=20)
