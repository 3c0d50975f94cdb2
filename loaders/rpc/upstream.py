"""One endpoint: when it may be asked, and what its answers teach about it."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence

import msgspec

from loaders.rpc.breaker import Breaker
from loaders.rpc.caps import EndpointCaps
from loaders.rpc.classify import Verdict
from loaders.rpc.client import RpcClient, RpcError
from loaders.rpc.compute_units import provider_of, units
from loaders.rpc.exchange import BatchRefused, Call, Failure, Keep, exchange
from loaders.rpc.stats import RequestStats
from loaders.rpc.throttle import Budget, Clock, Concurrency
from loaders.shutdown import Stopped

MOST_CONCURRENT = 8
LONGEST_WAIT_S = 30.0
MOMENT_S = 2.0
"""Waits no longer than this are not worth another endpoint, and are waited for even when the command is to end."""
_LONGEST_PAUSE_S = 900.0
_TICK_S = 0.01
_ALWAYS_ASKED = frozenset({"eth_chainId", "eth_blockNumber", "eth_getBlockByNumber", "eth_getLogs", "eth_call"})
"""Without these an endpoint is of no use: an answer that it lacks one is not believed for days."""


class Upstream:
    """Thread-safe. ``weight`` 0 makes it a standby, asked where all others fail; ``compute_units`` are a call's, by method."""

    def __init__(
        self,
        client: RpcClient,
        *,
        caps: EndpointCaps | None = None,
        weight: float = 1.0,
        units_per_second: float | None = None,
        compute_units: Mapping[str, int] | None = None,
        concurrency: int = MOST_CONCURRENT,
        clock: Clock | None = None,
    ) -> None:
        self.client = client
        self.host = client.host
        self.caps = caps or EndpointCaps()
        self.weight = weight
        self.clock = clock or Clock()
        self.breaker = Breaker(self.clock)
        self.concurrency = Concurrency(concurrency)
        self._budget = Budget(units_per_second, self.clock) if units_per_second else None
        self._own_units = compute_units
        self._provider = provider_of(client.host)
        self._resume_at = 0.0
        self._times_throttled = 0

    def lacks(self, calls: Sequence[Call]) -> str | None:
        """A method of the calls that the endpoint is known to lack."""
        lacking = self.caps.lacks_methods
        return next((method for method, _ in calls if method in lacking), None) if lacking else None

    def ready_in_s(self, calls: Sequence[Call]) -> float:
        """Seconds until a request might leave; a small number while as many are under way as the endpoint bears."""
        wait = max(0.0, self._resume_at - self.clock.now())
        if self._budget is not None:
            wait = max(wait, self._budget.wait_s(self._throughput(calls)))
        return max(wait, _TICK_S) if self.concurrency.is_full else wait

    def send(
        self, calls: Sequence[Call], keep: Keep, stats: RequestStats, stop: threading.Event
    ) -> list[msgspec.Raw | RpcError]:
        """Raw results in the order of ``calls``, once. Raises :class:`Failure`, and ``Stopped`` rather than wait for long.

        An error that ``keep`` recognises is the answer of its call. Calls travel in one batch as far as the endpoint
        takes them together.
        """
        generation = self.concurrency.enter()
        try:
            if self._resume_at - self.clock.now() > _TICK_S:
                # Told so while this request waited for its place: what is sent now would only be refused.
                raise Failure(Verdict("rate"), "it asked to be left alone")
            self.breaker.enter()
            self._wait_for_budget(calls, stop)
            stats.sent(self.host, (method for method, _ in calls), self._billed(calls))
            try:
                results = self._in_batches(calls, keep, stats)
            except Failure as failure:
                stats.answered(self.host, failure.verdict.kind)
                self._learn(failure, generation)
                raise
        finally:
            self.concurrency.leave()
        self.breaker.succeeded()
        self.concurrency.speed_up()
        self._times_throttled = 0
        return results

    def _wait_for_budget(self, calls: Sequence[Call], stop: threading.Event) -> None:
        if self._budget is None:
            return
        wait = self._budget.reserve(self._throughput(calls))
        self.clock.sleep(min(wait, MOMENT_S))
        if wait > MOMENT_S:
            self.clock.wait(wait - MOMENT_S, stop)
            if stop.is_set():
                raise Stopped

    def _billed(self, calls: Sequence[Call]) -> int:
        return sum(units(method, self._provider, self._own_units).billed for method, _ in calls)

    def _throughput(self, calls: Sequence[Call]) -> int:
        return sum(units(method, self._provider, self._own_units).throughput for method, _ in calls)

    def _learn(self, failure: Failure, generation: int) -> None:
        match failure.verdict.kind:
            case "rate":
                self._pause(failure.retry_after_s, is_first=self.concurrency.slow_down(generation))
            case "auth":
                self.breaker.trip()
                return
            case "size":
                stated = failure.verdict
                self.caps.learn(
                    max_blocks=stated.block_cap, max_logs=stated.log_cap, max_response_bytes=stated.byte_cap
                )
            case "unsupported" if failure.method and failure.method not in _ALWAYS_ASKED:
                self.caps.learn(lacks_method=failure.method)
        if failure.verdict.kind == "transient" or failure.is_broken:
            self.breaker.failed()
        else:
            self.breaker.succeeded()

    def _pause(self, retry_after_s: float | None, *, is_first: bool) -> None:
        """``is_first`` of the requests that left together: their refusals are one."""
        self._times_throttled += is_first
        # Tripled each time, so that the attempts at one request outlast limits per minute.
        longest = min(0.25 * 3.0 ** min(self._times_throttled, 9), LONGEST_WAIT_S)
        wait = longest * random.uniform(0.5, 1.0)  # noqa: S311 (jitter, not a secret)
        if retry_after_s is not None:
            # One that is over already (0, a date by another clock) is believed once.
            wait = retry_after_s if self._times_throttled <= 1 else max(retry_after_s, wait)
        self._resume_at = max(self._resume_at, self.clock.now() + min(wait, _LONGEST_PAUSE_S))

    def _in_batches(self, calls: Sequence[Call], keep: Keep, stats: RequestStats) -> list[msgspec.Raw | RpcError]:
        results: list[msgspec.Raw | RpcError] = []
        while len(results) < len(calls):
            most = self.caps.max_batch_calls or len(calls)
            part = calls[len(results) : len(results) + most]
            try:
                results += exchange(self.client, part, keep, lambda size: stats.received(self.host, size))
                stats.answered(self.host)
            except BatchRefused as refused:
                stats.answered(self.host, "size")
                self.caps.learn(max_batch_calls=refused.most)
        return results
