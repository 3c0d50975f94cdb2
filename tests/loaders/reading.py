"""Reading a segment through proxies, and what came of it."""

from __future__ import annotations

import itertools
from contextlib import ExitStack
from typing import Any

from loaders.plan.filters import Segment, filters_for
from loaders.registry.events import load_events
from loaders.rpc.client import RpcClient
from loaders.rpc.node import Node
from loaders.rpc.upstream import Upstream
from loaders.source.base import Batch
from loaders.source.rpc import RpcSource
from loaders.source.transactions import TransactionMode, TransactionReader
from tests.loaders.emitter import SYNC, Answer, Proxy, serve


def segment(head: int, *, first: int = 0) -> Segment:
    sync = next(e for e in load_events().events if e.abi.topic0 == SYNC.topic0)
    return Segment(first, head, "final", filters_for([sync], []))


def read(
    proxies: Proxy | list[Proxy],
    part: Segment,
    *,
    width: int = 2000,
    threads: int = 1,
    attempts: int = 4,
    transactions: bool = False,
) -> list[Batch]:
    """The batches of a segment, from one endpoint or from several as one node."""
    with ExitStack() as servers:
        urls = [servers.enter_context(serve(p.respond)) for p in (proxies if isinstance(proxies, list) else [proxies])]
        upstreams = [Upstream(RpcClient(url, timeout=5)) for url in urls]
        node = Node(upstreams, attempts=attempts, first_wait_s=0.01)
        reader = TransactionReader(node, TransactionMode.AUTO, 31337) if transactions else None
        source = RpcSource(node, threads=threads, first_width=width, transactions=reader, retry_wait_s=0.01)
        return list(source.batches(part))


def rows(batches: list[Batch]) -> list[tuple[int, int, str]]:
    return [
        (int(b.logs.block_number[i]), int(b.logs.log_index[i]), "0x" + b.logs.data_of(i).hex())
        for b in batches
        for i in range(len(b.logs))
    ]


def assert_covers(batches: list[Batch], part: Segment) -> None:
    ends = [(b.from_block, b.to_block) for b in batches]
    assert ends[0][0] == part.from_block
    assert ends[-1][1] == part.to_block
    assert all(later[0] == earlier[1] + 1 for earlier, later in itertools.pairwise(ends))


def is_logs(call: dict[str, Any]) -> bool:
    return bool(call["method"] == "eth_getLogs")


def span(call: dict[str, Any]) -> int:
    question = call["params"][0]
    return int(question["toBlock"], 16) - int(question["fromBlock"], 16) + 1 if "toBlock" in question else 1


def error(call: dict[str, Any], code: int, message: str) -> Answer:
    return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": code, "message": message}}
