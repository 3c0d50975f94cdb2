"""Is this the whole answer? What a node returns is checked before anything else sees it.

Pure functions of an answer, its question and what earlier answers let expect. What they find contradictory is raised, what they
find doubtful is a list of places to look at (:mod:`loaders.source.doubt`).
"""

from __future__ import annotations

import math

import numpy as np

from loaders.logs import Integers, Mask, RawLogs
from loaders.plan.density import Expected
from loaders.plan.filters import LogQuery
from loaders.rpc.endpoint import Header
from loaders.source.bloom import is_usable, may_contain

SUSPICIOUS = 5.0
"""An empty answer is doubtful where at least this many logs were to be expected."""
_FAR_FEWER = 4
"""So is one with so many times fewer logs than expected, once there are enough to judge by."""
_ENOUGH = 12
_GAP = 5.0
"""A gap is doubtful where chance alone leaves one as long in one of e^5 answers."""
_PLACES = 8
_PLACES_PER_GAP = 3
_CUT_OFF = frozenset(m * 10**k for m in (1, 2, 5) for k in range(2, 7))
"""Numbers of logs at which providers are known to cut an answer off."""


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
    if not query.matches(logs).all():
        raise Inconsistent("logs of events or contracts that were not asked for")
    check_block(logs, end)


def check_block(logs: RawLogs, header: Header) -> None:
    """Raises :class:`Inconsistent` where the logs' block of that number is another than the header's."""
    row = int(np.searchsorted(logs.block_number, header.number))
    if row == len(logs) or int(logs.block_number[row]) != header.number:
        return
    if "0x" + logs.block_hash[row].tobytes().hex() != header.hash:
        raise Inconsistent(f"block {header.number} changed between its logs and its header")


def check_bloom(logs: RawLogs, header: Header) -> None:
    """Raises :class:`Inconsistent` where the header's bloom excludes a log that the block is said to have."""
    if not is_usable(header.logs_bloom):
        return
    in_block: Mask = logs.block_number == header.number
    rows = np.flatnonzero(in_block)
    values = {logs.address[i].tobytes() for i in rows}
    values |= {logs.topics[i, 0].tobytes() for i in rows if logs.topic_count[i]}
    if not all(may_contain(header.logs_bloom, v) for v in values):
        raise Inconsistent(f"block {header.number} has logs that its bloom excludes")


def is_cut_off(count: int, max_logs: int | None) -> bool:
    """Whether an answer has exactly as many logs as some provider, or this one, returns at most."""
    return count in _CUT_OFF or count == max_logs


def is_unexpectedly_empty(logs: RawLogs, expected: float) -> bool:
    return not len(logs) and expected >= SUSPICIOUS


def doubtful_places(blocks: Integers, from_block: int, to_block: int, expected: Expected) -> list[int]:
    """Blocks without logs, in order, where logs should be if the answer is not the whole: at most eight of them.

    ``blocks`` are the block numbers of the answer's logs, ascending. The places lie in gaps, at the ends or within, that are
    improbable by how many blocks have logs, here or before, and, where there are far fewer logs than expected, all over.
    """
    size = to_block - from_block + 1
    if not len(blocks):
        return _spread(from_block, to_block, _PLACES) if expected.logs >= SUSPICIOUS else []
    filled = blocks[np.r_[True, np.diff(blocks) > 0]]
    places = _in_gaps(filled, from_block, to_block, expected.filled_share)
    if expected.logs >= _ENOUGH and len(blocks) * _FAR_FEWER < expected.logs:
        empty = np.setdiff1d(_spread(from_block, to_block, 2 * _PLACES), filled)
        places += [int(n) for n in empty]
    return sorted(set(places))[:_PLACES] if size > len(filled) else []


def _in_gaps(filled: Integers, from_block: int, to_block: int, share_before: float) -> list[int]:
    share = max(share_before, (len(filled) + 0.5) / (to_block - from_block + 2))
    improbability = -math.log(1 - share)
    bounds = np.concatenate([[from_block - 1], filled, [to_block + 1]])
    gaps = np.diff(bounds) - 1
    # Each block of a gap is so improbable; of n gaps the longest may be log(n) more improbable than one. Two are at the ends.
    allowed = np.full(len(gaps), math.log(len(filled)) + _GAP)
    allowed[[0, -1]] = math.log(2) + _GAP
    excess = gaps * improbability - allowed
    places: list[int] = []
    for at in np.argsort(-excess)[:2]:
        if excess[at] > 0:
            places += _spread(int(bounds[at]) + 1, int(bounds[at + 1]) - 1, _PLACES_PER_GAP)
    return places


def _spread(low: int, high: int, count: int) -> list[int]:
    """Up to ``count`` blocks of the range, evenly spread, away from its ends where it is long."""
    return sorted({int(n) for n in np.linspace(low, high, count + 2)[1:-1].round()}) if high > low else [low]
