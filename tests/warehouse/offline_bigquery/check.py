"""Build the whole dbt project against the offline warehouse and say what BigQuery would refuse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dbt.cli.main import dbtRunner

from loaders.registry.events import load_events
from tests.warehouse.googlesql.column_types import canonical_type
from tests.warehouse.offline_bigquery.known_findings import KNOWN
from tests.warehouse.offline_bigquery.lint import RULES, Finding
from tests.warehouse.offline_bigquery.lint.sent import Sent
from tests.warehouse.offline_bigquery.outcome import Run, outcome_of
from tests.warehouse.offline_bigquery.session import offline
from tests.warehouse.offline_bigquery.unit_tests import UnitTestProcess
from tests.warehouse.offline_bigquery.warehouse import OfflineWarehouse

PROJECT = Path(__file__).resolve().parents[3]
TARGET = "bigquery_offline"
# As after a daily build: on the days that changed, of which a script variable tells; what only an audit looks at as well.
_DAILY_TESTS = ("--vars", "{test_scope: changed, audit: true}")
_GOOD = ("success", "pass", "no-op")
_CHANGES = {"merge", "insert", "delete", "update"}


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
    known: int = 0
    """Breaches of BigQuery's rules that ``known_findings`` explains."""

    def summary(self) -> str:
        counts = ", ".join(f"{count} {kind.replace('_', ' ')}s" for kind, count in sorted(self.nodes.items()))
        verdict = f"{len(self.problems)} problems" if self.problems else "no problem"
        return (
            f"BigQuery check: {counts}; {self.incremental} models again as incremental builds; "
            f"{self.statements} statements resolved by GoogleSQL and held against {len(RULES)} rules of BigQuery; "
            f"{f'{self.known} known findings, ' if self.known else ''}{verdict}"
        )


def check_project(
    scratch: Path,
    project: Path = PROJECT,
    dbt_options: Sequence[str] = (),
    observe: Callable[[Sent], None] | None = None,
) -> Report:
    """Parse (every deprecation is an error), build all nodes, build the incremental models again.

    ``scratch`` takes dbt's target and log folders; ``dbt_options`` go to every dbt command; ``observe`` sees every
    statement but those of unit tests.
    """
    report = Report()
    warehouse = OfflineWarehouse(observe=observe)
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
        # dbt looks for some files in the working folder.
        with offline(warehouse), chdir(project):
            options += ["--target-path", str(target)]
            parsed = dbtRunner().invoke(["parse", "--no-partial-parse", *options])
            if not parsed.success:
                report.problems.append(f"dbt parse: {parsed.exception}")
                return report
            manifest: Any = parsed.result
            _add_sources(warehouse, manifest)
            dbt = dbtRunner(manifest)
            built = outcome_of(dbt.invoke(["build", *_exclude("test", "unit_test"), *options]))
            if manifest.unit_tests:
                unit_tests.start(target, warehouse.relations)
            data_tests = ["test", "--select", "test_type:data", *_DAILY_TESTS, *options]
            tested = outcome_of(dbt.invoke(data_tests)) if _has_tests(manifest) else Run((), "")
            warehouse.is_incremental = True
            again = outcome_of(dbt.invoke(["run", "--select", "config.materialized:incremental", *options]))
        units = unit_tests.finish()
    finally:
        unit_tests.stop()
    for node, statements in units.analysed.items():
        warehouse.analysed[node] += statements
    warehouse.findings += units.findings
    runs = {"": (built, tested, units.run), " (incremental)": (again,)}
    _collect(report, runs, manifest, warehouse)
    report.incremental = sum(outcome.node.startswith("model.") for outcome in again.outcomes)
    _check_branches(report, manifest, warehouse)
    _compare_contracts(report, manifest, warehouse)
    _add_findings(report, warehouse.findings, manifest, KNOWN if project == PROJECT else {})
    return report


def _has_tests(manifest: Any) -> bool:
    """dbt takes a selection of nothing for a mistake."""
    return any(str(node.resource_type) == "test" for node in manifest.nodes.values())


def _exclude(*kinds: str) -> list[str]:
    return [argument for kind in kinds for argument in ("--exclude-resource-type", kind)]


