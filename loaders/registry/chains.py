"""What is known in advance of a chain: the rows of ``seeds/chains.csv``, quirks of its nodes' answers included."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

FinalityRule: TypeAlias = Literal["tag", "depth"]
"""
tag    the node's ``finalized`` tag decides; `finality_depth` only where a node lacks it
depth  `finality_depth` decides, whatever the node says
"""
FINALITY_RULES: tuple[FinalityRule, ...] = get_args(FinalityRule)

QuirkName: TypeAlias = Literal["bloom_incomplete", "receipts_root_incomplete", "transactions_incomplete"]
"""
bloom_incomplete          the header's bloom may lack logs of its block: it neither excludes a log nor contradicts one
receipts_root_incomplete  the header's receipts root does not commit to all logs of its block, or to those of others
transactions_incomplete   the block's transactions and receipts may lack the one that emitted a log
"""
QUIRK_NAMES: tuple[QuirkName, ...] = get_args(QuirkName)

_WRITTEN = re.compile(r"(\w+)(?:@(\d*)-(\d*))?")


@dataclass(frozen=True, slots=True)
class Quirk:
    """A way in which answers for some blocks of a chain differ from Ethereum's."""

    name: QuirkName
    from_block: int = 0
    to_block: int | None = None
    """Last block that may have it; None while it has not ended."""


def parse_quirks(text: str) -> tuple[Quirk, ...]:
    """``name``, ``name@from-``, ``name@-to`` or ``name@from-to``, separated by spaces. Raises ``ValueError``."""
    quirks = []
    for written in text.split():
        match = _WRITTEN.fullmatch(written)
        name = next((n for n in QUIRK_NAMES if match and n == match[1]), None)
        if match is None or name is None:
            raise ValueError(written)
        quirks.append(Quirk(name, int(match[2] or 0), int(match[3]) if match[3] else None))
    return tuple(quirks)


@dataclass(frozen=True, slots=True)
class Chain:
    chain_id: int
    name: str
    native_symbol: str
    wrapped_native_address: str
    finality_depth: int
    """Blocks below the head that count as final where a node has no `finalized` tag."""
    min_block_gap_s: int
    """Consecutive blocks within the bounds below are never closer in time than this, in seconds; 0: nothing is known."""
    min_block_gap_since_block: int = 0
    min_block_gap_until_block: int | None = None
    """Last block that the gap is known for; None while it holds."""
    finality_rule: FinalityRule = "tag"
    quirks: tuple[Quirk, ...] = ()

    def guaranteed_gap_s(self, from_block: int, to_block: int) -> int:
        """Seconds that any two consecutive blocks of [from_block, to_block] are apart at least; 0 without a guarantee."""
        until = self.min_block_gap_until_block
        is_within = self.min_block_gap_since_block <= from_block and (until is None or to_block <= until)
        return self.min_block_gap_s if is_within else 0

    def has_quirk(self, name: QuirkName, from_block: int, to_block: int | None = None) -> bool:
        """Whether any block of [from_block, to_block] (one block without the latter) may have the quirk."""
        last = from_block if to_block is None else to_block
        return any(
            q.name == name and q.from_block <= last and (q.to_block is None or from_block <= q.to_block)
            for q in self.quirks
        )
