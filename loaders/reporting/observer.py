"""Who is told how a load, or a following of the head, proceeds: progress line, JSON log, metrics.

Every method names the chain first, so that one observer serves a load (one chain) and a following (several). All are called
on the main thread. Requests are not reported one by one: who wants to know reads ``view.stats`` when told anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loaders.load.runs import RunRecord
    from loaders.load.warehouse import Package
    from loaders.plan.filters import Segment
    from loaders.source.base import Batch, ChainView


class Observer:
    """The methods here do nothing: override what is of interest."""

    def connected(self, chain: str, view: ChainView) -> None:
        """The node is that chain's; head and finality are known. Told again whenever they are asked anew."""

    def planned(self, chain: str, segments: Sequence[Segment]) -> None:
        """What is going to be read."""

    def stage(self, chain: str, name: str) -> None:
        """What is being done, in a few words."""

    def batch(self, chain: str, segment: Segment, batch: Batch) -> None:
        """A verified range of blocks; its rows do not count yet."""

    def committed(self, chain: str, package: Package, loaded_block: int) -> None:
        """Rows that count from now on; ``loaded_block`` is the highest block of them, -1 when they are of none."""

    def ended(self, chain: str, run: RunRecord) -> None:
        """The last word, also about a run that failed or was stopped."""


class Observers(Observer):
    """Tells several observers, in their order."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)

    def connected(self, chain: str, view: ChainView) -> None:
        for observer in self._observers:
            observer.connected(chain, view)

    def planned(self, chain: str, segments: Sequence[Segment]) -> None:
        for observer in self._observers:
            observer.planned(chain, segments)

    def stage(self, chain: str, name: str) -> None:
        for observer in self._observers:
            observer.stage(chain, name)

    def batch(self, chain: str, segment: Segment, batch: Batch) -> None:
        for observer in self._observers:
            observer.batch(chain, segment, batch)

    def committed(self, chain: str, package: Package, loaded_block: int) -> None:
        for observer in self._observers:
            observer.committed(chain, package, loaded_block)

    def ended(self, chain: str, run: RunRecord) -> None:
        for observer in self._observers:
            observer.ended(chain, run)
