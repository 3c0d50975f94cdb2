"""What comes back over HTTP, besides answers: gateways' refusals, lost parts of a batch, silence, pauses. And what goes out."""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from devnet.node import Anvil
from loaders.errors import PoolhouseError
from loaders.registry.seeds import load_registry
from loaders.rpc.client import RpcClient
from loaders.rpc.connect import connect
from loaders.rpc.endpoint import read_headers
from loaders.rpc.node import Lagging, Node, SizeRefused, Unanswered
from loaders.rpc.upstream import Upstream
from loaders.shutdown import Stopped
from tests.loaders.clocks import SteppedClock
from tests.loaders.emitter import Emitter, Proxy, serve

KEY = "s3cretkey0123456789"
HEADERS = [("eth_getBlockByNumber", (hex(n), False)) for n in (3, 4, 5)]
HEADER = HEADERS[:1]


@pytest.fixture(scope="module")
def chain() -> Iterator[Emitter]:
    with Anvil() as anvil:
        emitter = Emitter(anvil)
        emitter.mine([1] * 6)
        yield emitter


def node_at(url: str, clock: SteppedClock, **settings: float) -> Node:
    return Node([Upstream(RpcClient(url, timeout=0.2), clock=clock, **settings)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "message", "refused"),
    [
        (403, "Forbidden", "refuses access: HTTP 403"),
        (429, "Too Many Requests", r"failed 7 times in a row, last: HTTP 429"),
        (200, "Welcome", "rejects the request: HTTP 200 with something that is not JSON-RPC"),
    ],
)
@pytest.mark.parametrize("calls", [HEADER, HEADERS], ids=["call", "batch"])
def test_a_gateways_own_json_is_no_answer(
    status: int, message: str, refused: str, calls: list[tuple[str, tuple[str, bool]]]
) -> None:
    body = b'{"message": "%s"}' % message.encode()
    with serve(lambda _: (status, {}, body)) as url, pytest.raises(PoolhouseError, match=refused):
        node_at(url, SteppedClock()).request(calls)


def test_a_batch_answer_that_lost_calls_is_asked_for_again(chain: Emitter) -> None:
    """One result of three is that of its own call, not of all."""
    proxy, lost = Proxy(chain.url), [1, 1]

    def respond(body: bytes) -> tuple[int, dict[str, str], bytes]:
        status, headers, answer = proxy.respond(body)
        return (status, headers, answer.split(b"}, {")[0] + b"}]") if lost and lost.pop() else (status, headers, answer)

    with serve(respond) as url:
        headers = read_headers(node_at(url, SteppedClock()), [3, 4, 5])
    assert [h.number for h in headers] == [3, 4, 5]
    assert len(proxy.calls) == 9


def test_a_header_of_another_block_is_none(chain: Emitter) -> None:
    proxy = Proxy(chain.url)
    other = chain.rpc.call("eth_getBlockByNumber", "0x5", False)
    proxy.fault = lambda _, answer: {**answer, "result": other}
    with serve(proxy.respond) as url, pytest.raises(Lagging, match="answers block 4 with block 5"):
        read_headers(node_at(url, SteppedClock()), [5, 4])


def test_an_endpoint_whose_headers_are_none_is_named(chain: Emitter) -> None:
    registry, proxy = load_registry(), Proxy(chain.url)
    proxy.fault = lambda call, answer: {**answer, "result": ["0x1"]} if "Block" in call["method"] else answer
    with (
        serve(proxy.respond) as url,
        pytest.raises(PoolhouseError, match="does not answer eth_getBlockByNumber as an EVM"),
    ):
        connect(url, registry.chain("devnet"), registry)


class Plain(BaseHTTPRequestHandler):
    """Answers with a header that no parser takes, and keeps what it was sent."""

    seen: dict[str, str]

    def do_POST(self) -> None:
        Plain.seen = dict(self.headers)
        body = b'{"jsonrpc":"2.0","id":0,"result":"0x1"}'
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nno header\r\n\r\n" % len(body) + body)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


def test_the_name_in_a_url_is_sent_and_nothing_of_it_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with HTTPServer(("127.0.0.1", 0), Plain) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        url = f"http://user:{KEY}%40@127.0.0.1:{server.server_port}/v2/{KEY}"
        assert Node(RpcClient(url)).call("eth_chainId") == "0x1"
    assert base64.b64decode(Plain.seen["authorization"].removeprefix("Basic ")).decode() == f"user:{KEY}@"
    assert KEY not in caplog.text


def test_a_range_that_twice_gets_no_answer_in_time_is_too_wide(chain: Emitter) -> None:
    proxy, release = Proxy(chain.url), threading.Event()

    def respond(body: bytes) -> tuple[int, dict[str, str], bytes]:
        if b'"toBlock":"0x5"' in body:
            release.wait(20)
        return proxy.respond(body)

    def ask(low: str, high: str) -> int:
        return len(node.call("eth_getLogs", {"fromBlock": low, "toBlock": high}))

    with serve(respond) as url:
        node = node_at(url, SteppedClock())
        try:
            with pytest.raises(SizeRefused) as refused:
                ask("0x3", "0x5")
            assert (node.stats.refused, refused.value.verdict.is_slow) == (2, True)
            assert ask("0x3", "0x4") == 2
            with pytest.raises(Unanswered, match="no answer in time"):
                ask("0x5", "0x5")  # one block cannot be asked for in parts
        finally:
            release.set()


def test_pauses_without_a_date_outlast_a_limit_per_minute() -> None:
    clock = SteppedClock()
    with serve(lambda _: (429, {"Retry-After": "0"}, b"")) as url, pytest.raises(Unanswered):
        node_at(url, clock).request(HEADER)
    assert len([s for s in clock.waited if s]) == 5, "a pause that is over before it begins is believed once"
    assert sum(clock.waited) > 40


def test_a_long_pause_is_waited_for_in_full() -> None:
    clock = SteppedClock()
    asked = []

    def respond(_: bytes) -> tuple[int, dict[str, str], bytes]:
        asked.append(clock.now())
        return (429, {"Retry-After": "300"}, b"") if len(asked) < 3 else (200, {}, b'{"id":0,"result":"0x1"}')

    with serve(respond) as url:
        assert node_at(url, clock).call("eth_chainId") == "0x1"
    assert asked == [0, 300, 600]


def test_nobody_who_asked_to_end_waits_for_a_budget(chain: Emitter) -> None:
    stop = threading.Event()
    clock = SteppedClock(stop)
    node = node_at(chain.url, clock, units_per_second=1)
    node.stop = stop
    with pytest.raises(Stopped):
        node.request(HEADER)  # 20 units
    assert node.stats.accepted == 0
