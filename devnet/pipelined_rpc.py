"""Many requests behind one another on one connection, without waiting for answers in between.

HTTP/1.1 has a server answer them in their order, and so does the node: transactions stay in the order in which they were
sent. A batch would be quicker still, but its requests are answered side by side, in no certain order.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import msgspec

from loaders.rpc.client import RpcError

Json = Any
Call = tuple[str, tuple[Json, ...]]

_TIMEOUT_S = 300.0
_AT_ONCE = 200
"""Few enough for their answers to wait in the sockets' buffers while requests are still being written."""


def in_order(url: str, calls: Sequence[Call]) -> list[Json]:
    """Results of ``calls``, in their order. Raises the first :class:`RpcError` among them; the calls after it were made too."""
    address = urlsplit(url)
    results: list[Json] = []
    with socket.create_connection((address.hostname, address.port), timeout=_TIMEOUT_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection.makefile("rb") as answers:
            for start in range(0, len(calls), _AT_ONCE):
                part = calls[start : start + _AT_ONCE]
                connection.sendall(b"".join(_requests(part)))
                results += [_result(method, answers) for method, _ in part]
    return results


def _requests(calls: Sequence[Call]) -> Iterator[bytes]:
    for method, params in calls:
        body = msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        yield b"POST / HTTP/1.1\r\nhost: node\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(
            body
        )
        yield body


def _result(method: str, answers: BinaryIO) -> Json:
    length = 0
    while (line := answers.readline()) != b"\r\n":
        if not line:
            raise RpcError(method, 0, "the node closed the connection")
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    answer = msgspec.json.decode(answers.read(length))
    if "error" in answer:
        raise RpcError(method, answer["error"].get("code", 0), answer["error"].get("message", ""))
    return answer["result"]
