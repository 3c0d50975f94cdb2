"""What one chain contributes to a package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from loaders.load.warehouse import Rows
from loaders.plan.filters import Segment
from loaders.rpc.endpoint import Endpoint, Header
from loaders.rpc.stats import RequestStats
from loaders.source.base import Batch, SourceName


@dataclass(frozen=True)
class Round:
    """Everything a package needs of one chain; no node is asked while it is written. A view of the chain and its logs."""

    endpoint: Endpoint
    segments: Sequence[Segment]
    batches_read: Mapping[tuple[int, int], Sequence[Batch]]
    """Per segment, by its first and last block."""
    known: Mapping[int, Header]
    rechecked: Sequence[Header]
    """Headers of blocks that state was read at: they say whether those reads still count."""
    rows: Sequence[Rows]
    is_caught_up: bool
    """Whether it reaches the head."""
    source: SourceName = "rpc"

    @property
    def tail_logs(self) -> int:
        """Logs above finality."""
        tails = (s for s in self.segments if s.finality == "tail")
        return sum(len(batch.logs) for tail in tails for batch in self.batches(tail))

    @property
    def host(self) -> str:
        return self.endpoint.host

    @property
    def head_block(self) -> int:
        return self.endpoint.head_block

    @property
    def final_block(self) -> int:
        return self.endpoint.final_block

    @property
    def genesis_hash(self) -> str | None:
        return self.endpoint.genesis_hash

    @property
    def stats(self) -> RequestStats:
        return self.endpoint.stats

    def headers(self, numbers: Sequence[int]) -> list[Header]:
        return [self.known[n] for n in numbers]

    def batches(self, segment: Segment) -> Iterator[Batch]:
        return iter(self.batches_read[segment.from_block, segment.to_block])
