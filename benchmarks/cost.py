"""What it costs to load Uniswap V3 and Aave V3 since their deployment: requests, bytes, compute units, dollars and hours.

    python -m benchmarks.cost            # print the page
    python -m benchmarks.cost --write    # renew docs/cost.md

An estimate, not a measurement: nothing is asked of any provider. Every assumption stands in this file, with its source.
Calls are priced by the loader's own table, `loaders/rpc/compute_units.csv`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from benchmarks.pages import count, print_or_write
from loaders.bigquery_cost import USD_PER_TIB
from loaders.bigquery_cost.sizes import logs_of
from loaders.registry.seeds import Registry, load_registry
from loaders.rpc.compute_units import Units, units
from loaders.source.transactions import expected_calls

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cost.md"

HEADS = {"ethereum": 26_400_000, "base": 62_200_000}
"""Blocks at the end of November 2026. Ethereum: 7,150 a day since the merge. Base: 2 s until Denim (block 53,556,126 on
5 November 2026), five a second since (seeds/README.md)."""

WORKLOADS = tuple(product(("uniswap_v3", "aave_v3"), ("ethereum", "base")))
"""Their logs are assumed in `loaders/bigquery_cost/assumptions/logs.csv`: by order of magnitude, no public count was at hand."""

QUERIES = {"uniswap_v3": 2, "aave_v3": 1}
"""``eth_getLogs`` per range: events of any emitter, and those of registered contracts."""

BLOCKS_WITH_LOGS = {
    ("uniswap_v3", "ethereum"): 0.95,
    ("uniswap_v3", "base"): 0.98,
    ("aave_v3", "ethereum"): 0.35,
    ("aave_v3", "base"): 0.4,
}
"""ASSUMED: share of blocks since the start that hold a log, whose transactions are read unless with ``--transactions none``."""

TRANSACTIONS_PER_BLOCK = {
    ("uniswap_v3", "ethereum"): 4.0,
    ("uniswap_v3", "base"): 12.0,
    ("aave_v3", "ethereum"): 1.4,
    ("aave_v3", "base"): 1.3,
}
"""ASSUMED: with a log, of those blocks, on average. Read one by one or with the whole block, as the loader would on that plan."""

OVERHEAD = 1.2
"""Requests beside the fewest possible; `python -m benchmarks.requests` measures 1.1 to 1.6 by profile."""
LOGS_PER_ANSWER = 9_000
"""What the loader aims at where a provider caps answers at 10,000 logs, and where none is known."""

LOG_GZIP_BYTES = 125
"""Of a log in JSON with its timestamp: 121 without, of 860, measured on the Uniswap V3 logs of 42 recorded mainnet blocks."""
BLOCK_GZIP_BYTES = {"ethereum": 116e3, "base": 83e3}
"""A full block and its receipts. Ethereum: the mean of the same recorded blocks (80 + 36 kB of 274 + 427). Base: ASSUMED."""

TRANSACTION_GZIP_BYTES = 1_500
"""ASSUMED: a transaction and its receipt."""

LOGS_PER_CPU_S = 120_000
"""HTTP to DuckDB, as measured (benchmarks/README.md)."""
BYTES_PER_S = 12.5e6
"""ASSUMED: a line of 100 Mbit/s."""
LATENCY_S = 0.3
"""ASSUMED."""
CONCURRENCY = 8
"""The loader's default."""


@dataclass(frozen=True)
class Plan:
    """A provider's offer, as of 2026; offers change."""

    name: str
    provider: str
    units_per_s: float
    max_blocks: int | None
    included_units: float
    """Units that the monthly price includes."""
    usd_per_month: float
    usd_per_million_units: float | None
    """None: when the included ones are used up, the next month has to begin."""
    source: str


PLANS = (
    Plan(
        "Alchemy free",
        "alchemy",
        500,
        10,
        30e6,
        0,
        None,
        "blocks and units: alchemy.com/docs; rate and allowance ASSUMED",
    ),
    Plan(
        "Alchemy pay as you go", "alchemy", 10_000, None, 0, 0, 0.45, "units: alchemy.com/docs; rate and price ASSUMED"
    ),
    Plan("Infura free", "infura", 500, None, 90e6, 0, None, "docs.metamask.io: pricing (3 million credits a day)"),
    Plan(
        "Infura Developer",
        "infura",
        4_000,
        None,
        450e6,
        50,
        None,
        "docs.metamask.io: pricing (15 million a day); price ASSUMED",
    ),
    Plan(
        "QuickNode free trial",
        "quicknode",
        300,
        5,
        10e6,
        0,
        None,
        "blocks: quicknode.com/docs; rate and allowance ASSUMED",
    ),
    Plan("QuickNode Build", "quicknode", 1_000, 10_000, 80e6, 49, 0.62, "blocks: quicknode.com/docs; the rest ASSUMED"),
    Plan("a node of one's own", "", float("inf"), None, float("inf"), 0, 0, "its disk and power not counted"),
)


