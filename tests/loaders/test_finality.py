"""Head and finality as nodes state them: of one moment, by the chain's rule, and never final above the head."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from devnet.node import Anvil
from loaders.errors import PoolhouseError
from loaders.registry.seeds import load_registry
from loaders.rpc.client import RpcClient
from loaders.rpc.endpoint import read_head
from loaders.rpc.node import Node
from tests.loaders.emitter import Answer, Emitter, Proxy, serve

HEAD = 100


@pytest.fixture(scope="module")
def chain() -> Iterator[Emitter]:
    with Anvil() as anvil:
        emitter = Emitter(anvil)
        emitter.rpc.call("anvil_mine", hex(HEAD))
        yield emitter


@pytest.fixture
def proxy(chain: Emitter) -> Proxy:
    return Proxy(chain.url)


def ask(proxy: Proxy, **changed: Any) -> tuple[int, int]:
    devnet = dataclasses.replace(load_registry().chain("devnet"), **changed)
    with serve(proxy.respond) as url:
        head, final = read_head(Node(RpcClient(url), attempts=2, first_wait_s=0.01), devnet, wait_s=0.01)
    return head.number, final


def finalized(proxy: Proxy, number: int, *, times: int | None = None) -> None:
    """The node calls that block final (the first so many times it is asked)."""
    seen = {"count": 0}

    def fault(call: dict[str, Any], answer: Answer) -> Answer:
        if call["params"][0] != "finalized":
            return answer
        seen["count"] += 1
        return (
            answer
            if times and seen["count"] > times
            else {**answer, "result": {**answer["result"], "number": hex(number)}}
        )

    proxy.fault = fault


def test_the_tag_decides(proxy: Proxy) -> None:
    finalized(proxy, 70)
    assert ask(proxy, finality_depth=5) == (HEAD, 70)


def test_the_depth_decides_where_the_table_says_so(proxy: Proxy) -> None:
    finalized(proxy, 70)
    assert ask(proxy, finality_rule="depth", finality_depth=5) == (HEAD, HEAD - 5)
    assert {call["params"][0] for call in proxy.calls} == {"latest"}


@pytest.mark.parametrize("code", [-32602, -32601])
def test_the_depth_decides_where_the_node_lacks_the_tag(proxy: Proxy, code: int) -> None:
    def fault(call: dict[str, Any], answer: Answer) -> Answer:
        refusal = {
            "jsonrpc": "2.0",
            "id": call["id"],
            "error": {"code": code, "message": "invalid argument 0: hex string"},
        }
        return refusal if call["params"][0] == "finalized" else answer

    proxy.fault = fault
    assert ask(proxy, finality_depth=5) == (HEAD, HEAD - 5)
    assert ask(proxy, finality_depth=500) == (HEAD, -1)


def test_a_refusal_to_answer_does_not_make_blocks_final(proxy: Proxy) -> None:
    def fault(call: dict[str, Any], answer: Answer) -> Answer:
        refusal = {"jsonrpc": "2.0", "id": call["id"], "error": {"code": 429, "message": "too many requests"}}
        return refusal if call["params"][0] == "finalized" else answer

    proxy.fault = fault
    with pytest.raises(PoolhouseError, match="too many requests"):
        ask(proxy, finality_depth=5)


def test_a_final_block_above_the_head_is_asked_again_and_refused(proxy: Proxy) -> None:
    finalized(proxy, HEAD + 1, times=2)
    assert ask(proxy)[1] <= HEAD
    finalized(proxy, HEAD + 1)
    with pytest.raises(PoolhouseError, match="calls block 101 final, but its newest is 100"):
        ask(proxy)
