"""What incremental runs may cost on BigQuery, at a year of Ethereum and of Base."""

from __future__ import annotations

import json

import pytest

from loaders.bigquery_cost.bill import Bill
from loaders.bigquery_cost.estimate import Project, RunCost, assumed_tables, tables_without_size
from loaders.bigquery_cost.sizes import Profile
from tests.warehouse.bigquery_budget import CASES, listed_offenders, offenders, ordinary_runs

TIMES_THE_NEW_ROWS = 5

Case = tuple[str, str]


@pytest.fixture(scope="module")
def estimate() -> tuple[Project, dict[Case, RunCost]]:
    return ordinary_runs()


@pytest.fixture(scope="module")
def runs(estimate: tuple[Project, dict[Case, RunCost]]) -> dict[Case, RunCost]:
    return estimate[1]


def test_nothing_but_the_listed_scans_history(runs: dict[Case, RunCost]) -> None:
    found = set(offenders(runs))
    assert found - listed_offenders() == set(), "these cost more the longer history is; make them incremental"
    assert listed_offenders() - found == set(), (
        "these no longer do: take them off the list, python -m tests.warehouse.bigquery_budget"
    )


_OVER = pytest.mark.xfail(
    strict=True,
    reason="an hourly run still reads more of its day and of the ledger than five times an hour (docs/bigquery.md)",
)


@pytest.mark.parametrize("case", [pytest.param(c, marks=_OVER) if c[1] == "hour" else c for c in CASES])
def test_an_incremental_run_costs_a_few_times_its_new_rows(runs: dict[Case, RunCost], case: Case) -> None:
    """Besides minimums, and what dimensions and current state come to."""
    run = runs[case]
    known = listed_offenders()
    spent = sum((bill for n in run.nodes if n.name not in known for bill in (n.build, n.tests)), Bill())
    assert spent.billed <= TIMES_THE_NEW_ROWS * run.new_bytes + spent.minimum + spent.standing


def test_a_test_of_what_stands_until_an_audit_reads_nothing(estimate: tuple[Project, dict[Case, RunCost]]) -> None:
    project, _ = estimate
    models = project.manifest.nodes
    standing = {id_ for id_, node in models.items() if node.config.materialized == "audit"}
    waiting = [job for job in project.jobs if getattr(models.get(job.sent.node), "attached_node", None) in standing]
    assert len(waiting) > 50
    assert [job.sent.node for job in waiting if any(statement.scans for statement in job.statements)] == []


def test_every_statement_says_who_sent_it(estimate: tuple[Project, dict[Case, RunCost]]) -> None:
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


def test_every_table_has_an_assumed_size(estimate: tuple[Project, dict[Case, RunCost]]) -> None:
    project, _ = estimate
    tables = assumed_tables(project, Profile.of(("ethereum",)))
    assert tables_without_size(project, tables) == [], "add them to loaders/bigquery_cost/assumptions/tables.csv"
