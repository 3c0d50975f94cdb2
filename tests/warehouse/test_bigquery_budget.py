"""What incremental runs may cost on BigQuery, at a year of Ethereum and of Base."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from loaders.bigquery_cost.bill import MINIMUM_BYTES, Every
from loaders.bigquery_cost.estimate import Project, assumed_tables, tables_without_size
from loaders.bigquery_cost.sizes import Profile
from tests.warehouse.bigquery_budget import CASES, Budgeted, ordinary_runs

Case = tuple[str, Every]

TIMES_THE_NEW_ROWS = 5
"""Each case has a ceiling of its own besides, a hundredth above what it costs."""


@dataclass(frozen=True)
class Ceiling:
    times_new_rows: float
    standing_gb: float
    """What dimensions and current state may cost besides. One column of `tokens` on Base is 0.08."""


CEILINGS: dict[Case, Ceiling] = {
    ("ethereum", "hour"): Ceiling(4.86, 1.73),
    ("ethereum", "day"): Ceiling(2.34, 2.11),
    ("base", "hour"): Ceiling(4.66, 10.05),
    ("base", "day"): Ceiling(2.37, 11.39),
}
READS = 1315
"""How often statements may read a table, at a minimum each: the most that a quiet hour costs."""


def hold(value: float, ceiling: float, parts: Mapping[str, float]) -> None:
    dearest = "; ".join(f"{name} {part:.3g}" for name, part in sorted(parts.items(), key=lambda item: -item[1])[:20])
    assert value <= ceiling, f"compare `python -m tests.warehouse.bigquery_budget` before and after. Dearest: {dearest}"
    assert value >= 0.95 * ceiling, "lower the ceiling, or what was won can be lost again"


@pytest.fixture(scope="module")
def estimate() -> tuple[Project, dict[Case, Budgeted]]:
    return ordinary_runs()


@pytest.fixture(scope="module")
def cases(estimate: tuple[Project, dict[Case, Budgeted]]) -> dict[Case, Budgeted]:
    return estimate[1]


def test_nothing_scans_history(cases: dict[Case, Budgeted]) -> None:
    found = {node.name for case in cases.values() for node in case.run.nodes if node.is_growing}
    assert found == set(), "these cost more the longer history is; make them incremental"


@pytest.mark.parametrize("case", CASES)
def test_a_run_costs_the_same_after_three_years_as_after_one(cases: dict[Case, Budgeted], case: Case) -> None:
    """With as many pools, tokens and accounts as exist now: of history alone. Sums of what no model shows by itself."""
    assert cases[case].longer.total.billed <= 1.02 * cases[case].run.total.billed


@pytest.mark.parametrize("case", CASES)
def test_an_incremental_run_costs_a_few_times_its_new_rows(cases: dict[Case, Budgeted], case: Case) -> None:
    """Besides minimums; of an hour, also besides dimensions and current state, which the rows of a day outweigh."""
    times = cases[case].times_new_rows if case[1] == "hour" else cases[case].times_with_standing
    assert times <= TIMES_THE_NEW_ROWS


@pytest.mark.parametrize("case", CASES)
def test_days_that_are_read_have_a_ceiling_that_only_sinks(cases: dict[Case, Budgeted], case: Case) -> None:
    bytes_by_model = cases[case].by_model(lambda bill: bill.of_days)
    hold(cases[case].times_new_rows, CEILINGS[case].times_new_rows, bytes_by_model)


@pytest.mark.parametrize("case", CASES)
def test_dimensions_and_current_state_have_a_ceiling_that_only_sinks(cases: dict[Case, Budgeted], case: Case) -> None:
    run = cases[case].run
    hold(run.total.standing / 1e9, CEILINGS[case].standing_gb, run.standing)


def test_reads_of_tables_have_a_ceiling_that_only_sinks(cases: dict[Case, Budgeted]) -> None:
    (reads,) = {case.reads for case in cases.values()}
    hold(reads, READS, cases["base", "hour"].by_model(lambda bill: bill.minimum / MINIMUM_BYTES))


def test_a_test_of_what_stands_until_an_audit_reads_nothing(estimate: tuple[Project, dict[Case, Budgeted]]) -> None:
    project, _ = estimate
    models = project.manifest.nodes
    standing = {id_ for id_, node in models.items() if node.config.materialized == "audit"}
    waiting = [job for job in project.jobs if getattr(models.get(job.sent.node), "attached_node", None) in standing]
    assert len(waiting) > 50
    assert [job.sent.node for job in waiting if any(statement.scans for statement in job.statements)] == []


def test_every_statement_says_who_sent_it(estimate: tuple[Project, dict[Case, Budgeted]]) -> None:
    project, _ = estimate
    named = 0
    for job in project.jobs:
        comment = json.loads(job.sent.sql.rstrip(";").rsplit("/* ", 1)[1].removesuffix(" */"))
        assert (comment["app"], comment["target"]) == ("poolhouse", "bigquery_offline")
        node = project.manifest.nodes.get(job.sent.node)
        if node is not None and str(node.resource_type) != "operation":  # dbt knows no node in a hook of the run
            assert (comment["node"], comment["resource"]) == (node.name, str(node.resource_type))
            named += 1
    assert named > 500


def test_every_table_has_an_assumed_size(estimate: tuple[Project, dict[Case, Budgeted]]) -> None:
    project, _ = estimate
    tables = assumed_tables(project, Profile.of(("ethereum",)))
    assert tables_without_size(project, tables) == [], "add them to loaders/bigquery_cost/assumptions/tables.csv"
