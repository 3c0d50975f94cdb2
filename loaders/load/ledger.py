"""The ledger, ``load_ranges``: what was loaded, what counts, and hence what is still missing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pyarrow as pa

from loaders.decode.decoder import DECODER_VERSION
from loaders.errors import PoolhouseError
from loaders.load.warehouse import Warehouse
from loaders.plan.filters import Filter, Finality, Segment, segments
from loaders.plan.intervals import Interval, Intervals, common, intersect, subtract, union
from loaders.registry.events import EventSpec
from loaders.registry.tables import LOAD_RANGES
from loaders.rpc.endpoint import Header
from loaders.source.base import ChainView

FilterKey = tuple[str, str, str, str]
"""family, role, event, contract address or ``*``"""


@dataclass(frozen=True, slots=True)
class LoadedRange:
    """A row of the ledger whose load completed."""

    key: FilterKey
    from_block: int
    to_block: int
    to_block_hash: str | None
    finality: Finality
    genesis_hash: str | None
    load_id: str
    decoder_version: int = 0


@dataclass(frozen=True)
class Ledger:
    """The completed ranges of one chain."""

    ranges: tuple[LoadedRange, ...]

    def finals(self, decoder_version: int = 0) -> dict[FilterKey, Intervals]:
        """Blocks loaded as final, by a decoder of this version at least."""
        return self._coverage("final", decoder_version)

    def tails(self) -> dict[FilterKey, Intervals]:
        return self._coverage("tail")

    def live_tails(self) -> dict[FilterKey, Intervals]:
        """Blocks of the newest tails that no final range covers yet."""
        newest: dict[FilterKey, str] = {}
        for r in self.ranges:
            if r.finality == "tail":
                newest[r.key] = max(newest.get(r.key, ""), r.load_id)
        tails: dict[FilterKey, list[Interval]] = {}
        for r in self.ranges:
            if (r.finality, newest.get(r.key)) == ("tail", r.load_id):
                tails.setdefault(r.key, []).append((r.from_block, r.to_block))
        finals = self.finals()
        return {key: subtract(union(ranges), finals.get(key, ())) for key, ranges in tails.items()}

    def _coverage(self, finality: Finality, decoder_version: int = 0) -> dict[FilterKey, Intervals]:
        blocks: dict[FilterKey, list[Interval]] = {}
        for loaded in self.ranges:
            if loaded.finality == finality and loaded.decoder_version >= decoder_version:
                blocks.setdefault(loaded.key, []).append((loaded.from_block, loaded.to_block))
        return {key: union(intervals) for key, intervals in blocks.items()}

    def compacted(self) -> Ledger:
        """The same in the fewest ranges: finals that meet are one, of tails only the newest load's are left."""
        by_filter: dict[FilterKey, list[LoadedRange]] = {}
        for loaded in self.ranges:
            by_filter.setdefault(loaded.key, []).append(loaded)
        kept: list[LoadedRange] = []
        for ranges in by_filter.values():
            finals: list[LoadedRange] = []
            for loaded in sorted(
                (r for r in ranges if r.finality == "final"), key=lambda r: (r.from_block, r.to_block)
            ):
                if finals and loaded.from_block <= finals[-1].to_block + 1:
                    first = finals.pop()
                    end = loaded if loaded.to_block > first.to_block else first
                    oldest = min(first.decoder_version, loaded.decoder_version)
                    finals.append(replace(end, from_block=first.from_block, decoder_version=oldest))
                else:
                    finals.append(loaded)
            newest = max((r.load_id for r in ranges if r.finality == "tail"), default="")
            kept += [*finals, *(r for r in ranges if (r.finality, r.load_id) == ("tail", newest))]
        return Ledger(tuple(kept))

    def check_tails(self, view: ChainView, blocks: Collection[int]) -> None:
        """Refuse when what is loaded of one of the blocks is not of the node's chain any more.

        A block's hash fixes all blocks below it: it is the ends of the tails that tell.
        """
        finals = self.finals()
        newest: dict[FilterKey, str] = {}
        for r in self.ranges:
            if r.finality == "tail":
                newest[r.key] = max(newest.get(r.key, ""), r.load_id)
        ends = {
            r.to_block: r.to_block_hash
            for r in self.ranges
            if (r.finality, newest.get(r.key)) == ("tail", r.load_id)
            for block in blocks
            if r.from_block <= block <= r.to_block and not intersect(finals.get(r.key, ()), block, block)
        }
        present = [number for number in sorted(ends) if number <= view.head_block]
        now = {h.number: h.hash for h in view.headers(present)}
        for number, block_hash in sorted(ends.items()):
            if now.get(number) != block_hash:
                raise PoolhouseError(
                    f"The chain reorganised since it was loaded: block {number} is another now.",
                    "Run the load again, then this command.",
                )

    def check_same_chain(self, view: ChainView, database: str) -> None:
        """Refuse a chain other than the one already loaded: the ids may agree (dev nets), the blocks do not."""
        known = {r.genesis_hash for r in self.ranges if r.genesis_hash}
        if known and view.genesis_hash and view.genesis_hash not in known:
            raise _other_chain(view, database, "its genesis block differs from the one the ledger knows")
        finals = [r for r in self.ranges if r.finality == "final" and r.to_block_hash]
        if not finals:
            return
        newest = max(finals, key=lambda r: r.to_block)
        # Files end where they end: that says nothing of their chain.
        if newest.to_block > view.head_block and view.source != "files":
            raise _other_chain(view, database, f"its head is {view.head_block}, below what is loaded as final")
        known_now = view.headers([newest.to_block])
        if known_now and known_now[0].hash != newest.to_block_hash:
            raise _other_chain(view, database, f"its block {newest.to_block} differs from the one loaded as final")