@dataclass(frozen=True)
class Estimate:
    requests: float
    received: float
    """Bytes on the wire, compressed."""
    billed: float
    throughput: float

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(
            self.requests + other.requests,
            self.received + other.received,
            self.billed + other.billed,
            self.throughput + other.throughput,
        )


@dataclass(frozen=True)
class Workload:
    family: str
    chain: str
    blocks: int

    @property
    def logs(self) -> float:
        return logs_of(self.family, self.chain)

    def reading_logs(self, plan: Plan) -> Estimate:
        """Ranges of logs, each with the header of its last block."""
        by_logs = self.logs / LOGS_PER_ANSWER
        by_blocks = self.blocks / plan.max_blocks if plan.max_blocks else 1.0
        requests = OVERHEAD * max(by_logs, by_blocks)
        calls = {"eth_getLogs": QUERIES[self.family], "eth_getBlockByNumber": 1}
        return _priced(plan, requests, requests, calls, self.logs * LOG_GZIP_BYTES + requests * 5_000)

    def reading_transactions(self, plan: Plan) -> Estimate:
        """Full blocks with their receipts, or transactions and receipts one by one, whichever the loader takes."""
        few, share_of_one_more = divmod(TRANSACTIONS_PER_BLOCK[self.family, self.chain], 1)
        one_more = round(10 * share_of_one_more)
        ten_blocks = [int(few)] * (10 - one_more) + [int(few) + 1] * one_more
        times = self.blocks * BLOCKS_WITH_LOGS[self.family, self.chain] / len(ten_blocks)
        calls, requests = expected_calls(ten_blocks, plan.provider, with_receipts=True)
        received = (
            calls["eth_getTransactionByHash"] * TRANSACTION_GZIP_BYTES
            + calls["eth_getBlockByNumber"] * BLOCK_GZIP_BYTES[self.chain]
        )
        return _priced(plan, times * requests, times, calls, times * received)


def _priced(plan: Plan, requests: float, times: float, calls: Mapping[str, int], received: float) -> Estimate:
    each = [(n, units(method, plan.provider) if plan.provider else Units(0, 0)) for method, n in calls.items()]
    billed, throughput = (sum(n * getattr(u, kind) for n, u in each) for kind in ("billed", "throughput"))
    return Estimate(requests, received, times * billed, times * throughput)


def hours(plan: Plan, estimate: Estimate, logs: float) -> float:
    """The slowest of rate limit, latency, line and processor. Free units of later months are waited for elsewhere."""
    return (
        max(
            estimate.throughput / plan.units_per_s,
            estimate.requests * LATENCY_S / CONCURRENCY,
            estimate.received / BYTES_PER_S,
            logs / LOGS_PER_CPU_S,
        )
        / 3600
    )


def months(plan: Plan, estimate: Estimate) -> float:
    """Months of allowance; 0 where more can be bought."""
    return estimate.billed / plan.included_units if plan.usd_per_million_units is None else 0.0


