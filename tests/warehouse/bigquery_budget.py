"""Which models cost more than their budget on BigQuery: ``python -m tests.warehouse.bigquery_budget`` renews the list."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from loaders.bigquery_cost.bill import Run
from loaders.bigquery_cost.estimate import Project, RunCost, assumed_tables, run_cost
from loaders.bigquery_cost.recorder import ORDINARY_RUN, parse_project, record
from loaders.bigquery_cost.sizes import Profile

OFFENDERS = Path(__file__).with_name("bigquery_budget_offenders.csv")
"""Models whose incremental build or tests cost more the longer history is. It must only shrink."""
YEAR = 365
CASES = tuple(product(("ethereum", "base"), ("hour", "day")))


def ordinary_runs() -> tuple[Project, dict[tuple[str, str], RunCost]]:
    """The project as dbt sends it when everything is built, and what each case costs at a year of history."""
    project = Project.read(record(parse_project(), ORDINARY_RUN, is_built=True))
    runs = {}
    for chain, every in CASES:
        profile = Profile.of((chain,))
        runs[chain, every] = run_cost(project, profile, Run(every, YEAR), assumed_tables(project, profile))  # type: ignore[arg-type]
    return project, runs


def offenders(runs: dict[tuple[str, str], RunCost]) -> dict[str, float]:
    """Bytes that a run on Base scans for each model that grows with history anywhere."""
    growing = {node.name for run in runs.values() for node in run.nodes if node.is_growing}
    return {
        node.name: node.build.scanned + node.tests.scanned
        for node in runs["base", "hour"].nodes
        if node.name in growing
    }


def listed_offenders() -> set[str]:
    with OFFENDERS.open(encoding="utf-8", newline="") as file:
        return {row["model"] for row in csv.DictReader(file)}


def _lines(found: dict[str, float]) -> Iterator[str]:
    yield "model,gb_scanned_hourly_on_base\n"
    for name, scanned in sorted(found.items()):
        yield f"{name},{scanned / 1e9:.2f}\n"


if __name__ == "__main__":
    _, costs = ordinary_runs()
    OFFENDERS.write_text("".join(_lines(offenders(costs))), encoding="utf-8")
    for case, cost in costs.items():
        total = cost.total
        print(
            f"{case}: billed {total.billed / 1e9:.2f} GB, scanned {total.scanned / 1e9:.2f} GB, of it standing "
            f"{total.standing / 1e9:.2f} GB, minimums {total.minimum / 1e9:.2f} GB, new rows {cost.new_bytes / 1e6:.1f} MB"
        )
