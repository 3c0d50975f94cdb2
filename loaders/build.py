"""Run `dbt build` over a warehouse and, when it is green, publish what readers open.

DuckDB has one writer. Readers (BI, notebooks, `poolhouse query`) therefore never open the warehouse itself but
``<name>_serving.duckdb``: the marts alone, replaced as a whole after every green build.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as ProgressBar

from loaders.errors import PoolhouseError
from loaders.load.duckdb_file import open_locked, require_warehouse
from loaders.registry.families import load_families
from loaders.status.read import read_only
from loaders.turn import turn

PROJECT = Path(__file__).resolve().parents[1]
_LOCK_WAIT_S = 30.0
SERVED_SCHEMAS = ("dex", "lending", "market", "quality", "seeds")

Progress = Callable[[int, int, str], None]
"""Called with finished nodes, all nodes and the name of the one that finished."""


@dataclass(frozen=True, slots=True)
class BuildResult:
    """Counts of one `dbt build`, by kind of node."""

    models: int = 0
    seeds: int = 0
    data_tests: int = 0
    failures: list[str] = field(default_factory=list)
    """One line per node that failed or was in error: its name and dbt's message."""

    @property
    def is_green(self) -> bool:
        return not self.failures


def build(database: Path, progress: Progress | None = None) -> BuildResult:
    """Build every model and run every test. Raises :class:`PoolhouseError` when dbt could not run at all."""
    target_path = Path(os.environ.get("DBT_TARGET_PATH", PROJECT / "target")).resolve()
    command = [
        sys.executable,
        "-m",
        "dbt.cli.main",
        "--log-format",
        "json",
        "--no-use-colors",
        "--log-level-file",
        "none",
        "build",
        "--target",
        "duckdb",
    ]
    command += ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(target_path)]
    # Unit tests prove the SQL, not the data, and belong to `make test`.
    command += ["--exclude-resource-type", "unit_test"]
    results = target_path / "run_results.json"
    results.unlink(missing_ok=True)
    process = subprocess.Popen(
        command,
        cwd=PROJECT,
        env={
            **os.environ,
            "POOLHOUSE_DUCKDB": str(database.resolve()),
            "POOLHOUSE_RAW_FAMILIES": ",".join(loaded_raw_families(database)),
            "DBT_TARGET": "duckdb",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    errors = _follow(process, progress)
    if not results.exists():
        detail = errors[-1] if errors else f"it ended with code {process.returncode}"
        raise PoolhouseError(
            f"dbt could not build {database.name}: {detail}", "`dbt parse` in the project shows the details."
        )
    return _count(json.loads(results.read_text()))


def loaded_raw_families(database: Path) -> list[str]:
    """Families that no model reads and that were loaded all the same: only the checks of the ledger look at them."""
    with read_only(database) as query:
        loaded = {row["family"] for row in query("select distinct family from {load_ranges}")}
    return [family.name for family in load_families().values() if family.name in loaded and not family.is_modelled]


def _follow(process: subprocess.Popen[str], progress: Progress | None) -> list[str]:
    """Report progress from dbt's structured log until it ends; return the messages of its errors."""
    errors: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        try:
            event: dict[str, Any] = json.loads(line)
        except ValueError:
            continue
        data, info = event.get("data", {}), event.get("info", {})
        if info.get("level") == "error" and info.get("msg"):
            errors.append(" ".join(str(info["msg"]).split()))
        if progress and isinstance(data.get("index"), int) and isinstance(data.get("total"), int):
            node = data.get("node_info", {})
            if node.get("node_finished_at"):
                progress(data["index"], data["total"], str(node.get("node_name", "")))
    process.wait()
    return errors


def _count(results: dict[str, Any]) -> BuildResult:
    counts = {"model": 0, "seed": 0, "test": 0}
    failures = []
    for result in results["results"]:
        kind, name = result["unique_id"].split(".")[0], result["unique_id"].split(".")[2]
        if result["status"] in ("success", "pass"):
            counts[kind] = counts.get(kind, 0) + 1
        elif result["status"] in ("error", "fail", "runtime error"):
            message = " ".join(str(result.get("message") or "").split())
            failures.append(f"{name}: {message}")
    return BuildResult(counts["model"], counts["seed"], counts["test"], failures)


def build_with_progress(database: Path, console: Console) -> BuildResult:
    """Build, show how far it is, publish when green. Raises :class:`PoolhouseError` naming every failure."""
    require_warehouse(database)
    with turn(database, wait_s=_LOCK_WAIT_S):
        return _build_and_publish(database, console)


def _build_and_publish(database: Path, console: Console) -> BuildResult:
    open_locked(database, wait_s=_LOCK_WAIT_S).close()
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with ProgressBar(*columns, console=console) as bar:
        task = bar.add_task("dbt starts", total=None)
        result = build(
            database,
            progress=lambda done, total, node: bar.update(task, completed=done, total=total, description=node),
        )
        # Nodes that do nothing, such as exposures, are counted but never reported.
        bar.update(task, completed=bar.tasks[task].total, description="")
    if not result.is_green:
        shown = "\n  ".join(result.failures)
        raise PoolhouseError(
            f"{len(result.failures)} of the build's models and tests failed:\n  {shown}\n",
            f"Readers keep the last green build. What disagrees with the chain, if anything does: "
            f"`poolhouse trust --database {database}`. The rows of another test: `dbt build --select <name>` in {PROJECT}, "
            f"with POOLHOUSE_DUCKDB={database}.",
        )
    publish(database)
    return result


def serving_path(database: Path) -> Path:
    """The file that readers of ``database`` open."""
    return database.with_name(f"{database.stem}_serving.duckdb")


def publish(database: Path) -> Path:
    """Copy the marts of a green build to the serving file, atomically, with their comments."""
    target = serving_path(database)
    partial = target.with_suffix(".duckdb.partial")
    partial.unlink(missing_ok=True)
    with duckdb.connect(str(partial)) as connection:
        connection.execute(f"attach '{database.resolve()}' as warehouse (read_only)")
        tables = connection.execute(
            "select schema_name, table_name, comment from duckdb_tables() "
            "where database_name = 'warehouse' and schema_name in (select unnest(?)) order by all",
            [list(SERVED_SCHEMAS)],
        ).fetchall()
        for schema, table, comment in tables:
            connection.execute(f'create schema if not exists "{schema}"')
            connection.execute(f'create table "{schema}"."{table}" as from warehouse."{schema}"."{table}"')
            _copy_comments(connection, schema, table, comment)
        connection.execute("detach warehouse")
    partial.replace(target)
    return target


def _copy_comments(connection: duckdb.DuckDBPyConnection, schema: str, table: str, comment: str | None) -> None:
    if comment:
        connection.execute(f'comment on table "{schema}"."{table}" is {_literal(comment)}')
    columns = connection.execute(
        "select column_name, comment from duckdb_columns() where database_name = 'warehouse' "
        "and schema_name = ? and table_name = ? and comment is not null",
        [schema, table],
    ).fetchall()
    for column, text in columns:
        connection.execute(f'comment on column "{schema}"."{table}"."{column}" is {_literal(text)}')


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
