"""Raw logs by JSON-RPC: ranges sized by density, fetched ahead by a few threads, verified, delivered in block order."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import msgspec
import numpy as np

from loaders.errors import PoolhouseError
from loaders.logs import RawLogs, concat_logs, empty_logs, merge_logs, rows_in
from loaders.plan.density import RangeController
from loaders.plan.filters import LogQuery, Segment
from loaders.rpc.endpoint import Header, parse_header, read_headers
from loaders.rpc.node import Lagging, Node, SizeRefused, Unsupported
from loaders.source.base import Batch
from loaders.source.clock import NO_GUARANTEE, BlockGap, Clock
from loaders.source.parse import Malformed, parse_logs
from loaders.source.transactions import TransactionReader
from loaders.source.verify import Inconsistent, check_logs, end_is_doubtful

_ASKS = 5
_SUSPICIOUS = 5.0
"""An empty answer is asked again where at least this many logs were to be expected."""
_SAMPLES = 8
_LATENCY_S = 0.05


class RpcSource:
    """Yields the batches of a segment. ``threads`` requests are under way at a time."""

    def __init__(
        self,
        node: Node,
        *,
        threads: int = 4,
        transactions: TransactionReader | None = None,
        controller: RangeController | None = None,
        gap: BlockGap = NO_GUARANTEE,
        retry_wait_s: float = 0.5,
    ) -> None:
        self.node = node
        self._clock = Clock(gap, partial(read_headers, node))
        self._threads = threads
        self._transactions = transactions
        self._controllers: dict[tuple[LogQuery, ...], RangeController] = {}
        self._controller = controller
        self._retry_wait_s = retry_wait_s

    def batches(self, segment: Segment) -> Iterator[Batch]:
        """Batches that together cover the segment, in block order. Raises :class:`PoolhouseError` rather than skip."""
        controller = self._controllers.setdefault(segment.queries, self._controller or RangeController())
        at = segment.from_block
        ahead = 1
        under_way: deque[Future[list[Batch]]] = deque()
        with ThreadPoolExecutor(self._threads, thread_name_prefix="fetch") as pool:
            try:
                while at <= segment.to_block or under_way:
                    while at <= segment.to_block and len(under_way) < ahead:
                        to = min(at + controller.width() - 1, segment.to_block)
                        under_way.append(pool.submit(self._fetch, segment, at, to, controller))
                        at = to + 1
                    future = under_way.popleft()
                    asked = time.monotonic()
                    batches = future.result()
                    # More at a time only as long as the network is what we wait for; else threads just share a processor.
                    if time.monotonic() - asked > _LATENCY_S:
                        ahead = min(ahead + 1, self._threads)
                    elif ahead > 2:
                        ahead -= 1
                    else:
                        ahead = min(2, self._threads)
                    yield from batches
            finally:
                for future in under_way:
                    future.cancel()

    def _fetch(self, segment: Segment, low: int, high: int, controller: RangeController) -> list[Batch]:
        """Batches covering [low, high], in as many pieces as the node insists on."""
        try:
            batch = self._ask_until_consistent(segment, low, high, controller)
        except SizeRefused as refused:
            if low == high:
                return [self._single_block(segment, low)]
            width = controller.refused(low, high, refused.verdict)
            pieces = []
            for start in range(low, high + 1, width):
                pieces += self._fetch(segment, start, min(start + width - 1, high), controller)
            return pieces
        controller.accepted(high - low + 1, len(batch.logs))
        return [batch]

    def _ask_until_consistent(self, segment: Segment, low: int, high: int, controller: RangeController) -> Batch:
        expected = controller.expected_logs(high - low + 1)
        reason = ""
        for attempt in range(_ASKS):
            if attempt:
                time.sleep(self._retry_wait_s * 2 ** (attempt - 1))
            try:
                logs, end = self._ask(segment.queries, low, high)
                if not len(logs) and expected >= _SUSPICIOUS:
                    if attempt < 2:
                        raise Inconsistent(f"no logs where about {expected:.0f} were to be expected")
                    self._confirm_empty(segment.queries, low, high)
                return self._complete(low, high, logs, end)
            except (Inconsistent, Malformed, Lagging, msgspec.DecodeError) as error:
                reason = error.message if isinstance(error, PoolhouseError) else str(error)
        raise PoolhouseError(
            f"{self.node.host} does not answer blocks {low} to {high} consistently: {reason.rstrip('.')}.",
            "Nothing of that range was loaded. Try again later, or use another --rpc-url.",
        )

    def _ask(self, queries: tuple[LogQuery, ...], low: int, high: int) -> tuple[RawLogs, Header]:
        """Logs and the header of the last block, from one node in one batch: a node that lags cannot answer both."""
        calls = [("eth_getLogs", (q.params(low, high),)) for q in queries]
        *answers, header = self.node.request([*calls, ("eth_getBlockByNumber", (hex(high), False))])
        end = parse_header(header)
        if end is None:
            raise Lagging(f"the node has no block {high}")
        parts = []
        for query, answer in zip(queries, answers, strict=True):
            logs = parse_logs(answer)
            check_logs(logs, query, low, high, end)
            if end_is_doubtful(logs, query, end):
                self._confirm_block(query, end)
            parts.append(logs)
        return merge_logs(parts), end

    def _confirm_block(self, query: LogQuery, header: Header) -> None:
        """Ask for one block by its hash: a node that has the block cannot answer for another, or for none."""
        raw = self.node.request([("eth_getLogs", (query.params_of_block(header.hash),))])[0]
        if len(parse_logs(raw)):
            raise Inconsistent(f"the answer lacks logs of block {header.number}")

    def _confirm_empty(self, queries: tuple[LogQuery, ...], low: int, high: int) -> None:
        """Settle an unexpectedly empty range on blocks sampled from it; raises :class:`Inconsistent` on a hidden log."""
        numbers = sorted({int(n) for n in np.linspace(low, high, _SAMPLES)})
        for header in read_headers(self.node, numbers):
            for query in queries:
                if end_is_doubtful(empty_logs(), query, header) or not header.logs_bloom:
                    self._confirm_block(query, header)

    def _complete(self, low: int, high: int, logs: RawLogs, end: Header) -> Batch:
        logs, headers = self._clock.with_timestamps(logs, end)
        transactions = self._transactions.read(logs) if self._transactions else None
        return Batch(low, high, logs, end, headers, transactions)

    def _single_block(self, segment: Segment, number: int) -> Batch:
        """A block with more logs than the node returns at once: ask by topic, at last read its receipts."""
        header = read_headers(self.node, [number])[0]
        parts = [self._split_block(query, header) for query in segment.queries]
        return self._complete(number, number, merge_logs(parts), header)

    def _split_block(self, query: LogQuery, header: Header) -> RawLogs:
        try:
            logs, _ = self._ask((query,), header.number, header.number)
            return logs
        except SizeRefused:
            halves = query.split()
        if halves is not None:
            return merge_logs([self._split_block(half, header) for half in halves])
        return self._from_receipts(query, header)

    def _from_receipts(self, query: LogQuery, header: Header) -> RawLogs:
        try:
            raw = self.node.request([("eth_getBlockReceipts", (hex(header.number),))])[0]
        except (SizeRefused, Unsupported) as error:
            raise PoolhouseError(
                f"{self.node.host} returns neither the logs nor the receipts of block {header.number}: {error.message}",
                "Use an --rpc-url with a higher limit on results.",
            ) from None
        logs = concat_logs([parse_logs(r.logs) for r in msgspec.json.decode(raw, type=list[_Receipt])])
        if not len(logs):
            return logs
        keep = rows_in(logs.topics[:, 0], [bytes.fromhex(t[2:]) for t in query.topics])
        if query.addresses:
            keep &= rows_in(logs.address, [bytes.fromhex(a[2:]) for a in query.addresses])
        logs = logs.take(keep)
        check_logs(logs, query, header.number, header.number, header)
        return logs


class _Receipt(msgspec.Struct):
    logs: msgspec.Raw
