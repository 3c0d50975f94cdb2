"""Block timestamps: from the logs where the node states them and they are sane, else from headers. Never interpolated."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from loaders.logs import RawLogs
from loaders.registry.tables import BLOCKS
from loaders.rpc.endpoint import Header, read_headers
from loaders.rpc.node import Node
from loaders.source.verify import Inconsistent

_LATEST_SANE = 10**11  # seconds; anything above is milliseconds


def with_timestamps(logs: RawLogs, end: Header, node: Node) -> tuple[RawLogs, list[Header]]:
    """The logs with a proven timestamp each, and the headers that had to be read for it."""
    if not len(logs) or _sane(logs, end):
        return logs, []
    numbers = np.unique(logs.block_number)
    headers = {h.number: h for h in read_headers(node, [int(n) for n in numbers if n != end.number])}
    headers[end.number] = end
    for number in numbers:
        row = int(np.searchsorted(logs.block_number, number))
        if headers[int(number)].hash != "0x" + logs.block_hash[row].tobytes().hex():
            raise Inconsistent(f"block {number} changed between its logs and its header")
    seconds = np.array([headers[int(n)].timestamp for n in numbers], np.int64)
    rows = np.searchsorted(numbers, logs.block_number)
    return logs.with_timestamps(seconds[rows]), [h for h in headers.values() if h is not end]


def _sane(logs: RawLogs, end: Header) -> bool:
    seconds = logs.timestamp
    if int(seconds.min()) <= 0 or int(seconds.max()) >= _LATEST_SANE or int(seconds.max()) > end.timestamp:
        return False
    step = np.diff(seconds)
    same_block = np.diff(logs.block_number) == 0
    if (step < 0).any() or step[same_block].any():
        return False
    return bool(logs.block_number[-1] != end.number or seconds[-1] == end.timestamp)


def block_rows(chain_id: int, headers: Sequence[Header]) -> pa.Table:
    """The headers as rows of ``blocks``."""
    columns = {
        "chain_id": [chain_id] * len(headers),
        "block_number": [h.number for h in headers],
        "block_timestamp": [datetime.fromtimestamp(h.timestamp, UTC) for h in headers],
        "block_hash": [h.hash for h in headers],
        "parent_hash": [h.parent_hash for h in headers],
    }
    return pa.table(columns, schema=BLOCKS.arrow)
