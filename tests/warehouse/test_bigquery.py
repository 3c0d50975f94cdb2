"""The whole project would build on BigQuery, and the check that says so sees the faults it is there for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.warehouse.offline_bigquery.check import Report, check_project
from tests.warehouse.small_project import write_project


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return check_project(tmp_path_factory.mktemp("bigquery"))


def test_every_statement_of_the_project_is_accepted(report: Report) -> None:
    print(report.summary())
    assert not report.problems, "\n".join(report.problems)


def test_models_tests_and_incremental_branches_were_all_there(report: Report) -> None:
    assert report.nodes["model"] > 0
    assert report.nodes["test"] > report.nodes["model"]
    assert report.incremental > 0
    assert report.statements > sum(report.nodes.values()) - report.nodes["seed"]


SOURCE = {
    "name": "chain",
    "schema": "raw",
    "tables": [
        {
            "name": "logs",
            "columns": [
                {"name": "block_timestamp", "data_type": "timestamp"},
                {"name": "amount", "data_type": "string"},
            ],
        },
        {
            "name": "uniswap_v3__pool_swap",  # partitioned by day, says the registry
            "columns": [{"name": "block_timestamp", "data_type": "timestamp"}],
        },
    ],
}
LOGS = "select block_timestamp, amount from {{ source('chain', 'logs') }}"
INCREMENTAL = "{{ config(materialized='incremental') }}"
SWAPS = "select block_timestamp from {{ source('chain', 'uniswap_v3__pool_swap') }}"
PARTITIONED = (
    "{{ config(materialized='incremental', unique_key='block_timestamp', "
    "partition_by={'field': 'block_timestamp', 'data_type': 'timestamp', 'granularity': '%s'}) }} "
)
SINCE_THE_LAST = (
    "{% if is_incremental() %} where block_timestamp > (select max(block_timestamp) from {{ this }}){% endif %}"
)
ONE_DAY = " where date(block_timestamp) = '2024-01-01'"
FAULTS = {
    "duckdb_function": "select strftime(block_timestamp, '%Y') as year_text from {{ source('chain', 'logs') }}",
    "timestamp_is_date": LOGS + " where block_timestamp = date '2024-01-01'",
    "contract_drift": "{{ config(materialized='table', contract={'enforced': true}) }} " + LOGS,
    "documented_drift": LOGS,
    "never_declared": INCREMENTAL + LOGS + "{% if is_incremental() %} where amount in unnest(seen){% endif %}",
    "not_built": "{{ config(materialized='ephemeral') }} " + LOGS,
    "sound": LOGS,
    "reads_history": INCREMENTAL + SWAPS + SINCE_THE_LAST,
    "reads_a_day": INCREMENTAL + SWAPS + ONE_DAY,
    "merges_into_history": PARTITIONED % "day" + SWAPS + ONE_DAY,
    "weekly": PARTITIONED % "week" + SWAPS,
    "too_wide": "select cast('1e29' as numeric) as amount",
    "as_of": f"select a.amount from ({LOGS}) as a left join ({LOGS}) as b on a.block_timestamp > b.block_timestamp",
}
DOCUMENTED = {
    "contract_drift": {"block_timestamp": "timestamp", "amount": "int64"},
    "documented_drift": {"amount": "int64"},
    "sound": {"block_timestamp": "timestamp", "amount": "string"},
}


def test_planted_faults_are_reported_by_name(tmp_path: Path) -> None:
    columns = [
        {"name": model, "columns": [{"name": name, "data_type": type_} for name, type_ in types.items()]}
        for model, types in DOCUMENTED.items()
    ]
    seeds = [{"name": "pegs", "config": {"column_types": {"peg": "numeric(38, 9)"}}}]
    project = write_project(tmp_path / "project", FAULTS, {"sources": [SOURCE], "models": columns, "seeds": seeds})
    (project / "seeds").mkdir()
    (project / "seeds" / "pegs.csv").write_text("peg\n1.5\n")

    problems = "\n".join(check_project(tmp_path, project).problems)

    for name, reason in {
        "duckdb_function": "Function not found: strftime",
        "timestamp_is_date": "No matching signature for operator = for argument types: TIMESTAMP, DATE",
        "contract_drift": "| amount | STRING | INT64 | data type mismatch |",
        "documented_drift": "column amount is STRING, its contract says int64",
        "never_declared (incremental)": "Unrecognized name: seen",
        "not_built": "was not checked",
        "pegs": "NUMERIC(38, 9) is not a valid value",
        "reads_history": "unpruned-read: offline-project.raw.uniswap_v3__pool_swap is read whole",
        "merges_into_history": "unpruned-read: offline-project.main.merges_into_history is read whole",
        "weekly": "partition-expression: PARTITION BY takes",
        "too_wide": "numeric-overflow: 1E+29 is beyond NUMERIC",
        "as_of": "outer-join-equality: a LEFT JOIN without an equality",
    }.items():
        lines = [line for line in problems.splitlines() if line.startswith(f"{name}: ")]
        assert any(reason in " ".join(line.split()) for line in lines), f"{name}: {reason}\nis not in\n{problems}"
    for name in ("sound", "reads_a_day", "dbt"):
        assert f"{name}: " not in problems


def test_a_deprecated_property_fails_the_parse(tmp_path: Path) -> None:
    models = [{"name": "sound", "columns": [{"name": "amount", "tests": [{"accepted_values": {"values": ["1"]}}]}]}]
    project = write_project(tmp_path / "project", {"sound": LOGS}, {"sources": [SOURCE], "models": models})
    problems = check_project(tmp_path, project).problems
    assert len(problems) == 1
    assert "MissingArgumentsPropertyInGenericTest" in problems[0]
