"""One range of blocks, asked until the answer is whole: read, checked, doubted, completed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from loaders.errors import PoolhouseError
from loaders.logs import Integers, RawLogs, merge_logs
from loaders.plan.density import Expected
from loaders.plan.filters import LogQuery
from loaders.registry.chains import Chain
from loaders.rpc.endpoint import Header, parse_header, read_headers
from loaders.rpc.node import Answer as NodeAnswer
from loaders.rpc.node import Lagging, Node, SizeRefused, Unsupported
from loaders.rpc.upstream import Upstream
from loaders.shutdown import Stopped
from loaders.source.base import Batch
from loaders.source.clock import BlockGap, Clock
from loaders.source.doubt import Doubts, of_query, read_receipts
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
_ASKS_OF_LIARS = 3
"""An answer without logs is always asked for once more, and so often once that brought logs to light: where few are to be
expected, nothing else gives a false one away."""
_COMPARED = (2, 8)
_COMPARE_EVERY = 32
"""A block of these answers, and of every so many, is asked for again by its hash."""
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
    upstream: Upstream
    """Who answered."""


class RangeReader:
    """Reads ranges from a node. Thread-safe."""

    def __init__(
        self,
        node: Node,
        chain: Chain | None,
        gap: BlockGap,
        transactions: TransactionReader | None,
        *,
        retry_wait_s: float,
    ) -> None:
        self._node = node
        self._clock = Clock(gap, partial(read_headers, node))
        self._chain = chain
        self._transactions = transactions
        self._retry_wait_s = retry_wait_s
        self._doubts = Doubts(self._has_whole_bloom)
        self._has_lied = False
        self._answers = self._looks = 0

    def read(
        self, queries: tuple[LogQuery, ...], low: int, high: int, expected: Sequence[Expected] | None = None
    ) -> list[Part]:
        """Complete answers that together cover the range; ``expected`` has one entry per query.

        Raises :class:`SizeRefused` where it is to be asked for in parts, and :class:`PoolhouseError` where no answer holds.
        """
        reason = ""
        node = self._node
        for attempt in range(_ASKS):
            if attempt:
                time.sleep(self._retry_wait_s * 4 ** (attempt - 1))
            answered: NodeAnswer | None = None
            try:
                try:
                    answered = self._ask(node, queries, low, high)
                except SizeRefused:
                    if low < high:
                        raise
                    return [self._read_block(queries, read_headers(self._node, [low])[0], [None] * len(queries))]
                answer = self._checked(answered, queries, low, high)
                if any(is_cut_off(len(logs), answer.upstream.caps.max_logs) for logs in answer.logs):
                    return self._read_in_parts(queries, low, high, answer)
                for asked in zip(queries, answer.logs, expected or [Expected()] * len(queries), strict=True):
                    self._doubt(*asked, low, answer, attempt)
                host = answer.upstream.host
                return [self._complete(queries, low, answer.end, answer.logs, host, answer.received_bytes)]
            except (Inconsistent, Malformed, Lagging, msgspec.DecodeError) as error:
                reason = error.message if isinstance(error, PoolhouseError) else str(error)
                # Rather another endpoint than one that contradicts itself.
                node = (self._node.other_than(answered.upstream) if answered else None) or self._node
            except PoolhouseError as error:
                if node is self._node or isinstance(error, SizeRefused | Stopped):
                    raise
                reason, node = error.message, self._node
        raise PoolhouseError(
            f"{self._node.host} does not answer blocks {low} to {high} consistently: {reason.rstrip('.')}.",
            "Nothing of that range was loaded. Try again later, or use another --rpc-url; "
            "`poolhouse audit` checks what was loaded before.",
        )

    @staticmethod
    def _ask(node: Node, queries: tuple[LogQuery, ...], low: int, high: int) -> NodeAnswer:
        """Logs and the header of the last block, from one endpoint in one batch: one that lags cannot answer both."""
        calls = [("eth_getLogs", (q.params(low, high),)) for q in queries]
        return node.ask([*calls, ("eth_getBlockByNumber", (hex(high), False))])

    def _checked(self, answered: NodeAnswer, queries: tuple[LogQuery, ...], low: int, high: int) -> _Answer:
        *raw_logs, header = answered.raw
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
        return _Answer(tuple(parts), end, received_bytes, answered.upstream)

    def _doubt(
        self, query: LogQuery, logs: RawLogs, expected: Expected, low: int, answer: _Answer, attempt: int
    ) -> None:
        """Raises :class:`Inconsistent` where another look shows that the answer lacks logs."""
        high = answer.end.number
        is_unexpected = is_unexpectedly_empty(logs, expected.logs)
        if is_unexpected and attempt < _ASKS_FOR_EMPTY:
            raise Inconsistent(f"no logs where about {expected.logs:.0f} were to be expected")
        if not len(logs) and not is_unexpected:
            self._confirm_empty(query, low, high, answer)
        if not len(logs) or int(logs.block_number[-1]) != high:
            # A cut-off answer lacks its last block.
            self._ask_another(answer, lambda node: self._doubts.look_at(node, query, [answer.end]))
        places = [n for n in doubtful_places(logs.block_number, low, high, expected) if n != high]
        if places and (is_unexpected or self._may_look()):
            self._ask_another(answer, lambda node: self._doubts.look(node, query, logs, places))
        self._answers += 1
        is_sample = self._answers in _COMPARED or self._answers % _COMPARE_EVERY == 0
        # Once doubted, always compared: an answer is not believed because it was given twice.
        if len(logs) and (is_sample or attempt):
            number = int(logs.block_number[random.randrange(len(logs))])  # noqa: S311 (a sample, not a secret)
            self._ask_another(answer, lambda node: self._doubts.compare_block(node, query, logs, number))

    def _ask_another(self, answer: _Answer, look: Callable[[Node], None]) -> None:
        """Look at an answer with another endpoint's eyes, where there is one that can see."""
        others = self._node.other_than(answer.upstream)
        if others is not None:
            try:
                return look(others)
            except PoolhouseError:
                pass  # it lags, fails or lacks a method: nothing is known against the answer
        return look(self._node)

    def _confirm_empty(self, query: LogQuery, low: int, high: int, answer: _Answer) -> None:
        def ask_again(node: Node) -> None:
            raw, _ = node.request(
                [("eth_getLogs", (query.params(low, high),)), ("eth_getBlockByNumber", (hex(high), False))]
            )
            if len(parse_logs(raw)):
                self._has_lied = True
                raise Inconsistent("an answer without logs, and one with logs, for the same blocks")

        for _ in range(_ASKS_OF_LIARS if self._has_lied else 1):
            self._ask_another(answer, ask_again)

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
                answer.upstream.caps.learn(max_logs=len(logs))
        return parts

    def _read_block(self, queries: tuple[LogQuery, ...], header: Header, doubted: Sequence[RawLogs | None]) -> Part:
        """A block with more logs than the node returns at once: asked for by topic, by address, at last by its receipts."""
        logs = tuple(self._split(q, header, whole) for q, whole in zip(queries, doubted, strict=True))
        return self._complete(queries, header.number, header, logs, self._node.host)

    def _ask_block(self, query: LogQuery, header: Header) -> RawLogs:
        try:
            answered = self._ask(self._node, (query,), header.number, header.number)
        except SizeRefused:
            return self._split(query, header, None)
        answer = self._checked(answered, (query,), header.number, header.number)
        if answer.end.hash != header.hash:
            raise Inconsistent(f"block {header.number} was replaced while it was read")
        (logs,) = answer.logs
        return self._split(query, header, logs)

    def _split(self, query: LogQuery, header: Header, doubted: RawLogs | None) -> RawLogs:
        """Logs of a block, in parts where its answer was refused or has the length of one that was cut off."""
        known_limit = self._node.caps.max_logs
        if doubted is not None and not is_cut_off(len(doubted), known_limit):
            return doubted
        halves = query.split()
        if halves is not None:
            return merge_logs([self._ask_block(half, header) for half in halves])
        try:
            logs = of_query(read_receipts(self._node, header), query)
        except (SizeRefused, Unsupported) as error:
            if doubted is not None and len(doubted) != known_limit:
                return doubted  # a round number by chance: nothing else speaks against it
            raise PoolhouseError(
                f"{self._node.host} returns neither the logs nor the receipts of block {header.number}: {error.message}",
                "Use an --rpc-url with a higher limit on results.",
            ) from None
        check_logs(logs, query, header.number, header.number, header)
        return logs

    def _complete(
        self,
        queries: tuple[LogQuery, ...],
        low: int,
        end: Header,
        logs_by_query: Sequence[RawLogs],
        host: str,
        received_bytes: int = 0,
    ) -> Part:
        logs, headers = self._clock.with_timestamps(merge_logs(logs_by_query), end)
        transactions = self._transactions.read(logs, queries) if self._transactions else None
        batch = Batch(low, end.number, logs, end, headers, transactions, host)
        return Part(batch, tuple(part.block_number for part in logs_by_query), received_bytes)

    def _has_whole_bloom(self, number: int) -> bool:
        return self._chain is None or not self._chain.has_quirk("bloom_incomplete", number)
