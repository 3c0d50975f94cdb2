"""Requests that survive a real provider: retries, rate limits, refused batches. Results stay undecoded JSON.

Everything above asks a :class:`Node`; several endpoints behind one node would be a matter of this module alone.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import urllib3

from loaders.errors import PoolhouseError
from loaders.redact import without_keys_of
from loaders.rpc.classify import Verdict, classify
from loaders.rpc.client import RpcClient, RpcError

Json = Any
Call = tuple[str, tuple[Json, ...]]

_LONGEST_WAIT_S = 30.0


class _Error(msgspec.Struct):
    code: int = 0
    message: str = ""
    data: Json = None


class _RawResponse(msgspec.Struct):
    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw(b"")
    error: _Error | None = None


_DECODE = msgspec.json.Decoder(list[_RawResponse] | _RawResponse).decode
_DECODE_ANY = msgspec.json.Decoder().decode


class SizeRefused(PoolhouseError):
    """The node wants less at a time."""

    def __init__(self, message: str, verdict: Verdict) -> None:
        super().__init__(f"The node refuses the size of an answer: {message}.", "Use an --rpc-url with a higher limit.")
        self.verdict = verdict


class Unsupported(PoolhouseError):
    """The node lacks a method."""

    def __init__(self, message: str) -> None:
        super().__init__(f"The node lacks a method: {message}.", "Use an --rpc-url of a node that serves it.")


class Lagging(PoolhouseError):
    """The node does not have the block that was asked for."""

    def __init__(self, message: str) -> None:
        super().__init__(f"The node lags behind: {message}.", "Wait until it has synced, or use another --rpc-url.")


class Unanswered(PoolhouseError):
    """Every attempt at a request failed."""

    def __init__(self, host: str, attempts: int, reason: str) -> None:
        super().__init__(
            f"{host} failed {attempts} times in a row, last: {reason}.",
            "Try again later; what was loaded is kept and the next load continues there. Or use another --rpc-url.",
        )
        self.reason = reason


@dataclass
class RequestStats:
    """What the progress line and the load's summary report."""

    accepted: int = 0
    refused: int = 0
    received_bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)


