"""What a family's module gives to a snapshot, and what it gets to read with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from loaders.facts.calls import Answer, BlockReader, ContractCall
from loaders.facts.catalog import Catalog
from loaders.session import Session

Progress = Callable[[int, int, int], None]
"""Called with block number, calls answered and calls known so far of that block."""


class StateReader:
    """Reads at one block, and reports how far it is."""

    def __init__(self, reader: BlockReader, progress: Progress | None = None) -> None:
        self.block_number = reader.block.number
        self._reader = reader
        self._progress = progress
        self._done = self._known = 0

    def read(self, calls: Sequence[ContractCall]) -> list[Answer]:
        """One answer per call, in order."""
        self._known += len(calls)
        return self._reader.read(calls, self._report)

    def _report(self, count: int) -> None:
        self._done += count
        if self._progress:
            self._progress(self.block_number, self._done, self._known)


class FamilyState(Protocol):
    """The state of all known contracts of one family.

    Made once per snapshot: what does not depend on the block is looked up then. Nothing is asked of a contract that did
    not exist yet at the block, so that an answer that is missing always means something.
    """

    def __init__(self, session: Session, catalog: Catalog) -> None: ...

    def read(self, reader: StateReader) -> list[Answer]:
        """The answers to keep, of the reader's block."""
        ...
