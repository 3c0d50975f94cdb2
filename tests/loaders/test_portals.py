"""SQD's portal and HyperSync as sources: a good one loads what the chain has, a bad one nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from devnet.node import Anvil
from loaders.decode.decoder import ANY
from loaders.errors import PoolhouseError
from loaders.load.request import LoadRequest
from loaders.load.run import load
from loaders.logs import concat_logs
from loaders.plan.filters import Filter, Finality, Segment
from loaders.registry.chains import Chain
from loaders.registry.events import load_events
from loaders.registry.seeds import load_registry
from loaders.rpc.client import RpcClient
from loaders.rpc.connect import connect
from loaders.rpc.node import Node
from loaders.source.portal.http import PortalHttp
from loaders.source.portal.hypersync import HyperSync
from loaders.source.portal.request import HyperSyncRequest, SqdRequest, configured_portal
from loaders.source.portal.source import Portal, PortalSource
from loaders.source.portal.sqd import SqdPortal
from loaders.source.transactions import TransactionMode
from tests.loaders.emitter import EMITTERS, Emitter
from tests.loaders.live import live
from tests.loaders.portals import TOKEN, Fault, HyperSyncServer, Json, Reply, Server, SqdServer, serve

SYNC_SPEC = next(e for e in load_events().events if e.table == "uniswap_v2__pair_sync")
DEVNET: Chain = load_registry().chain("devnet")
KINDS = ("sqd", "hypersync")
LAST = 99


@pytest.fixture(scope="module")
def chain() -> Iterator[Emitter]:
    """A hundred blocks, most of them with logs."""
    with Anvil() as anvil:
        emitter = Emitter(anvil)
        emitter.mine([2, 0, 3] * 33)
        yield emitter


def server_of(kind: str, chain: Emitter, page_blocks: int = 1000) -> Server:
    return SqdServer(chain.url, page_blocks) if kind == "sqd" else HyperSyncServer(chain.url, page_blocks)


def path_of(kind: str, url: str) -> str:
    return f"{url}/datasets/devnet" if kind == "sqd" else url


def portal_of(kind: str, url: str, attempts: int = 3) -> Portal:
    http = PortalHttp(path_of(kind, url), TOKEN, attempts=attempts, first_wait_s=0.01)
    return SqdPortal(http) if kind == "sqd" else HyperSync(http)


def read(
    kind: str, chain: Emitter, server: Server, *, node: bool, finality: Finality = "tail", address: str = ANY
) -> list[tuple[int, int, str]]:
    """(block, log index, data) of what the source delivers of the whole chain, in batches that cover it."""
    segment = Segment(0, LAST, finality, (Filter(SYNC_SPEC, address),))
    with serve(server) as url:
        beside = Node(RpcClient(chain.url)) if node else None
        source = PortalSource(portal_of(kind, url), DEVNET, beside, logs_per_page=40, retry_wait_s=0.01)
        batches = list(source.batches(segment))
    covered = [n for b in batches for n in range(b.from_block, b.to_block + 1)]
    assert covered == list(range(LAST + 1))
    ends = [b.end for b in batches]
    for end in ends:
        assert end is not None
        assert end.hash == chain.rpc.call("eth_getBlockByNumber", hex(end.number), False)["hash"]
    logs = concat_logs([b.logs for b in batches])
    times = {int(n): int(t) for n, t in zip(logs.block_number, logs.timestamp, strict=True)}
    for number in list(times)[:3]:
        assert times[number] == int(chain.rpc.call("eth_getBlockByNumber", hex(number), False)["timestamp"], 16)
    return [(int(logs.block_number[i]), int(logs.log_index[i]), "0x" + logs.data_of(i).hex()) for i in range(len(logs))]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("page_blocks", "node"), [(1000, False), (7, True), (1, False)])
def test_pages_of_any_size_cover_the_segment(chain: Emitter, kind: str, page_blocks: int, node: bool) -> None:
    assert read(kind, chain, server_of(kind, chain, page_blocks), node=node) == chain.logs()


@pytest.mark.parametrize("kind", KINDS)
def test_the_portal_is_asked_for_what_is_wanted_alone(chain: Emitter, kind: str) -> None:
    server = server_of(kind, chain)
    logs = chain.rpc.call("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest", "address": EMITTERS[1]})
    found = read(kind, chain, server, node=True, address=EMITTERS[1])
    assert found == [(int(x["blockNumber"], 16), int(x["logIndex"], 16), x["data"]) for x in logs]
    assert found
    asked = json.dumps(server.queries)
    assert EMITTERS[1] in asked
    assert SYNC_SPEC.topic0 in asked


def edited(change: Callable[[list[Json]], list[Json]]) -> Fault:
    """A fault that changes the blocks of an SQD stream with logs, or the parts of a HyperSync answer."""

    def fault(path: str, query: Json, reply: Reply) -> Reply:
        if not query or not query.get("logs") or reply[0] != 200:
            return reply
        if path.endswith("query"):
            answer = json.loads(reply[2])
            answer["data"] = change(answer["data"])
            return 200, {}, json.dumps(answer).encode()
        blocks = change([json.loads(line) for line in reply[2].splitlines()])
        return 200, {}, "".join(json.dumps(b) + "\n" for b in blocks).encode()

    return fault


def each_log(change: Callable[[Json], Any]) -> Fault:
    def apply(parts: list[Json]) -> list[Json]:
        for part in parts:
            for log in part.get("logs", []):
                change(log)
        return parts

    return edited(apply)


def each_block(change: Callable[[Json], Any]) -> Fault:
    def apply(parts: list[Json]) -> list[Json]:
        for part in parts:
            for block in part["blocks"] if "blocks" in part else [part["header"]]:
                change(block)
        return parts

    return edited(apply)


def repeat_logs(parts: list[Json]) -> list[Json]:
    for part in parts:
        if part.get("logs"):
            part["logs"] = part["logs"] + part["logs"][:1]
    return parts


def lose_blocks(parts: list[Json]) -> list[Json]:
    """Five blocks in the middle are left out, headers and all."""
    lost = range(40, 45)
    if "header" in parts[0]:
        return [b for b in parts if b["header"]["number"] not in lost]
    for part in parts:
        part["blocks"] = [b for b in part["blocks"] if b["number"] not in lost]
        part["logs"] = [log for log in part["logs"] if log["block_number"] not in lost]
    return parts


def plain(status: int, headers: dict[str, str] | None = None, body: bytes = b"{}") -> Fault:
    def fault(path: str, query: Json, reply: Reply) -> Reply:
        return status, dict(headers or {}), body

    return fault


def cut(path: str, query: Json, reply: Reply) -> Reply:
    """The answer ends in the middle of a log, as if it were all."""
    return (200, {}, reply[2][: len(reply[2]) // 2]) if query else reply


def broken_off(path: str, query: Json, reply: Reply) -> Reply:
    """The connection ends before the answer does."""
    return (200, {"Content-Length": str(len(reply[2]) + 1000)}, reply[2]) if query else reply


FAULTS: dict[str, Fault] = {
    "a log twice": edited(repeat_logs),
    "an event that was not asked for": each_log(
        lambda log: log.update({"topics": ["0x" + "11" * 32]} if "topics" in log else {"topic0": "0x" + "11" * 32})
    ),
    "a hash cut short": each_log(
        lambda log: log.update({k: v[:-2] for k, v in log.items() if k in ("transactionHash", "transaction_hash")})
    ),
    "a block of another chain": each_block(lambda block: block.update(hash="0x" + "22" * 32)),
    "no timestamps": each_block(lambda block: block.update(timestamp=0)),
    "cut in the middle": cut,
    "broken off": broken_off,
    "no JSON": plain(200, body=b"<html>busy</html>"),
    "rate limit": plain(429, {"Retry-After": "0"}),
    "overloaded": plain(529, {"Retry-After": "0"}),
    "bad gateway": plain(502),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_asked_again_or_refused_and_loses_nothing(chain: Emitter, kind: str, name: str) -> None:
    server = server_of(kind, chain, page_blocks=60)
    asked: list[Json] = []

    def now_and_then(path: str, query: Json, reply: Reply) -> Reply:
        asked.append(query)
        return FAULTS[name](path, query, reply) if len(asked) % 3 == 1 else reply

    server.fault = now_and_then
    assert read(kind, chain, server, node=True) == chain.logs()
    server.fault = FAULTS[name]
    with pytest.raises(PoolhouseError) as refused:
        read(kind, chain, server, node=True)
    assert TOKEN not in str(refused.value)
    assert str(refused.value.remedy)


def beyond(path: str, query: Json, reply: Reply) -> Reply:
    """The answer claims blocks that were not asked for."""
    if not query or not query.get("logs"):
        return reply
    if path.endswith("query"):
        return 200, {}, json.dumps({**json.loads(reply[2]), "next_block": LAST + 3}).encode()
    last = json.loads(reply[2].splitlines()[-1])
    last["header"].update(number=LAST + 2, parentHash="0x" + "44" * 32)
    return 200, {}, reply[2] + json.dumps({"header": last["header"]}).encode() + b"\n"


def another_hash(log: Json) -> None:
    if log["block_number"] == 51:
        log["block_hash"] = "0x" + "55" * 32


@pytest.mark.parametrize(
    ("kind", "fault", "reason"),
    [
        ("sqd", each_log(lambda log: log.update(address=EMITTERS[2])), "not asked for"),
        ("hypersync", each_log(lambda log: log.update(address=EMITTERS[2])), "not asked for"),
        ("sqd", beyond, "the answer ends at"),
        ("hypersync", beyond, "the answer ends at|no header"),
        ("hypersync", each_log(another_hash), "two hashes"),
    ],
)
def test_what_was_not_asked_for_is_refused(chain: Emitter, kind: str, fault: Fault, reason: str) -> None:
    server = server_of(kind, chain)
    server.fault = fault
    with pytest.raises(PoolhouseError, match=reason):
        read(kind, chain, server, node=False, address=EMITTERS[1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_portal_that_is_on_another_fork_than_the_node_is_refused(chain: Emitter, kind: str) -> None:
    with Anvil() as anvil:
        other = Emitter(anvil)
        other.mine([1] * 100)
        server = server_of(kind, other)
        with pytest.raises(PoolhouseError, match="is another at"):
            read(kind, chain, server, node=True)
        endpoint = connect(chain.url, DEVNET, load_registry())
        with serve(server) as url:
            source = (SqdRequest if kind == "sqd" else HyperSyncRequest)(path_of(kind, url), TOKEN)
            with pytest.raises(PoolhouseError, match="are of different chains"):
                source.open(DEVNET, endpoint)


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_left_out_among_dense_ones_are_noticed(chain: Emitter, kind: str) -> None:
    server = server_of(kind, chain, page_blocks=30)
    server.fault = edited(lose_blocks)
    with pytest.raises(PoolhouseError, match=r"blocks are missing|does not follow"):
        read(kind, chain, server, node=False)


def without_logs_of(lost: range) -> Fault:
    """What a portal answers that has lost the logs of some blocks and knows nothing of it: headers stay."""

    def lose(parts: list[Json]) -> list[Json]:
        for part in parts:
            of_block = part.get("header", {}).get("number")
            part["logs"] = [log for log in part.get("logs", []) if log.get("block_number", of_block) not in lost]
        return parts

    return edited(lose)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("node", [True, False])
@pytest.mark.parametrize("lost", [range(30, 71), range(45, 49)])
def test_logs_that_a_portal_has_lost_are_missed(chain: Emitter, kind: str, node: bool, lost: range) -> None:
    server = server_of(kind, chain, page_blocks=20)
    server.fault = without_logs_of(lost)
    reason = r"lacks logs of block (3|4)\d" if node else "no logs of what their blooms contain"
    with pytest.raises(PoolhouseError, match=reason):
        read(kind, chain, server, node=node)


@pytest.mark.parametrize("kind", KINDS)
def test_loads_from_a_portal_converge_with_the_chain(kind: str, tmp_path: Path) -> None:
    database = tmp_path / "w.duckdb"
    with Anvil() as anvil:
        chain = Emitter(anvil)
        chain.mine([1, 0, 2] * 30)
        server = server_of(kind, chain, page_blocks=25)
        with serve(server) as url:
            source = (SqdRequest if kind == "sqd" else HyperSyncRequest)(path_of(kind, url), TOKEN)

            def run(rpc_url: str = "") -> None:
                mode = TransactionMode.AUTO if rpc_url else TransactionMode.NONE
                load(
                    LoadRequest(
                        chain="devnet",
                        rpc_url=rpc_url,
                        database=database,
                        protocols=("uniswap_v2",),
                        from_block=0,
                        with_facts=False,
                        transactions=mode,
                        source=source,
                    )
                )

            run()
            assert live(database) == chain_rows(chain)
            chain.mine([1] * 10)
            chain.rpc.call("anvil_reorg", 5, [[chain.transaction(10_000 + i), i] for i in range(3)])
            run()
            assert live(database) == chain_rows(chain), "the tail is read again, and of the new chain"
            chain.mine([2] * 70)
            run(chain.url)
            assert live(database) == chain_rows(chain)
    with duckdb.connect(str(database), read_only=True) as connection:
        sources = connection.execute("select distinct source, endpoint_host from raw.load_ranges").fetchall()
        (transactions,) = connection.execute("select count(*) from raw.transactions").fetchall()[0]
    assert sources == [(kind, url.removeprefix("http://"))]
    assert transactions > 100, "with a node beside it, its transactions come, too"


def chain_rows(chain: Emitter) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = [
        (block, index, str(int(data[2:66], 16)), str(int(data[66:], 16))) for block, index, data in chain.logs()
    ]
    assert found
    return found


def test_a_portal_of_another_chain_is_refused(chain: Emitter) -> None:
    server = HyperSyncServer(chain.url)
    server.chain_id = 1
    with serve(server) as url, pytest.raises(PoolhouseError, match="serves chain 1, not devnet"):
        HyperSyncRequest(url, TOKEN).open(DEVNET, None)
    other = load_registry().chain("ethereum")
    with pytest.raises(PoolhouseError, match="Which dataset"):
        SqdRequest(None, TOKEN).open(DEVNET, None)
    assert SqdRequest._default_url(other) == "https://portal.sqd.dev/datasets/ethereum-mainnet"


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_token_is_said_and_not_shown(chain: Emitter, kind: str) -> None:
    with serve(server_of(kind, chain)) as url:
        source = (SqdRequest if kind == "sqd" else HyperSyncRequest)(path_of(kind, url), "secret-token-of-a-user")
        with pytest.raises(PoolhouseError, match="refuses access") as refused:
            source.open(DEVNET, None)
    assert "secret-token" not in str(refused.value)


def test_a_reorganised_parent_is_refused(chain: Emitter) -> None:
    """409: the portal's block before the next page is not the one that was read."""
    server = SqdServer(chain.url, page_blocks=10)

    def conflict(path: str, query: Json, reply: Reply) -> Reply:
        if query and query.get("parentBlockHash") and query["fromBlock"] == 50:
            return server.answer(path, {**query, "parentBlockHash": "0x" + "33" * 32})
        return reply

    server.fault = conflict
    with pytest.raises(PoolhouseError, match="reorganised"):
        read("sqd", chain, server, node=False)


def test_url_and_token_stand_in_dlt_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__POOLHOUSE__HYPERSYNC__TOKEN", "for all chains")
    monkeypatch.setenv("SOURCES__POOLHOUSE__BASE__HYPERSYNC__TOKEN", "for base")
    assert configured_portal("hypersync", "base", "token") == "for base"
    assert configured_portal("hypersync", "ethereum", "token") == "for all chains"
    assert configured_portal("hypersync", "ethereum", "url") is None
