"""What a load would read and cost, from its plan and a few small requests to the node; nothing is written."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from loaders.load.missing import missing_segments
from loaders.load.opening import open_session
from loaders.load.request import LoadRequest
from loaders.logs import RawLogs, merge_logs, rows_in
from loaders.plan.filters import Segment
from loaders.plan.ranges import TARGET_LOGS
from loaders.registry.events import TRANSFERS
from loaders.rpc.compute_units import provider_of, units
from loaders.rpc.exchange import Call
from loaders.rpc.node import Node, SizeRefused, Unsupported
from loaders.session import Session
from loaders.source.parse import parse_logs
from loaders.source.transactions import TransactionMode, expected_calls

_SAMPLES = 12
"""Ranges that are looked at in all."""
_SAMPLES_PER_SEGMENT = 3
_SAMPLE_BLOCKS = 50
_FILLED = 0.8
"""How full an answer is on average, of the logs that are aimed at."""


@dataclass(frozen=True, slots=True)
class Cost:
    requests: float = 0.0
    received_bytes: float = 0.0
    compute_units: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.requests + other.requests,
            self.received_bytes + other.received_bytes,
            self.compute_units + other.compute_units,
        )

    def times(self, factor: float) -> Cost:
        return Cost(self.requests * factor, self.received_bytes * factor, self.compute_units * factor)


@dataclass(frozen=True, slots=True)
class SegmentEstimate:
    segment: Segment
    logs: float


@dataclass(frozen=True, slots=True)
class DryRun:
    """Estimates, except for the segments and the requests already made."""

    chain: str
    head_block: int
    final_block: int
    provider: str
    """Whose table of compute units was used."""
    is_estimated: bool
    """False where logs come from elsewhere than a node: what that costs is not known, only what is missing."""
    segments: tuple[SegmentEstimate, ...]
    logs: Cost
    transactions: Mapping[TransactionMode, Cost]
    """What each way of reading transactions would add."""
    requests_made: int
    """For this estimate, the checks of the node included."""

    @property
    def log_count(self) -> float:
        return sum(s.logs for s in self.segments)


@dataclass(frozen=True, slots=True)
class _Sample:
    segment: Segment
    blocks: int
    logs: RawLogs
    log_bytes: int
    header_bytes: int


def dry_run(request: LoadRequest) -> DryRun:
    """Raises :class:`PoolhouseError` as the load itself would."""
    with open_session(
        request.chain, request.protocols, request.rpc_url, request.destination, request.database, source=request.source
    ) as session:
        segments = missing_segments(request, session).segments
        samples = _samples(session.node, segments) if session.source is None else []
        provider = provider_of(session.node.upstreams[0].host) if session.endpoint is not None else ""
        estimates = tuple(SegmentEstimate(s, _density(s, samples) * _blocks(s)) for s in segments)
        logs = (
            sum((_cost_of_logs(e, samples, session.node, provider) for e in estimates), Cost()) if samples else Cost()
        )
        transactions = _costs_of_transactions(estimates, samples, session, provider)
        return DryRun(
            session.chain.name,
            session.view.head_block,
            session.view.final_block,
            provider,
            bool(samples),
            estimates,
            logs,
            transactions,
            session.view.stats.accepted + session.view.stats.refused,
        )


def _blocks(segment: Segment) -> int:
    return segment.to_block - segment.from_block + 1


def _samples(node: Node, segments: Sequence[Segment]) -> list[_Sample]:
    """Evenly spread over the largest segments."""
    samples: list[_Sample] = []
    for segment in sorted(segments, key=_blocks, reverse=True):
        count = min(_SAMPLES_PER_SEGMENT, math.ceil(_blocks(segment) / _SAMPLE_BLOCKS))
        if len(samples) + count > _SAMPLES:
            break
        for position in range(count):
            middle = segment.from_block + _blocks(segment) * (2 * position + 1) // (2 * count)
            samples.append(_sample(node, segment, middle, min(_SAMPLE_BLOCKS, node.caps.max_blocks or _SAMPLE_BLOCKS)))
    return samples


def _sample(node: Node, segment: Segment, middle: int, width: int) -> _Sample:
    low = max(segment.from_block, middle - width // 2)
    high = min(low + width - 1, segment.to_block)
    calls: list[Call] = [("eth_getLogs", (query.params(low, high),)) for query in segment.queries]
    try:
        *answers, header = node.request([*calls, ("eth_getBlockByNumber", (hex(high), False))])
    except SizeRefused:
        if width == 1:
            raise
        return _sample(node, segment, middle, width // 2)
    logs = merge_logs([parse_logs(answer) for answer in answers])
    return _Sample(segment, high - low + 1, logs, sum(len(bytes(a)) for a in answers), len(bytes(header)))


def _density(segment: Segment, samples: Sequence[_Sample]) -> float:
    """Logs per block: of the segment's own samples, else of those of the same queries, else of all."""
    for chosen in (
        [s for s in samples if s.segment is segment],
        [s for s in samples if s.segment.queries == segment.queries],
        samples,
    ):
        if chosen:
            return sum(len(s.logs) for s in chosen) / sum(s.blocks for s in chosen)
    return 0.0


