"""What BigQuery's builds leave out by default: tests of days that did not change, and audits. Asked for on DuckDB, where it runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb

from loaders.build import PROJECT

MODEL = "int_dex_v3_swaps"
TABLE = f"intermediate.{MODEL}"
UNTESTED = "intermediate.untested_days"


def dbt(database: Path, *arguments: str) -> tuple[bool, str]:
    """Whether a dbt command succeeded, and what it printed."""
    where = ("--target", "duckdb", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT))
    scratch = ("--target-path", str(database.parent / "target"), "--log-path", str(database.parent / "logs"))
    done = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", *arguments, *where, *scratch],
        cwd=PROJECT,
        check=False,
        env={**os.environ, "POOLHOUSE_DUCKDB": str(database)},
        capture_output=True,
        text=True,
    )
    return done.returncode == 0, done.stdout


def execute(database: Path, *statements: str) -> list[tuple[object, ...]]:
    """The rows of the last one."""
    with duckdb.connect(str(database)) as connection:
        for statement in statements[:-1]:
            connection.execute(statement)
        return connection.execute(statements[-1]).fetchall()


def test_a_fault_is_found_on_the_days_that_changed_and_stays_found(warehouse_copy: Path) -> None:
    days = [row[0] for row in execute(warehouse_copy, f"select distinct block_date from {TABLE} order by 1")]
    assert len(days) > 1
    faulty, other = days[0], days[-1]
    execute(warehouse_copy, f"insert into {TABLE} select * from {TABLE} where block_date = '{faulty}'")
    test = ("test", "--select", MODEL, "--vars", "{test_scope: changed}")

    def test_days(day: object, first_change: str) -> tuple[bool, str]:
        columns = f"date '{day}' as date_day, {first_change} as first_timestamp"
        execute(warehouse_copy, f"create or replace table {UNTESTED} as select {columns}")
        return dbt(warehouse_copy, *test)

    passed, output = test_days(other, f"timestamp '{faulty}'")
    assert passed, output
    # Rows before the hour of the first change stood.
    last = execute(warehouse_copy, f"select max(block_timestamp) from {TABLE} where block_date = '{faulty}'")[0][0]
    passed, output = test_days(faulty, f"timestamp '{last}' + interval 1 hour")
    assert passed, output

    passed, output = test_days(faulty, f"timestamp '{last}'")
    assert not passed
    assert f"is_key_{MODEL}" in output
    watermarks = "select * from intermediate.model_watermarks where model_name = '@tests'"
    assert not execute(warehouse_copy, watermarks), "a run that failed, or left tests out, has tested nothing for good"


def test_a_fault_of_a_token_is_found_when_the_token_changes(warehouse_copy: Path) -> None:
    """Also of one that the registry names: it matters since before anything was loaded."""
    token, first_day = execute(
        warehouse_copy,
        "select token_address, first_date from market.tokens where is_registered "
        "and chain_id in (select chain_id from intermediate.int_ledger_live_segments) limit 1",
    )[0]
    tokens = f"market.tokens where token_address = '{token}'"
    execute(
        warehouse_copy,
        "insert into intermediate.model_watermarks select '@tests', ledger.build_number, dimensions.build_number "
        "from intermediate.model_watermarks as ledger, intermediate.model_watermarks as dimensions "
        "where ledger.model_name = 'int_ledger_changes' and dimensions.model_name = 'int_dimension_changes'",
    )
    test = ("test", "--select", "tokens", "--vars", "{test_scope: changed}")

    def build_log() -> set[object]:
        passed, output = dbt(warehouse_copy, "run", "--select", "int_dimension_changes")
        assert passed, output
        return {row[0] for row in execute(warehouse_copy, f"select date_day from {UNTESTED}")}

    assert not build_log()
    execute(warehouse_copy, f"insert into market.tokens from {tokens}")
    passed, output = dbt(warehouse_copy, *test)
    assert passed, output

    execute(
        warehouse_copy,
        f"update market.tokens set decimals = decimals + 1 where token_address = '{token}' returning 1",
    )
    assert first_day in build_log()
    passed, output = dbt(warehouse_copy, *test)
    assert not passed
    assert "is_key_tokens" in output


def test_a_build_that_failed_once_the_log_was_written_logs_the_same_again(warehouse_copy: Path) -> None:
    """On BigQuery the log, its number and what was logged last are written one after another."""
    log, logged = "intermediate.int_dimension_changes", "intermediate.logged_dimensions"
    changes = f"select dimension, entity, digest, change_sign from {log} where build_number > 1 order by all"
    number = "from intermediate.model_watermarks where model_name = 'int_dimension_changes'"

    def build() -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
        passed, output = dbt(warehouse_copy, "run", "--select", "int_dimension_changes")
        assert passed, output
        return execute(warehouse_copy, changes), execute(warehouse_copy, f"from {logged} order by all")

    before = execute(warehouse_copy, f"create table logged_before as from {logged}", f"select build_number {number}")
    assert before == [(1,)]
    execute(
        warehouse_copy,
        "update market.tokens set decimals = decimals + 1 where decimals = 18 and chain_id in "
        f"(select chain_id from {log}) returning 1",
    )
    once, last = build()
    assert {row[3] for row in once} == {-1, 1}
    execute(
        warehouse_copy,
        f"delete from {logged}",
        f"insert into {logged} from logged_before",
        f"update {number.removeprefix('from ').replace(' where', ' set build_number = 1 where')} returning 1",
    )
    assert build() == (sorted(once * 2), last)
    assert build() == (sorted(once * 2), last)


def test_an_audit_is_made_when_asked_for(warehouse_copy: Path) -> None:
    run = ("run", "--select", "int_quality_heads", "--vars")
    marked = "update intermediate.int_quality_heads set head_block = -1 returning head_block"
    stands = "select distinct head_block = -1 from intermediate.int_quality_heads"
    execute(warehouse_copy, marked)

    for asked in ("false", "true"):
        passed, output = dbt(warehouse_copy, *run, f"{{audit: {asked}}}")
        assert passed, output
        assert execute(warehouse_copy, stands) == [(asked == "false",)]


def test_what_an_audit_finds_is_tested_in_audits(warehouse_copy: Path) -> None:
    execute(warehouse_copy, "update quality.data_invariants set status = 'failed' returning status")
    test = ("test", "--select", "data_invariants_status_follows_counts", "--vars")

    for asked in ("false", "true"):
        passed, output = dbt(warehouse_copy, *test, f"{{audit: {asked}}}")
        assert "Completed" in output
        assert passed is (asked == "false"), output


def test_a_run_in_which_all_tests_passed_has_tested_the_days(warehouse_copy: Path) -> None:
    """The next build of a change log then starts from there."""
    passed, output = dbt(warehouse_copy, "test", "--vars", "{test_scope: changed}")
    assert passed, output
    tested, built = execute(
        warehouse_copy,
        "select max(build_number) filter (model_name = '@tests'), min(build_number) filter (model_name != '@tests') "
        "from intermediate.model_watermarks",
    )[0]
    assert tested == built
    passed, output = dbt(warehouse_copy, "run", "--select", "int_ledger_changes")
    assert passed, output
    assert execute(warehouse_copy, f"select count(*) from {UNTESTED}") == [(0,)]