def dollars(plan: Plan, estimate: Estimate) -> float:
    if plan.usd_per_million_units is None:
        return plan.usd_per_month * max(1.0, -(-estimate.billed // plan.included_units))
    beyond = max(0.0, estimate.billed - plan.included_units)
    return plan.usd_per_month + beyond / 1e6 * plan.usd_per_million_units


BIGQUERY_BYTES_PER_LOG = 500
"""ASSUMED: of the columns that decoding needs (topics, data, address, hashes, numbers), by BigQuery's logical sizes of hex text."""
ALL_LOGS = {"ethereum": 8e9, "base": 3e10}
"""ASSUMED: logs of the whole chain. Public tables are not clustered by topic: each query reads all of them since the start."""
SHARE_SINCE_START = {("uniswap_v3", "ethereum"): 0.85, ("aave_v3", "ethereum"): 0.6}
"""ASSUMED; 0.9 of Base's."""
PARQUET_BYTES_PER_LOG = 90
"""Of raw logs in zstd Parquet: 86 to 125 measured on synthetic ones."""
SQD_BYTES_PER_LOG, SQD_REQUESTS_PER_S, SQD_BYTES_PER_ANSWER = 95, 2.0, 10e6
"""Public portal: 20 requests per 10 s (docs.sqd.dev), gzipped lines of JSON of the fields asked for. Size of a streamed answer
ASSUMED."""


def workloads(registry: Registry) -> list[Workload]:
    found = []
    for family, name in WORKLOADS:
        chain = registry.chain(name)
        start = min(c.start_block for c in registry.contracts_of(chain) if c.family == family and c.start_block)
        found.append(Workload(family, name, HEADS[name] - start))
    return found


def other_routes(workload: Workload) -> Iterator[tuple[str, str, str, str, str, str]]:
    """Route, requests, bytes, units, dollars, hours."""
    everything = ALL_LOGS[workload.chain] * SHARE_SINCE_START.get((workload.family, workload.chain), 0.9)
    cpu_h = workload.logs / LOGS_PER_CPU_S / 3600
    received = everything * PARQUET_BYTES_PER_LOG
    yield (
        "files: every log of the chain (AWS, own export)",
        "–",
        _bytes(received),
        "–",
        "0 (egress not counted)",
        _hours(max(received / BYTES_PER_S / 3600, cpu_h)),
    )
    if workload.chain == "ethereum":
        scanned = everything * BIGQUERY_BYTES_PER_LOG
        usd = scanned / 2**40 * USD_PER_TIB
        yield (
            "BigQuery public dataset, decoded there",
            "1 to 30",
            f"{_bytes(scanned)} scanned",
            "–",
            f"{usd:,.0f}",
            "< 1",
        )
    received = workload.logs * SQD_BYTES_PER_LOG
    requests = max(received / SQD_BYTES_PER_ANSWER, workload.blocks / 1e6)
    took = max(requests / SQD_REQUESTS_PER_S, received / BYTES_PER_S) / 3600
    yield ("SQD Network, public portal", _count(requests), _bytes(received), "–", "0", _hours(max(took, cpu_h)))


_INTRODUCTION = """# Cost from zero to loaded tables

Uniswap V3 and Aave V3 since their deployment, per route. Estimates of `python -m benchmarks.cost --write`; no provider was
asked. Counts of logs are **assumed** by order of magnitude; so are the share of blocks with logs, the transactions in them, the
sizes of blocks and transactions on Base, all logs of a chain, latency and line. Limits and prices are those published in 2026
where a source is named, else assumed, too. So compare routes with these figures; what one load costs on one node,
`poolhouse load --dry-run` estimates from samples of the chain. All of it stands in
[`benchmarks/cost.py`](../benchmarks/cost.py), each assumption marked as one: change it there and run it again.

Read from it:

- Logs are cheap where a request may hold 10,000 of them: dollars, and hours at most. Dear are caps on *blocks*: a free plan of
  ten blocks per request needs hundreds of times the requests, mostly for blocks that hold a few logs.
- Transactions cost far more than logs: full blocks and receipts instead of what was filtered. `--transactions none` leaves
  them out, and what needs them is NULL.
- Where the whole chain lies in files already, or in BigQuery, the price does not depend on how much of it is wanted.
"""


def page(registry: Registry) -> str:
    lines = [
        *_INTRODUCTION.splitlines(),
        "",
        f"Hours are the slowest of: the plan's rate, {LATENCY_S * 1000:.0f} ms per request with {CONCURRENCY} under way,",
        f"{BYTES_PER_S * 8 / 1e6:.0f} Mbit/s, {LOGS_PER_CPU_S:,} logs per CPU-second (measured). Where a free allowance ends, its months",
        f"are named beside. Refused requests are in the overhead of {OVERHEAD}.",
        "",
    ]
    for w in workloads(registry):
        chain = w.chain.capitalize()
        title = {"uniswap_v3": "Uniswap V3 (any emitter of its events)", "aave_v3": "Aave V3 (and forks registered)"}[
            w.family
        ]
        lines += [
            f"## {title} on {chain}",
            "",
            f"{w.blocks / 1e6:.1f} million blocks, {_count(w.logs)} logs (assumed).",
            "",
            "| route | requests | received | units | dollars | hours |",
            "|---|---|---|---|---|---|",
        ]
        for plan in PLANS:
            logs = w.reading_logs(plan)
            both = logs + w.reading_transactions(plan)
            for what, estimate in (("logs", logs), ("logs and transactions", both)):
                usd = "–" if not plan.provider else f"{dollars(plan, estimate):,.0f}"
                took = _hours(hours(plan, estimate, w.logs))
                if (waited := months(plan, estimate)) > 1:
                    took += f", {waited:,.0f} months of allowance"
                billed = _count(estimate.billed) if plan.provider else "–"
                row = (f"{plan.name}: {what}", _count(estimate.requests), _bytes(estimate.received), billed, usd, took)
                lines.append(f"| {' | '.join(row)} |")
        lines += [f"| {' | '.join(row)} |" for row in other_routes(w)]
        lines.append("")
    lines += ["## Plans", "", "| plan | units/s | blocks per request | source |", "|---|---|---|---|"]
    for plan in PLANS:
        rate = f"{plan.units_per_s:,.0f}" if plan.provider else "–"
        lines.append(f"| {plan.name} | {rate} | {plan.max_blocks or 'any'} | {plan.source} |")
    return "\n".join(lines) + "\n"


def _count(n: float) -> str:
    """At least one: there is no request of a part of one."""
    return count(max(n, 1))


def _bytes(n: float) -> str:
    for size, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if n >= size:
            return f"{n / size:.1f} {name}"
    return f"{n / 1e3:.0f} kB"


def _hours(h: float) -> str:
    return f"{h:,.0f}" if h >= 10 else f"{h:.1f}" if h >= 0.1 else "< 0.1"


if __name__ == "__main__":
    print_or_write(PAGE, page(load_registry()), __doc__)
