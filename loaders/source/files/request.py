"""Files as a source of a load: opened, held against the chain, and asked what they are complete for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from loaders.errors import PoolhouseError
from loaders.plan.filters import Filter
from loaders.plan.intervals import Interval, Intervals, intersect
from loaders.registry.chains import Chain
from loaders.rpc.endpoint import Endpoint, Header
from loaders.rpc.stats import RequestStats
from loaders.source.base import ChainView, LogSource
from loaders.source.files.coverage import answered_blocks, claimed_blocks, without_unknown_ends
from loaders.source.files.fileset import LogFile, open_logs
from loaders.source.files.headers import Headers, read_blocks
from loaders.source.files.opening import find_files, origin
from loaders.source.files.source import FileSource, stated_header
from loaders.source.files.staging import Scratch


@dataclass(frozen=True)
class FilesRequest:
    """Files as the user named them. Everything in them counts as final."""

    patterns: tuple[str, ...]
    block_patterns: tuple[str, ...] = ()
    """Files of blocks, for layouts without hash or time."""
    stated: Interval | None = None
    """Blocks that the user wants, and of which files that say nothing hold every log."""
    are_filtered: bool = False
    """They hold chosen events only: all that is asked for, by the word of the user."""

    def open(self, chain: Chain, endpoint: Endpoint | None) -> OpenFiles:
        """Raises :class:`PoolhouseError` when the files cannot be read, or do not say enough."""
        scratch = Scratch()
        stored = find_files(self.patterns)
        files = open_logs(stored, scratch.path)
        _check_chain(files, chain, endpoint)
        archived = [f for f in files if f.claim.queries is not None]
        if archived and len(archived) < len(files):
            raise PoolhouseError(
                "Some of the files are of a Poolhouse archive, some are not.", "Load one kind at a time."
            )
        blocks = None
        if self.block_patterns:
            held = [b for f in files for g in f.groups for b in (g.first_block, g.last_block)]
            held += [b for f in files for b in f.claim.blocks or ()] + list(self.stated or ())
            blocks = read_blocks(
                find_files(self.block_patterns), min(held, default=0), max(held, default=0), scratch.path
            )
        headers = Headers((h for f in files for h in f.claim.ends), blocks, endpoint)
        self._check_stated(files, headers)
        claimed: Intervals | None = None
        if not archived:
            claimed = claimed_blocks(files, self.stated)
            claimed = claimed if headers.serves_any else without_unknown_ends(files, claimed)
        view = _View(origin(stored), files, headers, chain, endpoint, claimed)
        source = FileSource(files, headers, chain, scratch, is_whole=not archived and not self.are_filtered)
        return OpenFiles(view, source, files, claimed, self.stated)

    @staticmethod
    def _check_stated(files: Sequence[LogFile], headers: Headers) -> None:
        lacking = next((f for f in files if f.layout.block_hash is None or f.layout.timestamp is None), None)
        if lacking is None or headers.serves_any:
            return
        what = "block hashes and timestamps" if lacking.layout.block_hash is None else "timestamps"
        raise PoolhouseError(
            f"{lacking.stored.shown} has no {what}, and nothing beside it has them.",
            "Give files of blocks with --block-files, or a node of the chain with --rpc-url.",
        )


def _check_chain(files: Sequence[LogFile], chain: Chain, endpoint: Endpoint | None) -> None:
    """Raises :class:`PoolhouseError` when files of our archive are of another chain, or of two."""
    for file in files:
        if file.claim.chain_id not in (None, chain.chain_id):
            raise PoolhouseError(
                f"{file.stored.shown} is of chain {file.claim.chain_id}, not of {chain.name} ({chain.chain_id}).",
                "Give the files of this chain.",
            )
    known = endpoint.genesis_hash if endpoint else None
    ends: dict[int, Header] = {}
    for file in (f for f in files if f.claim.is_final):
        genesis, noted = file.claim.genesis_hash, file.claim.ends
        agrees = not (known and genesis) or known == genesis
        agrees &= all(ends.setdefault(h.number, h).hash == h.hash for h in noted)
        if not agrees or any(_breaks(ends, h.number) or _breaks(ends, h.number + 1) for h in noted):
            raise PoolhouseError(
                f"{file.stored.shown} is of another {chain.name} than {'the node or ' if endpoint else ''}the files "
                "beside it: its blocks do not fit theirs.",
                "Move the files of the older chain away (a restarted dev net is a new chain).",
            )
        known = known or genesis
    if endpoint is not None:
        _check_ends(files, chain, endpoint)


def _check_ends(files: Sequence[LogFile], chain: Chain, endpoint: Endpoint) -> None:
    """A block's hash fixes all blocks below it: the last of each file tells for all of them."""
    last = {f.claim.ends[-1].number: f.claim.ends[-1].hash for f in files if f.claim.ends and f.claim.is_final}
    for header in endpoint.headers(sorted(number for number in last if number <= endpoint.final_block)):
        if header.hash != last[header.number]:
            raise PoolhouseError(
                f"The archive has another block {header.number} of {chain.name} than the node.",
                "Move the archive of the older chain away (a restarted dev net is a new chain).",
            )


def _breaks(ends: Mapping[int, Header], number: int) -> bool:
    """Whether a block names another block before it than the one that is known."""
    block, before = ends.get(number), ends.get(number - 1)
    return bool(block and before and block.parent_hash and block.parent_hash != before.hash)


@dataclass
class _View:
    """The chain as far as the files know it."""

    host: str
    files: Sequence[LogFile]
    known: Headers
    chain: Chain
    endpoint: Endpoint | None
    claimed: Intervals | None
    source: Literal["files"] = "files"
    stats: RequestStats = field(init=False)

    def __post_init__(self) -> None:
        self.stats = self.endpoint.stats if self.endpoint else RequestStats()

    @property
    def head_block(self) -> int:
        ends = [high for _, high in self.claimed or ()]
        ends += [f.claim.blocks[1] for f in self.files if f.claim.blocks and f.claim.is_final]
        newest = max(ends, default=-1)
        # Above finality a file may hold blocks that left the chain since.
        return min(newest, self.endpoint.final_block) if self.endpoint else newest

    @property
    def final_block(self) -> int:
        return self.head_block

    @property
    def genesis_hash(self) -> str | None:
        if self.endpoint:
            return self.endpoint.genesis_hash
        return next((f.claim.genesis_hash for f in self.files if f.claim.genesis_hash), None)

    def headers(self, numbers: Sequence[int]) -> list[Header]:
        found = self.known.find(numbers)
        for number in numbers:
            if number not in found and (stated := stated_header(self.files, number, self.chain.chain_id)):
                found[number] = stated
        return [found[n] for n in numbers] if all(n in found for n in numbers) else []


@dataclass
class OpenFiles:
    """Files that are ready to be read."""

    view: ChainView
    logs: LogSource
    files: Sequence[LogFile]
    claimed: Intervals | None
    stated: Interval | None

    @property
    def emitters(self) -> Collection[tuple[str, str, str]]:
        """Contracts whose logs our archive was asked for."""
        return sorted({emitter for f in self.files for emitter in f.claim.emitters})

    def answers(self, asked: Filter) -> Intervals:
        """Blocks for which the files have every log of the filter."""
        blocks = answered_blocks(self.files, asked) if self.claimed is None else self.claimed
        blocks = intersect(blocks, 0, self.view.final_block)
        return intersect(blocks, *self.stated) if self.stated else blocks
