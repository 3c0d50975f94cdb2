"""Which of the blocks at which state was read are still the chain's.

Reads have no range in the ledger. What was read above finality is held against the header that its block has in the next
load: the newest header of a number decides whether the reads of that block count (``stg_poolhouse__contract_reads``).
"""

from __future__ import annotations

from dataclasses import dataclass

from loaders.rpc.endpoint import Header, read_headers
from loaders.session import Session

_UNCONFIRMED = """
    select distinct reads.block_number, reads.block_hash
    from {{contract_reads}} as reads
    inner join {{_dlt_loads}} as loads on reads._dlt_load_id = loads.load_id and loads.status = 0
    left join (
        select distinct blocks.block_number
        from {{blocks}} as blocks
        inner join {{_dlt_loads}} as loads on blocks._dlt_load_id = loads.load_id and loads.status = 0
        inner join {{load_ranges}} as ranges
            on blocks.chain_id = ranges.chain_id and blocks.block_number between ranges.from_block and ranges.to_block
        inner join {{_dlt_loads}} as range_loads on ranges._dlt_load_id = range_loads.load_id and range_loads.status = 0
        where ranges.finality = 'final' and ranges._dlt_load_id <= blocks._dlt_load_id
            and blocks.chain_id = {chain_id}
    ) as confirmed on reads.block_number = confirmed.block_number
    where reads.chain_id = {chain_id} and confirmed.block_number is null
"""


@dataclass(frozen=True, slots=True)
class ReadBlocks:
    """Blocks of earlier reads that no header read at finality has confirmed, as they are now."""

    headers: tuple[Header, ...]
    replaced_hashes: frozenset[str]
    """Hashes that some of them had when they were read, and have no more."""


def recheck_read_blocks(session: Session) -> ReadBlocks:
    """Ask the node, where there is one, for their headers.

    Write them with the load: they are how models know which reads still count.
    """
    if session.endpoint is None:
        return ReadBlocks((), frozenset())
    rows = session.query(_UNCONFIRMED.format(chain_id=session.chain.chain_id))
    numbers = sorted({int(r["block_number"]) for r in rows if r["block_number"] <= session.pinned.number})
    headers = tuple(read_headers(session.node, numbers))
    known = {str(r["block_hash"]) for r in rows}
    return ReadBlocks(headers, frozenset(known - {h.hash for h in headers}))
