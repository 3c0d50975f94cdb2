"""What a request comes to: which blocks of which filters are wanted, and which of them the ledger lacks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loaders.decode.decoder import DECODER_VERSION
from loaders.errors import PoolhouseError
from loaders.load.ledger import Ledger, plan, read_ledger
from loaders.load.request import LoadRequest
from loaders.plan.filters import Filter, Segment, filters_for
from loaders.plan.intervals import Intervals
from loaders.registry.events import TRANSFERS
from loaders.registry.seeds import Contract, Registry
from loaders.session import Session

if TYPE_CHECKING:
    from loaders.facts.reads import BlockReads


@dataclass(frozen=True, slots=True)
class Missing:
    """What a request comes to, before anything of it is read."""

    found: BlockReads | None
    """Contract reads that told of further contracts."""
    wanted: dict[Filter, Intervals]
    ledger: Ledger
    segments: list[Segment]


def missing_segments(request: LoadRequest, session: Session) -> Missing:
    """Raises :class:`PoolhouseError` for what cannot be asked, and for a node of another chain than the loaded one."""
    session.extra_contracts += _contracts_of_source(session)
    found = find_aggregators(session) if request.with_facts and session.endpoint is not None else None
    filters = filters_of(session.registry, session.families, session.contracts, with_transfers=request.with_transfers)
    wanted = wanted_blocks(request, session, filters)
    ledger = read_ledger(session.warehouse, session.chain.chain_id)
    database = str(request.database) if request.destination == "duckdb" else session.warehouse.name
    ledger.check_same_chain(session.view, database)
    answers = session.source.answers if session.source else lambda _: None
    oldest_decoder = int(DECODER_VERSION) if request.is_decoding_again else 0
    segments = plan(filters, wanted, ledger, session.view, answers, oldest_decoder)
    return Missing(found, wanted, ledger, segments)


def wanted_blocks(request: LoadRequest, session: Session, filters: tuple[Filter, ...]) -> dict[Filter, Intervals]:
    """Blocks asked for, per filter. Without a start, a family begins where its first contract was created."""
    head = session.view.head_block
    if head < 0:
        raise PoolhouseError(
            f"There is nothing to read at {session.view.host}: it holds no final blocks of {session.chain.name}.",
            "Check what was given; what is not final, the next load from a node reads.",
        )
    to_block = head if request.to_block is None else request.to_block
    last = request.blocks[-1][1] if request.blocks else to_block
    # Files say themselves which blocks they hold; a node has all up to its head.
    if last > head and session.view.source != "files":
        option = "--blocks" if request.blocks else "--to-block"
        raise PoolhouseError(
            f"{option} {last} is beyond the head of {session.chain.name}, which is {head}.",
            f"Use {option} up to {head}, or leave it out.",
        )
    if request.from_block is not None and request.from_block > to_block:
        raise PoolhouseError(
            f"--from-block {request.from_block} is beyond the last block to load, which is {to_block}.",
            "Use a lower --from-block.",
        )
    if not filters:
        raise PoolhouseError(
            f"Nothing to load on {session.chain.name} for {', '.join(session.families)}.",
            "Check the contracts' roles in seeds/registry_contracts.csv.",
        )
    if request.blocks:
        return dict.fromkeys(filters, request.blocks)
    starts = {family: _start(request, session, family, to_block) for family in session.families}
    # Transfers belong to no protocol: they are wanted where any other family is.
    first = min(starts.values())
    return {f: ((starts.get(f.spec.family, first), to_block),) for f in filters}


def _start(request: LoadRequest, session: Session, family: str, to_block: int) -> int:
    if request.from_block is not None:
        return request.from_block
    if request.last_blocks is not None:
        return max(0, to_block - request.last_blocks + 1)
    starts = [c.start_block for c in session.contracts if c.family == family]
    return min(min(starts, default=0), to_block)


def filters_of(
    registry: Registry, families: Sequence[str], contracts: Iterable[Contract], *, with_transfers: bool
) -> tuple[Filter, ...]:
    """What a load of the families asks for."""
    wanted = (*families, *([TRANSFERS] if with_transfers else ()))
    return filters_for([e for e in registry.events.events if e.family in wanted], contracts)


def _contracts_of_source(session: Session) -> list[Contract]:
    known = {(c.family, c.role, c.address) for c in session.contracts}
    emitters = session.source.emitters if session.source else ()
    return [
        Contract(session.chain.chain_id, family, "", family, role, "", address, 0, None, "")
        for family, role, address in emitters
        if family in session.families and (family, role, address) not in known
    ]


def find_aggregators(session: Session) -> BlockReads | None:
    """Price aggregators behind the registered feeds become contracts of this load; returns the reads that say so."""
    if "chainlink" not in session.families:
        return None
    from loaders.facts.feeds import feed_aggregators

    found = feed_aggregators(session)
    session.extra_contracts += [
        Contract(session.chain.chain_id, "chainlink", "", "chainlink", "aggregator", "", address, 0, None, "")
        for address in found.addresses
    ]
    return found.reads
