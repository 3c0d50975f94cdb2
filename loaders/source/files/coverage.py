"""Which blocks a set of files is complete for: what they claim, or what the user states; never what they happen to hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from loaders.decode.decoder import ANY
from loaders.errors import PoolhouseError
from loaders.plan.filters import Filter, LogQuery, Segment
from loaders.plan.intervals import Interval, Intervals, intersect, subtract, union
from loaders.source.files.fileset import LogFile


def claimed_blocks(files: Sequence[LogFile], stated: Interval | None) -> Intervals:
    """Blocks whose logs the files say they hold all of. ``stated`` is what the user says of files that say nothing.

    Files of a day are complete from the first of their blocks to the last, and so is a run of days without a gap.
    Raises :class:`PoolhouseError` when neither files nor user say anything, or a stated block is not claimed by files that do.
    """
    silent = [f for f in files if f.claim.blocks is None and f.claim.day is None]
    if silent and stated is None:
        held = f"{_first(silent)} to {_last(silent)}" if any(f.groups for f in silent) else "none"
        raise PoolhouseError(
            f"{silent[0].stored.shown} does not say which blocks it is complete for (it holds logs of blocks {held}).",
            "State it with --from-block and --to-block: every log of these blocks is then taken to be in the files.",
        )
    claimed = union([*(f.claim.blocks for f in files if f.claim.blocks), *_runs_of_days(files)])
    if silent and stated:
        return union([*claimed, stated])
    if stated and (missing := subtract((stated,), claimed)):
        raise PoolhouseError(
            f"The files do not hold blocks {_text(missing)}; they claim {_text(claimed)}.",
            "Add the files that are missing, or narrow --from-block and --to-block.",
        )
    return intersect(claimed, *stated) if stated else claimed


def without_unknown_ends(files: Sequence[LogFile], claimed: Intervals) -> Intervals:
    """Cut to blocks that have a log in the files: of others they tell neither hash nor time."""
    groups = [g for f in files for g in f.groups]
    cut = []
    for low, high in claimed:
        within = [g for g in groups if g.first_block <= high and g.last_block >= low]
        if within:
            cut.append((max(low, min(g.first_block for g in within)), min(high, max(g.last_block for g in within))))
    return tuple(cut)


def answered_blocks(files: Sequence[LogFile], asked: Filter) -> Intervals:
    """Final blocks for which files of our archive together answer a filter."""
    return union(f.claim.blocks for f in files if f.claim.blocks and _answers(f, asked))


def answering(files: Sequence[LogFile], segment: Segment) -> list[LogFile]:
    """The files to read for a segment: all of a dump; of our archive, for each filter as few as cover it."""
    if any(f.claim.queries is None for f in files):
        return list(files)
    chosen: dict[str, LogFile] = {}
    for asked in segment.filters:
        left: Intervals = ((segment.from_block, segment.to_block),)
        fitting = [f for f in files if f.claim.blocks and _answers(f, asked)]
        # Files already chosen first, then the longest: the fewer files, the less is read twice.
        for file in sorted(fitting, key=lambda f: (f.stored.path not in chosen, -_length(f), f.stored.path)):
            assert file.claim.blocks is not None
            if intersect(left, *file.claim.blocks):
                chosen[file.stored.path] = file
                left = subtract(left, (file.claim.blocks,))
    return list(chosen.values())


def _answers(file: LogFile, asked: Filter) -> bool:
    return file.claim.is_final and any(_covers(query, asked) for query in file.claim.queries or ())


def _covers(query: LogQuery, asked: Filter) -> bool:
    if query.topics and asked.spec.topic0 not in query.topics:
        return False
    return not query.addresses or (asked.contract_address != ANY and asked.contract_address in query.addresses)


def _length(file: LogFile) -> int:
    assert file.claim.blocks is not None
    return file.claim.blocks[1] - file.claim.blocks[0]


def _runs_of_days(files: Sequence[LogFile]) -> list[Interval]:
    days = sorted({f.claim.day for f in files if f.claim.day and f.groups})
    runs: list[Interval] = []
    start = 0
    for i, day in enumerate(days):
        if i + 1 == len(days) or days[i + 1] != day + timedelta(days=1):
            run = [f for f in files if f.claim.day in days[start : i + 1]]
            runs.append((_first(run), _last(run)))
            start = i + 1
    return runs


def _first(files: Sequence[LogFile]) -> int:
    return min(g.first_block for f in files for g in f.groups)


def _last(files: Sequence[LogFile]) -> int:
    return max(g.last_block for f in files for g in f.groups)


def _text(intervals: Intervals) -> str:
    shown = ", ".join(f"{a}" if a == b else f"{a} to {b}" for a, b in intervals[:5])
    return shown + (f" and {len(intervals) - 5} more ranges" if len(intervals) > 5 else "") if intervals else "none"
