"""One followed chain: what is loaded of it, and what the next package needs, read and verified."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from loaders.decode.decoder import DECODER_VERSION
from loaders.errors import PoolhouseError
from loaders.facts.complete import complete
from loaders.facts.reads import BlockReads
from loaders.facts.replaced import recheck_read_blocks
from loaders.follow.round import Round
from loaders.follow.transactions import UnwrittenTransactions, WrittenTransactions
from loaders.load.ledger import Ledger, LoadedRange, plan, read_ledger
from loaders.load.missing import filters_of, find_aggregators
from loaders.load.package import ChainMoved
from loaders.load.warehouse import Warehouse
from loaders.plan.filters import Filter, Segment
from loaders.registry.chains import Chain
from loaders.registry.events import TRANSFERS
from loaders.registry.seeds import Contract, Registry
from loaders.rpc.endpoint import Endpoint, Header, read_head
from loaders.rpc.node import Lagging
from loaders.session import Session
from loaders.source.base import Batch
from loaders.source.clock import BlockGap
from loaders.source.rpc import RpcSource
from loaders.source.transactions import TransactionMode

_LOGS_PER_ROUND = 200_000
"""A chain that is far behind catches up in rounds of about that many logs: they are in memory until they are written."""

_FINALS_EVERY_S = 60.0
"""At the head, blocks are written as final that seldom. Until then they stay in the tail: of tails the ledger's readers want
the last one alone, but every final row, and there would be a million a day where each block is final at once."""

_LOWER_LOOKS = 5
"""A head below the last one is a node that lags, mostly: it is believed when it was seen so many times in a row."""
_NOTHING = (-1, "", -1)


@dataclass(frozen=True)
class Choice:
    """What is followed, the same for every chain."""

    protocols: tuple[str, ...] = ()
    last_blocks: int | None = None
    transactions: TransactionMode = TransactionMode.AUTO
    threads: int = 4
    with_facts: bool = True
    with_transfers: bool = False


@dataclass
class FollowedChain:
    """State of one chain. Used by one thread at a time: its own, which reads, or the one that writes."""

    chain: Chain
    registry: Registry
    choice: Choice
    database: str
    """How messages name the warehouse."""
    endpoint: Endpoint | None = None
    is_caught_up: bool = False
    _ledger: Ledger | None = None
    _first_block: int | None = None
    _extra_contracts: list[Contract] = field(default_factory=list)
    _replaced_hashes: frozenset[str] = frozenset()
    _found: BlockReads | None = None
    """What was read of feeds and is not written yet."""
    _read_blocks: set[int] = field(default_factory=set)
    """Blocks above finality at which state was read."""
    _seen: tuple[int, str, int] = _NOTHING
    """Number and hash of the head, and final block, of the last round that was written."""
    _lower_looks: int = 0
    _finals_due_at: float = 0.0
    """Time (monotonic) before which finality is not looked at again."""
    _written: WrittenTransactions = field(default_factory=WrittenTransactions)

    # ---- by the thread that writes, with the warehouse open

    def read_ledger(self, warehouse: Warehouse) -> None:
        """What is loaded, whoever loaded it. Raises :class:`PoolhouseError` when it is of another chain."""
        endpoint = self._connected
        ledger = read_ledger(warehouse, self.chain.chain_id)
        ledger.check_same_chain(endpoint, self.database)
        self._ledger = ledger.compacted()
        if self._first_block is None:
            self._first_block = self._start(self._ledger, endpoint)
        self._seen = _NOTHING

    def prepare(self, warehouse: Warehouse) -> None:
        """Ledger, reads to be confirmed, and contracts that only the chain knows."""
        self.read_ledger(warehouse)
        session = self._session(warehouse, [])
        read_blocks = recheck_read_blocks(session)
        self._replaced_hashes = read_blocks.replaced_hashes
        self._read_blocks = {h.number for h in read_blocks.headers}
        if self.choice.with_facts:
            self._found = find_aggregators(session)
            self._read_blocks.add(session.pinned.number)
        self._extra_contracts = session.extra_contracts

    def complete_facts(self, warehouse: Warehouse) -> None:
        """Read what the loaded events refer to but do not say."""
        completeness = complete(self._session(warehouse, self._extra_contracts))
        self._read_blocks |= {completeness.block_number, self._connected.head_block}

    def written(self, done: Round, load_id: str) -> None:
        """The round's rows count now."""
        assert self._ledger is not None
        added = [
            LoadedRange(
                f.key,
                s.from_block,
                s.to_block,
                done.known[s.to_block].hash,
                s.finality,
                done.genesis_hash,
                load_id,
                int(DECODER_VERSION),
            )
            for s in done.segments
            for f in s.filters
        ]
        self._ledger = Ledger((*self._ledger.ranges, *added)).compacted()
        tables = [b.transactions for batches in done.batches_read.values() for b in batches]
        self._written.add([t for t in tables if t is not None], done.final_block)
        self._read_blocks = {n for n in self._read_blocks if n > done.final_block}
        self._found = None
        self.is_caught_up = done.is_caught_up
        if any(s.finality == "final" for s in done.segments):
            self._finals_due_at = time.monotonic() + _FINALS_EVERY_S
        if done.is_caught_up:
            self._seen = (done.head_block, done.endpoint.head.hash, done.final_block)

    # ---- by the chain's own thread

    def read(self) -> Round | None:
        """The next round, None when the chain has not moved.

        Raises :class:`ChainMoved` when it was reorganised meanwhile, and :class:`PoolhouseError` when the node fails.
        """
        endpoint = self._look()
        if (endpoint.head_block, endpoint.head.hash, endpoint.final_block) == self._seen:
            return None
        self._lower_looks = self._lower_looks + 1 if endpoint.head_block < self._seen[0] else 0
        if 0 < self._lower_looks < _LOWER_LOOKS:
            return None
        assert self._ledger is not None
        assert self._first_block is not None
        wanted = dict.fromkeys(self._filters, ((self._first_block, endpoint.head_block),))
        segments, batches = self._read_segments(plan(wanted, wanted, self._ledger, endpoint), endpoint)
        rechecked = sorted(n for n in self._read_blocks if n <= endpoint.head_block)
        known = self._one_chain(endpoint, segments, batches, rechecked)
        if (
            self._found is not None
            and known.get(self._found.block.number, endpoint.head).hash != self._found.block.hash
        ):
            # Nobody needs what was read at a block that is gone; `prepare` reads it again.
            self._found = None
        return Round(
            endpoint,
            segments,
            batches,
            known,
            [known[n] for n in rechecked],
            [self._found.answer_rows] if self._found is not None else [],
            is_caught_up=not segments or segments[-1].to_block == endpoint.head_block,
        )

    def _look(self) -> Endpoint:
        """Head and finality as they are now; what was final stays final, whatever a node that lags says."""
        before, ledger = self._connected, self._ledger
        assert ledger is not None
        head, final_block = read_head(before.node, self.chain)
        was_final = max((r.to_block for r in ledger.ranges if r.finality == "final"), default=-1)
        if head.number < was_final:
            raise Lagging(f"the head of {before.host} is {head.number}, and block {was_final} is loaded as final")
        known_final = min(before.final_block, head.number)
        is_due = not self.is_caught_up or time.monotonic() >= self._finals_due_at
        self.endpoint = replace(before, head=head, final_block=max(final_block, known_final) if is_due else known_final)
        return self.endpoint

    def _read_segments(
        self, planned: list[Segment], endpoint: Endpoint
    ) -> tuple[list[Segment], dict[tuple[int, int], list[Batch]]]:
        source = self._source(endpoint)
        segments: list[Segment] = []
        batches: dict[tuple[int, int], list[Batch]] = {}
        logs = 0
        for segment in planned:
            # What replaces a tail is read whole, or not at all.
            may_end_early = not any(s.is_indivisible for s in (*segments, segment))
            if may_end_early and logs >= _LOGS_PER_ROUND:
                break
            read: list[Batch] = []
            for batch in source.batches(segment):
                read.append(batch)
                logs += len(batch.logs)
                if may_end_early and logs >= _LOGS_PER_ROUND:
                    break
            segments.append(replace(segment, to_block=read[-1].to_block))
            batches[segment.from_block, read[-1].to_block] = read
            if read[-1].to_block < segment.to_block:
                break
        return segments, batches

    def _one_chain(
        self,
        endpoint: Endpoint,
        segments: list[Segment],
        batches: Mapping[tuple[int, int], Sequence[Batch]],
        rechecked: Sequence[int],
    ) -> dict[int, Header]:
        """Headers of all ends, and the proof that what was read is of one chain, on top of what is loaded as final.

        A block's hash fixes all blocks below it: if no end of a range changed until now, all ranges are of the same chain.
        """
        assert self._ledger is not None
        known: dict[int, Header] = {}
        for batch in itertools.chain.from_iterable(batches.values()):
            known |= {h.number: h for h in (*batch.headers, *([batch.end] if batch.end else ()))}
        ends = [b.to_block for s in segments if s.finality == "tail" for b in batches[s.from_block, s.to_block]]
        now = {h.number: h for h in endpoint.headers(sorted({*ends, *rechecked, *(s.from_block for s in segments)}))}
        if any(now[number].hash != known[number].hash for number in ends):
            raise ChainMoved("The chain reorganised while it was read.", "It is read again.")
        known |= now
        finals = {r.to_block: r.to_block_hash for r in self._ledger.ranges if r.finality == "final" and r.to_block_hash}
        for segment in segments:
            below = finals.get(segment.from_block - 1)
            if below is not None and known[segment.from_block].parent_hash != below:
                raise PoolhouseError(
                    f"{endpoint.host} is not on the chain that is loaded: its block {segment.from_block - 1} is another "
                    "than the one that was final.",
                    f"Check the node. If the chain itself was rolled back, load it into another file than {self.database}.",
                )
        return known

    def _source(self, endpoint: Endpoint) -> RpcSource:
        transactions = None
        if self.choice.transactions is not TransactionMode.NONE:
            transfers = {e.topic0 for e in self.registry.events.events if e.family == TRANSFERS}
            transactions = UnwrittenTransactions(
                endpoint.node,
                self.choice.transactions,
                self.chain.chain_id,
                without_topics=transfers,
                may_lack=partial(self.chain.has_quirk, "transactions_incomplete"),
            )
            transactions.written = self._written
        return RpcSource(
            endpoint.node,
            chain=self.chain,
            gap=BlockGap.of(self.chain),
            threads=self.choice.threads,
            transactions=transactions,
        )

    def _start(self, ledger: Ledger, endpoint: Endpoint) -> int:
        """Where following begins: where the family that is furthest behind ends; with nothing loaded, above finality."""
        if self.choice.last_blocks is not None:
            return max(0, endpoint.head_block - self.choice.last_blocks + 1)
        ends: dict[str, int] = {}
        for loaded in ledger.ranges:
            if loaded.key[0] in self._families:
                # A tail is read again from its beginning.
                end = loaded.to_block if loaded.finality == "final" else loaded.from_block - 1
                ends[loaded.key[0]] = max(ends.get(loaded.key[0], -1), end)
        return min(ends.values(), default=endpoint.final_block) + 1

    @property
    def _families(self) -> tuple[str, ...]:
        return tuple(self.registry.select_families(self.chain, self.choice.protocols))

    @property
    def _filters(self) -> tuple[Filter, ...]:
        contracts = (*self.registry.contracts_of(self.chain), *self._extra_contracts)
        return filters_of(self.registry, self._families, contracts, with_transfers=self.choice.with_transfers)

    @property
    def _connected(self) -> Endpoint:
        assert self.endpoint is not None, "a chain is connected before anything is asked of it"
        return self.endpoint

    def _session(self, warehouse: Warehouse, extra_contracts: list[Contract]) -> Session:
        return Session(
            self.registry,
            self.chain,
            self._families,
            self._connected,
            warehouse,
            endpoint=self._connected,
            extra_contracts=extra_contracts,
            replaced_hashes=self._replaced_hashes,
        )
