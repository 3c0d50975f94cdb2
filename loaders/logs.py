"""Raw logs as columns of bytes: the one form between source, verification, archive and decoder.

A log costs no Python object here: hashes, addresses and topics are rows of uint8 matrices, data one buffer with offsets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Bytes: TypeAlias = NDArray[np.uint8]
Integers: TypeAlias = NDArray[np.int64]
Mask: TypeAlias = NDArray[np.bool_]

UNKNOWN_TIMESTAMP = -1
LATEST_SANE_TIMESTAMP = 10**11
"""In seconds; anything above is milliseconds."""


@dataclass(frozen=True, slots=True)
class RawLogs:
    """``n`` logs in chain order."""

    block_number: Integers
    log_index: Integers
    tx_index: Integers
    timestamp: Integers
    """Seconds since 1970, or ``UNKNOWN_TIMESTAMP``."""
    block_hash: Bytes
    """(n, 32)"""
    tx_hash: Bytes
    """(n, 32)"""
    address: Bytes
    """(n, 20)"""
    topic_count: Integers
    topics: Bytes
    """(n, 4, 32), zero where a log has fewer topics"""
    data: Bytes
    """all data, one after the other"""
    data_start: Integers
    data_size: Integers

    def __len__(self) -> int:
        return len(self.block_number)

    def take(self, which: Integers | Mask) -> RawLogs:
        """The chosen logs. The data buffer is shared, not copied."""
        chosen: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        return RawLogs(**{name: column if name == "data" else column[which] for name, column in chosen.items()})

    def with_timestamps(self, seconds: Integers) -> RawLogs:
        return replace(self, timestamp=seconds)

    def data_matrix(self, width: int) -> Bytes:
        """Data as (n, width); every log must have exactly ``width`` bytes of it."""
        count = len(self)
        if not width or not count:
            return np.empty((count, width), np.uint8)
        start = int(self.data_start[0])
        if np.array_equal(self.data_start, np.arange(start, start + count * width, width)):
            return self.data[start : start + count * width].reshape(count, width)
        return sliding_window_view(self.data, width)[self.data_start]

    def data_of(self, row: int) -> bytes:
        start = int(self.data_start[row])
        return self.data[start : start + int(self.data_size[row])].tobytes()


def empty_logs() -> RawLogs:
    return RawLogs(
        block_number=np.empty(0, np.int64),
        log_index=np.empty(0, np.int64),
        tx_index=np.empty(0, np.int64),
        timestamp=np.empty(0, np.int64),
        block_hash=np.empty((0, 32), np.uint8),
        tx_hash=np.empty((0, 32), np.uint8),
        address=np.empty((0, 20), np.uint8),
        topic_count=np.empty(0, np.int64),
        topics=np.empty((0, 4, 32), np.uint8),
        data=np.empty(0, np.uint8),
        data_start=np.empty(0, np.int64),
        data_size=np.empty(0, np.int64),
    )


def concat_logs(parts: Sequence[RawLogs]) -> RawLogs:
    """All logs of ``parts`` in their order."""
    filled = [p for p in parts if len(p)]
    if not filled:
        return empty_logs()
    if len(filled) == 1:
        return filled[0]
    columns = {
        f.name: np.concatenate([getattr(p, f.name) for p in filled]) for f in fields(RawLogs) if f.name != "data_start"
    }
    shifts = np.cumsum([0, *(len(p.data) for p in filled[:-1])])
    starts = np.concatenate([p.data_start + shift for p, shift in zip(filled, shifts, strict=True)])
    return RawLogs(**columns, data_start=starts)


def merge_logs(parts: Sequence[RawLogs]) -> RawLogs:
    """All logs of ``parts`` in chain order, each once (two filters may return the same log)."""
    logs = concat_logs(parts)
    if len([p for p in parts if len(p)]) < 2:
        return logs
    order = np.lexsort((logs.log_index, logs.block_number))
    block, index = logs.block_number[order], logs.log_index[order]
    first = np.ones(len(order), bool)
    first[1:] = (block[1:] != block[:-1]) | (index[1:] != index[:-1])
    return logs.take(order[first])


def rows_as_key(matrix: Bytes) -> NDArray[np.void]:
    """One opaque, comparable value per row of a uint8 matrix."""
    contiguous = np.ascontiguousarray(matrix)
    return contiguous.view(np.dtype((np.void, contiguous.shape[1])))[:, 0]


def rows_in(matrix: Bytes, values: Sequence[bytes]) -> Mask:
    """Rows equal to one of ``values``, all of the matrix's width."""
    known = np.frombuffer(b"".join(values), np.uint8).reshape(-1, matrix.shape[1])
    found: Mask = np.isin(rows_as_key(matrix), rows_as_key(known))
    return found
