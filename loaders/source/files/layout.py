"""Which column of a file is what. Layouts are told apart by their columns, never by the file's name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from loaders.logs import UNKNOWN_TIMESTAMP, Bytes, Integers, Mask, RawLogs, rows_in
from loaders.source.files.columns import (
    Unfit,
    byte_matrix,
    byte_strings,
    integers,
    seconds,
    topic_columns,
    topic_list,
)

T = TypeVar("T", bound=np.generic)

_TOPICS = ("topic0", "topic1", "topic2", "topic3")
_ADDRESS = ("address", "contract_address")  # cryo wrote the second in its first versions
_REQUIRED = ("block_number", "log_index", "transaction_index", "transaction_hash", "address", "data")
EXPECTED = (
    "block_number, transaction_index, log_index, transaction_hash, address and data, with topic0 to topic3 (cryo, our "
    "archive) or topics (ethereum-etl, AWS, BigQuery)"
)


@dataclass(frozen=True, slots=True)
class Rows:
    """Logs of a file in its order: the place of all, and those of wanted events whole."""

    block: Integers
    index: Integers
    block_hash: Bytes | None
    """(n, 32), where the layout has it."""
    timestamp: Integers | None
    """Seconds, where the layout has them."""
    logs: RawLogs


@dataclass(frozen=True, slots=True)
class Layout:
    """Names of the columns; None for what the layout lacks."""

    address: str
    topics: tuple[str, ...]
    block_hash: str | None
    timestamp: str | None
    chain_id: str | None
    removed: str | None

    @property
    def columns(self) -> list[str]:
        """What to read."""
        optional = (self.block_hash, self.timestamp, self.chain_id, self.removed)
        fixed = [self.address if name == "address" else name for name in _REQUIRED]
        return [*fixed, *self.topics, *(name for name in optional if name)]

    def read(self, batch: pa.RecordBatch, low: int, high: int, topics: list[bytes] | None, chain_id: int) -> Rows:
        """Logs of blocks [low, high]; whole those whose topic 0 is among ``topics`` (None: all). Raises :class:`Unfit`."""
        block = integers(batch["block_number"])
        inside: Mask = (block >= low) & (block <= high)
        if not inside.all():
            batch, block = batch.filter(pa.array(inside)), block[inside]
        self._check(batch, chain_id)
        block_hash = byte_matrix(batch[self.block_hash], 32) if self.block_hash else None
        timestamp = seconds(batch[self.timestamp]) if self.timestamp else None
        index = integers(batch["log_index"])
        # Topics first: in a dump of a whole chain few logs are of events that anyone asked for.
        topic_count, topic_rows = self._topics(batch)
        wanted = np.ones(len(topic_count), bool) if topics is None else _has_topic0(topic_count, topic_rows, topics)
        every = bool(wanted.all())
        if not every:
            batch, topic_count, topic_rows = batch.filter(pa.array(wanted)), topic_count[wanted], topic_rows[wanted]

        def chosen(column: NDArray[T]) -> NDArray[T]:
            return column if every else column[wanted]

        count = len(batch)
        data, sizes = byte_strings(batch["data"])
        logs = RawLogs(
            block_number=chosen(block),
            log_index=chosen(index),
            tx_index=integers(batch["transaction_index"]),
            timestamp=chosen(timestamp) if timestamp is not None else np.full(count, UNKNOWN_TIMESTAMP, np.int64),
            block_hash=chosen(block_hash) if block_hash is not None else np.zeros((count, 32), np.uint8),
            tx_hash=byte_matrix(batch["transaction_hash"], 32),
            address=byte_matrix(batch[self.address], 20),
            topic_count=topic_count,
            topics=topic_rows,
            data=data,
            data_start=np.cumsum(sizes) - sizes,
            data_size=sizes,
        )
        return Rows(block, index, block_hash, timestamp, logs)

    def _topics(self, batch: pa.RecordBatch) -> tuple[Integers, Bytes]:
        if len(self.topics) == 1:
            return topic_list(batch[self.topics[0]])
        return topic_columns([batch[name] for name in self.topics])

    def _check(self, batch: pa.RecordBatch, chain_id: int) -> None:
        if self.chain_id and (integers(batch[self.chain_id]) != chain_id).any():
            raise Unfit(f"logs are of chain {batch[self.chain_id][0].as_py()}, not {chain_id}")
        if self.removed and pc.any(pc.cast(batch[self.removed], pa.bool_())).as_py():
            raise Unfit("a log is marked removed: the export holds blocks that left the chain")


def recognise(names: Iterable[str]) -> Layout | None:
    """The layout of a file with these columns; None when they cannot be raw logs."""
    there = set(names)
    address = next((name for name in _ADDRESS if name in there), None)
    topics = ("topics",) if "topics" in there else _TOPICS
    needed = {*(name for name in _REQUIRED if name != "address"), *topics}
    if address is None or not needed <= there:
        return None

    def optional(name: str) -> str | None:
        return name if name in there else None

    return Layout(
        address,
        topics,
        optional("block_hash"),
        optional("block_timestamp"),
        optional("chain_id"),
        optional("removed"),
    )


def _has_topic0(count: Integers, rows: Bytes, topics: list[bytes]) -> Mask:
    """Compared as numbers by their first eight bytes, and only what remains to the last byte."""
    first = np.ascontiguousarray(rows[:, 0, :8]).view(np.uint64)[:, 0]
    known = np.frombuffer(b"".join(topic[:8] for topic in topics), np.uint64)
    likely: Mask = np.isin(first, known) & (count > 0)
    at = np.flatnonzero(likely)
    likely[at] = rows_in(rows[at, 0], topics)
    return likely
