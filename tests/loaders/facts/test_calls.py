"""Batched calls on a real EVM: reverts, gas eaters, missing code, odd answers, pruned and missing blocks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devnet.node import Anvil
from loaders.errors import PoolhouseError
from loaders.facts.calls import MULTICALL3, Answer, BlockReader, ContractCall, StateUnavailable, call, header_at
from loaders.facts.functions import load_functions
from loaders.rpc.client import RpcClient
from loaders.rpc.node import Node
from tests.loaders.emitter import Proxy, serve


def address(n: int) -> str:
    return f"0x{(0xAB << 152) + n:040x}"


# Runtime code, a few bytes each: what contracts in the wild do when they are asked something they do not expect.
REVERTS, EATS_ALL_GAS, LOOPS, NO_CODE = address(1), address(2), address(3), address(4)
EIGHTEEN, MAKER, HUGE, NUL, COUNTS_BLOCKS, SHORT = (address(n) for n in range(5, 11))


def returns(word: bytes) -> str:
    return f"0x7f{word.hex()}5f5260205ff3"


CODE = {
    REVERTS: "0x5f5ffd",
    EATS_ALL_GAS: "0xfe",
    LOOPS: "0x5b5f56",
    EIGHTEEN: returns((18).to_bytes(32, "big")),
    MAKER: returns(b"MKR" + bytes(29)),
    HUGE: returns(b"\xff" * 32),
    NUL: returns(b"a\0b" + bytes(29)),
    COUNTS_BLOCKS: "0x435f5260205ff3",
    SHORT: "0x60015ff3",
}


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    with Anvil(kept_states=20) as node:
        for contract, code in CODE.items():
            node.rpc.call("anvil_setCode", contract, code)
        node.rpc.call("anvil_mine", hex(60))
        yield node


@pytest.fixture
def node(anvil: Anvil) -> Node:
    return Node(RpcClient(anvil.url), attempts=2)


def reader(node: Node, block: int | None = None) -> BlockReader:
    number = int(node.call("eth_blockNumber"), 16) if block is None else block
    header = header_at(node, number)
    assert header is not None
    return BlockReader(node, header)


def outcome(answer: Answer) -> tuple[str, str | None]:
    return answer.status, answer.value


def test_each_call_has_its_own_outcome(node: Node) -> None:
    expected = {
        (EIGHTEEN, "decimals"): ("ok", "18"),
        (REVERTS, "decimals"): ("reverted", None),
        (EATS_ALL_GAS, "decimals"): ("reverted", None),
        (LOOPS, "decimals"): ("reverted", None),
        (NO_CODE, "decimals"): ("empty", None),
        (HUGE, "decimals"): ("undecodable", None),
        (SHORT, "decimals"): ("undecodable", None),
        (MAKER, "symbol"): ("ok", "MKR"),
        (NUL, "symbol"): ("undecodable", None),
        (HUGE, "symbol"): ("ok", "\ufffd" * 32),
    }
    calls = [call(contract, function) for contract, function in expected]
    answers = reader(node).read(calls)
    assert {(a.call.contract, a.call.function.name): outcome(a) for a in answers} == expected
    assert [a.call for a in answers] == calls
    assert all((a.output is None) == (a.status == "reverted") for a in answers)


def test_an_answer_too_large_to_hand_over_harms_no_other(anvil: Anvil) -> None:
    """A token may return megabytes as its symbol; of a pool's state the same refusal is an error."""
    proxy = Proxy(anvil.url)

    def refuse(call: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        if call["method"] != "eth_call" or call["params"][0]["to"] != HUGE:
            return answer
        return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": -32008, "message": "Response is too big"}}

    proxy.fault = refuse
    with serve(proxy.respond) as url:
        node = Node(RpcClient(url), attempts=2)
        calls = [
            call(EIGHTEEN, "decimals"),
            call(HUGE, "symbol"),
            *(call(EIGHTEEN, "scaledBalanceOf", address(n)) for n in range(3)),
        ]
        answers = reader(node).read(calls)
        assert [a.status for a in answers] == ["ok", "undecodable", "ok", "ok", "ok"]
        with pytest.raises(PoolhouseError, match=f"refuses one single call, getReserves of {HUGE}"):
            reader(node).read([call(HUGE, "getReserves")])


def test_more_calls_than_a_batch_keep_their_order(node: Node) -> None:
    calls = [call(EIGHTEEN if n % 2 else REVERTS, "scaledBalanceOf", address(n)) for n in range(250)]
    reported: list[int] = []
    answers = reader(node).read([*calls, calls[1]], reported.append)
    assert [a.status for a in answers] == ["ok" if n % 2 else "reverted" for n in range(250)] + ["ok"]
    assert sum(reported) == 250, "the same call twice is asked once"


def test_a_call_that_eats_the_gas_of_its_aggregate_harms_no_other(anvil: Anvil, node: Node) -> None:
    """An invalid opcode burns 63/64 of what an aggregate has left: the calls behind it fail there, but not in truth."""
    eaters = {3: REVERTS, 100: EATS_ALL_GAS, 101: LOOPS, 250: LOOPS, 641: EATS_ALL_GAS}
    calls = [call(eaters.get(n, EIGHTEEN), "scaledBalanceOf", address(n)) for n in range(700)]
    anvil.rpc.call("anvil_setCode", MULTICALL3, Path(__file__).with_name("Aggregate.hex").read_text().strip())
    try:
        anvil.rpc.call("anvil_mine", "0x1")
        before = node.stats.accepted
        answers = reader(node).read(calls)
        requests = node.stats.accepted - before
        assert [a.status for a in answers] == ["reverted" if n in eaters else "ok" for n in range(700)]
        assert requests < 40, "aggregates carried most calls"
        with pytest.raises(PoolhouseError, match="OutOfGas"):
            aggregate(node, calls[99:119])
    finally:
        anvil.rpc.call("anvil_setCode", MULTICALL3, "0x")


def aggregate(node: Node, calls: list[ContractCall]) -> None:
    """Ask for all calls in one aggregate, whatever happens in there."""
    data = load_functions()["aggregate3"].calldata(
        [(c.contract, True, c.function.calldata(*c.arguments)) for c in calls]
    )
    node.call("eth_call", {"to": MULTICALL3, "data": "0x" + data.hex()}, "latest")


def test_reads_are_pinned_to_their_block(node: Node) -> None:
    head = int(node.call("eth_blockNumber"), 16)
    values = [
        reader(node, number).read([call(COUNTS_BLOCKS, "scaledTotalSupply")])[0].value for number in (head - 5, head)
    ]
    assert values == [str(head - 5), str(head)]


def test_a_pruned_state_is_one_clear_error(node: Node) -> None:
    with pytest.raises(StateUnavailable, match="no longer has the contract state of block 3") as caught:
        reader(node, 3).probe()
    assert "archive node" in caught.value.remedy


def test_a_block_the_node_has_not_got(node: Node) -> None:
    assert header_at(node, 10**9) is None


def test_a_block_that_was_replaced_is_noticed(anvil: Anvil, node: Node) -> None:
    pinned = reader(node)
    pinned.confirm()
    anvil.rpc.call("anvil_reorg", 1, [])
    with pytest.raises(PoolhouseError, match="reorganisation"):
        pinned.confirm()


def test_an_unreachable_node_is_an_error_and_no_row(node: Node) -> None:
    header = reader(node).block
    with Anvil() as other:
        gone = Node(RpcClient(other.url), attempts=1)
    with pytest.raises(PoolhouseError, match="failed 1 times"):
        BlockReader(gone, header).read([call(EIGHTEEN, "decimals")])