def _other_chain(view: ChainView, database: str, reason: str) -> PoolhouseError:
    return PoolhouseError(
        f"{view.host} is not the chain already in {database}: {reason}.",
        "Load it into another file with --database, or move the old file away (a restarted dev net is a new chain).",
    )


_KEY = "family, role, event, contract_address"
# What a filter has as final, by what must not be mixed: a range without a hash at its end says nothing of its chain.
_ALIKE = f"{_KEY}, genesis_hash, decoder_version, case when to_block_hash is null then 1 else 0 end"
_COMPLETE = (
    f"select *, max(case when finality = 'tail' then load_id end) over (partition by {_KEY}) as newest_tail_load_id "
    "from (select r.*, r._dlt_load_id as load_id from {load_ranges} as r "
    "inner join {_dlt_loads} as l on r._dlt_load_id = l.load_id and l.status = 0 where r.chain_id = "
)
_COLUMNS = f"{_KEY}, from_block, to_block, to_block_hash, finality, genesis_hash, decoder_version, load_id"


def read_ledger(warehouse: Warehouse, chain_id: int, *, by_load: bool = False) -> Ledger:
    """What is loaded of the chain. Of tails only those of the newest load of their filter: it replaced the others whole.

    Finals that meet are one range, of their newest load, unless asked for ``by_load``: a chain that is followed leaves some
    behind every minute, and a tail in every round; they are not for memory.
    """
    complete = f"{_COMPLETE}{int(chain_id)}) as ranges"
    tails = f"select {_COLUMNS} from complete where finality = 'tail' and load_id = newest_tail_load_id"
    finals = f"select {_COLUMNS} from complete where finality = 'final'"
    if by_load:
        ctes = f"complete as ({complete})"
    else:
        ctes = (
            f"complete as ({complete}), "
            f"reach as (select *, max(to_block) over (partition by {_ALIKE} order by from_block, to_block, load_id "
            f"rows between unbounded preceding and 1 preceding) as reached_block from ({finals}) as finals), "
            "islands as (select *, sum(case when from_block <= reached_block + 1 then 0 else 1 end) over ("
            f"partition by {_ALIKE} order by from_block, to_block, load_id "
            "rows between unbounded preceding and current row) as island from reach), "
            f"ends as (select *, first_value(to_block_hash) over (partition by {_ALIKE}, island "
            "order by to_block desc, load_id desc) as end_hash from islands)"
        )
        finals = (
            f"select {_KEY}, min(from_block) as from_block, max(to_block) as to_block, max(end_hash) as to_block_hash, "
            "'final' as finality, genesis_hash, decoder_version, max(load_id) as load_id from ends "
            f"group by {_ALIKE}, island"
        )
    rows = warehouse.query(f"with {ctes} {finals} union all {tails}")
    return Ledger(
        tuple(
            LoadedRange(
                (r["family"], r["role"], r["event"], r["contract_address"]),
                r["from_block"],
                r["to_block"],
                r["to_block_hash"],
                r["finality"],
                r["genesis_hash"],
                r["load_id"],
                int(r["decoder_version"]),
            )
            for r in rows
        )
    )


