"""One range of blocks, asked until the answer is whole: read, checked, doubted, completed."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from loaders.errors import PoolhouseError
from loaders.logs import Integers, RawLogs, merge_logs
from loaders.plan.filters import LogQuery
from loaders.registry.chains import Chain
from loaders.rpc.caps import EndpointCaps
from loaders.rpc.endpoint import Header, parse_header, read_headers
from loaders.rpc.node import Lagging, Node, SizeRefused, Unsupported
from loaders.source.base import Batch
from loaders.source.clock import BlockGap, Clock
from loaders.source.doubt import Doubts, of_query, read_receipts
from loaders.source.empties import EmptyAnswers
from loaders.source.parse import Malformed, parse_logs
from loaders.source.transactions import TransactionReader
from loaders.source.verify import (
    Inconsistent,
    check_bloom,
    check_logs,
    doubtful_places,
    is_cut_off,
    is_unexpectedly_empty,
)

_ASKS = 5
_ASKS_FOR_EMPTY = 2
"""An unexpectedly empty answer is asked again so often before single blocks decide."""
_COMPARE_EVERY = 32
_COMPARE_FIRST = 8
"""Of every so many answers, this one has a block asked for again by its hash."""
_LOOKS_FREE = 20
_LOOK_EVERY = 16
"""Doubts about gaps cost at most one request in so many answers, after the first few."""


@dataclass(frozen=True, slots=True)
class Part:
    """A complete answer for a range."""

    batch: Batch
    blocks: tuple[Integers, ...]
    """Block numbers of the logs, per query."""
    received_bytes: int


@dataclass(frozen=True, slots=True)
class _Answer:
    logs: tuple[RawLogs, ...]
    """One per query."""
    end: Header
    received_bytes: int
    node: Node
    """Who is to be asked in doubt: another endpoint than the one that answered, where there is one."""
    caps: EndpointCaps


class RangeReader:
    """Reads ranges from a node. Thread-safe."""

    def __init__(
        self,
        node: Node,
        caps: EndpointCaps,
        chain: Chain | None,
        gap: BlockGap,
        transactions: TransactionReader | None,
        *,
        retry_wait_s: float,
    ) -> None:
        self._node = node
        self._caps = caps
        self._clock = Clock(gap, partial(read_headers, node))
        self._chain = chain
        self._transactions = transactions
        self._retry_wait_s = retry_wait_s
        self._doubts = Doubts(self._has_whole_bloom)
        self._empties = EmptyAnswers()
        self._answers = self._looks = 0

    def read(
        self, queries: tuple[LogQuery, ...], low: int, high: int, expected: Sequence[float] = (), *, asks: int = _ASKS
    ) -> list[Part]:
        """Complete answers that together cover the range; ``expected`` logs per query, 0 where nothing is known.

        Raises :class:`SizeRefused` where it is to be asked for in parts, and :class:`PoolhouseError` where no answer holds.
        """
        reason = ""
        for attempt in range(asks):
            if attempt:
                time.sleep(self._retry_wait_s * 2 ** (attempt - 1))
            try:
                try:
                    answer = self._ask(queries, low, high)
                except SizeRefused:
                    if low < high:
                        raise
                    return [self._read_block(queries, read_headers(self._node, [low])[0], [None] * len(queries))]
                if any(is_cut_off(len(logs), answer.caps.max_logs) for logs in answer.logs):
                    return self._read_in_parts(queries, low, high, answer)
                for query, logs, logs_expected in zip(
                    queries, answer.logs, expected or [0.0] * len(queries), strict=True
                ):
                    self._doubt(query, logs, low, high, logs_expected, answer, attempt)
                return [self._complete(low, high, answer)]
            except (Inconsistent, Malformed, Lagging, msgspec.DecodeError) as error:
                reason = error.message if isinstance(error, PoolhouseError) else str(error)
        raise PoolhouseError(
            f"{self._node.host} does not answer blocks {low} to {high} consistently: {reason.rstrip('.')}.",
            "Nothing of that range was loaded. Try again later, or use another --rpc-url.",
        )

    def _ask(self, queries: tuple[LogQuery, ...], low: int, high: int) -> _Answer:
        """Logs and the header of the last block, from one node in one batch: a node that lags cannot answer both."""
        calls = [("eth_getLogs", (q.params(low, high),)) for q in queries]
        *raw_logs, header = self._node.request([*calls, ("eth_getBlockByNumber", (hex(high), False))])
        end = parse_header(header)
        if end is None:
            raise Lagging(f"the node has no block {high}")
        parts = []
        for query, raw in zip(queries, raw_logs, strict=True):
            logs = parse_logs(raw)
            check_logs(logs, query, low, high, end)
            if self._has_whole_bloom(high):
                check_bloom(logs, end)
            parts.append(logs)
        received_bytes = sum(len(memoryview(raw)) for raw in raw_logs)
        return _Answer(tuple(parts), end, received_bytes, self._node, self._caps)

    def _doubt(
        self, query: LogQuery, logs: RawLogs, low: int, high: int, expected: float, answer: _Answer, attempt: int
    ) -> None:
        """Raises :class:`Inconsistent` where another look shows that the answer lacks logs."""
        if is_unexpectedly_empty(logs, expected) and attempt < _ASKS_FOR_EMPTY:
            raise Inconsistent(f"no logs where about {expected:.0f} were to be expected")
        if not len(logs) and not is_unexpectedly_empty(logs, expected):
            self._confirm_empty(query, low, high, answer)
        if not len(logs) or int(logs.block_number[-1]) != high:
            # A cut-off answer lacks its last block.
            self._doubts.look_at(answer.node, query, [answer.end])
        places = [n for n in doubtful_places(logs, low, high, expected) if n != high]
        if places and (is_unexpectedly_empty(logs, expected) or self._may_look()):
            self._doubts.look(answer.node, query, logs, places)
        self._answers += 1
        if len(logs) and self._answers % _COMPARE_EVERY == _COMPARE_FIRST:
            number = int(logs.block_number[random.randrange(len(logs))])  # noqa: S311 (a sample, not a secret)
            self._doubts.compare_block(answer.node, query, logs, number)

    def _confirm_empty(self, query: LogQuery, low: int, high: int, answer: _Answer) -> None:
        for _ in range(self._empties.times_to_ask()):
            raw, _header = answer.node.request(
                [("eth_getLogs", (query.params(low, high),)), ("eth_getBlockByNumber", (hex(high), False))]
            )
            is_empty = not len(parse_logs(raw))
            self._empties.asked(is_empty)
            if not is_empty:
                raise Inconsistent("an answer without logs, and one with logs, for the same blocks")

    def _may_look(self) -> bool:
        self._looks += 1
        if self._looks <= _LOOKS_FREE + self._answers / _LOOK_EVERY:
            return True
        self._looks -= 1
        return False

    def _read_in_parts(self, queries: tuple[LogQuery, ...], low: int, high: int, answer: _Answer) -> list[Part]:
        """An answer with exactly as many logs as some providers return at most: two halves tell whether it was all."""
        if low == high:
            return [self._read_block(queries, answer.end, answer.logs)]
        middle = (low + high) // 2
        parts = self.read(queries, low, middle) + self.read(queries, middle + 1, high)
        for i, logs in enumerate(answer.logs):
            if sum(len(part.blocks[i]) for part in parts) > len(logs) and is_cut_off(len(logs), None):
                answer.caps.learn(max_logs=len(logs))
        return parts

    def _read_block(self, queries: tuple[LogQuery, ...], header: Header, doubted: Sequence[RawLogs | None]) -> Part:
        """A block with more logs than the node returns at once: asked for by topic, by address, at last by its receipts."""
        logs = tuple(self._split(q, header, whole) for q, whole in zip(queries, doubted, strict=True))
        return self._complete(header.number, header.number, _Answer(logs, header, 0, self._node, self._caps))

    def _ask_block(self, query: LogQuery, header: Header) -> RawLogs:
        try:
            answer = self._ask((query,), header.number, header.number)
        except SizeRefused:
            return self._split(query, header, None)
        if answer.end.hash != header.hash:
            raise Inconsistent(f"block {header.number} was replaced while it was read")
        (logs,) = answer.logs
        return self._split(query, header, logs) if is_cut_off(len(logs), answer.caps.max_logs) else logs

    def _split(self, query: LogQuery, header: Header, doubted: RawLogs | None) -> RawLogs:
        """Logs of a block whose answer was refused, or has the length of one that was cut off."""
        if doubted is not None and not is_cut_off(len(doubted), self._caps.max_logs):
            return doubted
        halves = query.split()
        if halves is not None:
            return merge_logs([self._ask_block(half, header) for half in halves])
        try:
            logs = of_query(read_receipts(self._node, header), query)
        except (SizeRefused, Unsupported) as error:
            if doubted is not None and len(doubted) != self._caps.max_logs:
                return doubted  # a round number by chance: nothing else speaks against it
            raise PoolhouseError(
                f"{self._node.host} returns neither the logs nor the receipts of block {header.number}: {error.message}",
                "Use an --rpc-url with a higher limit on results.",
            ) from None
        check_logs(logs, query, header.number, header.number, header)
        return logs

    def _complete(self, low: int, high: int, answer: _Answer) -> Part:
        logs, headers = self._clock.with_timestamps(merge_logs(answer.logs), answer.end)
        transactions = self._transactions.read(logs) if self._transactions else None
        batch = Batch(low, high, logs, answer.end, headers, transactions)
        return Part(batch, tuple(part.block_number for part in answer.logs), answer.received_bytes)

    def _has_whole_bloom(self, number: int) -> bool:
        return self._chain is None or not self._chain.has_quirk("bloom_incomplete", number)
