"""HTTP with a portal: JSON requests, retried while it is worth it."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec
import urllib3

from loaders.errors import PoolhouseError
from loaders.redact import host, without_keys_of
from loaders.rpc.classify import Kind
from loaders.rpc.stats import RequestStats

Json = Any

_LONGEST_WAIT_S = 60.0
_RATE = (429, 529)
_LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that asks for no retry: 2xx, or a status that the caller knows what to do with."""

    status: int
    body: bytes


class PortalHttp:
    """One portal. Thread-safe."""

    def __init__(
        self, url: str, token: str | None, *, attempts: int = 8, first_wait_s: float = 0.5, timeout_s: float = 120.0
    ) -> None:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise PoolhouseError("The portal's URL is not an http(s) URL.", "Write it as https://host/path.")
        self.host = host(url)
        self.stats = RequestStats()
        self._url = url.rstrip("/")
        self._token = token
        self._attempts = attempts
        self._first_wait_s = first_wait_s
        self._pool = urllib3.PoolManager(
            maxsize=4, timeout=urllib3.Timeout(connect=10.0, read=timeout_s), retries=False, block=True
        )

    def get(self, path: str) -> Reply:
        return self._request("GET", path, None)

    def post(self, path: str, query: Json, *, known: tuple[int, ...] = ()) -> Reply:
        """``known`` are statuses other than 2xx that the caller handles. Raises :class:`PoolhouseError`."""
        return self._request("POST", path, msgspec.json.encode(query), known)

    def _request(self, method: str, path: str, body: bytes | None, known: tuple[int, ...] = ()) -> Reply:
        headers = {"content-type": "application/json", "accept-encoding": "gzip"}
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        reason = ""
        for attempt in range(self._attempts):
            retry_after: float | None = None
            refusal: Kind = "transient"
            try:
                response = self._pool.request(method, f"{self._url}/{path}", body=body, headers=headers)
                answer = response.data
            except urllib3.exceptions.HTTPError as error:
                reason = f"the connection broke ({type(error).__name__})"
            else:
                self.stats.received(self.host, len(answer))
                if 200 <= response.status < 300 or response.status in known:
                    self.stats.answered(self.host)
                    return Reply(response.status, answer)
                reason = f"HTTP {response.status}{self._said(answer)}"
                retry_after = _seconds(response.headers.get("retry-after"))
                refusal = "rate" if response.status in _RATE else "transient"
                if response.status < 500 and response.status not in _RATE:
                    self.stats.answered(self.host, "auth" if response.status in (401, 403) else "fatal")
                    raise self._refused(response.status, reason)
            self.stats.answered(self.host, refusal)
            if attempt + 1 < self._attempts:
                longest = min(self._first_wait_s * 2**attempt, _LONGEST_WAIT_S)
                wait = retry_after if retry_after is not None else longest * random.uniform(0.5, 1.0)  # noqa: S311 (jitter)
                time.sleep(min(wait, _LONGEST_WAIT_S))
        raise PoolhouseError(
            f"{self.host} failed {self._attempts} times in a row, last: {reason}.",
            "Try again later; what was loaded is kept and the next load continues there.",
        )

    def _refused(self, status: int, reason: str) -> PoolhouseError:
        if status in (401, 403):
            return PoolhouseError(
                f"{self.host} refuses access: {reason}.", "Check the token (docs/sources.md) and what its plan allows."
            )
        if status == 404:
            return PoolhouseError(
                f"{self.host} does not serve this: {reason}.",
                "Check the URL, and for SQD the name of the dataset in it.",
            )
        return PoolhouseError(f"{self.host} rejects the request: {reason}.", "Check the URL (docs/sources.md).")

    def _said(self, body: bytes) -> str:
        text = " ".join(body[:_LONGEST_TEXT].decode("utf-8", "replace").split())
        if self._token:
            text = text.replace(self._token, "…")
        return f": {without_keys_of(self._url, text)}" if text else ""


def _seconds(value: str | None) -> float | None:
    """``Retry-After`` in seconds; its date form is left to the ordinary back-off."""
    try:
        return max(0.0, float(value)) if value is not None else None
    except ValueError:
        return None
