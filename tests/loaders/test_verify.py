"""Answers that lie: each is found out, and read again until it is whole, or is an error."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devnet.node import Anvil
from loaders.errors import PoolhouseError
from loaders.plan.density import Expected
from loaders.plan.filters import Segment, filters_for
from loaders.registry.events import load_events
from loaders.registry.seeds import Contract
from loaders.source.verify import doubtful_places
from tests.loaders.emitter import SYNC, TOKEN, TRANSFER, Answer, Emitter, Fault, Proxy
from tests.loaders.reading import assert_covers, error, is_logs, read, rows, segment, span

BLOCKS = [2 + (i * 7) % 3 for i in range(60)]


@pytest.fixture(scope="module")
def chain() -> Iterator[Emitter]:
    """Blocks with logs each; then 300 with a transfer in one alone."""
    with Anvil() as anvil:
        emitter = Emitter(anvil)
        emitter.mine(BLOCKS)
        emitter.rpc.call("anvil_mine", hex(150))
        emitter.transfer([5])
        emitter.rpc.call("anvil_mine", hex(149))
        yield emitter


@pytest.fixture
def proxy(chain: Emitter) -> Proxy:
    return Proxy(chain.url)


def first_answers(times: int, change: Callable[[list[Answer]], list[Answer]]) -> Fault:
    """Changes the first answers to a range, and no others."""
    left = {"times": times}

    def fault(call: dict[str, Any], answer: Answer) -> Answer:
        if is_logs(call) and span(call) > 1 and left["times"]:
            left["times"] -= 1
            return {**answer, "result": change(answer["result"])}
        return answer

    return fault


def number(log: Answer) -> int:
    return int(log["blockNumber"], 16)


def transfers_of_token(first: int, last: int) -> Segment:
    """Syncs of anyone and transfers of one token: two queries of one segment."""
    events = load_events().events
    sync = next(e for e in events if e.abi.topic0 == SYNC.topic0)
    transfer = replace(next(e for e in events if e.abi.topic0 == TRANSFER.topic0), emitters="registered")
    token = Contract(31337, "token", "1", transfer.family, transfer.role, "", TOKEN, 0, None, "")
    return Segment(first, last, "final", filters_for([sync, transfer], [token]))


def nothing(_: list[Answer]) -> list[Answer]:
    return []


@pytest.mark.parametrize(
    "change",
    [
        nothing,
        lambda logs: [log for log in logs if not 20 <= number(log) <= 50],
        lambda logs: logs[40:],
        lambda logs: logs[:-40],
        lambda logs: logs[-100:],
        lambda logs: logs[:100],
    ],
    ids=["empty", "gap", "without the oldest", "without the newest", "the newest hundred", "the oldest hundred"],
)
def test_an_answer_that_is_not_whole_is_read_again(
    chain: Emitter, proxy: Proxy, change: Callable[[list[Answer]], list[Answer]]
) -> None:
    part = segment(len(BLOCKS))
    proxy.fault = first_answers(1, change)
    batches = read(proxy, part)
    assert rows(batches) == [r for r in chain.logs() if r[0] <= len(BLOCKS)]
    assert_covers(batches, part)


@pytest.mark.parametrize("which", ["0x1", "0x2"])
def test_an_empty_answer_shows_beside_one_with_logs(chain: Emitter, proxy: Proxy, which: str) -> None:
    """Of two queries of one request either may be answered with nothing: their sum would not tell."""
    part = transfers_of_token(50, 250)
    seen = {"lies": 0}

    def fault(call: dict[str, Any], answer: Answer) -> Answer:
        has_address = is_logs(call) and "address" in call["params"][0]
        if is_logs(call) and has_address == (which == "0x2") and not seen["lies"]:
            seen["lies"] += 1
            return {**answer, "result": []}
        return answer

    proxy.fault = fault
    found = rows(read(proxy, part))
    assert seen["lies"] == 1
    transfer = (211, 0, "0x" + f"{5:064x}")
    assert found == [*(r for r in chain.logs() if r[0] >= 50), transfer]


def test_a_log_far_from_all_others_is_not_lost_to_an_empty_answer(chain: Emitter, proxy: Proxy) -> None:
    """Nothing lets expect it: an answer without logs is asked for again."""
    proxy.fault = first_answers(1, nothing)
    assert [r[0] for r in rows(read(proxy, transfers_of_token(70, chain.head)))] == [211]


def test_one_lie_in_seven_loses_nothing_where_logs_are_rare(chain: Emitter, proxy: Proxy) -> None:
    asked = {"count": 0}

    def fault(call: dict[str, Any], answer: Answer) -> Answer:
        if is_logs(call):
            asked["count"] += 1
            if asked["count"] % 7 == 0:
                return {**answer, "result": []}
            if span(call) > 3:
                return error(call, -32614, "eth_getLogs is limited to a 3 range")
        return answer

    proxy.fault = fault
    expected = [*(r[0] for r in chain.logs()), 211]
    assert [r[0] for r in rows(read(proxy, transfers_of_token(0, chain.head)))] == expected


def test_logs_missing_here_and_there_are_an_error_in_the_end(chain: Emitter, proxy: Proxy) -> None:
    """Every block has some log, none has all: only a block asked for by its hash tells."""

    def fault(call: dict[str, Any], answer: Answer) -> Answer:
        if is_logs(call) and span(call) > 1:
            return {**answer, "result": [log for log in answer["result"] if int(log["logIndex"], 16) != 1]}
        return answer

    proxy.fault = fault
    with pytest.raises(PoolhouseError, match=r"logs by its hash and .* in the range.*poolhouse audit"):
        read(proxy, segment(len(BLOCKS)), width=4)


def test_receipts_read_for_transactions_prove_the_logs_of_their_blocks(chain: Emitter, proxy: Proxy) -> None:
    """Single logs are missing, by range and by hash alike: nothing but the receipts has them."""

    def fault(call: dict[str, Any], answer: Answer) -> Answer:
        if is_logs(call):
            return {**answer, "result": [log for log in answer["result"] if int(log["logIndex"], 16) != 1]}
        return answer

    proxy.fault = fault
    with pytest.raises(PoolhouseError, match=r"receipts of block \d+ have logs that its answer lacks"):
        read(proxy, segment(len(BLOCKS)), transactions=True)
    proxy.fault = None
    assert rows(read(proxy, segment(len(BLOCKS)), transactions=True)) == [
        r for r in chain.logs() if r[0] <= len(BLOCKS)
    ]


def test_a_node_without_any_logs_is_found_out_by_its_receipts(chain: Emitter, proxy: Proxy) -> None:
    proxy.fault = lambda call, answer: {**answer, "result": []} if is_logs(call) else answer
    with pytest.raises(PoolhouseError, match="receipts of block 60 have logs that its answer lacks"):
        read(proxy, segment(len(BLOCKS)))


def test_a_second_endpoint_is_asked_in_doubt(chain: Emitter) -> None:
    """One endpoint has lost its logs, blooms and receipts and says so consistently; the other is whole."""

    def hollow(call: dict[str, Any], answer: Answer) -> Answer:
        if is_logs(call) or call["method"] == "eth_getBlockReceipts":
            return {**answer, "result": []}
        return {**answer, "result": {**answer["result"], "logsBloom": "0x" + "00" * 256}}

    for _ in range(3):
        empty, whole = Proxy(chain.url), Proxy(chain.url)
        empty.fault = hollow
        assert rows(read([empty, whole], segment(len(BLOCKS)))) == [r for r in chain.logs() if r[0] <= len(BLOCKS)]


def test_a_second_endpoint_that_lags_or_fails_does_not_stop_a_load(chain: Emitter) -> None:
    def lags(call: dict[str, Any], answer: Answer) -> Answer:
        return error(call, -32000, "block range extends beyond current head block")

    honest, lagging = Proxy(chain.url), Proxy(chain.url)
    lagging.fault = lags
    part = transfers_of_token(70, chain.head)
    assert [r[0] for r in rows(read([honest, lagging], part))] == [211]


def test_an_endpoint_that_contradicts_itself_is_asked_again_where_the_other_fails(chain: Emitter) -> None:
    once, down = Proxy(chain.url), Proxy(chain.url)
    once.fault = first_answers(2, lambda logs: [*logs, logs[-1]])
    down.fault = lambda *_: (503, {}, b"down")
    assert rows(read([once, down], segment(len(BLOCKS)))) == [r for r in chain.logs() if r[0] <= len(BLOCKS)]


def test_a_limit_that_cuts_answers_off_in_silence_is_noticed(chain: Emitter, proxy: Proxy) -> None:
    def fault(call: dict[str, Any], answer: Answer) -> Answer:
        return {**answer, "result": answer["result"][-100:]} if is_logs(call) else answer

    proxy.fault = fault
    assert rows(read(proxy, segment(len(BLOCKS)))) == [r for r in chain.logs() if r[0] <= len(BLOCKS)]


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.2, 1.0, 5.0]))
@settings(max_examples=20, deadline=None)
def test_honest_answers_are_seldom_doubted(seed: int, density: float) -> None:
    """Of blocks that fill by chance; each doubt costs a request for a few headers."""
    chance = np.random.default_rng(seed)
    doubted = 0
    share = 1 - math.exp(-density)
    for _ in range(50):
        counts = chance.poisson(np.full(400, density))
        doubted += bool(doubtful_places(np.repeat(np.arange(400), counts), 0, 399, Expected(density * 400, share)))
    assert doubted <= 5
