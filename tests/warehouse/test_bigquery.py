"""The whole project would build on BigQuery, and the check that says so sees the faults it is there for."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from loaders.bigquery_cost.scans import Catalog, read_statement
from tests.warehouse.googlesql.scans import scans
from tests.warehouse.googlesql.tree import field_of
from tests.warehouse.offline_bigquery.check import Report, check_project
from tests.warehouse.offline_bigquery.lint.sent import Sent
from tests.warehouse.small_project import write_project


class CostReading:
    """What `poolhouse cost` takes a statement that writes to read, beside what the analyzer's tree says."""

    def __init__(self) -> None:
        self.read = 0
        self.disagreements: list[str] = []
        self._catalog = Catalog({}, {})

    def compare(self, sent: Sent) -> None:
        if sent.statement.kind not in ("create_table_as_select", "merge", "insert", "delete"):
            return
        for name, relation in sent.relations.items():
            if relation.view is not None:
                self._catalog.views.setdefault(name, field_of(relation.view.tree, "sql"))
            elif name not in self._catalog.tables:
                self._catalog.add_table(name, tuple(relation.columns))
        ours: dict[str, bool] = {}
        for scan in scans(sent.tree, sent.view):
            is_pruned = sent.relations[scan.table].partition in scan.limited
            ours[scan.table] = ours.get(scan.table, True) and is_pruned
        theirs: dict[str, bool] = {}
        for read in read_statement(sent.statement.text, self._catalog).scans:
            if sent.statement.kind == "merge" and not read.columns:
                continue  # the target, into which it only inserts
            partition = sent.relations[read.table].partition
            is_pruned = any(given.column == partition for given in read.filters)
            theirs[read.table] = theirs.get(read.table, True) and is_pruned
        self.read += len(ours)
        for table in sorted(ours.keys() | theirs.keys()):
            if ours.get(table) != theirs.get(table):
                answers = f"pruned: {ours.get(table)}, says the analyzer's tree; {theirs.get(table)}, says cost"
                self.disagreements.append(f"{table} {answers} (None: not read)\n{sent.statement.text[:400]}")


@pytest.fixture(scope="module")
def cost() -> CostReading:
    return CostReading()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, cost: CostReading) -> Report:
    return check_project(tmp_path_factory.mktemp("bigquery"), observe=cost.compare)


def test_every_statement_of_the_project_is_accepted(report: Report) -> None:
    print(report.summary())
    assert not report.problems, "\n".join(report.problems)


def test_models_tests_and_incremental_branches_were_all_there(report: Report) -> None:
    assert report.nodes["model"] > 0
    assert report.nodes["test"] > report.nodes["model"]
    assert report.incremental > 0
    assert report.statements > sum(report.nodes.values()) - report.nodes["seed"]


def test_cost_prunes_what_the_analyzer_says_is_pruned(report: Report, cost: CostReading) -> None:
    assert cost.read > report.nodes["model"]
    assert not cost.disagreements, "\n\n".join(cost.disagreements[:20])


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
    "lacks_a_column": SWAPS,
    "no_such_type": LOGS,
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
    "lacks_a_column": {"amount": "string"},
    "no_such_type": {"amount": "varchar"},
    "sound": {"block_timestamp": "timestamp", "amount": "string"},
}


def test_planted_faults_are_reported_by_name(tmp_path: Path) -> None:
    columns = [
        {"name": model, "columns": [{"name": name, "data_type": type_} for name, type_ in types.items()]}
        for model, types in DOCUMENTED.items()
    ]
    documented = {"persist_docs": {"relation": True, "columns": True}}
    seeds = [
        {"name": "pegs", "config": {"column_types": {"peg": "numeric(38, 9)"}}},
        {"name": "tells_much", "config": documented, "description": "x" * 16_385},
        {
            "name": "tells_much_of_a_column",
            "config": documented,
            "columns": [{"name": "peg", "description": "x" * 1_025}],
        },
    ]
    units = [
        {
            "name": "compares_types",
            "model": "sound",
            "given": [{"input": "source('chain', 'logs')", "rows": [{"amount": "a"}]}],
            "expect": {"format": "sql", "rows": "select date '2024-01-01' as block_timestamp, 'a' as amount"},
        }
    ]
    properties = {"sources": [SOURCE], "models": columns, "seeds": seeds, "unit_tests": units}
    project = write_project(tmp_path / "project", FAULTS, properties)
    (project / "seeds").mkdir()
    for name in ("pegs", "tells_much", "tells_much_of_a_column"):
        (project / "seeds" / f"{name}.csv").write_text("peg\n1.5\n")
    with (project / "dbt_project.yml").open("a") as settings:
        settings.write(yaml.safe_dump({"on-run-end": ["select no_column from raw.nowhere"]}))

    problems = "\n".join(check_project(tmp_path, project).problems)

    for name, reason in {
        "duckdb_function": "Function not found: strftime",
        "timestamp_is_date": "No matching signature for operator = for argument types: TIMESTAMP, DATE",
        "contract_drift": "| amount | STRING | INT64 | data type mismatch |",
        "documented_drift": "column amount is STRING, its contract says int64",
        "never_declared (incremental)": "Unrecognized name: seen",
        "not_built": "was not checked",
        "pegs": "NUMERIC(38, 9) is not a valid value",
        "tells_much": "The description of the table exceeds 16,384 characters",
        "tells_much_of_a_column": "The description of column peg exceeds 1,024 characters",
        "compares_types": "incompatible types: TIMESTAMP, DATE",
        "poolhouse-on-run-end-0": "Table not found: raw.nowhere",
        "lacks_a_column": "column amount is documented, its SQL has none",
        "no_such_type": "column amount is STRING, its contract says varchar",
        "reads_history": "unpruned-read: offline-project.raw.uniswap_v3__pool_swap is read whole",
        "merges_into_history": "unpruned-read: offline-project.main.merges_into_history is read whole",
        "weekly": "partition-expression: PARTITION BY takes",
        "too_wide": "numeric-overflow: 1e29 is no NUMERIC",
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
