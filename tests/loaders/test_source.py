"""Reading logs from nodes as they are: every fault ends in the same logs as the honest node's, or in an error."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from devnet.node import Anvil
from loaders.decode.decoder import Decoder
from loaders.errors import PoolhouseError
from loaders.plan.filters import Segment, filters_for
from loaders.registry.events import load_events
from loaders.registry.seeds import Contract
from loaders.rpc.client import RpcClient
from loaders.rpc.node import Node
from loaders.source.rpc import RpcSource
from tests.loaders.emitter import EMITTERS, SYNC, Answer, Emitter, Proxy, serve
from tests.loaders.reading import assert_covers, error, is_logs, read, rows, segment, span

BLOCKS = [(i * 7) % 5 for i in range(60)]


@pytest.fixture(scope="module")
def chain() -> Iterator[Emitter]:
    with Anvil() as anvil:
        emitter = Emitter(anvil)
        emitter.mine(BLOCKS)
        yield emitter


@pytest.fixture
def proxy(chain: Emitter) -> Proxy:
    return Proxy(chain.url)


def test_an_honest_node_is_read_once(chain: Emitter, proxy: Proxy) -> None:
    part = segment(chain.head)
    batches = read(proxy, part)
    assert rows(batches) == chain.logs()
    assert [c["method"] for c in proxy.calls] == ["eth_getLogs", "eth_getBlockByNumber"]
    assert len(rows(batches)) == sum(BLOCKS)


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize(
    "message",
    [
        "query returned more than 10 results",
        "Log response size exceeded. Based on your parameters this block range should work: [0x0, 0x0]",
        "eth_getLogs is limited to a 3 range",
        "query exceeds max results 10, retry with the range 0-2",
        "query returned more than 10 results. Try with this block range [0x7, 0x3].",
    ],
)
def test_a_cap_on_results_only_costs_requests(chain: Emitter, proxy: Proxy, message: str, threads: int) -> None:
    def fault(call: dict[str, Any], answer: Answer) -> Answer:
        too_many = is_logs(call) and (span(call) > 3 if "range" in message else len(answer["result"]) > 10)
        return error(call, -32005, message) if too_many else answer

    proxy.fault = fault
    part = segment(chain.head)
    batches = read(proxy, part, threads=threads)
    assert rows(batches) == chain.logs()
    assert_covers(batches, part)


def test_a_single_block_over_the_cap_is_read_from_receipts(chain: Emitter, proxy: Proxy) -> None:
    def fault(call: dict[str, Any], answer: Answer) -> Answer:
        return (
            error(call, -32005, "query returned more than 2 results")
            if is_logs(call) and len(answer["result"]) > 2
            else answer
        )

    proxy.fault = fault
    assert rows(read(proxy, segment(chain.head))) == chain.logs()
    assert "eth_getBlockReceipts" in {c["method"] for c in proxy.calls}


def test_a_single_block_over_the_cap_is_read_again_where_its_parts_contradict(chain: Emitter, proxy: Proxy) -> None:
    seen = {"lies": 0}

    def fault(call: dict[str, Any], answer: Answer) -> Answer:
        if is_logs(call) and len(answer["result"]) > 2:
            return error(call, -32005, "query returned more than 2 results")
        if call["method"] == "eth_getBlockReceipts" and not seen["lies"]:
            seen["lies"] += 1
            return {**answer, "result": None}
        return answer

    proxy.fault = fault
    assert rows(read(proxy, segment(chain.head))) == chain.logs()
    assert seen["lies"] == 1


def test_an_empty_answer_in_a_dense_range_is_asked_again(chain: Emitter, proxy: Proxy) -> None:
    asked = {"count": 0}

    def fault(call: dict[str, Any], answer: Answer) -> Answer:
        if is_logs(call):
            asked["count"] += 1
            if asked["count"] % 3 == 0:
                return {**answer, "result": []}
        return answer

    proxy.fault = fault
    part = segment(chain.head)
    batches = read(proxy, part, width=4)
    assert rows(batches) == chain.logs()
    assert_covers(batches, part)


def test_an_answer_cut_short_is_noticed_by_its_end_block(chain: Emitter, proxy: Proxy) -> None:
    last = max(block for block, _, _ in chain.logs())
    seen = {"cut": 0}

    def fault(call: dict[str, Any], answer: Answer) -> Answer:
        if is_logs(call) and "toBlock" in call["params"][0] and not seen["cut"]:
            seen["cut"] += 1
            return {**answer, "result": answer["result"][:20]}
        return answer

    proxy.fault = fault
    assert rows(read(proxy, segment(last))) == chain.logs()
    assert seen["cut"] == 1


@pytest.mark.parametrize("kind", ["empty", "repeated", "foreign", "outside", "removed", "other hash", "disordered"])
def test_a_node_that_keeps_contradicting_itself_is_an_error(chain: Emitter, proxy: Proxy, kind: str) -> None:
    last = max(block for block, _, _ in chain.logs())

    def fault(call: dict[str, Any], answer: Answer) -> Answer:
        if not is_logs(call) or "toBlock" not in call["params"][0]:
            return answer
        logs = answer["result"]
        changed = {
            "empty": [],
            "repeated": [*logs, logs[-1]],
            "foreign": [*logs[:-1], {**logs[-1], "topics": ["0x" + "12" * 32]}],
            "outside": [*logs[:-1], {**logs[-1], "blockNumber": hex(last + 1)}],
            "removed": [*logs[:-1], {**logs[-1], "removed": True}],
            "other hash": [*logs[:-1], {**logs[-1], "blockHash": "0x" + "34" * 32}],
            "disordered": [logs[1], logs[0], *logs[2:]],
        }
        return {**answer, "result": changed[kind]}

    proxy.fault = fault
    with pytest.raises(PoolhouseError, match=f"does not answer blocks 0 to {last} consistently"):
        read(proxy, segment(last))


def test_a_block_the_node_lacks_is_never_taken_for_an_empty_one(chain: Emitter, proxy: Proxy) -> None:
    proxy.fault = lambda call, answer: answer if is_logs(call) else {**answer, "result": None}
    with pytest.raises(PoolhouseError, match="has no block"):
        read(proxy, segment(chain.head))


@pytest.mark.parametrize(
    "failure",
    [
        (
            429,
            {"Retry-After": "0"},
            b'{"jsonrpc":"2.0","id":0,"error":{"code":429,"message":"compute units per second"}}',
        ),
        (503, {}, b"upstream unavailable"),
        (502, {}, b"<html>bad gateway</html>"),
        (200, {"Content-Length": "500"}, b'[{"jsonrpc":"2.0","id":0,"result":[{"addr'),
    ],
    ids=["rate", "unavailable", "gateway", "cut"],
)
def test_passing_failures_are_retried(chain: Emitter, proxy: Proxy, failure: tuple[int, dict[str, str], bytes]) -> None:
    seen = {"count": 0}

    def fault(_: dict[str, Any], answer: Answer) -> Answer | tuple[int, dict[str, str], bytes]:
        seen["count"] += 1
        return failure if seen["count"] in (1, 3) else answer

    proxy.fault = fault
    assert rows(read(proxy, segment(chain.head))) == chain.logs()


def test_a_failure_that_lasts_is_an_error_with_a_remedy(chain: Emitter, proxy: Proxy) -> None:
    proxy.fault = lambda *_: (503, {}, b"down")
    with pytest.raises(PoolhouseError, match=r"failed 4 times in a row, last: HTTP 503\. Try again later"):
        read(proxy, segment(chain.head))


def test_nodes_without_batches_are_asked_one_by_one(chain: Emitter, proxy: Proxy) -> None:
    proxy.accepts_batches = False
    assert rows(read(proxy, segment(chain.head), transactions=True)) == chain.logs()


@pytest.mark.parametrize("timestamp", [None, "0x0", "0x19a9c8b2f40", "0x6"])
def test_timestamps_come_from_headers_where_logs_have_none_worth_having(
    chain: Emitter, proxy: Proxy, timestamp: str | None
) -> None:
    def fault(call: dict[str, Any], answer: Answer) -> Answer:
        if not is_logs(call):
            return answer
        logs = [{k: v for k, v in log.items() if k != "blockTimestamp"} for log in answer["result"]]
        return {**answer, "result": [{**log, "blockTimestamp": timestamp} if timestamp else log for log in logs]}

    honest = [(b.logs.block_number.tolist(), b.logs.timestamp.tolist()) for b in read(proxy, segment(chain.head))]
    proxy.fault = fault
    doubtful = [(b.logs.block_number.tolist(), b.logs.timestamp.tolist()) for b in read(proxy, segment(chain.head))]
    assert doubtful == honest
    header = chain.rpc.call("eth_getBlockByNumber", hex(honest[0][0][0]), False)
    assert honest[0][1][0] == int(header["timestamp"], 16)


@pytest.mark.parametrize("has_block_receipts", [True, False])
def test_transactions_are_those_of_the_logs(chain: Emitter, proxy: Proxy, has_block_receipts: bool) -> None:
    def fault(call: dict[str, Any], answer: Answer) -> Answer:
        refused = call["method"] == "eth_getBlockReceipts" and not has_block_receipts
        return error(call, -32601, "the method eth_getBlockReceipts does not exist") if refused else answer

    proxy.fault = fault
    tables = [b.transactions for b in read(proxy, segment(chain.head), transactions=True)]
    found = {row["tx_hash"]: row for t in tables if t is not None for row in t.to_pylist()}
    assert len(found) == sum(BLOCKS)
    for tx_hash, row in found.items():
        transaction = chain.rpc.call("eth_getTransactionByHash", tx_hash)
        receipt = chain.rpc.call("eth_getTransactionReceipt", tx_hash)
        assert row["block_number"] == int(transaction["blockNumber"], 16)
        assert row["tx_index"] == int(transaction["transactionIndex"], 16)
        assert (row["from_address"], row["to_address"]) == (transaction["from"], transaction["to"])
        assert (row["nonce"], row["value"]) == (int(transaction["nonce"], 16), "0")
        assert row["selector"] == transaction["input"][:10]
        assert (row["status"], row["gas_used"]) == (1, int(receipt["gasUsed"], 16))
        assert row["effective_gas_price"] == str(int(receipt["effectiveGasPrice"], 16))


def test_registered_emitters_are_asked_by_address(chain: Emitter, proxy: Proxy) -> None:
    sync = next(e for e in load_events().events if e.abi.topic0 == SYNC.topic0)
    registered = dataclasses.replace(sync, emitters="registered")
    ours = Contract(31337, "uniswap", "2", sync.family, sync.role, "", EMITTERS[1], 0, None, "")
    part = Segment(0, chain.head, "final", filters_for([registered], [ours]))
    batches = read(proxy, part)
    everything = chain.rpc.call("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest", "address": EMITTERS[1]})
    assert [r[2] for r in rows(batches)] == [log["data"] for log in everything]
    counts = Decoder(31337, part.wanted).decode(batches[0].logs).counts
    assert {address: n for (_, address), n in counts.items()} == {EMITTERS[1]: len(everything)}
    assert json.loads(json.dumps(proxy.calls[0]["params"][0]["address"])) == [EMITTERS[1]]


def test_answers_that_wait_are_bounded_by_their_size(chain: Emitter, proxy: Proxy) -> None:
    """Without room for what is under way, only the range that is to be delivered next is asked for."""
    under_way: list[int] = []
    most = 0
    respond = proxy.respond

    def counting(body: bytes) -> tuple[int, dict[str, str], bytes]:
        nonlocal most
        under_way.append(1)
        most = max(most, len(under_way))
        try:
            time.sleep(0.06)  # long enough for the source to want more at a time
            return respond(body)
        finally:
            under_way.pop()

    part = segment(chain.head)
    for memory_bytes, at_most in ((1, 1), (2**27, 4)):
        most = 0
        with serve(counting) as url:
            source = RpcSource(
                Node(RpcClient(url)), threads=4, target_logs=10, first_width=5, memory_bytes=memory_bytes
            )
            assert rows(list(source.batches(part))) == chain.logs()
        assert 1 <= most <= at_most
    assert most > 1, "with room, requests overlap"
