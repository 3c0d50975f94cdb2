"""The transactions that emitted a loaded log, read in the cheapest way a node allows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import TypeAlias

import msgspec
import numpy as np
import pyarrow as pa

from loaders.decode.decoder import timestamps
from loaders.errors import PoolhouseError
from loaders.logs import RawLogs, rows_as_key, rows_in
from loaders.plan.filters import LogQuery, Segment
from loaders.registry.tables import TRANSACTIONS
from loaders.rpc.compute_units import provider_of, units
from loaders.rpc.exchange import Call
from loaders.rpc.node import Node, SizeRefused, Unsupported
from loaders.source.base import Batch, LogSource
from loaders.source.receipts import LogsInReceipts, Receipt, ReceiptWithLogs
from loaders.source.verify import Inconsistent


class TransactionMode(StrEnum):
    AUTO = "auto"
    RECEIPTS = "receipts"
    BLOCKS = "blocks"
    NONE = "none"


_BLOCKS_PER_REQUEST = 10
_SINGLES_PER_BLOCK = 2
"""Up to this many transactions of a block are asked for one by one where calls cost nothing: they are far fewer bytes."""


class _Transaction(msgspec.Struct, rename="camel"):
    hash: str
    nonce: str
    value: str
    input: str
    # Absent where a transaction comes inside its block, which says both.
    block_hash: str | None = None
    transaction_index: str | None = None
    to: str | None = None
    # "from" is a keyword, hence the renamed field.
    sender: str = msgspec.field(name="from", default="")


class _Block(msgspec.Struct, rename="camel"):
    hash: str
    transactions: list[_Transaction]


_BLOCK = msgspec.json.Decoder(_Block | None).decode
_RECEIPTS = msgspec.json.Decoder(list[Receipt] | None).decode
_RECEIPTS_WITH_LOGS = msgspec.json.Decoder(list[ReceiptWithLogs] | None).decode
_TRANSACTION = msgspec.json.Decoder(_Transaction | None).decode
_RECEIPT = msgspec.json.Decoder(Receipt | None).decode


def most_singles(provider: str, *, with_receipts: bool) -> int:
    """How many transactions of a block are at most cheaper one by one than with the whole block, as the provider bills."""
    if not provider:
        return _SINGLES_PER_BLOCK
    single, whole = (
        sum(units(method, provider).billed for method in methods[: 1 + with_receipts])
        for methods in (_SINGLE_METHODS, _WHOLE_METHODS)
    )
    return max(1, whole // max(1, single))


def expected_calls(per_block: Sequence[int], provider: str, *, with_receipts: bool) -> tuple[dict[str, int], float]:
    """Calls by method, and requests, for blocks with so many wanted transactions each."""
    most = most_singles(provider, with_receipts=with_receipts)
    singles = sum(count for count in per_block if count <= most)
    whole = sum(1 for count in per_block if count > most)
    calls = dict.fromkeys(_SINGLE_METHODS[: 1 + with_receipts], singles)
    calls |= dict.fromkeys(_WHOLE_METHODS[: 1 + with_receipts], whole)
    return calls, singles / (2 * _BLOCKS_PER_REQUEST) + whole / _BLOCKS_PER_REQUEST


_SINGLE_METHODS = ("eth_getTransactionByHash", "eth_getTransactionReceipt")
_WHOLE_METHODS = ("eth_getBlockByNumber", "eth_getBlockReceipts")

_Wanted: TypeAlias = dict[str, tuple[int, str, int]]
"""transaction hash -> block number, block hash, timestamp"""


class TransactionReader:
    """``receipts`` insists on status and gas, ``blocks`` does without them, ``auto`` takes what the node has.

    A log with one of ``without_topics`` as topic 0 is no reason to read its transaction. ``may_lack`` says of a block whether
    the one that emitted a log may be missing from it; such a transaction has no row.
    """

    def __init__(
        self,
        node: Node,
        mode: TransactionMode,
        chain_id: int,
        *,
        without_topics: Collection[str] = (),
        may_lack: Callable[[int], bool] = lambda _: False,
    ) -> None:
        self._node = node
        self._without_topics = [bytes.fromhex(topic[2:]) for topic in sorted(without_topics)]
        self._chain_id = chain_id
        self._may_lack = may_lack
        self._with_receipts = mode in (TransactionMode.AUTO, TransactionMode.RECEIPTS)
        self._provider = provider_of(node.upstreams[0].host)
        self._most_singles = most_singles(self._provider, with_receipts=self._with_receipts)
        self._lock = threading.Lock()
        self.compute_units = 0
        """What its calls cost so far, as the first endpoint's provider bills them."""
        # What the node turns out to lack is not asked for again.
        self._block_receipts = self._with_receipts
        self._by_hash = True

    def read(self, logs: RawLogs, queries: Sequence[LogQuery] = ()) -> pa.Table:
        """One row per transaction of the logs.

        Raises :class:`Inconsistent` when the node's chain has moved on, and where the receipts of a whole block that are read
        have more logs of the ``queries`` than ``logs``.
        """
        check = LogsInReceipts(logs, queries) if queries else None
        by_block = _transactions_by_block(self.to_read(logs))
        few = [wanted for wanted in by_block if len(wanted) <= self._most_singles]
        whole = [wanted for wanted in by_block if len(wanted) > self._most_singles]
        found: list[tuple[_Transaction, Receipt | None]] = []
        try:
            found += self._singles([h for wanted in few for h in wanted]) if self._by_hash else []
        except Unsupported:
            self._by_hash = False
        if not self._by_hash:
            whole = by_block
        for at in range(0, len(whole), _BLOCKS_PER_REQUEST):
            found += self._blocks(whole[at : at + _BLOCKS_PER_REQUEST], check)
        wanted = {h: w for block in by_block for h, w in block.items()}
        missing = wanted.keys() - {t.hash for t, _ in found}
        if not all(self._may_lack(wanted[h][0]) for h in missing):
            raise Inconsistent("the node lacks transactions whose logs it returned")
        return self._table(found, wanted)

    def _ask(self, calls: list[Call]) -> list[msgspec.Raw]:
        answers = self._node.request(calls)
        with self._lock:
            self.compute_units += sum(units(method, self._provider).billed for method, _ in calls)
        return answers

    def to_read(self, logs: RawLogs) -> RawLogs:
        """The logs whose transactions are to be read."""
        return logs.take(~rows_in(logs.topics[:, 0], self._without_topics)) if self._without_topics else logs

    def _blocks(self, blocks: list[_Wanted], check: LogsInReceipts | None) -> list[tuple[_Transaction, Receipt | None]]:
        if self._with_receipts and not self._block_receipts:
            return self._singles([h for wanted in blocks for h in wanted])
        numbers = [hex(next(iter(wanted.values()))[0]) for wanted in blocks]
        calls: list[Call] = [("eth_getBlockByNumber", (n, True)) for n in numbers]
        if self._block_receipts:
            calls += [("eth_getBlockReceipts", (n,)) for n in numbers]
        try:
            answers = self._ask(calls)
        except SizeRefused:
            if len(blocks) == 1:
                return self._singles([h for wanted in blocks for h in wanted])
            half = len(blocks) // 2
            return self._blocks(blocks[:half], check) + self._blocks(blocks[half:], check)
        except Unsupported:
            if not self._block_receipts:
                raise
            # The receipts then come one by one: dearer, but the same facts.
            self._block_receipts = False
            return self._blocks(blocks, check)
        receipts = answers[len(blocks) :] or [msgspec.Raw(b"[]")] * len(blocks)
        return [
            found
            for wanted, block, block_receipts in zip(blocks, answers, receipts, strict=False)
            for found in _of_block(wanted, _BLOCK(block), _read_receipts(wanted, block_receipts, check))
        ]

    def _singles(self, hashes: list[str]) -> list[tuple[_Transaction, Receipt | None]]:
        found: list[tuple[_Transaction, Receipt | None]] = []
        for at in range(0, len(hashes), 2 * _BLOCKS_PER_REQUEST):
            chunk = hashes[at : at + 2 * _BLOCKS_PER_REQUEST]
            calls: list[Call] = [("eth_getTransactionByHash", (h,)) for h in chunk]
            if self._with_receipts:
                calls += [("eth_getTransactionReceipt", (h,)) for h in chunk]
            answers = self._ask(calls)
            for i in range(len(chunk)):
                transaction = _TRANSACTION(answers[i])
                receipt = _RECEIPT(answers[len(chunk) + i]) if self._with_receipts else None
                if transaction is not None:
                    found.append((transaction, receipt))
        return found

    def _table(self, found: list[tuple[_Transaction, Receipt | None]], wanted: _Wanted) -> pa.Table:
        for transaction, receipt in found:
            if transaction.block_hash != wanted[transaction.hash][1]:
                raise Inconsistent("a transaction moved to another block while it was read")
            if self._with_receipts and receipt is None and not self._may_lack(wanted[transaction.hash][0]):
                raise Inconsistent("the node lacks the receipt of a transaction whose logs it returned")
        places = [wanted[t.hash] for t, _ in found]
        seconds = np.array([p[2] for p in places], np.int64)
        columns = {
            "chain_id": [self._chain_id] * len(found),
            "block_number": [p[0] for p in places],
            "block_timestamp": timestamps(seconds),
            "block_hash": [p[1] for p in places],
            "tx_hash": [t.hash for t, _ in found],
            "tx_index": [int(t.transaction_index or "0x0", 16) for t, _ in found],
            "from_address": [t.sender.lower() for t, _ in found],
            "to_address": [t.to.lower() if t.to else None for t, _ in found],
            "value": [str(int(t.value, 16)) for t, _ in found],
            "status": [int(r.status, 16) if r and r.status else None for _, r in found],
            "gas_used": [int(r.gas_used, 16) if r else None for _, r in found],
            "effective_gas_price": [
                str(int(r.effective_gas_price, 16)) if r and r.effective_gas_price else None for _, r in found
            ],
            "nonce": [int(t.nonce, 16) for t, _ in found],
            "selector": [t.input[:10].lower() if len(t.input) >= 10 else None for t, _ in found],
        }
        return pa.table(columns, schema=TRANSACTIONS.arrow)


