"""Batches from a portal: pages sized by density, each checked for what it claims, one fetched ahead."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
import numpy as np

from loaders.errors import PoolhouseError
from loaders.logs import Mask, RawLogs, rows_in
from loaders.plan.density import RangeController
from loaders.plan.filters import Finality, LogQuery, Segment
from loaders.registry.chains import Chain
from loaders.rpc.endpoint import Header, read_headers
from loaders.rpc.node import Lagging, Node
from loaders.source.base import Batch
from loaders.source.bloom import is_usable, may_match
from loaders.source.parse import Malformed, parse_logs
from loaders.source.verify import Inconsistent, check_logs, end_is_doubtful

_ASKS = 5
_SUSPICIOUS = 5.0
"""An empty answer is doubted where at least this many logs were to be expected."""
_SAMPLES = 8
_DENSE = 0.5
"""Logs per block."""
_LOGS_PER_PAGE = 50_000


@dataclass(frozen=True, slots=True)
class Question:
    """The logs of any of the queries in blocks [low, high]."""

    queries: tuple[LogQuery, ...]
    low: int
    high: int
    finality: Finality
    parent_hash: str | None = None
    """Hash of block ``low`` - 1 where it is known."""
    with_all_headers: bool = False
    """Headers of the blocks without logs as well, so that a block left out is seen."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a portal answered: all logs up to ``to_block``, by its own word, with block hashes and timestamps."""

    to_block: int
    logs: RawLogs
    headers: Mapping[int, Header] = field(default_factory=dict)
    """Of ``to_block``, of every block with logs, and whatever else came along."""
    parent_hash: str | None = None
    """Hash of the block before the first one asked for, where the portal states it."""


class Portal(Protocol):
    """A portal's protocol. Every method raises :class:`PoolhouseError` when the portal cannot be asked."""

    @property
    def host(self) -> str: ...

    def read(self, question: Question) -> Page:
        """Logs from ``low`` on, up to ``high`` or where the portal's answer ends.

        Raises :class:`Inconsistent`, :class:`Malformed` or :class:`Lagging` where asking again may help.
        """

    def headers(self, numbers: Sequence[int]) -> list[Header]:
        """Headers of the blocks in order. Raises like :meth:`read`."""


def headers_by_runs(numbers: Sequence[int], read: Callable[[int, int], Mapping[int, Header]]) -> list[Header]:
    """Headers of the blocks in order, by one request per run of consecutive blocks and page that it is cut into."""
    wanted = set(numbers)
    found: dict[int, Header] = {}
    for number in numbers:
        if number in found:
            continue
        last = number
        while last + 1 in wanted:
            last += 1
        found |= read(number, last)
        if number not in found:
            raise Inconsistent(f"no header of block {number}")
    return [found[n] for n in numbers]


