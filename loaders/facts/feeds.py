"""Which aggregators are, and were, behind the registered price feeds.

A feed's proxy emits nothing and changes its aggregator without an event. Its phases name every aggregator it ever had,
whose ``AnswerUpdated`` logs together are the feed's history: they must be known before those logs are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from loaders.facts.calls import Answer, BlockReader, call
from loaders.facts.catalog import Catalog
from loaders.facts.reads import BlockReads
from loaders.registry.seeds import Feed
from loaders.session import Session

_ZERO = "0x" + "00" * 20


@dataclass(frozen=True, slots=True)
class FeedAggregators:
    """The aggregators per feed, and the reads that say so."""

    by_feed: dict[str, tuple[str, ...]]
    """Proxy address -> aggregators, oldest phase first; empty for a proxy that names none."""
    reads: BlockReads

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every aggregator once, in order of address."""
        return tuple(sorted({a for aggregators in self.by_feed.values() for a in aggregators}))


def feed_aggregators(session: Session) -> FeedAggregators:
    """Ask every registered feed of the chain at the node's head; phases that were read before are not asked again.

    Write :attr:`FeedAggregators.reads` with the load that uses the addresses: models join logs to feeds by them.
    """
    reader = BlockReader(session.node, session.pinned)
    known = Catalog(session).read_before(["phaseAggregators"])
    by_feed, answers = read_aggregators(reader, session.registry.feeds_of(session.chain), known)
    return FeedAggregators(by_feed, BlockReads(session.chain.chain_id, reader.block, tuple(answers)))


def read_aggregators(
    reader: BlockReader, feeds: Iterable[Feed], known: dict[tuple[str, str, str], str]
) -> tuple[dict[str, tuple[str, ...]], list[Answer]]:
    """Aggregators per feed, and the answers; ``known`` holds earlier values by (contract, function, arguments)."""
    proxies = [f.address for f in feeds]
    current = reader.read([call(p, function) for p in proxies for function in ("aggregator", "phaseId")])
    values = {(a.call.contract, a.call.function.name): a.value for a in current}
    phases = [
        call(proxy, "phaseAggregators", phase)
        for proxy in proxies
        for phase in range(1, int(values[proxy, "phaseId"] or 0) + 1)
    ]
    asked = reader.read([c for c in phases if c.key not in known])
    history = {**known, **{a.call.key: a.value for a in asked if a.value is not None}}
    by_feed: dict[str, tuple[str, ...]] = {}
    for proxy in proxies:
        named = [history.get(c.key) for c in phases if c.contract == proxy] + [values[proxy, "aggregator"]]
        by_feed[proxy] = tuple(dict.fromkeys(a for a in named if a and a != _ZERO))
    return by_feed, current + asked
