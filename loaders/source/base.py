"""What the load knows of a source of logs: a view of the chain, and verified batches of a segment.

A source stands for one chain as one provider has it. Whatever it is, a batch is the *complete* answer for its blocks, or it is
not yielded: sources verify, the load trusts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import pyarrow as pa

from loaders.logs import RawLogs
from loaders.plan.filters import Filter, Segment
from loaders.plan.intervals import Intervals
from loaders.registry.chains import Chain
from loaders.rpc.endpoint import Endpoint, Header
from loaders.rpc.stats import RequestStats

SourceName = Literal["rpc", "files", "sqd", "hypersync"]


@dataclass(frozen=True, slots=True)
class Batch:
    """Verified, complete logs of a range of blocks for one segment's filters."""

    from_block: int
    to_block: int
    logs: RawLogs
    end: Header | None
    """Header of ``to_block``; None where the source has no headers (files)."""
    headers: list[Header] = field(default_factory=list)
    """Other headers read on the way."""
    transactions: pa.Table | None = None
    host: str = ""
    """Who answered, where the source asks several endpoints."""


class ChainView(Protocol):
    """The chain as a source has it, fixed when the command starts."""

    @property
    def source(self) -> SourceName:
        """Kind of source, as the ledger names it."""

    @property
    def host(self) -> str:
        """Where it reads from, without anything secret."""

    @property
    def head_block(self) -> int:
        """Newest block there is to read."""

    @property
    def final_block(self) -> int:
        """Newest block that counts as final; -1 when none does."""

    @property
    def genesis_hash(self) -> str | None:
        """Hash of the first block, where the source knows it."""

    @property
    def stats(self) -> RequestStats:
        """Requests so far."""

    def headers(self, numbers: Sequence[int]) -> list[Header]:
        """Headers of the blocks in order: all of them, or none from a source without headers."""


class LogSource(Protocol):
    """Reads logs."""

    def batches(self, segment: Segment) -> Iterator[Batch]:
        """Batches that together cover the segment, in block order. Raises :class:`PoolhouseError` rather than skip."""


class OpenSource(Protocol):
    """A source other than the node, ready to be read."""

    @property
    def view(self) -> ChainView:
        """The chain as the source has it."""

    @property
    def logs(self) -> LogSource:
        """Its logs."""

    @property
    def emitters(self) -> Collection[tuple[str, str, str]]:
        """Family, role and address of contracts that it knows besides the registry's; mostly none."""

    def answers(self, asked: Filter) -> Intervals | None:
        """The final blocks whose logs of this filter it has to the last one; None: all that its view has."""


class SourceRequest(Protocol):
    """Such a source as the user named it."""

    def open(self, chain: Chain, endpoint: Endpoint | None) -> OpenSource:
        """Look at it; ``endpoint`` is the node beside it, where one was given.

        Raises :class:`PoolhouseError` when it cannot serve the chain.
        """