def plan(
    filters: Iterable[Filter],
    wanted: Mapping[Filter, Intervals],
    ledger: Ledger,
    view: ChainView,
    answers: Callable[[Filter], Intervals | None] = lambda _: None,
    decoder_version: int = 0,
) -> list[Segment]:
    """What to read: final blocks that no final range covers, and everything above finality again.

    Blocks of earlier tails are wanted as well: a new tail replaces the old one whole, and what became final meanwhile is
    read once more, as final. A source that ``answers`` for some blocks only cannot replace a tail whole: it leaves the
    blocks of tails alone. What decoders older than ``decoder_version`` wrote is read again.
    """
    finals, tails, live_tails = ledger.finals(decoder_version), ledger.tails(), ledger.live_tails()
    missing_final: dict[Filter, Intervals] = {}
    missing_tail: dict[Filter, Intervals] = {}
    for f in filters:
        answered = answers(f)
        if answered is not None:
            blocks = subtract(common(wanted[f], answered), live_tails.get(f.key, ()))
        else:
            blocks = union([*wanted[f], *intersect(tails.get(f.key, ()), 0, view.head_block)])
        missing_final[f] = subtract(intersect(blocks, 0, view.final_block), finals.get(f.key, ()))
        above = subtract(intersect(blocks, view.final_block + 1, view.head_block), finals.get(f.key, ()))
        missing_tail[f] = above
    replaced = union(i for f in missing_final if answers(f) is None for i in tails.get(f.key, ()))
    return segments(missing_final, "final", replaced) + segments(missing_tail, "tail")


@dataclass(frozen=True, slots=True)
class CoveredRange:
    """A contiguous part of a segment whose rows are in the package being written."""

    segment: Segment
    from_block: int
    to_block: int
    first: Header | None
    last: Header | None
    """Headers of both ends, where the source has headers."""
    counts: Mapping[tuple[EventSpec, str], int]
    namesakes: Mapping[tuple[EventSpec, str], int]
    hosts: str
    """Endpoints that answered, separated by commas, without their keys."""
    first_timestamp: int | None = None
    """Of the first log; None where there is none."""

    @property
    def start(self) -> datetime | None:
        """When the range begins; where its first header is not known, when its first log was emitted, or its end."""
        if self.first is not None:
            return datetime.fromtimestamp(self.first.timestamp, UTC)
        if self.first_timestamp is not None:
            return datetime.fromtimestamp(self.first_timestamp, UTC)
        return datetime.fromtimestamp(self.last.timestamp, UTC) if self.last else None


def ledger_rows(covered: Iterable[CoveredRange], view: ChainView, chain_id: int, registry_version: str) -> pa.Table:
    """One row per filter and range."""
    now = datetime.now(UTC)
    rows = [
        {
            "chain_id": chain_id,
            "family": f.spec.family,
            "role": f.spec.role,
            "event": f.spec.event,
            "table_name": f.spec.table,
            "topic0": f.spec.topic0,
            "contract_address": f.contract_address,
            "from_block": part.from_block,
            "to_block": part.to_block,
            "from_block_hash": part.first and part.first.hash,
            "to_block_hash": part.last and part.last.hash,
            "min_timestamp": part.start,
            "max_timestamp": part.last and datetime.fromtimestamp(part.last.timestamp, UTC),
            "log_count": part.counts.get((f.spec, f.contract_address), 0),
            "namesake_count": part.namesakes.get((f.spec, f.contract_address), 0),
            "finality": part.segment.finality,
            "decoder_version": DECODER_VERSION,
            "registry_version": registry_version,
            "source": view.source,
            "endpoint_host": part.hosts,
            "genesis_hash": view.genesis_hash,
            "loaded_at": now,
        }
        for part in covered
        for f in part.segment.filters
    ]
    return pa.Table.from_pylist(rows, schema=LOAD_RANGES.arrow)
