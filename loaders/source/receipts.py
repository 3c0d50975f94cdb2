"""Receipts that are read for their transactions prove the logs of their blocks on the way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from loaders.logs import RawLogs
from loaders.plan.filters import LogQuery
from loaders.source.verify import Inconsistent


class Receipt(msgspec.Struct, rename="camel"):
    transaction_hash: str
    gas_used: str
    status: str | None = None
    effective_gas_price: str | None = None


class LogOfReceipt(msgspec.Struct, rename="camel", gc=False):
    address: str
    topics: list[str]
    log_index: str


class ReceiptWithLogs(Receipt):
    logs: list[LogOfReceipt] = []


class LogsInReceipts:
    """Holds all receipts of a block against the answer to some queries."""

    def __init__(self, logs: RawLogs, queries: Sequence[LogQuery]) -> None:
        self._logs = logs
        self._asked = [(frozenset(q.topics), frozenset(q.addresses)) for q in queries]

    def check(self, number: int, receipts: Iterable[ReceiptWithLogs]) -> None:
        """Raises :class:`Inconsistent` where the block has a log of the queries that the answer lacks."""
        first, last = np.searchsorted(self._logs.block_number, [number, number + 1])
        known = set(self._logs.log_index[first:last].tolist())
        for receipt in receipts:
            for log in receipt.logs:
                if self._is_asked_for(log) and int(log.log_index, 16) not in known:
                    raise Inconsistent(f"the receipts of block {number} have logs that its answer lacks")

    def _is_asked_for(self, log: LogOfReceipt) -> bool:
        topic0 = log.topics[0] if log.topics else None
        return any(
            (not topics or topic0 in topics) and (not addresses or log.address.lower() in addresses)
            for topics, addresses in self._asked
        )
