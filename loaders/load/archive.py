"""Every accepted batch of raw logs, kept as Parquet: a corrected decoder or a new event reads these files, not the node.

Columns are named as cryo names them; hashes, addresses, topics and data are binary. The file's metadata says which blocks and
which queries it is the complete answer to (also when it has no rows), and has the headers of both ends.
"""

from __future__ import annotations

import fcntl
import json
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from loaders.decode.decoder import ANY
from loaders.logs import Bytes, RawLogs
from loaders.plan.filters import Segment
from loaders.plan.intervals import Interval
from loaders.rpc.endpoint import Header
from loaders.source.files.opening import is_remote, send
from loaders.source.files.staging import Scratch

_ROWS_PER_GROUP = 122_880

SCHEMA = pa.schema(
    [
        pa.field("block_number", pa.int64(), nullable=False),
        pa.field("block_hash", pa.binary(), nullable=False),
        pa.field("block_timestamp", pa.int64(), nullable=False),
        pa.field("transaction_index", pa.int64(), nullable=False),
        pa.field("transaction_hash", pa.binary(), nullable=False),
        pa.field("log_index", pa.int64(), nullable=False),
        pa.field("address", pa.binary(), nullable=False),
        *(pa.field(f"topic{i}", pa.binary()) for i in range(4)),
        pa.field("data", pa.binary(), nullable=False),
    ]
)


