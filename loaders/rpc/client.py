"""A thin JSON-RPC client over pooled keep-alive HTTP.

Hot paths read the response bytes themselves (:meth:`RpcClient.post`); everything else uses :meth:`call` and :meth:`batch`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
import urllib3

from loaders.errors import PoolhouseError
from loaders.redact import host

Json = Any

for _name in ("urllib3.connection", "urllib3.connectionpool"):
    # They log URLs, keys included: of headers that cannot be parsed as a warning, of every request where debugging is on.
    logging.getLogger(_name).addFilter(lambda _: False)


@dataclass(frozen=True, slots=True)
class RpcError(Exception):
    """An error object that the node answered with."""

    method: str
    code: int
    message: str
    data: Json = None

    def __str__(self) -> str:
        return f"{self.method}: {self.message} (code {self.code})"


class ErrorObject(msgspec.Struct):
    """The error of a JSON-RPC answer, as the specification has it."""

    code: int = 0
    message: str = ""
    data: Json = None


class _Response(msgspec.Struct):
    id: int | str | None = None
    result: Json = None
    error: ErrorObject | None = None


_ENCODE = msgspec.json.Encoder().encode
_ONE = msgspec.json.Decoder(_Response).decode
_MANY = msgspec.json.Decoder(list[_Response] | _Response).decode


class RpcClient:
    """One endpoint. Thread-safe; keeps up to ``connections`` sockets open."""

    def __init__(self, url: str, *, connections: int = 8, timeout: float = 60.0) -> None:
        self.url = url
        self.host = host(url)
        self._headers = {
            "content-type": "application/json",
            **urllib3.make_headers(accept_encoding="gzip"),
            **_login(url),
        }
        self._pool = urllib3.PoolManager(
            num_pools=2,
            maxsize=connections,
            block=True,
            timeout=urllib3.Timeout(connect=10.0, read=timeout),
            retries=False,
        )

    def post(self, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers of one HTTP request. Raises ``urllib3.exceptions.HTTPError`` on transport failure."""
        response = self._pool.request("POST", self.url, body=body, headers=self._headers)
        return response.status, response.data, dict(response.headers)

    def call(self, method: str, *params: Json) -> Json:
        """The result of one call. Raises :class:`RpcError`, or :class:`PoolhouseError` when there is no JSON-RPC node."""
        body = _ENCODE({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        response = _decode(_ONE, *self._post(body), host=self.host)
        if response.error is not None:
            raise _rpc_error(method, response.error)
        return response.result

    def batch(self, calls: list[tuple[str, tuple[Json, ...]]]) -> list[Json | RpcError]:
        """Results in the order of ``calls``; a call that failed yields its :class:`RpcError` instead of raising."""
        if not calls:
            return []
        body = _ENCODE(
            [
                {"jsonrpc": "2.0", "id": i, "method": method, "params": params}
                for i, (method, params) in enumerate(calls)
            ]
        )
        answer = _decode(_MANY, *self._post(body), host=self.host)
        if isinstance(answer, _Response):
            raise _rpc_error("batch", answer.error or ErrorObject(message="one answer to a batch"))
        by_id = {response.id: response for response in answer}
        results: list[Json | RpcError] = []
        for i, (method, _) in enumerate(calls):
            response = by_id.get(i)
            if response is None:
                results.append(RpcError(method, 0, "the batch answer lacks this call"))
            else:
                results.append(_rpc_error(method, response.error) if response.error else response.result)
        return results

    def _post(self, body: bytes) -> tuple[int, bytes]:
        try:
            status, data, _ = self.post(body)
        except urllib3.exceptions.HTTPError as error:
            raise PoolhouseError(
                f"No node answers at {self.host} ({type(error).__name__}).",
                "Check the URL, that the node runs and that it is reachable from here.",
            ) from None
        return status, data


def _login(url: str) -> dict[str, str]:
    """The header for the name and password in a URL, which urllib3 leaves out."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return {}  # the first request will say so
    if parts.username is None:
        return {}
    return urllib3.make_headers(basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}")


def _decode(decode: Any, status: int, data: bytes, *, host: str) -> Any:
    try:
        return decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise PoolhouseError(
            f"{host} answered HTTP {status} with something that is not JSON-RPC.",
            "Check that the URL is an EVM node's JSON-RPC endpoint and that its key is valid.",
        ) from None


def _rpc_error(method: str, error: ErrorObject) -> RpcError:
    return RpcError(method, error.code, error.message, error.data)
