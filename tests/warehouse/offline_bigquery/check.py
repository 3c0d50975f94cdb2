"""Build the whole dbt project against the offline warehouse and say what BigQuery would refuse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dbt.cli.main import dbtRunner

from tests.warehouse.googlesql.column_types import canonical_type
from tests.warehouse.offline_bigquery.outcome import Run, outcome_of
from tests.warehouse.offline_bigquery.session import inside, offline
from tests.warehouse.offline_bigquery.unit_tests import UnitTestProcess
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
    target = scratch / "target"
    options = [
        *("--target", TARGET, "--project-dir", str(project), "--profiles-dir", str(project)),
        *("--log-path", str(scratch / "logs"), "--quiet", "--log-level", "none", "--no-write-json"),
        # One thread: dbt then names the node of every statement, and the analyzer has one owner anyway.
        *("--threads", "1"),
        *dbt_options,
    ]
    unit_tests = UnitTestProcess(project, scratch / "unit_tests", options)
    try:
        with offline(warehouse), inside(project):
            options += ["--target-path", str(target)]
            parsed = dbtRunner().invoke(["parse", "--no-partial-parse", *options])
            if not parsed.success:
                report.problems.append(f"dbt parse: {parsed.exception}")
                return report
            manifest: Any = parsed.result
            _add_sources(warehouse, manifest)
            dbt = dbtRunner(manifest)
            built = outcome_of(dbt.invoke(["build", *_exclude("test", "unit_test"), *options]))
            unit_tests.start(target, dict(warehouse.relations))
            tested = outcome_of(dbt.invoke(["test", "--select", "test_type:data", *options]))
            again = outcome_of(dbt.invoke(["run", "--select", "config.materialized:incremental", *options]))
        units = unit_tests.finish()
    finally:
        unit_tests.stop()
    warehouse.analysed.update(units.analysed)
    runs = {"": (built, tested, units.run), " (incremental)": (again,)}
    _collect(report, runs, manifest, warehouse)
    report.incremental = len(again.outcomes)
    _compare_contracts(report, manifest, warehouse)
    return report


def _exclude(*kinds: str) -> list[str]:
    return [argument for kind in kinds for argument in ("--exclude-resource-type", kind)]


def _add_sources(warehouse: OfflineWarehouse, manifest: Any) -> None:
    for source in manifest.sources.values():
        columns = {column.name: canonical_type(column.data_type) for column in source.columns.values()}
        warehouse.add_table(f"{source.database}.{source.schema}.{source.identifier}", columns)


def _collect(report: Report, runs: Mapping[str, Sequence[Run]], manifest: Any, warehouse: OfflineWarehouse) -> None:
    nodes = {**manifest.nodes, **manifest.unit_tests}
    expected = {key for key, node in nodes.items() if str(node.resource_type) in _CHECKED}
    report.nodes = Counter(str(nodes[key].resource_type) for key in expected)
    report.statements = sum(len(statements) for statements in warehouse.analysed.values())
    seen: set[str] = set()
    skipped = 0
    for label, run in ((label, run) for label, several in runs.items() for run in several):
        if run.failure:
            report.problems.append(f"dbt{label}: {run.failure}")
        for outcome in run.outcomes:
            if outcome.node not in expected:
                continue  # exposures do nothing
            seen.add(outcome.node)
            if outcome.status == "skipped":
                skipped += 1
            elif outcome.status not in _GOOD:
                report.problems.append(f"{outcome.name}{label}: {outcome.status}: {outcome.message}")
            elif not warehouse.analysed.get(outcome.node) and nodes[outcome.node].resource_type != "seed":
                # Seeds are loaded through the REST interface; all else must have sent SQL.
                seen.discard(outcome.node)
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