def _add_sources(warehouse: OfflineWarehouse, manifest: Any) -> None:
    tables = load_events().tables
    for source in manifest.sources.values():
        columns = {column.name: canonical_type(column.data_type) for column in source.columns.values()}
        raw = tables.get(source.identifier)
        partition = raw.partition_column or "" if raw is not None else ""
        warehouse.add_table(f"{source.database}.{source.schema}.{source.identifier}", columns, partition)


def _collect(report: Report, runs: Mapping[str, Sequence[Run]], manifest: Any, warehouse: OfflineWarehouse) -> None:
    # Models, seeds, data tests, hooks of the run, and whatever else dbt may come to send.
    nodes = {**manifest.nodes, **manifest.unit_tests, **manifest.functions}
    report.nodes = Counter(str(node.resource_type) for node in nodes.values())
    analysed = (*warehouse.analysed.values(), *warehouse.analysed_again.values())
    report.statements = sum(len(statements) for statements in analysed)
    seen: set[str] = set()
    skipped = 0
    for label, run in ((label, run) for label, several in runs.items() for run in several):
        if run.failure:
            report.problems.append(f"dbt{label}: {run.failure}")
        for outcome in run.outcomes:
            seen.add(outcome.node)
            if outcome.status == "skipped":
                skipped += 1
            elif outcome.status not in _GOOD:
                report.problems.append(f"{outcome.name}{label}: {outcome.status}: {outcome.message}")
            elif not warehouse.analysed.get(outcome.node) and not outcome.node.startswith("seed."):
                # Seeds are loaded through the REST interface; all else must have sent SQL.
                seen.discard(outcome.node)
    # Nothing passes by not being looked at.
    report.problems += [f"{nodes[key].name}: was not checked" for key in sorted(nodes.keys() - seen)]
    if skipped:
        report.problems.append(f"{skipped} nodes were skipped because of these")


def _check_branches(report: Report, manifest: Any, warehouse: OfflineWarehouse) -> None:
    """Both branches of every incremental model were sent: the table made, and later its rows replaced."""
    for key, node in manifest.nodes.items():
        if node.config.get("materialized") != "incremental":
            continue
        if "create_table_as_select" not in warehouse.analysed[key]:
            report.problems.append(f"{node.name}: its full branch was not checked")
        if not _CHANGES.intersection(warehouse.analysed_again[key]):
            report.problems.append(f"{node.name} (incremental): its incremental branch was not checked")


def _compare_contracts(report: Report, manifest: Any, warehouse: OfflineWarehouse) -> None:
    """Every documented column is there, of its documented type, contract enforced or not."""
    for node in manifest.nodes.values():
        if str(node.resource_type) != "model":
            continue
        actual: Mapping[str, str] = warehouse.columns(f"{node.database}.{node.schema}.{node.alias}".lower()) or {}
        for column in node.columns.values() if actual else ():
            if column.name not in actual:
                report.problems.append(f"{node.name}: column {column.name} is documented, its SQL has none")
            elif column.data_type and _canonical_or_none(column.data_type) != actual[column.name]:
                report.problems.append(
                    f"{node.name}: column {column.name} is {actual[column.name]}, its contract says {column.data_type}"
                )


def _canonical_or_none(type_: str) -> str | None:
    """None for what is no type of BigQuery's."""
    try:
        return canonical_type(type_)
    except ValueError:
        return None


def _add_findings(
    report: Report, findings: Sequence[Finding], manifest: Any, known: Mapping[tuple[str, str], str]
) -> None:
    """What breaks BigQuery's rules; what is known must still be there."""
    names = {key: node.name for key, node in (*manifest.nodes.items(), *manifest.unit_tests.items())}
    found = {}
    for finding in dict.fromkeys(findings):
        name = names.get(finding.node, "dbt")
        found[name, finding.rule] = finding
        if (name, finding.rule) not in known:
            report.problems.append(f"{name}: {finding.rule}: {finding.message}")
    report.known = len(found.keys() & known.keys())
    report.problems += [
        f"{name}: {rule}: no longer found: strike it from known_findings.py"
        for name, rule in known.keys() - found.keys()
    ]
