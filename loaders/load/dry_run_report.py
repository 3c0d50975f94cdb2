"""A dry run as people and as machines read it."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from loaders.load.dry_run import Cost, DryRun
from loaders.source.transactions import TransactionMode


def as_json(run: DryRun, price: float | None) -> dict[str, Any]:
    return {
        "chain": run.chain,
        "head_block": run.head_block,
        "final_block": run.final_block,
        "segments": [
            {
                "from_block": s.segment.from_block,
                "to_block": s.segment.to_block,
                "finality": s.segment.finality,
                "filters": len(s.segment.filters),
                "families": sorted({f.spec.family for f in s.segment.filters}),
                "expected_logs": round(s.logs),
            }
            for s in run.segments
        ],
        "is_estimated": run.is_estimated,
        "compute_units_of": run.provider or None,
        "logs": _cost_json(run.logs, price),
        "transactions": {mode.value: _cost_json(cost, price) for mode, cost in run.transactions.items()},
        "requests_made": run.requests_made,
    }


def _cost_json(cost: Cost, price: float | None) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "requests": round(cost.requests),
        "received_bytes": round(cost.received_bytes),
        "compute_units": round(cost.compute_units),
    }
    return shown if price is None else {**shown, "usd": round(cost.compute_units * price / 1e6, 4)}


def print_dry_run(console: Console, run: DryRun, price: float | None) -> None:
    """The plan, and below it what the load would cost with each way of reading transactions."""
    _line(console, f"{run.chain}: head {run.head_block:,}, final {run.final_block:,}. Nothing was written.")
    if not run.segments:
        _line(console, "Nothing is missing.")
        return
    plan = Table(box=None, pad_edge=False)
    for name in ("blocks", "", "families"):
        plan.add_column(name)
    for name in ("filters", "expected logs"):
        plan.add_column(name, justify="right")
    for estimate in run.segments:
        segment = estimate.segment
        plan.add_row(
            f"{segment.from_block:,}–{segment.to_block:,}",
            segment.finality,
            ", ".join(sorted({f.spec.family for f in segment.filters})),
            f"{len(segment.filters):,}",
            f"{estimate.logs:,.0f}" if run.is_estimated else "–",
        )
    console.print(plan)
    if not run.is_estimated:
        _line(console, "What it costs is not estimated: logs do not come from a node.")
        return
    costs = Table(box=None, pad_edge=False)
    costs.add_column("expected cost")
    for name in ("requests", "MB", "compute units", *(["USD"] if price is not None else [])):
        costs.add_column(name, justify="right")
    costs.add_row("logs alone (--transactions none)", *_cells(run.logs, price))
    for mode in (TransactionMode.BLOCKS, TransactionMode.RECEIPTS):
        costs.add_row(f"with --transactions {mode.value}", *_cells(run.logs + run.transactions[mode], price))
    console.print(costs)
    whose = (
        f"as {run.provider} bills them" if run.provider else "as Alchemy would bill them; this node may bill nothing"
    )
    _line(
        console,
        f"Estimated from {run.requests_made:,} requests; logs come in bursts, so take it as an order of magnitude. "
        f"Compute units {whose}. Contract state (--no-facts leaves it out) is not included.",
    )


def _cells(cost: Cost, price: float | None) -> list[str]:
    shown = [f"{cost.requests:,.0f}", f"{cost.received_bytes / 1e6:,.1f}", f"{cost.compute_units:,.0f}"]
    return shown if price is None else [*shown, f"{cost.compute_units * price / 1e6:,.2f}"]


def _line(console: Console, text: str) -> None:
    console.print(text, highlight=False)
