"""What ordinary runs cost on BigQuery in the cases that have a budget: ``python -m tests.warehouse.bigquery_budget``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

from loaders.bigquery_cost.bill import MINIMUM_BYTES, Bill, Every, Run
from loaders.bigquery_cost.estimate import Project, RunCost, assumed_tables, run_cost
from loaders.bigquery_cost.recorder import ORDINARY_RUN, parse_project, record
from loaders.bigquery_cost.sizes import Profile

YEAR = 365
EVERY: tuple[Every, ...] = ("hour", "day")
CASES = tuple(product(("ethereum", "base"), EVERY))


@dataclass(frozen=True)
class Budgeted:
    """A case at a year of history, and at three."""

    run: RunCost
    longer: RunCost

    @property
    def times_new_rows(self) -> float:
        """What is billed for rows of the days that the run reads, in bytes of its new rows."""
        return self.run.total.of_days / self.run.new_bytes

    @property
    def times_with_standing(self) -> float:
        """The same with dimensions and current state."""
        return (self.run.total.of_days + self.run.total.standing) / self.run.new_bytes

    @property
    def reads(self) -> int:
        """How often a statement reads a table: the number of minimums."""
        return round(self.run.total.minimum / MINIMUM_BYTES)

    def by_model(self, share: Callable[[Bill], float]) -> dict[str, float]:
        return {node.name: share(node.build + node.tests) for node in self.run.nodes}


def ordinary_runs() -> tuple[Project, dict[tuple[str, Every], Budgeted]]:
    """The project as dbt sends it when everything is built, and what each case costs."""
    project = Project.read(record(parse_project(), ORDINARY_RUN, is_built=True))
    cases = {}
    for chain, every in CASES:
        profile = Profile.of((chain,))
        tables = assumed_tables(project, profile)
        year, longer = (run_cost(project, profile, Run(every, years * YEAR), tables) for years in (1, 3))
        cases[chain, every] = Budgeted(year, longer)
    return project, cases


if __name__ == "__main__":
    for case, budgeted in ordinary_runs()[1].items():
        run, total = budgeted.run, budgeted.run.total
        print(
            f"{case}: billed {total.billed / 1e9:.2f} GB, of it minimums {total.minimum / 1e9:.2f} GB for {budgeted.reads} reads of "
            f"tables, dimensions and state {total.standing / 1e9:.2f} GB; new rows {run.new_bytes / 1e6:.1f} MB, "
            f"{budgeted.times_new_rows:.2f} times, {budgeted.times_with_standing:.2f} with dimensions and state; "
            f"at three years {budgeted.longer.total.billed / total.billed:.3f} of it; "
            f"growing: {', '.join(node.name for node in run.nodes if node.is_growing) or 'none'}"
        )
