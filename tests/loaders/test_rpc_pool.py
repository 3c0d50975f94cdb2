"""Several endpoints as one node: real nodes behind proxies that fail in every way another endpoint can make up for."""

from __future__ import annotations

import email.utils
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from devnet.node import ETHEREUM, Anvil
from loaders.errors import PoolhouseError
from loaders.load.request import LoadRequest
from loaders.load.run import load
from loaders.plan.filters import LogQuery
from loaders.plan.ranges import RangeController
from loaders.registry.seeds import load_registry
from loaders.rpc.caps import CapsFile
from loaders.rpc.classify import Verdict
from loaders.rpc.client import RpcClient
from loaders.rpc.configuration import EndpointConfig
from loaders.rpc.connect import connect
from loaders.rpc.node import Lagging, Node, SizeRefused, Unanswered, Unsupported
from loaders.rpc.upstream import Upstream
from loaders.source.ask import RangeReader
from loaders.source.clock import NO_GUARANTEE
from loaders.source.transactions import TransactionMode
from tests.loaders.clocks import SteppedClock
from tests.loaders.emitter import SYNC, Answer, Emitter, Fault, Proxy, serve
from tests.loaders.live import assert_live_is_the_chain, rows

HEADER = [("eth_getBlockByNumber", ("0x5", False))]


@pytest.fixture(scope="module")
def chain() -> Iterator[Emitter]:
    with Anvil() as anvil:
        emitter = Emitter(anvil)
        emitter.mine([1] * 20)
        yield emitter


class Pool:
    """Two endpoints of one chain, each behind a proxy of its own, the first of them far preferred."""

    def __init__(self, proxies: list[Proxy], urls: list[str]) -> None:
        self.clock = SteppedClock()
        self.proxies = proxies
        self.upstreams = [
            Upstream(RpcClient(url, timeout=5), weight=weight, clock=self.clock)
            for url, weight in zip(urls, (1.0, 0.0), strict=True)
        ]
        self.node = Node(self.upstreams, attempts=3)

    def ask(self, method: str = "eth_getBlockByNumber", *params: object) -> int:
        """Which endpoint answered."""
        calls = [(method, params)] if params else HEADER
        return self.upstreams.index(self.node.ask(calls).upstream)


@pytest.fixture
def pool(chain: Emitter) -> Iterator[Pool]:
    with pool_of(chain.url, chain.url) as made:
        yield made


@contextmanager
def pool_of(*urls: str) -> Iterator[Pool]:
    with ExitStack() as servers:
        proxies = [Proxy(url) for url in urls]
        yield Pool(proxies, [servers.enter_context(serve(proxy.respond)) for proxy in proxies])


def error(code: int, message: str) -> Fault:
    return lambda call, _: {"jsonrpc": "2.0", "id": call["id"], "error": {"code": code, "message": message}}


