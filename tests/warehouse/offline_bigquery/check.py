"""Build the whole dbt project against the offline warehouse and say what BigQuery would refuse."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dbt.adapters.bigquery.connections as bigquery_connections
from dbt.cli.main import dbtRunner, dbtRunnerResult

from tests.warehouse.googlesql.column_types import canonical_type
from tests.warehouse.offline_bigquery.client import OfflineClient
from tests.warehouse.offline_bigquery.warehouse import OfflineWarehouse

PROJECT = Path(__file__).resolve().parents[3]
TARGET = "bigquery_offline"
_CHECKED = ("model", "test", "seed", "snapshot", "unit_test")
_GOOD = ("success", "pass")


@dataclass
class Report:
    """What was checked, and what BigQuery would refuse (one line each, the node's name first)."""

    problems: list[str] = field(default_factory=list)
    nodes: Counter[str] = field(default_factory=Counter)
    """Nodes of the manifest by type."""
    statements: int = 0
    """Statements that Google's analyzer resolved."""
    incremental: int = 0
    """Models that were built a second time, incrementally."""

    def summary(self) -> str:
        counts = ", ".join(f"{count} {kind.replace('_', ' ')}s" for kind, count in sorted(self.nodes.items()))
        verdict = f"{len(self.problems)} problems" if self.problems else "no problem"
        return (
            f"BigQuery check: {counts}; {self.incremental} models again as incremental builds; "
            f"{self.statements} statements resolved by GoogleSQL; {verdict}"
        )


def check_project(scratch: Path, project: Path = PROJECT, dbt_options: Sequence[str] = ()) -> Report:
    """Parse (every deprecation is an error), build all nodes, build the incremental models again.

    ``scratch`` takes dbt's target and log folders; ``dbt_options`` go to every dbt command.
    """
    report = Report()
    warehouse = OfflineWarehouse()
    options = [
        *("--target", TARGET, "--project-dir", str(project), "--profiles-dir", str(project)),
        *("--target-path", str(scratch / "target"), "--log-path", str(scratch / "logs")),
        *dbt_options,
    ]
    with _offline(warehouse), _inside(project):
        parsed = dbtRunner().invoke(["--quiet", "--log-level", "none", "parse", "--no-partial-parse", *options])
        if not parsed.success:
            report.problems.append(f"dbt parse: {parsed.exception}")
            return report
        manifest: Any = parsed.result
        _add_sources(warehouse, manifest)
        # One thread: dbt then names the node of every statement, and the analyzer has one owner anyway.
        options += ["--threads", "1"]
        quiet = ["--quiet", "--log-level", "none"]
        full = dbtRunner(manifest).invoke([*quiet, "build", *options])
        again = dbtRunner(manifest).invoke([*quiet, "run", "--select", "config.materialized:incremental", *options])
    _collect(report, full, again, manifest, warehouse)
    _compare_contracts(report, manifest, warehouse)
    return report


@contextmanager
def _offline(warehouse: OfflineWarehouse) -> Iterator[None]:
    """dbt-bigquery gets the offline client where it would open a connection."""

    def create(credentials: Any) -> OfflineClient:
        return OfflineClient(warehouse, credentials.execution_project)

    with patch.object(bigquery_connections, "create_bigquery_client", create):
        yield


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _add_sources(warehouse: OfflineWarehouse, manifest: Any) -> None:
    for source in manifest.sources.values():
        columns = {column.name: canonical_type(column.data_type) for column in source.columns.values()}
        warehouse.add_table(f"{source.database}.{source.schema}.{source.identifier}", columns)


def _collect(
    report: Report, full: dbtRunnerResult, again: dbtRunnerResult, manifest: Any, warehouse: OfflineWarehouse
) -> None:
    nodes = {**manifest.nodes, **manifest.unit_tests}
    expected = {key for key, node in nodes.items() if str(node.resource_type) in _CHECKED}
    report.nodes = Counter(str(nodes[key].resource_type) for key in expected)
    report.statements = sum(len(statements) for statements in warehouse.analysed.values())
    seen: set[str] = set()
    skipped = 0
    for run, label in ((full, ""), (again, " (incremental)")):
        results = getattr(run.result, "results", None)
        if results is None:
            report.problems.append(f"dbt{label}: {run.exception}")
            continue
        for result in results:
            if result.node.unique_id not in expected:
                continue  # exposures do nothing
            seen.add(result.node.unique_id)
            if str(result.status) == "skipped":
                skipped += 1
            elif str(result.status) not in _GOOD:
                reason = " ".join(str(result.message or "").split())
                report.problems.append(f"{result.node.name}{label}: {result.status}: {reason}")
            elif not warehouse.analysed.get(result.node.unique_id) and result.node.resource_type != "seed":
                # Seeds are loaded through the REST interface; all else must have sent SQL.
                seen.discard(result.node.unique_id)
    report.incremental = len(getattr(again.result, "results", ()))
    # Nothing passes by not being looked at.
    report.problems += [f"{nodes[key].name}: was not checked" for key in sorted(expected - seen)]
    if skipped:
        report.problems.append(f"{skipped} nodes were skipped because of these")


def _compare_contracts(report: Report, manifest: Any, warehouse: OfflineWarehouse) -> None:
    """Every documented type is the type that the SQL yields, contract enforced or not."""
    for node in manifest.nodes.values():
        if str(node.resource_type) != "model":
            continue
        actual: Mapping[str, str] = warehouse.columns(f"{node.database}.{node.schema}.{node.alias}".lower()) or {}
        for column in node.columns.values():
            if column.data_type and column.name in actual and canonical_type(column.data_type) != actual[column.name]:
                report.problems.append(
                    f"{node.name}: column {column.name} is {actual[column.name]}, its contract says {column.data_type}"
                )
