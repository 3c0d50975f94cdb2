"""Contract state at pinned blocks: what the models' own state is held against."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from loaders.errors import PoolhouseError
from loaders.facts.calls import BlockReader
from loaders.facts.catalog import Catalog
from loaders.facts.reads import BlockReads, reader_at
from loaders.facts.state import FAMILY_STATES
from loaders.facts.state.family import FamilyState, Progress, StateReader
from loaders.load.ledger import read_ledger
from loaders.load.warehouse import Rows
from loaders.session import Session

HEAD, MIDDLE = "head", "middle"


@dataclass
class Snapshot:
    """What was read: block numbers, and reads by status."""

    blocks: list[int] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def reads(self) -> int:
        return sum(self.statuses.values())


def snapshot(session: Session, blocks: Iterable[str | int] = (HEAD,), *, progress: Progress | None = None) -> Snapshot:
    """Read the state of every known contract of the session's loaded families at each block; write it as one package.

    ``head`` is the last block that the ledger covers, so that reads and models speak of the same block; ``middle`` is
    half-way to it from the first. Raises :class:`PoolhouseError`, before anything is written, for a block that is not
    loaded, or is not what was loaded any more, or whose state the node lacks.
    """
    catalog = Catalog(session)
    loaded = {f: ends for f, ends in catalog.loaded().items() if f in FAMILY_STATES}
    numbers = resolve_blocks(blocks, loaded.values(), session.chain.name)
    readers = [reader_at(session, number) for number in numbers]
    read_ledger(session.warehouse, session.chain.chain_id).check_tails(session.view, numbers)
    result = Snapshot(numbers)
    states = [state(session, catalog) for family, state in FAMILY_STATES.items() if family in loaded]
    session.write(list(_tables(session.chain.chain_id, states, readers, result, progress)))
    return result


def resolve_blocks(blocks: Iterable[str | int], loaded: Collection[tuple[int, int]], chain: str) -> list[int]:
    """Block numbers, ascending, each once; ``loaded`` has the first and last loaded block of each family.

    Raises :class:`PoolhouseError` for what is no block up to which everything is loaded.
    """
    if not loaded:
        raise PoolhouseError(
            f"Nothing is loaded of {chain} for these protocols.", f"Run `poolhouse load --chain {chain}` first."
        )
    first, last = min(a for a, _ in loaded), min(b for _, b in loaded)
    named = {HEAD: last, MIDDLE: (first + last) // 2}
    numbers = set()
    for block in blocks:
        text = str(block).strip().lower()
        if text not in named and not text.isdecimal():
            raise PoolhouseError(
                f"{text!r} is not a block.", "Give block numbers, head or middle, separated by commas."
            )
        numbers.add(named[text] if text in named else int(text))
    outside = [n for n in sorted(numbers) if not first <= n <= last]
    if outside:
        raise PoolhouseError(
            f"Block {outside[0]} of {chain} is not loaded: these protocols are from {first} to {last}.",
            "Load it first, or choose a block in between.",
        )
    return sorted(numbers)


def _tables(
    chain_id: int,
    states: Collection[FamilyState],
    readers: Iterable[BlockReader],
    result: Snapshot,
    progress: Progress | None,
) -> Iterator[Rows]:
    for reader in readers:
        counted = StateReader(reader, progress)
        answers = [answer for state in states for answer in state.read(counted)]
        reader.confirm()
        for answer in answers:
            result.statuses[answer.status] = result.statuses.get(answer.status, 0) + 1
        yield from BlockReads(chain_id, reader.block, tuple(answers)).rows
