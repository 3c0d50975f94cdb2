"""Requests that survive real providers: retries, rate limits, failover. Results stay undecoded JSON.

Everything above asks a :class:`Node`, which is one endpoint or several of the same chain. The calls of one request always go
to one endpoint together: what proves an answer complete is that the same node gave it.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from loaders.errors import PoolhouseError
from loaders.rpc.caps import EndpointCaps, PooledCaps
from loaders.rpc.classify import Verdict
from loaders.rpc.client import RpcClient, RpcError
from loaders.rpc.exchange import Call, Failure, Json, Keep
from loaders.rpc.stats import RequestStats
from loaders.rpc.throttle import Clock
from loaders.rpc.upstream import LONGEST_WAIT_S, MOMENT_S, Upstream
from loaders.shutdown import Stopped

_DECODE_ANY = msgspec.json.Decoder().decode
_FINAL = ("auth", "unsupported", "fatal")
"""Answers that the same endpoint would give again."""


class SizeRefused(PoolhouseError):
    """The node wants less at a time."""

    def __init__(self, message: str, verdict: Verdict, upstream: Upstream | None = None) -> None:
        super().__init__(f"The node refuses the size of an answer: {message}.", "Use an --rpc-url with a higher limit.")
        self.verdict = verdict
        self.upstream = upstream


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


@dataclass(frozen=True, slots=True)
class Answer:
    """Results in the order of the calls, and who gave them."""

    results: list[msgspec.Raw | RpcError]
    upstream: Upstream

    @property
    def raw(self) -> list[msgspec.Raw]:
        """The results of a request none of whose errors were kept."""
        return [r for r in self.results if not isinstance(r, RpcError)]


class Node:
    """One endpoint, or a pool of them. Thread-safe."""

    def __init__(
        self,
        endpoints: RpcClient | Sequence[Upstream],
        *,
        attempts: int = 7,
        first_wait_s: float = 0.25,
        stats: RequestStats | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        self.upstreams = (Upstream(endpoints),) if isinstance(endpoints, RpcClient) else tuple(endpoints)
        self.host = ", ".join(sorted({u.host for u in self.upstreams}))
        self.stats = stats or RequestStats()
        self.stop = stop or threading.Event()
        """Once it is set, no request is tried again."""
        self._attempts = attempts
        self._first_wait_s = first_wait_s
        self._clock: Clock = self.upstreams[0].clock
        self._pooled_caps = PooledCaps(self._caps_in_use) if len(self.upstreams) > 1 else None

    @property
    def caps(self) -> EndpointCaps:
        """The limits of the one endpoint, or what the best of several will take."""
        return self._pooled_caps or self.upstreams[0].caps

    def other_than(self, upstream: Upstream) -> Node | None:
        """The endpoints besides one, for a second opinion; None when there are none, or none that works."""
        return self._of([u for u in self.upstreams if u is not upstream and u.breaker.admits])

    def besides(self, hosts: Collection[str]) -> Node | None:
        """The endpoints at other hosts than these; None when there are none."""
        return self._of([u for u in self.upstreams if u.host not in hosts])

    def only(self, upstream: Upstream) -> Node:
        """That endpoint alone."""
        return self._of([upstream]) or self

    def call(self, method: str, *params: Json) -> Any:
        """The decoded result of one call, retried; raises like :meth:`request`."""
        return _DECODE_ANY(self.request([(method, params)])[0])

    def calls(self, calls: Sequence[Call]) -> list[Any]:
        """The decoded results of several calls in one request."""
        return [_DECODE_ANY(raw) for raw in self.request(calls)]

    def request(self, calls: Sequence[Call]) -> list[msgspec.Raw]:
        """Raw JSON results, in the order of ``calls``, of one request to one endpoint.

        Raises :class:`SizeRefused`, :class:`Unsupported` or :class:`Lagging` for the caller to react to, and
        :class:`PoolhouseError` when nothing the loader can do will help.
        """
        return self.ask(calls).raw

    def answers(self, calls: Sequence[Call], *, keep: Keep) -> list[msgspec.Raw | RpcError]:
        """Like :meth:`request`, but an error that ``keep`` recognises is the answer of its call (``eth_call`` reverts)."""
        return self.ask(calls, keep=keep).results

    def ask(self, calls: Sequence[Call], *, keep: Keep = lambda _: False) -> Answer:
        """Like :meth:`request`, and who answered: a caller in doubt asks :meth:`other_than`.

        Every attempt goes round the endpoints until one answers; what an endpoint will not answer however often it is
        asked (no access, no such method) is left to the rest.
        """
        final: dict[Upstream, Failure] = {}
        failure = Failure(Verdict("transient"), "no answer")
        for attempt in range(self._attempts):
            tried = self._go_round(calls, keep, final)
            if isinstance(tried, Answer):
                return tried
            if len(final) == len(self.upstreams):
                raise _refusal(final)
            *_, failure = tried
            if attempt and failure.verdict.is_slow and _blocks(calls) > 1:
                # Once may be a bad moment; twice it is what was asked for.
                raise SizeRefused(failure.message, Verdict("size", is_slow=True))
            if attempt >= 2 and all(f.verdict.kind == "lag" for f in tried):
                break
            if attempt + 1 < self._attempts:
                self._back_off(attempt, failure)
        if failure.verdict.kind == "lag":
            raise Lagging(failure.message)
        raise Unanswered(self.host, self._attempts, failure.message)

    def _go_round(self, calls: Sequence[Call], keep: Keep, final: dict[Upstream, Failure]) -> Answer | list[Failure]:
        """The first answer, or why each endpoint asked gave none; ``final`` gathers those not to be asked again."""
        failures = []
        for upstream in self._round(calls, final):
            try:
                return Answer(upstream.send(calls, keep, self.stats, self.stop), upstream)
            except Failure as failure:
                if failure.verdict.kind == "size":
                    raise SizeRefused(failure.message, failure.verdict, upstream) from None
                if failure.verdict.kind in _FINAL:
                    final[upstream] = failure
                failures.append(failure)
        return failures

    def _round(self, calls: Sequence[Call], final: dict[Upstream, Failure]) -> Iterator[Upstream]:
        """Endpoints to ask one after the other until one answers: by weight, standbys last. At least one, if any is left.

        One that has to rest is not waited for while another can be asked, but a standby is none for a moment's rest.
        """
        for upstream in self.upstreams:
            if upstream not in final and (method := upstream.lacks(calls)):
                final[upstream] = Failure(Verdict("unsupported"), f"{method} is not served by {upstream.host}")
        left = [u for u in self.upstreams if u not in final]
        # Where every breaker is open, asking is the only way to find out.
        left = [u for u in left if u.breaker.admits] or left
        waits = {u: u.ready_in_s(calls) for u in left}
        asked = 0
        for group in ([u for u in left if u.weight], [u for u in left if not u.weight]):
            soonest = min(group, key=lambda u: waits[u], default=None)
            if soonest is not None and 0 < waits[soonest] < MOMENT_S:
                self._clock.sleep(waits[soonest])
                waits[soonest] = 0.0
            ready = [u for u in group if not waits[u]]
            asked += len(ready)
            yield from _in_turn(ready, _blocks(calls))
        if left and not asked:
            soonest = min(left, key=lambda u: waits[u])
            self._rest(waits[soonest])
            yield soonest

    def _caps_in_use(self) -> list[EndpointCaps]:
        """Of the endpoints that requests go to, in the ordinary course of things."""
        admitted = [u for u in self.upstreams if u.breaker.admits] or self.upstreams
        return [u.caps for u in admitted if u.weight] or [u.caps for u in admitted]

    def _rest(self, seconds: float) -> None:
        self._clock.wait(seconds, self.stop)
        if self.stop.is_set():
            raise Stopped

    def _back_off(self, attempt: int, failure: Failure) -> None:
        if failure.verdict.kind == "rate":
            self._rest(0)  # the endpoint knows when it may be asked again
            return
        longest = min(self._first_wait_s * 2**attempt, LONGEST_WAIT_S)
        wait = longest * random.uniform(0.5, 1.0)  # noqa: S311 (jitter, not a secret)
        if failure.retry_after_s is not None:
            wait = min(failure.retry_after_s, 2 * LONGEST_WAIT_S)
        self._rest(wait)

    def _of(self, upstreams: Sequence[Upstream]) -> Node | None:
        if not upstreams:
            return None
        return Node(
            upstreams, attempts=self._attempts, first_wait_s=self._first_wait_s, stats=self.stats, stop=self.stop
        )


def _blocks(calls: Sequence[Call]) -> int:
    """Blocks that the logs asked for lie in; 0 when none are, only those of one block, or up to a tag."""
    method, params = calls[0]
    if method != "eth_getLogs":
        return 0
    ends = [params[0].get(name, "") for name in ("fromBlock", "toBlock")]
    if not all(end.startswith("0x") for end in ends):
        return 0
    low, high = (int(end, 16) for end in ends)
    return high - low + 1


def _in_turn(ready: list[Upstream], blocks: int) -> Iterator[Upstream]:
    """In an order drawn by weight; those that do not bear so many blocks at a time come last."""
    while ready:
        upstream = min(ready, key=lambda u: (blocks > (u.caps.max_blocks or blocks), _turn(u)))
        ready.remove(upstream)
        yield upstream


def _turn(upstream: Upstream) -> float:
    """Drawn so that the chance to come first is an endpoint's share of all weights; standbys are alike."""
    return random.expovariate(upstream.weight or 1.0)


def _refusal(final: dict[Upstream, Failure]) -> PoolhouseError:
    """Why none of the endpoints will answer: a method that one lacks is the mildest, for callers know other ways."""
    lacking = next((f for f in final.values() if f.verdict.kind == "unsupported"), None)
    if lacking is not None:
        return Unsupported(lacking.message)
    (upstream, failure), *_ = final.items()
    if failure.verdict.kind == "auth":
        return PoolhouseError(
            f"{upstream.host} refuses access: {failure.message}.",
            "Check the key in the RPC URL and what its plan allows.",
        )
    return PoolhouseError(
        f"{upstream.host} rejects the request: {failure.message}.",
        "Check that the URL is an EVM node's JSON-RPC endpoint.",
    )
