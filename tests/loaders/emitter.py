"""A chain that emits chosen logs: anvil with one tiny contract, and a proxy before it that answers as bad providers do."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from eth_abi.abi import encode

from devnet.node import Anvil
from loaders.registry.abi import parse_event
from loaders.rpc.client import RpcClient

SYNC = parse_event("Sync(uint112 reserve0, uint112 reserve1)")
# Emits one log: topic 0 is the first word of the call data, the rest is its data.
# (Sizes: the first word is copied nowhere, what follows it becomes the data.)
_EMIT = "0x60203603806020600037600035906000a100"
# The same with three topics: the first three words of the call data.
_EMIT_INDEXED = "0x60603603806060600037604035602035600035836000a300"
TOKEN = f"0x{'e3' * 20}"
TRANSFER = parse_event("Transfer(address indexed from, address indexed to, uint256 value)")
EMITTERS = tuple(f"0x{'e1' * 19}{i:02x}" for i in range(3))


class Emitter:
    """Mines blocks with any number of V2 ``Sync`` logs."""

    def __init__(self, anvil: Anvil) -> None:
        self.url = anvil.url
        self.rpc = RpcClient(anvil.url)
        self._sender = self.rpc.call("eth_accounts")[0]
        self._emitted = 0
        for address in EMITTERS:
            self.rpc.call("anvil_setCode", address, _EMIT)
        self.rpc.call("anvil_setCode", TOKEN, _EMIT_INDEXED)

    def mine(self, logs_per_block: list[int]) -> None:
        """One block per number; each log in a transaction of its own, with reserves never used before."""
        for count in logs_per_block:
            for _ in range(count):
                self._emitted += 1
                self.rpc.call("eth_sendTransaction", self.transaction(self._emitted))
            self.rpc.call("evm_mine")

    def transaction(self, number: int) -> dict[str, str]:
        data = SYNC.topic0 + encode(["uint112", "uint112"], [number, 2**112 - number]).hex()
        return {"from": self._sender, "to": EMITTERS[number % 3], "data": data, "gas": "0x20000"}

    def transfer(self, amounts: list[int]) -> None:
        """One block per amount, with one ERC-20 ``Transfer`` of it from account 1 to account 2."""
        for amount in amounts:
            data = TRANSFER.topic0 + encode(["uint256"] * 3, [1, 2, amount]).hex()
            self.rpc.call("eth_sendTransaction", {"from": self._sender, "to": TOKEN, "data": data, "gas": "0x20000"})
            self.rpc.call("evm_mine")

    @property
    def head(self) -> int:
        return int(self.rpc.call("eth_blockNumber"), 16)

    def logs(self) -> list[tuple[int, int, str]]:
        """(block, log index, data) of every log of the chain, as the node itself has them."""
        found = self.rpc.call("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest", "topics": [[SYNC.topic0]]})
        return [(int(log["blockNumber"], 16), int(log["logIndex"], 16), log["data"]) for log in found]


Answer = dict[str, Any]
Fault = Callable[[dict[str, Any], Answer], Answer | bytes | tuple[int, dict[str, str], bytes]]
"""From a call and the node's answer to another answer, a raw body, or status, headers and body."""


class Proxy:
    """Forwards each call to the node and hands the answer to the fault of the moment."""

    def __init__(self, upstream: str) -> None:
        self._upstream = RpcClient(upstream)
        self.fault: Fault | None = None
        self.calls: list[dict[str, Any]] = []
        self.accepts_batches = True
        self.refused_batches = 0

    def respond(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        request = json.loads(body)
        if isinstance(request, list) and not self.accepts_batches:
            self.refused_batches += 1
            refusal = {
                "jsonrpc": "2.0",
                "id": None,
                "error": {"code": -32600, "message": "batch requests are disabled"},
            }
            return 200, {}, json.dumps(refusal).encode()
        answers: list[Answer] = []
        for call in request if isinstance(request, list) else [request]:
            self.calls.append(call)
            answer = json.loads(self._upstream.post(json.dumps(call).encode())[1])
            faulty = self.fault(call, answer) if self.fault else answer
            if isinstance(faulty, tuple):
                return faulty
            if isinstance(faulty, bytes):
                return 200, {}, faulty
            answers.append(faulty)
        return 200, {}, json.dumps(answers if isinstance(request, list) else answers[0]).encode()


@contextmanager
def serve(respond: Callable[[bytes], tuple[int, dict[str, str], bytes]]) -> Iterator[str]:
    """The URL of a loopback HTTP server that answers POST with ``respond``; ends with the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            status, headers, body = respond(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            try:
                self.end_headers()
                self.wfile.write(body)
            except ConnectionError:
                self.close_connection = True  # nobody waits for it any longer
            if int(headers.get("Content-Length", len(body))) != len(body):
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
