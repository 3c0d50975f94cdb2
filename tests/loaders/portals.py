"""Loopback servers that speak as SQD's portal and Envio HyperSync do, over the logs of a real node."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from loaders.rpc.client import RpcClient

Json = Any
Reply = tuple[int, dict[str, str], bytes]
Fault = Callable[[str, Json, Reply], Reply]
"""From a path, the query and the right answer to another answer."""
TOKEN = "made-up-token-of-the-tests"
FINALITY_DEPTH = 64


class Server:
    """What both have in common: the node behind, pages of so many blocks, and a fault of the moment."""

    def __init__(self, upstream: str, page_blocks: int = 1000) -> None:
        self.rpc = RpcClient(upstream)
        self.page_blocks = page_blocks
        self.fault: Fault | None = None
        self.queries: list[Json] = []

    def respond(self, path: str, headers: dict[str, str], body: bytes) -> Reply:
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {}, json.dumps({"error": {"code": "invalid_credential", "message": f"not {headers}"}}).encode()
        query = json.loads(body) if body else None
        reply = self.answer(path, query)
        if query is not None:
            self.queries.append(query)
        return self.fault(path, query, reply) if self.fault else reply

    def answer(self, path: str, query: Json) -> Reply:
        raise NotImplementedError

    @property
    def head(self) -> int:
        return int(self.rpc.call("eth_blockNumber"), 16)

    def block(self, number: int) -> Json:
        return self.rpc.call("eth_getBlockByNumber", hex(number), False)

    def logs(self, low: int, high: int, selections: list[tuple[list[str], list[str]]]) -> dict[int, list[Json]]:
        """The logs of (topics 0, addresses) selections by block, each once and not in order: neither portal promises one."""
        found: dict[int, list[Json]] = {}
        for log in reversed(self.rpc.call("eth_getLogs", {"fromBlock": hex(low), "toBlock": hex(high)})):
            if any(log["topics"][0] in topics and (not a or log["address"] in a) for topics, a in selections):
                found.setdefault(int(log["blockNumber"], 16), []).append(log)
        return found


class SqdServer(Server):
    def answer(self, path: str, query: Json) -> Reply:
        final = self.head - FINALITY_DEPTH
        if path.endswith("/finalized-head"):
            return _json({"number": final, "hash": self.block(final)["hash"]} if final >= 0 else None)
        if path.endswith("/head"):
            return _json({"number": self.head, "hash": self.block(self.head)["hash"]})
        low, newest = query["fromBlock"], final if path.endswith("/finalized-stream") else self.head
        if low > newest:
            return 204, {}, b""
        parent = self.block(low)["parentHash"]
        if query.get("parentBlockHash") not in (None, parent):
            previous = [{"number": low - 1, "hash": parent}]
            return 409, {}, json.dumps({"error": {"code": "base_block_mismatch"}, "previousBlocks": previous}).encode()
        high = min(query["toBlock"], newest, low + self.page_blocks - 1)
        found = self.logs(low, high, [(q["topic0"], q.get("address", [])) for q in query.get("logs", [])])
        numbers = range(low, high + 1) if query.get("includeAllBlocks") else sorted({low, high, *found})
        lines = [json.dumps(self._line(n, found.get(n, []), query["fields"])) for n in numbers]
        return 200, {}, "".join(line + "\n" for line in lines).encode()

    def _line(self, number: int, logs: list[Json], fields: Json) -> Json:
        block = self.block(number)
        header = {
            "number": number,
            "hash": block["hash"],
            "parentHash": block["parentHash"],
            "timestamp": int(block["timestamp"], 16),
            "logsBloom": block["logsBloom"],
        }
        assert set(fields["block"]) <= set(header)
        rows = [
            {
                "logIndex": int(log["logIndex"], 16),
                "transactionIndex": int(log["transactionIndex"], 16),
                "transactionHash": log["transactionHash"],
                "address": log["address"],
                "data": log["data"],
                "topics": log["topics"],
            }
            for log in logs
        ]
        return {"header": header, **({"logs": rows} if rows else {})}


class HyperSyncServer(Server):
    chain_id = 31337

    def answer(self, path: str, query: Json) -> Reply:
        if path == "/height":
            return _json({"height": self.head})
        if path == "/chain_id":
            return _json({"chain_id": self.chain_id})
        low = query["from_block"]
        high = min(query["to_block"] - 1, self.head, low + self.page_blocks - 1)
        selections = [(q["topics"][0], q.get("address", [])) for q in query.get("logs", [])]
        found = self.logs(low, high, selections) if selections and low <= high else {}
        numbers = range(low, high + 1) if query.get("include_all_blocks") else sorted(found)
        # In two parts, as an answer that was read from two files.
        parts = [
            {"blocks": [self._block(n) for n in numbers if n % 2 == odd], "logs": self._logs(found, odd)}
            for odd in (1, 0)
        ]
        answer = {
            "data": parts,
            "archive_height": self.head,
            "next_block": max(low, high + 1),
            "total_execution_time": 1,
            "rollback_guard": self._guard(low, high) if high >= self.head - FINALITY_DEPTH else None,
        }
        return _json(answer)

    def _guard(self, low: int, high: int) -> Json:
        end, first = self.block(high), self.block(low)
        return {
            "block_number": high,
            "timestamp": int(end["timestamp"], 16),
            "hash": end["hash"],
            "first_block_number": low,
            "first_parent_hash": first["parentHash"] if first else end["hash"],
        }

    def _block(self, number: int) -> Json:
        block = self.block(number)
        return {
            "number": number,
            "hash": block["hash"],
            "parent_hash": block["parentHash"],
            "timestamp": block["timestamp"],
            "logs_bloom": block["logsBloom"],
        }

    @staticmethod
    def _logs(found: dict[int, list[Json]], odd: int) -> list[Json]:
        return [
            {
                "removed": False,
                "log_index": int(log["logIndex"], 16),
                "transaction_index": int(log["transactionIndex"], 16),
                "transaction_hash": log["transactionHash"],
                "block_hash": log["blockHash"],
                "block_number": number,
                "address": log["address"],
                "data": log["data"],
                **{f"topic{i}": (log["topics"] + [None] * 4)[i] for i in range(4)},
            }
            for number, logs in found.items()
            if number % 2 == odd
            for log in logs
        ]


def _json(answer: Json) -> Reply:
    return 200, {}, json.dumps(answer).encode()


@contextmanager
def serve(server: Server) -> Iterator[str]:
    """The URL of the server; ends with the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._reply(b"")

        def do_POST(self) -> None:
            self._reply(self.rfile.read(int(self.headers["Content-Length"])))

        def _reply(self, body: bytes) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, more, answer = server.respond(self.path, headers, body)
            self.send_response(status)
            length = more.pop("Content-Length", str(len(answer)))
            for name, value in {"Content-Length": length, **more}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)
            if int(length) != len(answer):
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}"
    finally:
        http.shutdown()
        http.server_close()
