"""Transactions of a tail that is read again in every round: each is read and written once."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from loaders.logs import RawLogs
from loaders.source.transactions import TransactionReader


class WrittenTransactions:
    """Which transactions above finality the warehouse has, each with the block of its newest row: that row counts."""

    def __init__(self) -> None:
        self._blocks: dict[str, tuple[int, str]] = {}

    def lacks(self, tx_hash: str, block_hash: str) -> bool:
        return self._blocks.get(tx_hash, (0, ""))[1] != block_hash

    def add(self, tables: Iterable[pa.Table], final_block: int) -> None:
        """Rows of a package that is complete. Blocks that were final when it was read are not read again."""
        for table in tables:
            columns = (table.column(name).to_pylist() for name in ("tx_hash", "block_number", "block_hash"))
            self._blocks.update((tx, (number, block)) for tx, number, block in zip(*columns, strict=True))
        self._blocks = {tx: block for tx, block in self._blocks.items() if block[0] > final_block}


class UnwrittenTransactions(TransactionReader):
    """Leaves out what is :attr:`written` already."""

    written: WrittenTransactions

    def to_read(self, logs: RawLogs) -> RawLogs:
        places = zip(logs.tx_hash, logs.block_hash, strict=True)
        return super().to_read(logs.take(np.array([self.written.lacks(_hex(t), _hex(b)) for t, b in places], bool)))


def _hex(value: np.ndarray) -> str:
    return "0x" + value.tobytes().hex()
