"""`poolhouse trust` says what the last build found, to people and to machines, and fails when the build's data do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb

from loaders.registry.events import load_events
from loaders.registry.schema import LOAD_ID
from loaders.trust.catalogue import load_checks
from tests.conftest import Run
from tests.warehouse.mutation.project import Project
from tests.warehouse.small_warehouse import SmallWarehouse


def test_every_mart_passes_with_its_counts(poolhouse: Run, small_warehouse: SmallWarehouse) -> None:
    database = small_warehouse.database
    answer = json.loads(poolhouse("trust", "--database", str(database), "--json").stdout)
    assert not answer["is_failed"]
    assert not answer["failures"]
    marts = {mart["mart"]: mart for mart in answer["marts"]}
    with duckdb.connect(str(database), read_only=True) as connection:
        compared = dict(
            connection.execute(
                "select invariant_id, sum(checked_count) from quality.data_invariants group by all"
            ).fetchall()
        )
    speaking = [check.check_id for check in load_checks() if {"*", "lending_account_health"} & set(check.marts)]
    health = marts["lending_account_health"]
    assert health["verdict"] == "passed"
    assert health["compared_count"] == sum(compared[check] for check in speaking) > 0
    assert health["reconciled_block_count"] >= 2
    shown = poolhouse("trust", "--database", str(database), "--chain", "devnet").stdout
    assert all(mart in shown for mart in marts)


def test_a_mismatch_fails_the_command(poolhouse: Run, small_warehouse: SmallWarehouse, tmp_path: Path) -> None:
    database = tmp_path / "wrong.duckdb"
    shutil.copy(small_warehouse.database, database)
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            "update quality.data_invariants set status = 'failed', failed_count = 1, first_failed_block = 7, "
            "expected_value = '[one]', actual_value = '[/other]' where invariant_id = 'A9'"
        )
        connection.execute(
            "update quality.data_trust set verdict = 'failed', mismatch_count = 1 where mart = 'lending_liquidations'"
        )
    done = poolhouse("trust", "--database", str(database), check=False)
    assert done.returncode == 1
    assert "A9" in done.stdout
    assert "expected [one], found [/other]" in done.stdout


def test_no_check_that_fails_keeps_trust_from_being_built(small_warehouse: SmallWarehouse) -> None:
    """dbt skips a model when a test fails that reads nothing but what the model reads too."""
    project = Project.read(small_warehouse.manifest)
    tests = {test.name: test for test in project.tests}
    read = project.ancestors("model.poolhouse.data_trust")
    checks = [tests[check.dbt_test] for check in load_checks()]
    assert not [check.name for check in checks if read.issuperset(check.parents)]


def test_a_warehouse_without_marts_says_what_to_do(poolhouse: Run, tmp_path: Path) -> None:
    database = tmp_path / "empty.duckdb"
    duckdb.connect(str(database)).close()
    done = poolhouse("trust", "--database", str(database), check=False)
    assert done.returncode == 1
    assert "poolhouse build" in done.stderr


def test_raw_tables_have_the_registrys_columns_alone(small_warehouse: SmallWarehouse) -> None:
    """dlt would put a value of another type into a variant column beside the declared one, where no model looks."""
    tables = load_events().with_tables_for(["contract_risk"]).tables
    with duckdb.connect(str(small_warehouse.database), read_only=True) as connection:
        found: dict[str, set[str]] = {}
        for table, column in connection.execute(
            "select table_name, column_name from duckdb_columns() where schema_name = 'raw'"
        ).fetchall():
            found.setdefault(table, set()).add(column)
    declared = {name: {column.name for column in (*table.columns, LOAD_ID)} for name, table in tables.items()}
    assert {name: found[name] for name in declared} == declared
