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
from loaders.logs import LATEST_SANE_TIMESTAMP, RawLogs, merge_logs
from loaders.plan.density import DensityMap, Expected
from loaders.plan.filters import Finality, LogQuery, Segment
from loaders.plan.ranges import RangeController
from loaders.registry.chains import Chain
from loaders.rpc.endpoint import Header, read_headers
from loaders.rpc.node import Lagging, Node
from loaders.source.base import Batch
from loaders.source.bloom import collision_probability
from loaders.source.doubt import IMPOSSIBLE, Doubts, of_query
from loaders.source.parse import Malformed
from loaders.source.verify import Inconsistent, check_bloom, check_logs, doubtful_places

_ASKS = 5
_DENSE = 0.5
"""Logs per block."""
_LOGS_PER_PAGE = 50_000
_FIRST_WIDTH = 10_000
_ODD_PLACES = 8


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
    """Reads segments page by page. A node beside the portal vouches for the end of each page and settles doubts."""

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
        self._doubts = Doubts(self._is_bloom_complete)
        self._logs_per_page = logs_per_page
        self._retry_wait_s = retry_wait_s

    def batches(self, segment: Segment) -> Iterator[Batch]:
        """Batches that together cover the segment, in block order. Raises :class:`PoolhouseError` rather than skip."""
        known = _Knowledge(
            RangeController(target_logs=self._logs_per_page, first_width=_FIRST_WIDTH),
            tuple(DensityMap() for _ in segment.queries),
        )
        with ThreadPoolExecutor(1, thread_name_prefix="portal") as pool:
            ahead = pool.submit(self._page, segment, segment.from_block, None, known)
            at = segment.from_block
            while at <= segment.to_block:
                page = ahead.result()
                end = page.headers[page.to_block]
                if page.to_block < segment.to_block:
                    ahead = pool.submit(self._page, segment, page.to_block + 1, end, known)
                first = [h for h in (page.headers.get(at),) if h is not None and h is not end]
                yield Batch(at, page.to_block, page.logs, end, first)
                at = page.to_block + 1

    def _page(self, segment: Segment, low: int, before: Header | None, known: _Knowledge) -> Page:
        high = low + known.controller.width(low, segment.to_block - low + 1) - 1
        # Where most blocks have logs their headers come anyway: then all are asked for, and none may be missing.
        is_dense = known.controller.expected_logs(low, low) >= _DENSE
        parent_hash = before.hash if before is not None else None
        question = Question(segment.queries, low, high, segment.finality, parent_hash, is_dense)
        reason = ""
        for attempt in range(_ASKS):
            if attempt:
                time.sleep(self._retry_wait_s * 2 ** (attempt - 1))
            try:
                page = self._portal.read(question)
                self._check(page, question, before)
                for query, densities in zip(segment.queries, known.densities, strict=True):
                    self._doubt(page, question, query, densities.expected(low, page.to_block))
            except (Inconsistent, Malformed, Lagging, msgspec.DecodeError, ValueError) as error:
                reason = error.message if isinstance(error, PoolhouseError) else str(error)
            else:
                known.learn(segment.queries, low, page)
                return page
        raise PoolhouseError(
            f"{self._portal.host} does not answer blocks {low} to {high} consistently: {reason.rstrip('.')}.",
            "Nothing of that range was loaded. Try again later, or load these blocks from a node (--rpc-url alone).",
        )

    def _check(self, page: Page, question: Question, before: Header | None) -> None:
        low, high, queries = question.low, question.high, question.queries
        end = page.headers.get(page.to_block)
        if not low <= page.to_block <= high:
            raise Inconsistent(f"asked for blocks {low} to {high}, the answer ends at {page.to_block}")
        if end is None:
            raise Inconsistent(f"no header of block {page.to_block}, where the answer ends")
        _check_chain(page, low, before)
        absent = page.to_block - low + 1 - sum(low <= n <= page.to_block for n in page.headers)
        if question.with_all_headers and absent:
            raise Inconsistent(f"{absent} blocks are missing from the answer")
        # Order, bounds, one hash per block: as of a node's answer. What was asked for is the union of the queries.
        topics = {t for q in queries for t in q.topics} if all(q.topics for q in queries) else set()
        check_logs(page.logs, LogQuery(tuple(sorted(topics)), ()), low, page.to_block, end)
        if len(merge_logs([of_query(page.logs, query) for query in queries])) < len(page.logs):
            raise Inconsistent("logs that were not asked for")
        _check_blocks(page)
        if self._node is not None and read_headers(self._node, [page.to_block])[0].hash != end.hash:
            raise Inconsistent(f"block {page.to_block} is another at {self._node.host}")
        if self._is_bloom_complete(end.number):
            check_bloom(page.logs, end)

    def _is_bloom_complete(self, number: int) -> bool:
        return not self._chain.has_quirk("bloom_incomplete", number)

    def _doubt(self, page: Page, question: Question, query: LogQuery, expected: Expected) -> None:
        """Look again where the answer looks as if it lacked logs of the query; raises :class:`Inconsistent` if it does."""
        logs = of_query(page.logs, query)
        filled = {int(n) for n in np.unique(logs.block_number)}
        places = set(doubtful_places(logs.block_number, question.low, page.to_block, expected)) | {page.to_block}
        # Headers that came along tell of more: blocks without logs whose blooms hardly match by chance.
        places |= set(
            [
                number
                for number, header in page.headers.items()
                if question.low <= number <= page.to_block
                and number not in filled
                and self._doubts.is_odd(header, query)
            ][:_ODD_PLACES]
        )
        empty = sorted(places - filled)
        if self._node is not None:
            self._doubts.look(self._node, query, logs, empty)
        else:
            self._ask_again(query, question.finality, empty, page)

    def _ask_again(self, query: LogQuery, finality: Finality, places: Sequence[int], page: Page) -> None:
        """Without a node: ask the portal for each doubtful block alone, and for more than chance where it stays empty."""
        unread = [n for n in places if n not in page.headers]
        headers = {**page.headers, **{h.number: h for h in self._portal.headers(unread)}}
        chance = 1.0
        for header in (headers[n] for n in places):
            if not self._doubts.may_hold(header, query):
                continue
            again = self._portal.read(Question((query,), header.number, header.number, finality))
            if len(again.logs):
                raise Inconsistent(f"the answer lacks {len(again.logs)} logs of block {header.number}")
            if self._doubts.is_trusted(header):
                chance *= collision_probability(header.logs_bloom, query)
        if chance < IMPOSSIBLE:
            raise Inconsistent(
                "blocks have no logs of what their blooms contain; a node beside the portal (--rpc-url) settles it"
            )


@dataclass
class _Knowledge:
    """What the pages of a segment say about the next."""

    controller: RangeController
    densities: tuple[DensityMap, ...]
    """One per query: that one of them is empty does not show in their sum."""

    def learn(self, queries: Sequence[LogQuery], low: int, page: Page) -> None:
        self.controller.accepted(low, page.to_block, page.logs.block_number)
        for query, densities in zip(queries, self.densities, strict=True):
            densities.observe(low, page.to_block, of_query(page.logs, query).block_number)


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
    if timestamps and timestamps[-1] >= LATEST_SANE_TIMESTAMP:
        raise Inconsistent("timestamps that are not in seconds")
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
