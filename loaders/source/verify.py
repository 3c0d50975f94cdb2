"""Is this the whole answer? What a node returns is checked before anything else sees it."""

from __future__ import annotations

import numpy as np

from loaders.logs import Mask, RawLogs, rows_in
from loaders.plan.filters import LogQuery
from loaders.rpc.endpoint import Header
from loaders.source.bloom import is_usable, may_contain, may_match


class Inconsistent(Exception):
    """The answer contradicts itself, the question or the chain; asking again may help."""


def check_logs(logs: RawLogs, query: LogQuery, from_block: int, to_block: int, end: Header) -> None:
    """Raises :class:`Inconsistent` unless the logs are what the query asked for, in order, each once, on one chain.

    ``end`` is the header of ``to_block`` as the same node returned it in the same batch.
    """
    if end.number != to_block:
        raise Inconsistent(f"the header of block {to_block} has number {end.number}")
    if not len(logs):
        return
    block = logs.block_number
    if int(block.min()) < from_block or int(block.max()) > to_block:
        raise Inconsistent("logs outside the requested blocks")
    step = np.diff(block)
    same_block = step == 0
    if (step < 0).any() or (np.diff(logs.log_index)[same_block] <= 0).any():
        raise Inconsistent("logs out of order or repeated")
    if (logs.block_hash[1:] != logs.block_hash[:-1]).any(axis=1)[same_block].any():
        raise Inconsistent("one block with two hashes")
    if not rows_in(logs.topics[:, 0], [bytes.fromhex(t[2:]) for t in query.topics]).all():
        raise Inconsistent("logs of events that were not asked for")
    if query.addresses and not rows_in(logs.address, [bytes.fromhex(a[2:]) for a in query.addresses]).all():
        raise Inconsistent("logs of contracts that were not asked for")
    if int(block[-1]) == to_block and "0x" + logs.block_hash[-1].tobytes().hex() != end.hash:
        raise Inconsistent(f"block {to_block} changed between its logs and its header")


def end_is_doubtful(logs: RawLogs, query: LogQuery, end: Header) -> bool:
    """The end block returned no log although its bloom says it may hold one: cut-off answers look like this."""
    if not is_usable(end.logs_bloom):
        return False
    in_end: Mask = logs.block_number == end.number
    if not in_end.any():
        return may_match(end.logs_bloom, query)
    addresses = {logs.address[i].tobytes() for i in np.flatnonzero(in_end)}
    if not all(may_contain(end.logs_bloom, a) for a in addresses):
        raise Inconsistent(f"block {end.number} has logs that its bloom excludes")
    return False
