"""Readers at the block that a command pins, and the rows of ``contract_reads`` that come of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from loaders.errors import PoolhouseError
from loaders.facts.calls import Answer, BlockReader, StateUnavailable, header_at
from loaders.load.warehouse import Rows
from loaders.registry.seeds import Contract
from loaders.registry.tables import BLOCKS, CONTRACT_READS
from loaders.rpc.endpoint import Header
from loaders.session import Session
from loaders.source.clock import block_rows


@dataclass(frozen=True, slots=True)
class BlockReads:
    """What contracts answered at one block.

    Its header belongs into the same package: on the days of headers models find what was read, and by the newest header
    of its number what still counts.
    """

    chain_id: int
    block: Header
    answers: tuple[Answer, ...]

    @property
    def rows(self) -> list[Rows]:
        """The answers and the header."""
        return [self.answer_rows, (BLOCKS.name, block_rows(self.chain_id, [self.block]))]

    @property
    def answer_rows(self) -> Rows:
        """The answers alone, for a package that takes the header among its own."""
        return CONTRACT_READS.name, _reads_table(self.chain_id, self.block, self.answers)


def contracts(session: Session, role: str) -> list[Contract]:
    """Registered contracts of that role and of the session's families."""
    known = session.registry.contracts_of(session.chain)
    return [c for c in known if c.role == role and c.family in session.families]


def reader_at(session: Session, block_number: int) -> BlockReader:
    """Reads at that block. Raises :class:`PoolhouseError` when the node has no such block or not its state."""
    header = header_at(session.node, block_number)
    if header is None:
        raise PoolhouseError(
            f"{session.node.host} does not have block {block_number} of {session.chain.name}.",
            f"Choose a block up to its head, {session.pinned.number}.",
        )
    reader = BlockReader(session.node, header)
    reader.probe()
    return reader


def metadata_reader(session: Session, last_loaded: int | None) -> BlockReader:
    """Reads at the last loaded block, or at the node's head where the node no longer has that block's state.

    Only for what hardly ever changes, such as a token's decimals: there the later block is as good.
    """
    if last_loaded is not None and last_loaded < session.pinned.number:
        try:
            return reader_at(session, last_loaded)
        except StateUnavailable:
            pass
    return BlockReader(session.node, session.pinned)


def _reads_table(chain_id: int, block: Header, answers: Iterable[Answer]) -> pa.Table:
    """The answers as rows of ``contract_reads``, each call once."""
    rows = {a.call.key: a for a in answers}
    timestamp = datetime.fromtimestamp(block.timestamp, UTC)
    count = len(rows)
    columns = {
        "chain_id": [chain_id] * count,
        "block_number": [block.number] * count,
        "block_timestamp": [timestamp] * count,
        "block_hash": [block.hash] * count,
        "contract_address": [contract for contract, _, _ in rows],
        "function": [function for _, function, _ in rows],
        "arguments": [arguments for _, _, arguments in rows],
        "output": [None if a.output is None else "0x" + a.output.hex() for a in rows.values()],
        "value": [a.value for a in rows.values()],
        "status": [a.status for a in rows.values()],
    }
    return pa.table(columns, schema=CONTRACT_READS.arrow)