def _cost_of_logs(estimate: SegmentEstimate, samples: Sequence[_Sample], node: Node, provider: str) -> Cost:
    blocks, queries = _blocks(estimate.segment), len(estimate.segment.queries)
    aimed_at = _FILLED * min(TARGET_LOGS, node.caps.max_logs or TARGET_LOGS)
    requests = max(1, math.ceil(estimate.logs / aimed_at), math.ceil(blocks / (node.caps.max_blocks or blocks)))
    found = sum(len(s.logs) for s in samples)
    bytes_per_log = sum(s.log_bytes for s in samples) / found if found else 0.0
    header = sum(s.header_bytes for s in samples) / len(samples)
    billed = queries * units("eth_getLogs", provider).billed + units("eth_getBlockByNumber", provider).billed
    return Cost(requests, estimate.logs * bytes_per_log + requests * header, requests * billed)


def _costs_of_transactions(
    estimates: Sequence[SegmentEstimate], samples: Sequence[_Sample], session: Session, provider: str
) -> dict[TransactionMode, Cost]:
    costs = {mode: Cost() for mode in (TransactionMode.RECEIPTS, TransactionMode.BLOCKS, TransactionMode.NONE)}
    found = sum(len(s.logs) for s in samples)
    if not found:
        return costs
    topics = [bytes.fromhex(e.topic0[2:]) for e in session.registry.events.events if e.family == TRANSFERS]
    per_block = [count for s in samples for count in _transactions_per_block(s.logs, topics)]
    sizes = _sizes(session.node, samples)
    scale = sum(e.logs for e in estimates) / found
    for mode in (TransactionMode.RECEIPTS, TransactionMode.BLOCKS):
        calls, requests = expected_calls(per_block, provider, with_receipts=mode is TransactionMode.RECEIPTS)
        received = sum(count * sizes.get(method, 0.0) for method, count in calls.items())
        billed = sum(count * units(method, provider).billed for method, count in calls.items())
        costs[mode] = Cost(requests, received, billed).times(scale)
    return costs


def _transactions_per_block(logs: RawLogs, without_topics: list[bytes]) -> list[int]:
    if not len(logs):
        return []
    logs = logs.take(~rows_in(logs.topics[:, 0], without_topics)) if without_topics else logs
    if not len(logs):
        return []
    pairs = np.unique(np.stack([logs.block_number, logs.tx_index], axis=1), axis=0)
    return [int(count) for count in np.unique(pairs[:, 0], return_counts=True)[1]]


def _sizes(node: Node, samples: Sequence[_Sample]) -> dict[str, float]:
    """Bytes of an answer by method, as one block with logs has them."""
    number = hex(int(next(s.logs.block_number[0] for s in samples if len(s.logs))))
    sizes: Counter[str] = Counter()
    for method, parameters in (("eth_getBlockByNumber", (number, True)), ("eth_getBlockReceipts", (number,))):
        try:
            sizes[method] = len(bytes(node.request([(method, parameters)])[0]))
        except (SizeRefused, Unsupported):
            continue
    count = max(1, len(node.call("eth_getBlockByNumber", number, False)["transactions"]))
    return {
        **sizes,
        "eth_getTransactionByHash": sizes["eth_getBlockByNumber"] / count,
        "eth_getTransactionReceipt": sizes["eth_getBlockReceipts"] / count,
    }
