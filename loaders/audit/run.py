"""The audit: draw ranges of what is loaded, read them again on another endpoint, prove blocks of them, compare every row."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from loaders.audit.compare import Finding, Row, compare_rows, rows_of
from loaders.audit.live import LiveRange, SampledRange, draw, final_ranges
from loaders.audit.proof import BlockProof, Refuted, prove_block
from loaders.audit.stored import LedgerRow, Period, Stored
from loaders.decode.decoder import Decoded, Decoder
from loaders.errors import PoolhouseError
from loaders.load.ledger import FilterKey, read_ledger
from loaders.logs import RawLogs, concat_logs, merge_logs
from loaders.plan.filters import Filter, Segment
from loaders.plan.intervals import size, union
from loaders.registry.tables import UNDECODED_LOGS
from loaders.rpc.endpoint import read_headers
from loaders.rpc.node import Node
from loaders.session import Session
from loaders.source.clock import BlockGap
from loaders.source.doubt import of_query
from loaders.source.rpc import RpcSource

_Owners: TypeAlias = Sequence[tuple[Filter, LiveRange]]

_PROOFS_PER_RANGE = 2
_ANCHOR_BLOCKS = 256


@dataclass(frozen=True, slots=True)
class AuditedRange:
    from_block: int
    to_block: int
    filter_count: int
    log_count: int
    """Logs read again."""
    row_count: int
    """Rows of the warehouse that were compared."""


@dataclass
class AuditReport:
    """What was compared, and what disagreed."""

    chain: str
    endpoint_host: str
    seed: int
    loaded_blocks: int
    ranges: list[AuditedRange] = field(default_factory=list)
    proofs: list[BlockProof] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    loaded_from: set[str] = field(default_factory=set)
    """Hosts that the sampled ranges were loaded from."""
    rests_on_same: bool = False
    """Whether a range was read again where it had been loaded from, for want of another endpoint."""

    @property
    def is_failed(self) -> bool:
        return bool(self.findings)


class AuditObserver:
    """Told how an audit proceeds; the methods here do nothing."""

    def drawn(self, ranges: Sequence[SampledRange]) -> None: ...

    def audited(self, done: AuditedRange) -> None: ...


def audit(
    session: Session,
    *,
    sample: int,
    width: int,
    seed: int,
    families: Collection[str] | None = None,
    observer: AuditObserver | None = None,
) -> AuditReport:
    """Audit ``sample`` ranges of up to ``width`` blocks, of these families or of all that the ledger has.

    Raises :class:`PoolhouseError` where there is nothing to audit, or the node does not answer.
    """
    observer = observer or AuditObserver()
    ledger = read_ledger(session.warehouse, session.chain.chain_id, by_load=True)
    ledger.check_same_chain(session.view, session.warehouse.name)
    live = [r for r in final_ranges(ledger) if families is None or r.key[0] in families]
    if not live:
        raise PoolhouseError(
            f"The ledger has no final blocks of {session.chain.name}{' and ' if families else ''}{', '.join(families or ())}.",
            "Load some first (poolhouse load --help); blocks above finality may still change and are not audited.",
        )
    rng = random.Random(seed)  # noqa: S311 (which blocks are looked at is no secret)
    report = AuditReport(
        session.chain.name, session.node.host, seed, size(union((r.from_block, r.to_block) for r in live))
    )
    ranges = draw(live, sample, width, rng)
    observer.drawn(ranges)
    auditor = _Auditor(session, report, rng)
    for sampled in ranges:
        observer.audited(auditor.audit(sampled))
    return report


class _Auditor:
    def __init__(self, session: Session, report: AuditReport, rng: random.Random) -> None:
        self._session = session
        self._chain_id = session.chain.chain_id
        self._report = report
        self._rng = rng
        self._stored = Stored(session.warehouse, self._chain_id)
        self._node = session.node
        self._is_second_witness = False
        self._sources: dict[str, RpcSource] = {}
        self._hosts: dict[str, set[str]] = {}
        self._specs = {(e.family, e.role, e.event): e for e in session.registry.events.events}
        self._tables = {t.name: t for t in session.registry.events.event_tables}
        self._ledger_rows: dict[tuple[FilterKey, str], list[LedgerRow]] = {}
        for row in self._stored.final_ledger_rows():
            self._ledger_rows.setdefault((row.owner.key, row.owner.load_id), []).append(row)
            self._hosts.setdefault(row.owner.load_id, set()).update(row.endpoint_host.split(", "))
        self._ends: dict[int, str] = {}

    def audit(self, sampled: SampledRange) -> AuditedRange:
        owners = [(f, r) for r in sampled.owners if (f := self._filter(r.key)) is not None]
        segment = Segment(sampled.from_block, sampled.to_block, "final", tuple(f for f, _ in owners))
        self._node = self._other_node(owners)
        batches = list(self._source().batches(segment))
        logs = concat_logs([b.logs for b in batches])
        # Both ends: where blocks come seldom, a few of them take days.
        ends = read_headers(self._node, sorted({sampled.from_block, sampled.to_block}))
        period = (ends[0].timestamp, ends[-1].timestamp)
        self._check_ledger(owners)
        stored = self._stored_rows(sampled, owners, period)
        for proof in self._proofs(sampled, logs):
            logs = self._with_proven(segment, logs, proof)
        decoded = Decoder(self._chain_id, segment.wanted).decode(logs)
        for name, rows in stored.items():
            columns = [c.name for c in self._tables[name].columns]
            expected = rows_of(decoded.tables.get(name, []))
            self._report.findings += compare_rows(name, columns, expected, rows)
        undecoded = self._compare_undecoded(sampled, owners, logs, decoded, period)
        compared = sum(map(len, stored.values())) + undecoded
        done = AuditedRange(sampled.from_block, sampled.to_block, len(owners), len(logs), compared)
        self._report.ranges.append(done)
        return done

    def _other_node(self, owners: _Owners) -> Node:
        """Endpoints that the rows were not loaded from, where there are such."""
        loaded_from = {host for _, owner in owners for host in self._hosts.get(owner.load_id, ())}
        self._report.loaded_from |= loaded_from
        other = self._session.node.besides(loaded_from)
        self._is_second_witness = other is not None
        self._report.rests_on_same |= other is None
        return other or self._session.node

    def _source(self) -> RpcSource:
        chain = self._session.chain
        if self._node.host not in self._sources:
            self._sources[self._node.host] = RpcSource(self._node, chain=chain, threads=2, gap=BlockGap.of(chain))
        return self._sources[self._node.host]

    def _stored_rows(self, sampled: SampledRange, owners: _Owners, period: Period) -> dict[str, list[Row]]:
        """The rows that count, by event table."""
        by_table: dict[str, list[tuple[Filter, str]]] = {}
        for f, owner in owners:
            by_table.setdefault(f.spec.table, []).append((f, owner.load_id))
        return {name: self._stored.rows(self._tables[name], of, sampled, period) for name, of in by_table.items()}

    def _filter(self, key: FilterKey) -> Filter | None:
        """None for an event that the registry no longer has: nobody reads its rows."""
        spec = self._specs.get(key[:3])
        return Filter(spec, key[3]) if spec else None

    def _proofs(self, sampled: SampledRange, logs: RawLogs) -> list[BlockProof]:
        """Proofs of a block with logs and of any other, each tied to the warehouse where it holds a hash near enough."""
        with_logs = [int(n) for n in np.unique(logs.block_number)]
        others = [n for n in range(sampled.from_block, sampled.to_block + 1) if n not in with_logs]
        chosen = self._rng.sample(with_logs, min(1, len(with_logs)))
        rest = [n for n in (*others, *with_logs) if n not in chosen]
        chosen += self._rng.sample(rest, min(_PROOFS_PER_RANGE - len(chosen), len(rest)))
        of_headers = self._stored.hashes(sampled.from_block, sampled.to_block + _ANCHOR_BLOCKS)
        within = {n: h for n, h in of_headers.items() if n <= sampled.to_block}
        self._check_hashes(within, "blocks table")
        # Not those of the rows: what is to be proven is no witness.
        known = {**of_headers, **self._ends}
        proofs = []
        for number in sorted(chosen):
            try:
                proofs.append(
                    prove_block(
                        self._node, self._session.chain, number, known, is_second_witness=self._is_second_witness
                    )
                )
            except Refuted as reason:
                self._found("proof", number, str(reason))
        self._report.proofs += proofs
        return proofs

    def _with_proven(self, segment: Segment, logs: RawLogs, proof: BlockProof) -> RawLogs:
        """The logs with those of a proven block in the place of what ``eth_getLogs`` said of it."""
        if proof.logs is None:
            return logs
        proven = merge_logs([of_query(proof.logs, query) for query in segment.queries])
        answered = logs.take(logs.block_number == proof.number)
        if _identities(proven) != _identities(answered):
            detail = f"eth_getLogs has {len(answered)} logs that differ from the {len(proven)} of the proven receipts"
            self._found("answer", proof.number, f"{self._node.host}: {detail}")
        return merge_logs([logs.take(logs.block_number != proof.number), proven])

    def _check_ledger(self, owners: _Owners) -> None:
        """Hashes of the ends and numbers of rows of every ledger row that the sample touches, once each."""
        touched: dict[str, list[tuple[Filter, LedgerRow]]] = {}
        for f, owner in owners:
            for row in self._ledger_rows.pop((owner.key, owner.load_id), []):
                touched.setdefault(f.spec.table, []).append((f, row))
        ends: dict[int, str] = {}
        for table, written in touched.items():
            for (f, row), count in zip(written, self._stored.counts(table, written), strict=True):
                ends |= {n: h for n, h in _ends(row) if h is not None}
                if count != row.log_count:
                    where = f"blocks {row.owner.from_block} to {row.owner.to_block} of {'/'.join(f.key)}"
                    detail = f"the ledger counts {row.log_count} rows for {where}, the table has {count}"
                    self._found("count", row.owner.from_block, detail, table)
        self._check_hashes({n: h for n, h in ends.items() if n not in self._ends}, "ledger")
        self._ends |= ends

    def _check_hashes(self, hashes: Mapping[int, str], where: str) -> None:
        for header in read_headers(self._node, sorted(hashes)):
            if header.hash != hashes[header.number]:
                detail = f"the {where} has {hashes[header.number]}, the node {header.hash}"
                self._found("block hash", header.number, detail)

    def _compare_undecoded(
        self, sampled: SampledRange, owners: _Owners, logs: RawLogs, decoded: Decoded, period: Period
    ) -> int:
        # Loads of other filters may have kept a log that an event of these filters fits, and each of them the same log.
        stored = self._stored.undecoded({r.load_id for _, r in owners}, sampled, period)
        once = list({(r["block_number"], r["log_index"], r["topics"], r["data"]): r for r in stored}.values())
        columns = [c.name for c in UNDECODED_LOGS.columns if c.name != "reason"]
        expected = rows_of(decoded.tables.get(UNDECODED_LOGS.name, []))
        on_chain = set(zip(logs.block_number.tolist(), logs.log_index.tolist(), strict=True))
        self._report.findings += [
            finding
            for finding in compare_rows(UNDECODED_LOGS.name, columns, expected, once)
            if finding.kind != "row too many" or (finding.block_number, finding.log_index) not in on_chain
        ]
        return len(once)

    def _found(self, kind: str, block_number: int, detail: str, table: str | None = None) -> None:
        self._report.findings.append(Finding(kind, block_number, detail, table))


def _ends(row: LedgerRow) -> tuple[tuple[int, str | None], tuple[int, str | None]]:
    return (row.owner.from_block, row.from_block_hash), (row.owner.to_block, row.to_block_hash)


def _identities(logs: RawLogs) -> list[tuple[int, bytes, bytes, bytes, bytes]]:
    return [
        (
            int(logs.log_index[i]),
            logs.tx_hash[i].tobytes(),
            logs.address[i].tobytes(),
            logs.topics[i].tobytes(),
            logs.data_of(i),
        )
        for i in range(len(logs))
    ]
