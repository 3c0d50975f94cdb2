"""Every model yields the same rows on Google's reference evaluator as on DuckDB, and a model that does not is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from tests.conftest import ROOT
from tests.warehouse.mutation.project import Project
from tests.warehouse.parity.check import Report, check_parity
from tests.warehouse.parity.exceptions import EMPTY, PLANTED
from tests.warehouse.parity.statements import Statements, read_statements
from tests.warehouse.small_project import run_models, write_project
from tests.warehouse.small_warehouse import SmallWarehouse


@pytest.fixture(scope="module")
def statements(small_warehouse: SmallWarehouse) -> Statements:
    return read_statements(small_warehouse.database)


@pytest.fixture(scope="module")
def report(small_warehouse: SmallWarehouse, statements: Statements) -> Report:
    return check_parity(small_warehouse.database, statements)


def test_both_engines_agree_on_every_model(report: Report) -> None:
    print(report.summary())
    assert not report.problems, "\n".join(report.problems)


def test_every_model_was_compared_on_rows_or_says_why_not(report: Report, small_warehouse: SmallWarehouse) -> None:
    models = {n.name for n in Project.read(small_warehouse.manifest).nodes.values() if n.kind in ("table", "view")}
    assert report.equal.keys() | EMPTY.keys() == models
    assert report.empty == EMPTY.keys(), "rows are there now, or are there no more: renew the list"


def test_views_that_the_market_leaves_empty_agree_on_planted_rows(
    small_warehouse: SmallWarehouse, warehouse_copy: Path, statements: Statements
) -> None:
    views = {n.name for n in Project.read(small_warehouse.manifest).nodes.values() if n.kind == "view"}
    assert views & EMPTY.keys() == PLANTED.keys()
    with duckdb.connect(str(warehouse_copy)) as connection:
        for planting in PLANTED.values():
            connection.execute(planting)
    report = check_parity(warehouse_copy, statements.only(PLANTED))
    assert not report.problems, "\n".join(report.problems)
    assert report.equal.keys() == PLANTED.keys()


def test_every_incremental_branch_wrote_rows_and_every_data_test_ran(report: Report, statements: Statements) -> None:
    incremental = {model.name for model in statements.models if model.replacement is not None}
    assert report.rebuilt.keys() == incremental - EMPTY.keys()
    assert report.tests == len(statements.tests) > len(statements.models)


INPUTS = """
select 1 as id, 2.5 as amount, 'a' as name
union all
select 2 as id, cast(null as {{ type_float64() }}) as amount, cast(null as string) as name
union all
select 3 as id, 1e300 as amount, 'b' as name
"""
LARGE = "select cast('6e28' as {{ type_decimal() }}) as amount"
TWO_LARGE = f"{LARGE} union all {LARGE}"
FAULTS = {
    "rounds_half": "select id, cast(amount as int64) as units from {{ ref('inputs') }} where id = 1",
    "orders_null": "select id, row_number() over (order by amount) as place from {{ ref('inputs') }}",
    "joins_null": "select id, concat('=', name) as label from {{ ref('inputs') }}",
    "formats_float": "select id, cast(amount * 2 as string) as label from {{ ref('inputs') }} where id = 1",
    "divides_by_zero": "select id, amount / (id - id) as ratio from {{ ref('inputs') }} where id = 1",
    "other_type": "select 1 as id, sum(id) as total from {{ ref('inputs') }}",
    "other_rows": "select id from {{ ref('inputs') }} where concat('=', name) is not null",
    "overflows": f"select 1 as id, cast(sum(amount) / 4 as {{{{ type_float64() }}}}) as share from ({TWO_LARGE})",
    "holds_too_much": f"select 1 as id, sum(amount) as total from ({TWO_LARGE})",
    "inputs": INPUTS,
    "within_the_bound": "select id, amount * 0.1 + amount * 0.2 as share, 10 / 4 as quarter from {{ ref('inputs') }}",
}


def test_planted_differences_are_reported_with_both_values(tmp_path: Path) -> None:
    keys = [{"name": name, "data_tests": [{"is_key": {"arguments": {"columns": ["id"]}}}]} for name in FAULTS]
    project = write_project(tmp_path / "project", FAULTS, {"models": keys})

    shutil.copytree(ROOT / "tests" / "generic", project / "tests" / "generic")

    database = run_models(project)
    report = check_parity(database, read_statements(database, project))

    problems = "\n".join(report.problems)
    for expected in (
        "rounds_half: column units of id=1: DuckDB 2, BigQuery 3",
        "orders_null: column place of id=2: DuckDB 3, BigQuery 1",
        "joins_null: column label of id=2: DuckDB '=', BigQuery NULL",
        "formats_float: column label of id=1: DuckDB '5.0', BigQuery '5'",
        "divides_by_zero: Code: 11, Message: division by zero",
        "overflows: Code: 11, Message: numeric overflow: SUM",
        "holds_too_much: 120000000000000000000000000000.000000000 is beyond NUMERIC, in a row of {'id': '1'",
        "other_type: column total of id=1: DuckDB 6 (BIGNUMERIC), BigQuery 6 (INT64)",
        "other_rows: row of id=2: DuckDB has it, BigQuery lacks it",
    ):
        assert expected in problems, f"{expected}\nis not in\n{problems}"
    assert report.equal == {"inputs": 3, "within_the_bound": 3}