class WithTransactions:
    """Another source, its batches with their transactions as the node has them."""

    def __init__(self, logs: LogSource, reader: TransactionReader) -> None:
        self._logs = logs
        self._reader = reader

    def batches(self, segment: Segment) -> Iterator[Batch]:
        for batch in self._logs.batches(segment):
            try:
                transactions = self._reader.read(batch.logs)
            except Inconsistent as error:
                raise PoolhouseError(
                    f"The node disagrees with the logs of blocks {batch.from_block} to {batch.to_block}: {error}.",
                    "Check that both are of the same chain, or load with --transactions none.",
                ) from None
            yield replace(batch, transactions=transactions)


def _of_block(
    wanted: _Wanted, block: _Block | None, receipts: Sequence[Receipt] | None
) -> Iterator[tuple[_Transaction, Receipt | None]]:
    if block is None or receipts is None:
        raise Inconsistent("the node lacks a block whose logs it returned")
    by_hash = {r.transaction_hash: r for r in receipts}
    for position, transaction in enumerate(block.transactions):
        if transaction.hash in wanted:
            transaction.block_hash, transaction.transaction_index = block.hash, hex(position)
            yield transaction, by_hash.get(transaction.hash)


def _read_receipts(wanted: _Wanted, raw: msgspec.Raw, check: LogsInReceipts | None) -> Sequence[Receipt] | None:
    if check is None:
        plain: list[Receipt] | None = _RECEIPTS(raw)
        return plain
    receipts: list[ReceiptWithLogs] | None = _RECEIPTS_WITH_LOGS(raw)
    if receipts is not None:
        check.check(next(iter(wanted.values()))[0], receipts)
    return receipts


def _transactions_by_block(logs: RawLogs) -> list[_Wanted]:
    if not len(logs):
        return []
    _, first = np.unique(rows_as_key(logs.tx_hash), return_index=True)
    blocks: dict[int, _Wanted] = {}
    for row in np.sort(first):
        number = int(logs.block_number[row])
        place = number, "0x" + logs.block_hash[row].tobytes().hex(), int(logs.timestamp[row])
        blocks.setdefault(number, {})["0x" + logs.tx_hash[row].tobytes().hex()] = place
    return list(blocks.values())