class Archive:
    """Writes the logs of one contiguous range of a segment; the file appears when the range is complete."""

    def __init__(self, directory: Path | str, chain_id: int) -> None:
        """``directory`` may be in a bucket (``s3://…``, ``gs://…``): files are finished here and then sent there."""
        remote = str(directory) if is_remote(directory) else None
        self._remote = f"{remote.rstrip('/')}/{chain_id}" if remote else None
        self._scratch = Scratch() if remote else None
        self._directory = self._scratch.path if self._scratch else Path(directory) / str(chain_id)
        self._chain_id = chain_id
        self._writer: pq.ParquetWriter | None = None
        self._partial: Path | None = None
        self._lock: IO[bytes] | None = None
        self._pending: list[pa.Table] = []
        self._pending_rows = 0

    def sweep(self) -> None:
        """Remove what a killed run left unfinished; what another command is writing stays."""
        for leftover in self._directory.glob("*.partial"):
            with suppress(FileNotFoundError, BlockingIOError), leftover.open("rb+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                leftover.unlink()

    def add(self, segment: Segment, from_block: int, logs: RawLogs) -> None:
        if self._partial is None:
            self._begin(f"{from_block:012d}_{segment.finality}")
        if len(logs):
            self._pending.append(_table(logs))
            self._pending_rows += len(logs)
        if self._pending_rows >= _ROWS_PER_GROUP:
            self._flush()

    def finish(
        self, segment: Segment, blocks: Interval, ends: Sequence[Header], genesis_hash: str | None, tag: str
    ) -> None:
        """Make the file of ``blocks`` visible; ``tag`` tells loads of the same range apart."""
        if self._partial is None:
            return
        self._flush()
        writer = self._writer or self._open(self._partial)
        writer.add_key_value_metadata(self._metadata(segment, blocks, ends, genesis_hash))
        writer.close()
        name = f"logs__{blocks[0]:012d}_to_{blocks[1]:012d}__{segment.finality}__{tag}.parquet"
        if self._remote is None:
            self._partial.rename(self._directory / name)
        else:
            send(self._partial, f"{self._remote}/{name}")
            self._partial.unlink()
        self._end()

    def abandon(self) -> None:
        """Drop the unfinished file."""
        if self._writer is not None:
            self._writer.close()
        if self._partial is not None:
            self._partial.unlink(missing_ok=True)
        self._end()

    def _begin(self, name: str) -> None:
        # Several commands may share the folder: each file has a name of its own, and is locked while it is unfinished.
        self._directory.mkdir(parents=True, exist_ok=True)
        self._partial = self._directory / f"{name}_{uuid.uuid4().hex[:8]}.parquet.partial"
        self._lock = self._partial.open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def _end(self) -> None:
        if self._lock is not None:
            self._lock.close()
        self._writer = self._partial = self._lock = None
        self._pending, self._pending_rows = [], 0

    def _flush(self) -> None:
        if not self._pending or self._partial is None:
            return
        if self._writer is None:
            self._writer = self._open(self._partial)
        self._writer.write_table(pa.concat_tables(self._pending), row_group_size=_ROWS_PER_GROUP)
        self._pending, self._pending_rows = [], 0

    @staticmethod
    def _open(path: Path) -> pq.ParquetWriter:
        # Hashes do not repeat across blocks enough for a dictionary; addresses and topics do.
        return pq.ParquetWriter(
            path,
            SCHEMA,
            compression="zstd",
            compression_level=1,
            use_dictionary=["address", "topic0", "topic1", "topic2", "topic3", "block_hash"],
            write_statistics=["block_number", "block_timestamp", "address", "topic0"],
        )

    def _metadata(
        self, segment: Segment, blocks: Interval, ends: Sequence[Header], genesis_hash: str | None
    ) -> dict[str, str]:
        emitters = sorted(
            {(f.spec.family, f.spec.role, f.contract_address) for f in segment.filters if f.contract_address != ANY}
        )
        return {
            "chain_id": str(self._chain_id),
            # A restarted dev net is another chain with the same id.
            "genesis_hash": genesis_hash or "",
            "from_block": str(blocks[0]),
            "to_block": str(blocks[1]),
            "finality": segment.finality,
            "queries": json.dumps([{"topic0": q.topics, "address": q.addresses} for q in segment.queries]),
            # Of contracts that were found on the chain nothing else would tell what they are.
            "emitters": json.dumps(emitters),
            "ends": json.dumps(
                [
                    {"number": h.number, "hash": h.hash, "parent_hash": h.parent_hash, "timestamp": h.timestamp}
                    for h in ends
                ]
            ),
        }


def _table(logs: RawLogs) -> pa.Table:
    return pa.table(
        [
            pa.array(logs.block_number),
            _binary(logs.block_hash),
            pa.array(logs.timestamp),
            pa.array(logs.tx_index),
            _binary(logs.tx_hash),
            pa.array(logs.log_index),
            _binary(logs.address),
            *(_topic(logs, i) for i in range(4)),
            _data(logs),
        ],
        schema=SCHEMA,
    )


def _binary(matrix: Bytes) -> pa.Array:
    count, width = matrix.shape
    offsets = np.arange(count + 1, dtype=np.int32) * np.int32(width)
    values = np.ascontiguousarray(matrix)
    return pa.Array.from_buffers(pa.binary(), count, [None, pa.py_buffer(offsets), pa.py_buffer(values)])


def _topic(logs: RawLogs, position: int) -> pa.Array:
    present = logs.topic_count > position
    if not present.any():
        return pa.nulls(len(logs), pa.binary())
    if present.all():
        return _binary(logs.topics[:, position])
    offsets = np.concatenate([[0], np.cumsum(present * 32)]).astype(np.int32)
    values = np.ascontiguousarray(logs.topics[present, position])
    validity = pa.array(present).buffers()[1]
    return pa.Array.from_buffers(pa.binary(), len(logs), [validity, pa.py_buffer(offsets), pa.py_buffer(values)])


def _data(logs: RawLogs) -> pa.Array:
    offsets = np.concatenate([[0], np.cumsum(logs.data_size)])
    values = logs.data
    if not (np.array_equal(logs.data_start, offsets[:-1]) and len(values) == offsets[-1]):
        view = np.ascontiguousarray(values).data
        spans = zip(logs.data_start.tolist(), logs.data_size.tolist(), strict=True)
        values = np.frombuffer(b"".join([view[start : start + size] for start, size in spans]), np.uint8)
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(values)]
    return pa.Array.from_buffers(pa.binary(), len(logs), buffers)
