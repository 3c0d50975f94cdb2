"""Doubts about an answer, settled on single blocks: by their blooms, by their hash, at last by their receipts.

A second endpoint is asked where there is one. Each step is asked only where the one before left a doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from loaders.logs import RawLogs, concat_logs
from loaders.plan.filters import LogQuery
from loaders.rpc.endpoint import Header, read_headers
from loaders.rpc.node import Node, SizeRefused, Unsupported
from loaders.source.bloom import bloom_of, collision_probability, is_usable, may_match
from loaders.source.parse import parse_logs
from loaders.source.verify import Inconsistent, check_block

_IMPROBABLE = 1e-3
"""A bloom that matches by chance more rarely is worth reading a block's receipts for."""
IMPOSSIBLE = 1e-9
"""What is more improbable is no chance, even where the receipts cannot be had."""


class Doubts:
    """Settles doubts about answers of one chain; ``is_bloom_complete`` says of a block whether its bloom covers all its logs."""

    def __init__(self, is_bloom_complete: Callable[[int], bool] = lambda _: True) -> None:
        self._is_bloom_complete = is_bloom_complete

    def look(self, node: Node, query: LogQuery, logs: RawLogs, places: Sequence[int]) -> None:
        """Look at blocks that ``logs`` has nothing of; raises :class:`Inconsistent` where one has a log of the query."""
        headers = read_headers(node, places)
        for header in headers:
            check_block(logs, header)
        self.look_at(node, query, headers)

    def look_at(self, node: Node, query: LogQuery, headers: Sequence[Header]) -> None:
        """Like :meth:`look`, with the blocks' headers at hand."""
        doubtful = [h for h in headers if self.may_hold(h, query)]
        if not doubtful:
            return
        # By hash: a node that has the block cannot answer for another, or for none.
        try:
            answers = node.request([("eth_getLogs", (query.params_of_block(h.hash),)) for h in doubtful])
        except SizeRefused:
            raise Inconsistent("a block without logs has too many to return") from None
        for header, raw in zip(doubtful, answers, strict=True):
            if len(parse_logs(raw)):
                raise Inconsistent(f"the answer lacks logs of block {header.number}")
        chance = 1.0
        for header in doubtful:
            if self.is_odd(header, query) and not self._has_no_receipts(node, query, header):
                chance *= collision_probability(header.logs_bloom, query)
        if chance < IMPOSSIBLE:
            raise Inconsistent("blocks have no logs of what their blooms contain")

    def may_hold(self, header: Header, query: LogQuery) -> bool:
        """Whether the block can hold a log of the query, as far as its header says."""
        return not self.is_trusted(header) or may_match(header.logs_bloom, query)

    def is_odd(self, header: Header, query: LogQuery) -> bool:
        """Whether a bloom that can be trusted matches, and hardly by chance: without a log of the query that is odd."""
        is_match = self.is_trusted(header) and may_match(header.logs_bloom, query)
        return is_match and collision_probability(header.logs_bloom, query) < _IMPROBABLE

    def is_trusted(self, header: Header) -> bool:
        """Whether the header has a bloom, and one that covers all logs of the block."""
        return is_usable(header.logs_bloom) and self._is_bloom_complete(header.number)

    def _has_no_receipts(self, node: Node, query: LogQuery, header: Header) -> bool:
        """Whether the block's receipts, from another part of the node than its logs, prove that it has no log of the query.

        False where the node does not return them; raises :class:`Inconsistent` where they have such a log or are not whole.
        """
        try:
            logs = read_receipts(node, header)
        except (SizeRefused, Unsupported):
            return False
        if len(of_query(logs, query)):
            raise Inconsistent(f"the receipts of block {header.number} have logs that its answer lacks")
        if bloom_of(logs) != header.logs_bloom:
            raise Inconsistent(f"the receipts of block {header.number} are not those of its bloom")
        return True

    def compare_block(self, node: Node, query: LogQuery, logs: RawLogs, number: int) -> None:
        """Ask for one block of an answer by its hash; raises :class:`Inconsistent` where that brings logs it lacks.

        Logs the answer has on top are no contradiction: one who has lost them cannot refute them.
        """
        mine = logs.take(logs.block_number == number)
        block_hash = "0x" + mine.block_hash[0].tobytes().hex()
        try:
            by_hash = parse_logs(node.request([("eth_getLogs", (query.params_of_block(block_hash),))])[0])
        except SizeRefused:
            return
        if not np.isin(by_hash.log_index, mine.log_index).all():
            raise Inconsistent(f"block {number} has {len(by_hash)} logs by its hash and {len(mine)} in the range")


def read_receipts(node: Node, header: Header) -> RawLogs:
    """All logs of a block, from its receipts. Raises :class:`Unsupported` or :class:`SizeRefused`."""
    raw = node.request([("eth_getBlockReceipts", (hex(header.number),))])[0]
    receipts = msgspec.json.decode(raw, type=list[_Receipt] | None)
    if receipts is None:
        raise Inconsistent(f"the node has no receipts of block {header.number}")
    return concat_logs([parse_logs(r.logs) for r in receipts])


def of_query(logs: RawLogs, query: LogQuery) -> RawLogs:
    """Those of the logs that the query asks for."""
    return logs.take(query.matches(logs)) if len(logs) else logs


class _Receipt(msgspec.Struct):
    logs: msgspec.Raw
