"""Filters (an event and its emitter) and the segments of blocks that the same filters still miss."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from loaders.decode.decoder import ANY, Wanted
from loaders.logs import Mask, RawLogs, rows_in
from loaders.plan.intervals import Intervals
from loaders.registry.events import EventSpec
from loaders.registry.seeds import Contract

Finality = Literal["final", "tail"]


@dataclass(frozen=True)
class Filter:
    """What is asked for: one event of any emitter (``*``) or of one contract."""

    spec: EventSpec
    contract_address: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Identity in the ledger."""
        return self.spec.family, self.spec.role, self.spec.event, self.contract_address


def filters_for(events: Iterable[EventSpec], contracts: Iterable[Contract]) -> tuple[Filter, ...]:
    """One filter per event of any emitter, and one per event and registered contract of its family and role."""
    known = list(contracts)
    filters = []
    for spec in events:
        if spec.emitters == "any":
            filters.append(Filter(spec, ANY))
            continue
        addresses = {c.address for c in known if (c.family, c.role) == (spec.family, spec.role)}
        filters += [Filter(spec, address) for address in sorted(addresses)]
    return tuple(filters)


@dataclass(frozen=True)
class LogQuery:
    """Arguments of one ``eth_getLogs``: any of the topics, from any of the addresses (empty: from anyone).

    Without topics it asks for all logs of the addresses, those without any topic included: anonymous events have no other name.
    """

    topics: tuple[str, ...]
    addresses: tuple[str, ...]

    def matches(self, logs: RawLogs) -> Mask:
        """Which of the logs it asks for."""
        asked: Mask = np.ones(len(logs), bool)
        if self.topics:
            asked &= (logs.topic_count > 0) & rows_in(logs.topics[:, 0], [bytes.fromhex(t[2:]) for t in self.topics])
        if self.addresses:
            asked &= rows_in(logs.address, [bytes.fromhex(a[2:]) for a in self.addresses])
        return asked

    def params(self, from_block: int, to_block: int) -> dict[str, object]:
        return {"fromBlock": hex(from_block), "toBlock": hex(to_block), **self._match()}

    def params_of_block(self, block_hash: str) -> dict[str, object]:
        return {"blockHash": block_hash, **self._match()}

    def _match(self) -> dict[str, object]:
        topics = {"topics": [list(self.topics)]} if self.topics else {}
        addresses = {"address": list(self.addresses)} if self.addresses else {}
        return {**topics, **addresses}

    def split(self) -> tuple[LogQuery, LogQuery] | None:
        """Two queries that together ask for the same; None when there is nothing left to split."""
        if len(self.topics) > 1:
            half = len(self.topics) // 2
            return LogQuery(self.topics[:half], self.addresses), LogQuery(self.topics[half:], self.addresses)
        if len(self.addresses) > 1:
            half = len(self.addresses) // 2
            return LogQuery(self.topics, self.addresses[:half]), LogQuery(self.topics, self.addresses[half:])
        return None


@dataclass(frozen=True)
class Segment:
    """A contiguous range of blocks that the same filters miss."""

    from_block: int
    to_block: int
    finality: Finality
    filters: tuple[Filter, ...]
    is_indivisible: bool = False
    """A tail, or final blocks that replace one: counts only together with the indivisible segments beside it."""

    @cached_property
    def queries(self) -> tuple[LogQuery, ...]:
        """At most three: the events of any emitter, those of registered contracts, and what emits anonymous events."""
        anyone = sorted({f.spec.topic0 for f in self.filters if f.contract_address == ANY})
        registered = [f for f in self.filters if f.contract_address != ANY and not f.spec.abi.is_anonymous]
        anonymous = sorted({f.contract_address for f in self.filters if f.spec.abi.is_anonymous})
        queries = [LogQuery(tuple(anyone), ())] if anyone else []
        if registered:
            topics = tuple(sorted({f.spec.topic0 for f in registered}))
            queries.append(LogQuery(topics, tuple(sorted({f.contract_address for f in registered}))))
        if anonymous:
            queries.append(LogQuery((), tuple(anonymous)))
        return tuple(queries)

    @cached_property
    def wanted(self) -> tuple[Wanted, ...]:
        """The same filters as the decoder reads them."""
        emitters: dict[EventSpec, set[str]] = {}
        for f in self.filters:
            emitters.setdefault(f.spec, set()).add(f.contract_address)
        return tuple(Wanted(spec, None if ANY in a else frozenset(a)) for spec, a in emitters.items())


def segments(missing: Mapping[Filter, Intervals], finality: Finality, replaced: Intervals = ()) -> list[Segment]:
    """Cut the missing blocks where the set of filters changes: each segment is read once for all its filters.

    They are cut at the ends of the ``replaced`` tails, too. Read in part, what replaces a tail would leave the rest of a
    chain that may be another's on top of it.
    """
    cuts = sorted({p for ranges in (*missing.values(), replaced) for a, b in ranges for p in (a, b + 1)})
    result: list[Segment] = []
    for low, after in itertools.pairwise(cuts):
        filters = tuple(f for f, ranges in missing.items() if _contains(ranges, low))
        if not filters:
            continue
        is_indivisible = finality == "tail" or _contains(replaced, low)
        last = result[-1] if result else None
        if last and (last.to_block, last.filters, last.is_indivisible) == (low - 1, filters, is_indivisible):
            result[-1] = Segment(last.from_block, after - 1, finality, filters, is_indivisible)
        else:
            result.append(Segment(low, after - 1, finality, filters, is_indivisible))
    return result


def _contains(intervals: Intervals, block: int) -> bool:
    return any(a <= block <= b for a, b in intervals)