FAULTS: dict[str, Fault] = {
    "lag": error(-32000, "requested block is beyond current head"),
    "no block yet": lambda _, answer: {**answer, "result": None},
    "transient": lambda *_: (503, {}, b"upstream unavailable"),
    "cut": lambda *_: (200, {"Content-Length": "500"}, b'{"jsonrpc":"2.0","id":0,"result":{"num'),
    "rate": lambda *_: (
        429,
        {"Retry-After": "20"},
        b'{"jsonrpc":"2.0","id":0,"error":{"code":429,"message":"slow down"}}',
    ),
    "quota": error(-32005, "monthly capacity limit exceeded"),
    "key": lambda *_: (401, {}, b'{"jsonrpc":"2.0","id":0,"error":{"code":-32000,"message":"invalid api key"}}'),
    "unsupported": error(-32601, "the method eth_getBlockByNumber does not exist"),
    "page": lambda *_: (200, {}, b"<!doctype html><title>Login</title>"),
    "unknown": error(-32602, "invalid argument 0: hex string"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_another_endpoint_answers_what_one_does_not(pool: Pool, name: str) -> None:
    pool.proxies[0].fault = FAULTS[name]
    before = pool.clock.now()
    assert pool.ask() == 1
    assert pool.clock.now() == before, "nobody waits while another endpoint can answer"
    assert (len(pool.proxies[0].calls), len(pool.proxies[1].calls)) == (1, 1)
    assert (pool.node.stats.accepted, pool.node.stats.refused) == (1, 1)


def test_calls_of_one_request_go_to_one_endpoint(pool: Pool) -> None:
    calls = [("eth_getLogs", ({"fromBlock": "0x1", "toBlock": "0x5"},)), *HEADER]
    pool.proxies[0].fault = lambda call, answer: (503, {}, b"") if call["method"] == "eth_getBlockByNumber" else answer
    assert pool.node.ask(calls).upstream is pool.upstreams[1]
    assert [c["method"] for c in pool.proxies[1].calls] == ["eth_getLogs", "eth_getBlockByNumber"]


def test_a_second_opinion_is_anothers(pool: Pool) -> None:
    answer = pool.node.ask(HEADER)
    other = pool.node.other_than(answer.upstream)
    assert other is not None
    assert other.ask(HEADER).upstream is pool.upstreams[1]
    assert other.other_than(pool.upstreams[1]) is None
    assert pool.node.only(pool.upstreams[1]).ask(HEADER).upstream is pool.upstreams[1]
    assert pool.node.stats.accepted == 3


def test_a_second_opinion_that_cannot_be_had_ends_nothing(pool: Pool) -> None:
    first, second = pool.proxies
    second.fault = FAULTS["transient"]
    first.fault = lambda call, answer: (
        {**answer, "result": answer["result"][::-1]}
        if call["method"] == "eth_getLogs" and len(first.calls) < 3
        else answer
    )
    reader = RangeReader(pool.node, None, NO_GUARANTEE, None, retry_wait_s=0)
    (part,) = reader.read((LogQuery((SYNC.topic0,), ()),), 1, 10)
    assert len(part.batch.logs) == 10
    assert len(second.calls) >= 3, "after a contradiction the other one was asked first"


@pytest.mark.parametrize(
    ("faults", "expected", "message"),
    [
        (("lag", "no block yet"), Lagging, "has no block 5|beyond current head"),
        (("unsupported", "key"), Unsupported, "eth_getBlockByNumber does not exist"),
        (("key", "key"), PoolhouseError, "refuses access: eth_getBlockByNumber: invalid api key"),
        (("transient", "rate"), Unanswered, r"127\.0\.0\.1:\d+, 127\.0\.0\.1:\d+ failed 3 times in a row"),
    ],
)
def test_when_no_endpoint_answers(
    pool: Pool, faults: tuple[str, str], expected: type[PoolhouseError], message: str
) -> None:
    for proxy, name in zip(pool.proxies, faults, strict=True):
        proxy.fault = FAULTS[name]
    with pytest.raises(expected, match=message):
        pool.ask()


def test_a_breaker_opens_and_one_probe_closes_it(pool: Pool) -> None:
    first, breaker = pool.proxies[0], pool.upstreams[0].breaker
    first.fault = FAULTS["transient"]
    for _ in range(5):
        assert pool.ask() == 1
    assert breaker.state == "open"
    assert pool.node.other_than(pool.upstreams[1]) is None, "no opinion is to be had from it"
    assert [pool.ask() for _ in range(3)] == [1, 1, 1]
    assert len(first.calls) == 5, "an open breaker lets nothing through"
    pool.clock.seconds += 15
    assert (breaker.state, pool.ask(), len(first.calls)) == ("half-open", 1, 6)
    pool.clock.seconds += 15
    assert breaker.state == "open", "a probe that fails keeps it open for twice as long"
    pool.clock.seconds += 15
    first.fault = None
    assert (pool.ask(), breaker.state) == (0, "closed")


def test_an_endpoint_alone_is_asked_whatever_its_breaker_says(pool: Pool) -> None:
    alone = pool.node.only(pool.upstreams[0])
    pool.proxies[0].fault = FAULTS["transient"]
    for _ in range(3):
        with pytest.raises(Unanswered):
            alone.ask(HEADER)
    assert pool.upstreams[0].breaker.state == "open"
    pool.proxies[0].fault = None
    assert alone.ask(HEADER).upstream is pool.upstreams[0]


def test_retry_after_may_be_a_date(pool: Pool) -> None:
    date = email.utils.format_datetime(datetime.now(UTC) + timedelta(seconds=600), usegmt=True)
    pool.proxies[0].fault = lambda *_: (429, {"Retry-After": date}, b"")
    assert pool.ask() == 1
    pool.proxies[0].fault = None
    pool.clock.seconds += 400
    assert pool.ask() == 1
    pool.clock.seconds += 200
    assert pool.ask() == 0


def test_retry_after_is_kept_to_while_another_endpoint_serves(pool: Pool) -> None:
    pool.proxies[0].fault = FAULTS["rate"]
    assert pool.ask() == 1
    pool.proxies[0].fault = None
    pool.clock.seconds += 17
    assert (pool.ask(), len(pool.proxies[0].calls)) == (1, 1)
    pool.clock.seconds += 3
    assert pool.ask() == 0
    # Without another endpoint the wait is the answer.
    pool.proxies[0].fault = FAULTS["rate"]
    before = pool.clock.now()
    with pytest.raises(Unanswered, match="failed 3 times"):
        pool.node.only(pool.upstreams[0]).ask(HEADER)
    assert pool.clock.now() - before == 40


def test_a_standby_does_not_step_in_for_a_moments_rest(pool: Pool) -> None:
    budgeted = Upstream(pool.upstreams[0].client, units_per_second=20, clock=pool.clock)
    node = Node([budgeted, pool.upstreams[1]])
    # A header is 20 units, by the table: the first one of a second leaves at once, the others wait.
    assert [node.ask(HEADER).upstream for _ in range(5)] == [budgeted] * 5
    assert pool.clock.now() == 4.0
    assert (node.stats.compute_units, node.stats.endpoints[budgeted.host].calls["eth_getBlockByNumber"]) == (100, 5)


def test_requests_are_shared_by_weight(pool: Pool) -> None:
    first, second = pool.upstreams
    first.weight, second.weight = 3.0, 1.0
    for _ in range(200):
        pool.ask()
    # 150 expected; six standard deviations off happen once in a billion runs
    assert 110 < len(pool.proxies[0].calls) < 190


def test_fewer_requests_at_a_time_when_told_to_slow_down(chain: Emitter) -> None:
    """The proxy refuses what exceeds two at a time; each refusal halves, answers in a row double again."""
    proxy = Proxy(chain.url)
    gate = threading.Semaphore(2)

    def respond(body: bytes) -> tuple[int, dict[str, str], bytes]:
        if not gate.acquire(blocking=False):
            return (
                429,
                {"Retry-After": "0"},
                b'{"jsonrpc":"2.0","id":0,"error":{"code":429,"message":"too many requests"}}',
            )
        try:
            return proxy.respond(body)
        finally:
            gate.release()

    with serve(respond) as url:
        upstream = Upstream(RpcClient(url), concurrency=8)
        node = Node([upstream], attempts=50, first_wait_s=0.001)
        threads = [threading.Thread(target=lambda: [node.ask(HEADER) for _ in range(40)]) for _ in range(8)]
        assert upstream.concurrency.limit == 4
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert node.stats.accepted == 320
    # Held back to what the endpoint bears, it is refused now and then, when it tries one more.
    assert 0 < node.stats.refused < 160


def test_an_optional_method_that_is_lacking_is_not_asked_for_again(pool: Pool, tmp_path: Path) -> None:
    missing = error(-32601, "the method eth_getBlockReceipts does not exist")
    pool.proxies[0].fault = lambda call, answer: (
        missing(call, answer) if call["method"] == "eth_getBlockReceipts" else answer
    )
    assert [pool.ask("eth_getBlockReceipts", "0x5") for _ in range(2)] == [1, 1]
    assert len(pool.proxies[0].calls) == 1
    assert pool.ask() == 0
    with pytest.raises(Unsupported, match="eth_getBlockReceipts is not served by 127"):
        pool.node.only(pool.upstreams[0]).ask([("eth_getBlockReceipts", ("0x5",))])


@pytest.mark.parametrize(
    ("message", "sizes"),
    [
        ("batch requests are disabled", [7, 1, 1, 1, 1, 1, 1, 1]),
        ("Batch of more than 3 requests are not allowed on free tier", [7, 3, 3, 1]),
        ("batch too large", [7, 3, 1, 1, 1, 1, 1, 1, 1]),
    ],
)
def test_batches_are_as_large_as_the_endpoint_takes(chain: Emitter, message: str, sizes: list[int]) -> None:
    proxy, seen = Proxy(chain.url), []
    most = {"batch requests are disabled": 1, "batch too large": 2}.get(message, 3)

    def respond(body: bytes) -> tuple[int, dict[str, str], bytes]:
        request = json.loads(body)
        seen.append(len(request) if isinstance(request, list) else 1)
        if seen[-1] > most:
            return (
                200,
                {},
                json.dumps({"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": message}}).encode(),
            )
        return proxy.respond(body)

    with serve(respond) as url:
        node = Node(RpcClient(url))
        headers = node.calls([("eth_getBlockByNumber", (hex(n), False)) for n in range(7)])
    assert [int(h["number"], 16) for h in headers] == list(range(7))
    assert seen == sizes


def test_wide_ranges_go_where_they_are_borne(pool: Pool) -> None:
    """A paid endpoint and one for free beside it: the narrow one narrows nothing, until it is the only one left."""
    paid, free = pool.upstreams
    free.caps.learn(max_blocks=10)
    free.weight = 1.0
    assert [pool.node.caps.max_blocks] == [None]
    wide = [("eth_getLogs", ({"fromBlock": "0x1", "toBlock": "0x14"},))]
    assert {pool.node.ask(wide).upstream for _ in range(8)} == {paid}
    assert len(pool.node.call("eth_getLogs", {"fromBlock": "0x1", "toBlock": "latest"})) == 20
    paid.breaker.trip()
    assert [pool.node.caps.max_blocks] == [10]
    pool.proxies[1].fault = error(-32005, "query returned more than 10000 results")
    with pytest.raises(SizeRefused) as refused:
        pool.node.ask(wide)
    assert refused.value.upstream is free
    # What the narrow one refuses says nothing of the other, even where that one refused something else meanwhile.
    controller = RangeController(pool.node.caps)
    controller.refused(1, 20, Verdict("size", block_cap=4), free.caps)
    assert (paid.caps.max_blocks, free.caps.max_blocks) == (None, 4)
    assert (paid.caps.max_logs, free.caps.max_logs) == (None, 10_000)


def test_stopping_ends_retries_but_not_first_attempts(pool: Pool) -> None:
    pool.node.stop.set()
    assert pool.ask() == 0
    for proxy in pool.proxies:
        proxy.fault = FAULTS["transient"]
    with pytest.raises(PoolhouseError, match="Stopped on request"):
        pool.ask()
    assert [len(proxy.calls) for proxy in pool.proxies] == [2, 1]


@pytest.fixture(scope="module")
def ethereum_like() -> Iterator[str]:
    with Anvil(network=ETHEREUM) as anvil:
        yield anvil.url


def test_an_endpoint_of_another_chain_is_left_out_loudly(
    chain: Emitter, ethereum_like: str, caplog: pytest.LogCaptureFixture
) -> None:
    registry = load_registry()
    with serve(Proxy(ethereum_like).respond) as url:
        endpoint = connect(f"{url}/v3/s3cretkey0123456789, {chain.url}", registry.chain("devnet"), registry)
    assert [u.client.url for u in endpoint.node.upstreams] == [chain.url]
    (warning,) = caplog.messages
    assert f"{url.removeprefix('http://')} is chain ethereum (1), not devnet (31337)" in warning
    assert "left out" in warning
    assert "s3cret" not in warning
    with pytest.raises(PoolhouseError, match=r"is chain ethereum \(1\).* No node answers at 127\.0\.0\.1:9"):
        connect(f"{ethereum_like},http://127.0.0.1:9", registry.chain("devnet"), registry)


def test_endpoints_that_begin_differently_are_refused(chain: Emitter) -> None:
    registry = load_registry()
    other = Proxy(chain.url)
    other.fault = another_genesis
    with (
        serve(other.respond) as url,
        pytest.raises(PoolhouseError, match=r"different chains: block 0 is 0x\w{8}… at 127"),
    ):
        connect(f"{chain.url},{url}", registry.chain("devnet"), registry)


def test_the_chain_begins_with_the_earliest_block_that_any_endpoint_has(chain: Emitter) -> None:
    registry = load_registry()
    pruned = Proxy(chain.url)
    fifth = chain.rpc.call("eth_getBlockByNumber", "0x5", False)
    firsts = {"0x0": None, "earliest": fifth}
    pruned.fault = lambda call, answer: (
        {**answer, "result": firsts[call["params"][0]]}
        if call["method"] == "eth_getBlockByNumber" and call["params"][0] in firsts
        else answer
    )
    with serve(pruned.respond) as url:
        endpoint = connect(f"{url},{chain.url}", registry.chain("devnet"), registry)
    assert endpoint.genesis_hash == chain.rpc.call("eth_getBlockByNumber", "0x0", False)["hash"]
    assert len(endpoint.node.upstreams) == 2
    with pytest.raises(PoolhouseError, match="No RPC URL for devnet"):
        connect(" , ", registry.chain("devnet"), registry)


def another_genesis(call: dict[str, Any], answer: Answer) -> Answer:
    if call["method"] == "eth_getBlockByNumber" and call["params"][0] in ("0x0", "earliest"):
        return {**answer, "result": {**answer["result"], "hash": "0x" + "ab" * 32}}
    return answer


def test_what_one_run_learnt_the_next_one_knows(chain: Emitter, tmp_path: Path) -> None:
    registry, path = load_registry(), tmp_path / "endpoints.json"
    proxy = Proxy(chain.url)
    proxy.accepts_batches = False
    with serve(proxy.respond) as url:
        for refused in (1, 0):
            config = EndpointConfig(f"{url}/v3/s3cretkey0123456789")
            endpoint = connect([config], registry.chain("devnet"), registry, caps=CapsFile(path))
            before = len(proxy.calls)
            assert len(endpoint.node.calls([*HEADER, *HEADER])) == 2
            assert len(proxy.calls) - before == 2
            assert endpoint.node.caps.max_batch_calls == 1
            assert proxy.refused_batches == refused
            proxy.refused_batches = 0
    assert "s3cret" not in path.read_text(encoding="utf-8")


def test_a_load_ends_on_whoever_is_left(chain: Emitter, tmp_path: Path) -> None:
    """One endpoint is throttled, the preferred one dies in the middle: every log counts once, and the ledger names both."""
    dying, throttled = Proxy(chain.url), Proxy(chain.url)

    def logs_asked(proxy: Proxy) -> int:
        return sum(c["method"] == "eth_getLogs" for c in proxy.calls)

    def narrow(call: dict[str, Any], answer: Answer) -> Any:
        query = call["params"][0] if call["method"] == "eth_getLogs" else {}
        is_wide = "toBlock" in query and int(query["toBlock"], 16) - int(query["fromBlock"], 16) >= 5
        return error(-32000, "eth_getLogs is limited to a 5 range")(call, answer) if is_wide else answer

    dying.fault = lambda call, answer: (503, {}, b"gone") if logs_asked(dying) > 4 else narrow(call, answer)
    throttled.fault = lambda call, answer: (
        (429, {"Retry-After": "0.05"}, b"")
        if call["method"] == "eth_getLogs" and logs_asked(throttled) % 5 == 0
        else narrow(call, answer)
    )
    database = tmp_path / "w.duckdb"
    with serve(dying.respond) as first, serve(throttled.respond) as second:
        load(
            LoadRequest(
                chain="devnet",
                rpc_url=[EndpointConfig(first, weight=100.0), EndpointConfig(second)],
                database=database,
                from_block=0,
                protocols=("uniswap_v2",),
                with_facts=False,
                transactions=TransactionMode.NONE,
                archive=None,
            )
        )
    assert_live_is_the_chain(chain, database)
    hosts = {
        host
        for (names,) in rows(database, "select endpoint_host from raw.load_ranges")
        for host in str(names).split(", ")
    }
    assert hosts == {url.removeprefix("http://") for url in (first, second)}
