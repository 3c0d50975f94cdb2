"""One HTTP request of JSON-RPC calls: their raw results, or what the answer means instead."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
import urllib3

from loaders.redact import without_keys_of
from loaders.rpc.classify import Verdict, classify
from loaders.rpc.client import ErrorObject, RpcClient, RpcError

Json = Any
Call = tuple[str, tuple[Json, ...]]
Keep = Callable[[RpcError], bool]

_TOO_MANY_REQUESTS = 429
"""Says wait, even where the message speaks of batches: those that it waits for are remembered for days."""
_BATCH_LIMIT = re.compile(r"(?:more than|max(?:imum)?|limit|exceeds?|up to)\D{0,24}(\d{1,5})", re.IGNORECASE)


class _RawResponse(msgspec.Struct):
    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw(b"")
    error: ErrorObject | None = None


_DECODE = msgspec.json.Decoder(list[_RawResponse] | _RawResponse).decode


class Failure(Exception):
    """A request that was not answered."""

    def __init__(
        self,
        verdict: Verdict,
        message: str,
        retry_after_s: float | None = None,
        *,
        method: str = "",
        is_broken: bool = False,
    ) -> None:
        super().__init__(message)
        self.verdict = verdict
        self.message = message
        self.retry_after_s = retry_after_s
        self.method = method
        """The call that was refused, where it was a single one."""
        self.is_broken = is_broken
        """Whether what answers is no JSON-RPC endpoint at all."""


class BatchRefused(Exception):
    """The endpoint takes fewer calls in one batch, or only single ones."""

    def __init__(self, calls: Sequence[Call], message: str) -> None:
        super().__init__(message)
        stated = _BATCH_LIMIT.search(message)
        self.most = 1
        if stated and 0 < int(stated[1]) < len(calls):
            self.most = int(stated[1])
        elif not stated and re.search(r"too (?:large|many|big)|size|length", message, re.IGNORECASE):
            self.most = len(calls) // 2


def exchange(
    client: RpcClient, calls: Sequence[Call], keep: Keep, received: Callable[[int], None]
) -> list[msgspec.Raw | RpcError]:
    """Raw results in the order of ``calls``, which travel in one batch. ``received`` is told the bytes of the answer.

    Raises :class:`Failure`, or :class:`BatchRefused`. An error that ``keep`` recognises is the answer of its call.
    """
    status, body, headers = _post(client, calls)
    received(len(body))
    retry_after_s = _retry_after_s(headers)
    answer = _decoded(status, body, retry_after_s)
    if isinstance(answer, _RawResponse):
        if len(calls) > 1 and answer.error and status != _TOO_MANY_REQUESTS and _concerns_batches(answer.error):
            raise BatchRefused(calls, answer.error.message)
        answer = [answer]
    results: list[msgspec.Raw | RpcError] = []
    for call, response in zip(calls, _in_order(calls, answer), strict=True):
        if response.error is None:
            _require_block(client, call, response.result)
            results.append(response.result)
            continue
        answered = _rpc_error(client, call[0], response.error)
        if not keep(answered):
            raise _refusal(calls, answered, status, retry_after_s)
        results.append(answered)
    return results


def _post(client: RpcClient, calls: Sequence[Call]) -> tuple[int, bytes, dict[str, str]]:
    try:
        return client.post(_encode(calls))
    except urllib3.exceptions.ReadTimeoutError:
        raise Failure(Verdict("transient", is_slow=True), "no answer in time") from None
    except urllib3.exceptions.IncompleteRead as error:
        raise Failure(Verdict("transient"), f"the answer broke off ({type(error).__name__})") from None
    except urllib3.exceptions.HTTPError as error:
        raise Failure(Verdict("transient"), f"no connection ({type(error).__name__})") from None


def _decoded(status: int, body: bytes, retry_after_s: float | None) -> list[_RawResponse] | _RawResponse:
    try:
        answer: list[_RawResponse] | _RawResponse = _DECODE(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _not_json_rpc(status, body, retry_after_s) from None
    for response in answer if isinstance(answer, list) else [answer]:
        if response.error is None and not memoryview(response.result):
            # JSON, but no JSON-RPC: what gateways say before a request reaches a node.
            raise _not_json_rpc(status, body, retry_after_s)
    return answer


def _in_order(calls: Sequence[Call], answer: list[_RawResponse]) -> list[_RawResponse]:
    """The response to each of the calls."""
    by_id = {response.id: response for response in answer}
    # One error may be about all of a batch; one result is that of one call.
    for_all = answer[0] if len(answer) == 1 and (len(calls) == 1 or answer[0].error) else None
    ordered = []
    for i, (method, _) in enumerate(calls):
        response = by_id.get(i, for_all)
        if response is None:
            raise Failure(Verdict("transient"), f"the batch answer lacks {method}")
        ordered.append(response)
    return ordered


def _encode(calls: Sequence[Call]) -> bytes:
    objects = [
        {"jsonrpc": "2.0", "id": i, "method": method, "params": params} for i, (method, params) in enumerate(calls)
    ]
    return msgspec.json.encode(objects if len(objects) > 1 else objects[0])


def _require_block(client: RpcClient, call: Call, result: msgspec.Raw) -> None:
    """A block of a number is there or will be: null means that the node has not got it yet. A tag may be empty."""
    is_null = bytes(memoryview(result)[:4]) == b"null"  # without copying a whole block
    if is_null and call[0] == "eth_getBlockByNumber" and (wanted := call[1][0]).startswith("0x"):
        raise Failure(Verdict("lag"), f"{client.host} has no block {int(wanted, 16)}")


def _rpc_error(client: RpcClient, method: str, error: ErrorObject) -> RpcError:
    """The error object; details some providers put in ``data`` (a range that works) join the message."""
    details = "" if error.data is None or isinstance(error.data, str) else " " + json.dumps(error.data)
    return RpcError(method, error.code, without_keys_of(client.url, error.message + details), error.data)


def _refusal(calls: Sequence[Call], error: RpcError, status: int, retry_after_s: float | None) -> Exception:
    verdict = classify(error.code, error.message, status=status)
    if len(calls) > 1 and "batch" in error.message.lower() and status != _TOO_MANY_REQUESTS:
        return BatchRefused(calls, error.message)
    return Failure(verdict, f"{error.method}: {error.message[:300]}", retry_after_s, method=error.method)


def _concerns_batches(error: ErrorObject) -> bool:
    """Whether one error for many calls is about their number; "invalid request" is, where it says nothing else."""
    is_invalid = error.code in (-32600, -32700) and classify(error.code, error.message).kind == "fatal"
    return is_invalid or "batch" in error.message.lower()


def _not_json_rpc(status: int, body: bytes, retry_after_s: float | None) -> Failure:
    # A page instead of JSON with a good status is a wrong URL, not a bad moment.
    page = body[:200].lstrip().lower()
    verdict = classify(0, "", status=status)
    if status == 200 or (status < 500 and verdict.kind == "fatal"):
        what = "an HTML page" if page.startswith((b"<!doctype", b"<html")) else "something"
        return Failure(Verdict("fatal"), f"HTTP {status} with {what} that is not JSON-RPC", is_broken=True)
    return Failure(verdict, f"HTTP {status}", retry_after_s)


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """``Retry-After``, in seconds or as a date."""
    value = next((v for k, v in headers.items() if k.lower() == "retry-after"), None)
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError):
        return None