class Node:
    """One endpoint. Thread-safe."""

    def __init__(self, client: RpcClient, *, attempts: int = 7, first_wait_s: float = 0.25) -> None:
        self.client = client
        self.host = client.host
        self.stats = RequestStats()
        self._attempts = attempts
        self._first_wait_s = first_wait_s
        self._batches = True
        self._resume_at = 0.0
        self._lock = threading.Lock()

    def call(self, method: str, *params: Json) -> Json:
        """The decoded result of one call, retried; raises like :meth:`request`."""
        return _DECODE_ANY(self.request([(method, params)])[0])

    def calls(self, calls: Sequence[Call]) -> list[Json]:
        """The decoded results of several calls in one request."""
        return [_DECODE_ANY(raw) for raw in self.request(calls)]

    def request(self, calls: Sequence[Call]) -> list[msgspec.Raw]:
        """Raw JSON results, in the order of ``calls``, of one HTTP request (or one per call where batches are refused).

        Raises :class:`SizeRefused`, :class:`Unsupported` or :class:`Lagging` for the caller to react to, and
        :class:`PoolhouseError` when nothing the loader can do will help.
        """
        return [a for a in self.answers(calls, keep=lambda _: False) if not isinstance(a, RpcError)]

    def answers(self, calls: Sequence[Call], *, keep: Callable[[RpcError], bool]) -> list[msgspec.Raw | RpcError]:
        """Like :meth:`request`, but an error that ``keep`` recognises is the answer of its call (``eth_call`` reverts)."""
        last = Verdict("transient"), "no answer"
        for attempt in range(self._attempts):
            self._wait_for_rate()
            retry_after: float | None = None
            try:
                results = self._send(calls, keep)
            except _Failure as failure:
                last = failure.verdict, failure.message
                retry_after = failure.retry_after
            else:
                self._count(accepted=1)
                return results
            self._count(refused=1)
            self._raise_if_final(*last)
            if last[0].kind == "lag" and attempt >= 2:
                raise Lagging(last[1])
            self._back_off(attempt, retry_after, everyone=last[0].kind == "rate")
        raise Unanswered(self.host, self._attempts, last[1])

    def _raise_if_final(self, verdict: Verdict, message: str) -> None:
        match verdict.kind:
            case "size":
                raise SizeRefused(message, verdict)
            case "unsupported":
                raise Unsupported(message)
            case "auth":
                raise PoolhouseError(
                    f"{self.host} refuses access: {message}.", "Check the key in the RPC URL and what its plan allows."
                )
            case "fatal":
                raise PoolhouseError(
                    f"{self.host} rejects the request: {message}.",
                    "Check that the URL is an EVM node's JSON-RPC endpoint.",
                )
            case _:
                return

    def _send(self, calls: Sequence[Call], keep: Callable[[RpcError], bool]) -> list[msgspec.Raw | RpcError]:
        if len(calls) == 1 or not self._batches:
            return [self._post([call], keep, batch=False)[0] for call in calls]
        return self._post(calls, keep, batch=True)

    def _post(
        self, calls: Sequence[Call], keep: Callable[[RpcError], bool], *, batch: bool
    ) -> list[msgspec.Raw | RpcError]:
        objects = [
            {"jsonrpc": "2.0", "id": i, "method": method, "params": params} for i, (method, params) in enumerate(calls)
        ]
        try:
            status, body, headers = self.client.post(msgspec.json.encode(objects if batch else objects[0]))
        except (urllib3.exceptions.ReadTimeoutError, urllib3.exceptions.IncompleteRead) as error:
            raise _Failure(Verdict("transient"), f"the answer broke off ({type(error).__name__})") from None
        except urllib3.exceptions.HTTPError as error:
            raise _Failure(Verdict("transient"), f"no connection ({type(error).__name__})") from None
        with self.stats.lock:
            self.stats.received_bytes += len(body)
        retry_after = _seconds(headers)
        try:
            answer = _DECODE(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._not_json(status, body, retry_after) from None
        if isinstance(answer, _RawResponse):
            if batch and answer.error is not None and self._refuses_batches(answer.error):
                self._batches = False
                return [self._post([call], keep, batch=False)[0] for call in calls]
            answer = [answer]
        by_id = {response.id: response for response in answer}
        results: list[msgspec.Raw | RpcError] = []
        for i, (method, _) in enumerate(calls):
            response = by_id.get(i) or (answer[0] if len(answer) == 1 else None)
            if response is None:
                raise _Failure(Verdict("transient"), f"the batch answer lacks {method}")
            if response.error is None:
                results.append(response.result)
                continue
            answered = self._rpc_error(method, response.error)
            if not keep(answered):
                verdict = classify(answered.code, answered.message, status=status)
                raise _Failure(verdict, f"{method}: {answered.message[:300]}", retry_after)
            results.append(answered)
        return results

    def _rpc_error(self, method: str, error: _Error) -> RpcError:
        """The error object; details some providers put in ``data`` (a range that works) join the message."""
        details = "" if error.data is None or isinstance(error.data, str) else " " + json.dumps(error.data)
        return RpcError(method, error.code, without_keys_of(self.client.url, error.message + details), error.data)

    @staticmethod
    def _refuses_batches(error: _Error) -> bool:
        return "batch" in error.message.lower() or error.code in (-32600, -32700)

    def _not_json(self, status: int, body: bytes, retry_after: float | None) -> _Failure:
        # A page instead of JSON with a good status is a wrong URL, not a bad moment.
        page = body[:200].lstrip().lower()
        kind = classify(0, "", status=status)
        if status == 200 or (status < 500 and kind.kind == "fatal"):
            what = "an HTML page" if page.startswith((b"<!doctype", b"<html")) else "something"
            return _Failure(Verdict("fatal"), f"HTTP {status} with {what} that is not JSON-RPC")
        return _Failure(kind, f"HTTP {status}", retry_after)

    def _wait_for_rate(self) -> None:
        with self._lock:
            wait = self._resume_at - time.monotonic()
        if wait > 0:
            time.sleep(wait)

    def _back_off(self, attempt: int, retry_after: float | None, *, everyone: bool) -> None:
        longest = min(self._first_wait_s * 2**attempt, _LONGEST_WAIT_S)
        wait = retry_after if retry_after is not None else longest * random.uniform(0.5, 1.0)  # noqa: S311 (jitter, not a secret)
        wait = min(wait, 2 * _LONGEST_WAIT_S)
        if everyone:
            with self._lock:
                self._resume_at = max(self._resume_at, time.monotonic() + wait)
        else:
            time.sleep(wait)

    def _count(self, *, accepted: int = 0, refused: int = 0) -> None:
        with self.stats.lock:
            self.stats.accepted += accepted
            self.stats.refused += refused


class _Failure(Exception):
    def __init__(self, verdict: Verdict, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.verdict = verdict
        self.message = message
        self.retry_after = retry_after


def _seconds(headers: dict[str, str]) -> float | None:
    """``Retry-After`` in seconds; its date form is left to the ordinary back-off."""
    value = next((v for k, v in headers.items() if k.lower() == "retry-after"), None)
    try:
        return max(0.0, float(value)) if value is not None else None
    except ValueError:
        return None
