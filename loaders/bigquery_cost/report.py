"""The estimate, as a table for readers and as JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Column
from rich.table import Table as RichTable

from loaders.bigquery_cost.bill import Bill
from loaders.bigquery_cost.estimate import RunCost, dollars

Runs = Mapping[str, RunCost]
"""By name: ``hourly run``, ``daily run``, ``daily run with audit``, ``full refresh``."""
RUNS_A_MONTH = {"hourly run": 730, "daily run": 30.4}


def as_json(runs: Runs, usd_per_tib: float, assumed: Mapping[str, Any]) -> dict[str, Any]:
    return {"assumed": dict(assumed), "runs": {name: _run_json(run, usd_per_tib) for name, run in runs.items()}}


def _run_json(run: RunCost, usd_per_tib: float) -> dict[str, Any]:
    total = run.total
    return {
        **_bill_json(total),
        "usd": round(dollars(total.billed, usd_per_tib), 4),
        "new_bytes": round(run.new_bytes),
        "standing_bytes_by_table": {name: round(bytes_) for name, bytes_ in run.standing.items()},
        "models": [
            {
                "name": node.name,
                "build": _bill_json(node.build),
                "tests": _bill_json(node.tests),
                "grows": node.is_growing,
            }
            for node in run.nodes
        ],
    }


def _bill_json(bill: Bill) -> dict[str, int]:
    return {
        "billed_bytes": round(bill.billed),
        "scanned_bytes": round(bill.scanned),
        "scanned_bytes_without_clustering": round(bill.unclustered),
        "standing_bytes": round(bill.standing),
        "minimum_bytes": round(bill.minimum),
    }


def show(runs: Runs, usd_per_tib: float, top: int, console: Console) -> None:
    """The dearest models first, totals, and what grows with history."""
    models: dict[str, dict[str, float]] = {}
    for name, run in runs.items():
        for node in run.nodes:
            models.setdefault(node.name, {})[name] = node.billed
    first = next(iter(runs))
    growing = {node.name for run in _incremental(runs).values() for node in run.nodes if node.is_growing}
    shown = sorted(models, key=lambda m: (-models[m].get(first, 0.0), m))
    table = RichTable(*_columns("model", runs), Column("grows", no_wrap=True))
    for model in shown[:top]:
        table.add_row(model, *(size(models[model].get(name, 0.0)) for name in runs), "yes" if model in growing else "")
    if len(shown) > top:
        rest = (sum(models[m].get(name, 0.0) for m in shown[top:]) for name in runs)
        table.add_row(f"{len(shown) - top} others", *map(size, rest), "")
    table.add_section()
    for label, value in _totals(usd_per_tib):
        table.add_row(label, *(value(name, run) for name, run in runs.items()), "")
    console.print(table)
    if standing := _standing(runs, top):
        console.print(standing)
    console.print(
        f"{len(growing)} of {len(shown)} models cost more with a longer history."
        if growing
        else "No model costs more with a longer history."
    )


def _standing(runs: Runs, top: int) -> RichTable | None:
    """What dimensions and current state cost a run, beyond minimums; None when that is nothing."""
    names = list(dict.fromkeys(name for run in runs.values() for name in run.standing))
    if not names:
        return None
    table = RichTable(*_columns("dimension or state", runs))
    for shown in names[:top]:
        table.add_row(shown, *(size(run.standing.get(shown, 0.0)) for run in runs.values()))
    if len(names) > top:
        rest = (sum(run.standing.get(name, 0.0) for name in names[top:]) for run in runs.values())
        table.add_row(f"{len(names) - top} others", *map(size, rest))
    return table


def _columns(first: str, runs: Runs) -> list[Column]:
    """In a narrow terminal names are folded, figures never."""
    figures = [Column(name, justify="right", min_width=max(8, *map(len, name.split()))) for name in runs]
    return [Column(first, overflow="fold"), *figures]


def _totals(usd_per_tib: float) -> Any:
    def monthly(name: str, run: RunCost) -> str:
        times = RUNS_A_MONTH.get(name)
        return f"{times * dollars(run.total.billed, usd_per_tib):,.2f}" if times else ""

    return (
        ("billed", lambda _, run: size(run.total.billed)),
        ("scanned", lambda _, run: size(run.total.scanned)),
        ("dimensions and state beyond minimums", lambda _, run: size(run.total.standing)),
        ("scanned without clustering", lambda _, run: size(run.total.unclustered)),
        ("new rows", lambda name, run: size(run.new_bytes) if name in RUNS_A_MONTH else ""),
        ("USD a run", lambda _, run: f"{dollars(run.total.billed, usd_per_tib):,.2f}"),
        ("USD a month", monthly),
    )


def _incremental(runs: Runs) -> Runs:
    return {name: run for name, run in runs.items() if name in RUNS_A_MONTH}


def size(n: float) -> str:
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if n >= unit:
            return f"{n / unit:,.1f} {name}"
    return f"{n / 1e3:,.0f} kB"
