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
        }
    ],
}
LOGS = "select block_timestamp, amount from {{ source('chain', 'logs') }}"
INCREMENTAL = "{{ config(materialized='incremental') }}"
FAULTS = {
    "duckdb_function": "select strftime(block_timestamp, '%Y') as year_text from {{ source('chain', 'logs') }}",
    "timestamp_is_date": LOGS + " where block_timestamp = date '2024-01-01'",
    "contract_drift": "{{ config(materialized='table', contract={'enforced': true}) }} " + LOGS,
    "documented_drift": LOGS,
    "never_declared": INCREMENTAL + LOGS + "{% if is_incremental() %} where amount in unnest(seen){% endif %}",
    "not_built": "{{ config(materialized='ephemeral') }} " + LOGS,
    "sound": LOGS,
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
    }.items():
        lines = [line for line in problems.splitlines() if line.startswith(f"{name}: ")]
        assert any(reason in " ".join(line.split()) for line in lines), f"{name}: {reason}\nis not in\n{problems}"
    assert "sound" not in problems


def test_a_deprecated_property_fails_the_parse(tmp_path: Path) -> None:
    models = [{"name": "sound", "columns": [{"name": "amount", "tests": [{"accepted_values": {"values": ["1"]}}]}]}]
    project = write_project(tmp_path / "project", {"sound": LOGS}, {"sources": [SOURCE], "models": models})
    problems = check_project(tmp_path, project).problems
    assert len(problems) == 1
    assert "MissingArgumentsPropertyInGenericTest" in problems[0]
