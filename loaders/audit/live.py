"""What the ledger says counts, and ranges of it drawn at random."""

from __future__ import annotations

import bisect
import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass

from loaders.load.ledger import FilterKey, Ledger
from loaders.plan.intervals import Intervals, intersect, subtract, union


@dataclass(frozen=True, slots=True)
class LiveRange:
    """Blocks of one filter whose rows count, and the load that wrote them."""

    key: FilterKey
    from_block: int
    to_block: int
    load_id: str


@dataclass(frozen=True, slots=True)
class SampledRange:
    """Blocks in which the same loads own the same filters throughout."""

    from_block: int
    to_block: int
    owners: tuple[LiveRange, ...]


def final_ranges(ledger: Ledger) -> list[LiveRange]:
    """The live final ranges: where finals of a filter overlap the newest decoder's count, of these the first load's."""
    covered: dict[FilterKey, Intervals] = {}
    live = []
    for loaded in sorted(ledger.ranges, key=lambda r: (-r.decoder_version, r.load_id, r.from_block)):
        if loaded.finality != "final":
            continue
        before = covered.get(loaded.key, ())
        own = subtract(((loaded.from_block, loaded.to_block),), before)
        live += [LiveRange(loaded.key, low, high, loaded.load_id) for low, high in own]
        covered[loaded.key] = union([*before, *own])
    return live


def draw(live: Sequence[LiveRange], count: int, width: int, rng: random.Random) -> list[SampledRange]:
    """Up to ``count`` of the windows of up to ``width`` blocks into which all that is loaded falls, each as likely."""
    cuts = sorted({point for r in live for point in (r.from_block, r.to_block + 1)})
    coverage = union((r.from_block, r.to_block) for r in live)
    parts = [part for low, after in itertools.pairwise(cuts) for part in intersect(coverage, low, after - 1)]
    # Windows are counted, not made: years of blocks fall into millions of them.
    first_window = [0, *itertools.accumulate((high - low) // width + 1 for low, high in parts)]
    total = first_window[-1]
    drawn = []
    for window in sorted(rng.sample(range(total), min(count, total))):
        part = bisect.bisect_right(first_window, window) - 1
        low = parts[part][0] + (window - first_window[part]) * width
        owners = tuple(r for r in live if r.from_block <= low <= r.to_block)
        drawn.append(SampledRange(low, min(low + width - 1, parts[part][1]), owners))
    return drawn