class PortalSource:
    """Reads a segment page by page. A node beside the portal vouches for the end of each page and settles doubts."""

    def __init__(
        self,
        portal: Portal,
        chain: Chain,
        node: Node | None,
        *,
        logs_per_page: int = _LOGS_PER_PAGE,
        retry_wait_s: float = 0.5,
    ) -> None:
        self._portal = portal
        self._chain = chain
        self._node = node
        self._logs_per_page = logs_per_page
        self._retry_wait_s = retry_wait_s

    def batches(self, segment: Segment) -> Iterator[Batch]:
        """Batches that together cover the segment, in block order. Raises :class:`PoolhouseError` rather than skip."""
        controller = RangeController(target_logs=self._logs_per_page, first_width=10_000)
        with ThreadPoolExecutor(1, thread_name_prefix="portal") as pool:
            ahead = pool.submit(self._page, segment, segment.from_block, None, controller)
            at = segment.from_block
            while at <= segment.to_block:
                page = ahead.result()
                end = page.headers[page.to_block]
                if page.to_block < segment.to_block:
                    ahead = pool.submit(self._page, segment, page.to_block + 1, end, controller)
                first = [h for h in (page.headers.get(at),) if h is not None and h is not end]
                yield Batch(at, page.to_block, page.logs, end, first)
                at = page.to_block + 1

    def _page(self, segment: Segment, low: int, before: Header | None, controller: RangeController) -> Page:
        high = min(low + controller.width() - 1, segment.to_block)
        # Where most blocks have logs their headers come anyway: then all are asked for, and none may be missing.
        is_dense = controller.expected_logs(1) >= _DENSE
        parent_hash = before.hash if before is not None else None
        question = Question(segment.queries, low, high, segment.finality, parent_hash, is_dense)
        reason = ""
        for attempt in range(_ASKS):
            if attempt:
                time.sleep(self._retry_wait_s * 2 ** (attempt - 1))
            try:
                page = self._portal.read(question)
                self._check(segment, page, question, before)
                if not len(page.logs) and controller.expected_logs(page.to_block - low + 1) >= _SUSPICIOUS:
                    self._confirm_empty(segment, low, page.to_block)
            except (Inconsistent, Malformed, Lagging, msgspec.DecodeError, ValueError) as error:
                reason = error.message if isinstance(error, PoolhouseError) else str(error)
            else:
                controller.accepted(page.to_block - low + 1, len(page.logs))
                return page
        raise PoolhouseError(
            f"{self._portal.host} does not answer blocks {low} to {high} consistently: {reason.rstrip('.')}.",
            "Nothing of that range was loaded. Try again later, or load these blocks from a node (--rpc-url alone).",
        )

    def _check(self, segment: Segment, page: Page, question: Question, before: Header | None) -> None:
        low, high = question.low, question.high
        end = page.headers.get(page.to_block)
        if end is None:
            raise Inconsistent(f"no header of block {page.to_block}, where the answer ends")
        if not low <= page.to_block <= high:
            raise Inconsistent(f"asked for blocks {low} to {high}, the answer ends at {page.to_block}")
        _check_chain(page, low, before)
        absent = page.to_block - low + 1 - sum(low <= n <= page.to_block for n in page.headers)
        if question.with_all_headers and absent:
            raise Inconsistent(f"{absent} blocks are missing from the answer")
        # Order, bounds, one hash per block: as of a node's answer. What was asked for is the union of the queries.
        topics = tuple(sorted({t for q in segment.queries for t in q.topics}))
        check_logs(page.logs, LogQuery(topics, ()), low, page.to_block, end)
        if len(page.logs) and not _asked_for(page.logs, segment.queries).all():
            raise Inconsistent("logs that were not asked for")
        _check_blocks(page)
        if self._node is not None:
            vouched = read_headers(self._node, [page.to_block])[0]
            if vouched.hash != end.hash:
                raise Inconsistent(f"block {page.to_block} is another at {self._node.host}")
            end = vouched
        self._check_end(segment, page, end)

    def _check_end(self, segment: Segment, page: Page, end: Header) -> None:
        if self._chain.has_quirk("bloom_incomplete", end.number):
            return
        for query in segment.queries:
            of_query = page.logs.take(_asked_for(page.logs, (query,)))
            if end_is_doubtful(of_query, query, end):
                self._confirm_none(query, end, segment)

    def _confirm_none(self, query: LogQuery, header: Header, segment: Segment) -> None:
        """Settle that a block holds no log of a query: by its hash at a node, else by asking for that block alone."""
        if self._node is not None:
            raw = self._node.request([("eth_getLogs", (query.params_of_block(header.hash),))])[0]
            found = len(parse_logs(raw))
        else:
            page = self._portal.read(Question((query,), header.number, header.number, segment.finality))
            found = len(page.logs)
        if found:
            raise Inconsistent(f"the answer lacks {found} logs of block {header.number}")

    def _confirm_empty(self, segment: Segment, low: int, high: int) -> None:
        """Settle an unexpectedly empty range on blocks sampled from it."""
        numbers = sorted({int(n) for n in np.linspace(low, high, _SAMPLES)})
        headers = read_headers(self._node, numbers) if self._node is not None else self._portal.headers(numbers)
        doubtful = 0
        for header in headers:
            for query in segment.queries:
                if not is_usable(header.logs_bloom) or may_match(header.logs_bloom, query):
                    doubtful += 1
                    self._confirm_none(query, header, segment)
        # The portal's own word does not settle what it may have lost as a whole.
        if self._node is None and doubtful >= len(headers) * len(segment.queries):
            raise Inconsistent(
                f"no logs where about {_SUSPICIOUS:.0f} or more were to be expected, and every bloom says that there may "
                "be some; a node beside the portal (--rpc-url) settles it"
            )


def _asked_for(logs: RawLogs, queries: Sequence[LogQuery]) -> Mask:
    """The logs that one of the queries asks for."""
    asked: Mask = np.zeros(len(logs), bool)
    if not len(logs):
        return asked
    for query in queries:
        of_query = rows_in(logs.topics[:, 0], [bytes.fromhex(t[2:]) for t in query.topics])
        if query.addresses:
            of_query &= rows_in(logs.address, [bytes.fromhex(a[2:]) for a in query.addresses])
        asked |= of_query
    return asked


def _check_chain(page: Page, low: int, before: Header | None) -> None:
    """The headers must follow from one another and from the page before."""
    known = dict(page.headers)
    if before is not None:
        if page.parent_hash is not None and page.parent_hash != before.hash:
            raise Inconsistent(f"block {low} does not follow from block {before.number} of the answer before")
        known[before.number] = before
    for number, header in known.items():
        parent = known.get(number - 1)
        if header.number != number or (parent is not None and header.parent_hash != parent.hash):
            raise Inconsistent(f"block {number} does not follow from the one before it")
    timestamps = [known[n].timestamp for n in sorted(known)]
    if timestamps != sorted(timestamps) or any(t <= 0 for n, t in zip(sorted(known), timestamps, strict=True) if n):
        raise Inconsistent("timestamps that go backwards or are missing")


def _check_blocks(page: Page) -> None:
    """Every log's block has a header, with the log's hash and time."""
    logs = page.logs
    for row in np.flatnonzero(np.diff(logs.block_number, prepend=-1)):
        header = page.headers.get(int(logs.block_number[row]))
        if header is None:
            raise Inconsistent(f"logs of block {logs.block_number[row]} without its header")
        if "0x" + logs.block_hash[row].tobytes().hex() != header.hash or logs.timestamp[row] != header.timestamp:
            raise Inconsistent(f"block {header.number} has two hashes or two timestamps")
