"""Logs from files behind the same checks as a node's answers, and the view of the chain that files give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from loaders.errors import PoolhouseError
from loaders.logs import RawLogs, concat_logs
from loaders.plan.filters import LogQuery, Segment
from loaders.registry.chains import Chain
from loaders.rpc.endpoint import Header
from loaders.source.base import Batch
from loaders.source.clock import BlockGap, Clock
from loaders.source.files.coverage import answering
from loaders.source.files.fileset import LogFile, sorted_copy
from loaders.source.files.headers import Headers
from loaders.source.files.layout import Rows
from loaders.source.files.order import in_order, whole_blocks
from loaders.source.files.staging import Scratch
from loaders.source.verify import Inconsistent, check_logs

_LOGS_PER_BATCH = 16_384
_ROWS_PER_BATCH = 1 << 18


class FileSource:
    """Reads a segment from the files that together answer it. ``is_whole``: they claim to hold every log of their blocks."""

    def __init__(
        self, files: Sequence[LogFile], headers: Headers, chain: Chain, scratch: Scratch, *, is_whole: bool
    ) -> None:
        self._files = files
        self._headers = headers
        self._chain = chain
        self._scratch = scratch
        self._sorted: dict[tuple[str, ...], list[LogFile]] = {}
        self._is_whole = is_whole
        self._clock = Clock(BlockGap.of(chain), headers.read)

    def batches(self, segment: Segment) -> Iterator[Batch]:
        """Batches that together cover the segment, in block order. Raises :class:`PoolhouseError` rather than skip."""
        low, high = segment.from_block, segment.to_block
        files = [f for f in answering(self._files, segment) if f.has_logs_of(low, high)]
        if not in_order(files, low, high):
            files = self._in_order(files)
        # Anonymous events have no topic of their own: then every log has to be looked at.
        is_named = all(query.topics for query in segment.queries)
        topics = sorted({bytes.fromhex(t[2:]) for q in segment.queries for t in q.topics}) if is_named else None
        start = low
        for pieces, end in _grouped(whole_blocks(files, low, high, topics, self._chain.chain_id), high):
            yield self._batch(segment, start, end, pieces)
            start = end + 1

    def _in_order(self, files: Sequence[LogFile]) -> list[LogFile]:
        """Sorted copies, made once for all segments that the same files answer."""
        names = tuple(file.stored.path for file in files)
        if names not in self._sorted:
            self._sorted[names] = sorted_copy(files, self._scratch.path)
        return self._sorted[names]

    def _batch(self, segment: Segment, low: int, high: int, pieces: list[Rows]) -> Batch:
        try:
            rows = [_ordered(piece) for piece in pieces]
            if self._is_whole:
                self._check_whole(low, high, rows)
            known = _stated_headers(rows, {low, high})
            end = self._header(high, known) or self._headers.read([high])[0]
            logs = concat_logs([piece.logs for piece in rows])
            # Whole logs were read of the wanted events alone: more can only be too many where contracts are asked for.
            if any(query.addresses for query in segment.queries):
                logs = _asked(logs, segment.queries)
            logs, read = self._completed(logs, end, lacks_hash=any(piece.block_hash is None for piece in rows))
            for query in segment.queries:
                answer = logs if len(segment.queries) == 1 else _asked(logs, (query,))
                check_logs(answer, query, low, high, end)
        except Inconsistent as error:
            raise PoolhouseError(
                f"The files contradict themselves or the chain in blocks {low} to {high}: {error}.",
                "Nothing of these blocks was loaded. Export the files again, or leave out those that are wrong.",
            ) from None
        first = self._header(low, known) if low == segment.from_block else known.get(low)
        return Batch(low, high, logs, end, [*([first] if first else []), *read])

    def _header(self, number: int, stated_by_logs: dict[int, Header]) -> Header | None:
        """Of a block that a batch begins or ends with: as headers have it, else as its logs say."""
        found, stated = self._headers.find([number]).get(number), stated_by_logs.get(number)
        if found and stated and (found.hash, found.timestamp) != (stated.hash, stated.timestamp):
            raise Inconsistent(f"block {number} has hash {stated.hash} in the logs, but {found.hash} in its header")
        return found or stated

    def _completed(self, logs: RawLogs, end: Header, *, lacks_hash: bool) -> tuple[RawLogs, list[Header]]:
        """With hash and time, where the layout lacks them."""
        if not lacks_hash or not len(logs):
            return self._clock.with_timestamps(logs, end)
        numbers, rows = np.unique(logs.block_number, return_inverse=True)
        headers = self._headers.read([int(n) for n in numbers])
        hashes = np.frombuffer(b"".join(bytes.fromhex(h.hash[2:]) for h in headers), np.uint8).reshape(-1, 32)
        seconds = np.array([h.timestamp for h in headers], np.int64)
        return replace(logs, block_hash=hashes[rows], timestamp=seconds[rows]), headers

    def _check_whole(self, low: int, high: int, rows: list[Rows]) -> None:
        """In a dump of every log, those of a block are numbered from 0 without a gap, and blocks without any are empty."""
        block = np.concatenate([piece.block for piece in rows]) if rows else np.empty(0, np.int64)
        index = np.concatenate([piece.index for piece in rows]) if rows else np.empty(0, np.int64)
        begins = np.append(True, np.diff(block) > 0)[: len(block)]
        first = np.flatnonzero(begins)
        expected = np.arange(len(block)) - np.repeat(first, np.diff(np.append(first, len(block))))
        if (wrong := np.flatnonzero(index != expected)).size:
            raise Inconsistent(
                f"block {block[wrong[0]]} lacks its log {expected[wrong[0]]} (if the files hold chosen events only, say "
                "so with --filtered-files)"
            )
        silent = np.setdiff1d(np.arange(low, high + 1), block[first], assume_unique=True)
        if logged := self._headers.with_logs(silent):
            raise Inconsistent(f"block {logged[0]} has no logs in the files, but some by its header")


def _grouped(pieces: Iterator[Rows], high: int) -> Iterator[tuple[list[Rows], int]]:
    """Pieces of whole blocks, as many as make a batch, and the last block they are complete to."""
    waiting: list[Rows] = []
    for piece in pieces:
        logs, rows = sum(len(w.logs) for w in waiting), sum(len(w.block) for w in waiting)
        # A large piece stands alone: joining costs more than a small batch before it.
        if waiting and (logs + len(piece.logs) > _LOGS_PER_BATCH or rows + len(piece.block) > _ROWS_PER_BATCH):
            yield waiting, int(waiting[-1].block[-1])
            waiting = []
        waiting.append(piece)
    yield waiting, high


def _ordered(rows: Rows) -> Rows:
    """By log index within each block, each log once: what files hold twice must agree."""
    step, same = np.diff(rows.index), np.diff(rows.block) == 0
    if not (step[same] <= 0).any():
        return rows
    order = np.lexsort((rows.index, rows.block))
    block, index = rows.block[order], rows.index[order]
    once = np.append(True, (np.diff(block) != 0) | (np.diff(index) != 0))
    block_hash = None if rows.block_hash is None else rows.block_hash[order]
    if block_hash is not None and (block_hash[1:] != block_hash[:-1])[np.diff(block) == 0].any():
        raise Inconsistent("one block has two hashes")
    kept = order[once]
    return Rows(
        rows.block[kept],
        rows.index[kept],
        None if rows.block_hash is None else rows.block_hash[kept],
        None if rows.timestamp is None else rows.timestamp[kept],
        _each_once(rows.logs),
    )


def _each_once(logs: RawLogs) -> RawLogs:
    order = np.lexsort((logs.log_index, logs.block_number))
    logs = logs.take(order)
    again = np.flatnonzero((np.diff(logs.block_number) == 0) & (np.diff(logs.log_index) == 0)) + 1
    for row in again:
        a, b = logs.take(np.array([row - 1])), logs.take(np.array([row]))
        same = all(
            np.array_equal(getattr(a, name), getattr(b, name))
            for name in ("block_hash", "tx_hash", "tx_index", "address", "topic_count", "topics", "timestamp")
        )
        if not same or a.data_of(0) != b.data_of(0):
            raise Inconsistent(
                f"log {logs.log_index[row]} of block {logs.block_number[row]} is there twice and differs"
            )
    return logs.take(np.delete(np.arange(len(logs)), again))


def _asked(logs: RawLogs, queries: Sequence[LogQuery]) -> RawLogs:
    """The logs that one of the queries asks for."""
    chosen = np.zeros(len(logs), bool)
    for query in queries:
        chosen |= query.matches(logs)
    return logs if chosen.all() else logs.take(chosen)


def _stated_headers(rows: list[Rows], numbers: set[int]) -> dict[int, Header]:
    """What logs say of their own blocks, where the layout says it."""
    found = {}
    for piece in rows:
        if piece.block_hash is None or piece.timestamp is None:
            continue
        for number in numbers:
            row = int(np.searchsorted(piece.block, number))
            if row < len(piece.block) and piece.block[row] == number:
                block_hash = "0x" + piece.block_hash[row].tobytes().hex()
                found[number] = Header(number, block_hash, "", int(piece.timestamp[row]))
    return found


def stated_header(files: Sequence[LogFile], number: int, chain_id: int) -> Header | None:
    """What the logs of a block say of it; None where it has no logs in the files, or their layout does not say."""
    for file in files:
        for rows in file.rows(number, number, [], chain_id):
            if header := _stated_headers([rows], {number}).get(number):
                return header
    return None
