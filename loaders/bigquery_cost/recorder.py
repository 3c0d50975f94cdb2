"""The statements that dbt would send to BigQuery, recorded without BigQuery.

dbt and its BigQuery adapter are the real ones, on the target that never connects. In place of Google's client they get one
that writes down each statement and answers as for empty tables. So hooks, MERGEs, contracts' probes and data tests are there
as they would be sent, not as one might think that they are.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbt.cli.main import dbtRunner
from dbt_common.events.contextvars import get_node_info
from google.api_core.exceptions import NotFound
from google.cloud.bigquery import TableReference
from google.cloud.bigquery.table import TableListItem

from loaders.bigquery_cost.stand_in import (
    TEST_COLUMNS,
    StandInClient,
    StandInJob,
    StandInLoad,
    name_of,
    standing_in,
    table_of,
)
from loaders.errors import PoolhouseError

PROJECT = Path(__file__).resolve().parents[2]
ORDINARY_RUN = ("build", "--exclude-resource-type", "unit_test")
"""What production runs: unit tests prove the SQL, not the data."""
AUDIT = (*ORDINARY_RUN, "--vars", "{audit: true, test_scope: all}")
"""What checks all history (`macros/materializations/audit.sql`)."""
FULL_REFRESH = ("run",)
_TARGET = "bigquery_offline"


@dataclass(frozen=True, slots=True)
class Sent:
    """One job that dbt sends: a statement, or several as a script."""

    node: str
    """``unique_id`` of the dbt node; empty for hooks of the run."""
    sql: str


@dataclass(frozen=True)
class Recording:
    """What one run of dbt sends, and the manifest it ran on."""

    manifest: Any
    jobs: tuple[Sent, ...]


def parse_project(project: Path = PROJECT) -> Any:
    """The manifest, by dbt. Raises :class:`PoolhouseError` when the project does not parse."""
    with _scratch(project) as options:
        return _invoke(["parse", "--no-partial-parse", *options], None)


def record(manifest: Any, command: Sequence[str], *, is_built: bool, project: Path = PROJECT) -> Recording:
    """Run a dbt command, for example ``["build"]``. ``is_built``: every model is there already, so that incremental ones are
    built incrementally. Raises :class:`PoolhouseError` when dbt fails."""
    warehouse = _Warehouse(manifest, is_built=is_built)

    def create(credentials: Any) -> _Client:
        return _Client(warehouse, credentials.execution_project)

    with _scratch(project) as options, standing_in(create):
        # One thread: dbt then names the node of every statement.
        _invoke([*command, *options, "--threads", "1"], manifest)
    return Recording(manifest, tuple(warehouse.jobs))


def relation_name(node: Any) -> str:
    """``project.dataset.name`` of a node, lower case."""
    name = getattr(node, "alias", None) or getattr(node, "identifier", None) or node.name
    return f"{node.database}.{node.schema}.{name}".lower()


@contextmanager
def _scratch(project: Path) -> Iterator[list[str]]:
    """Options of every dbt command; dbt runs in the project's folder and leaves nothing there."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(project)
        try:
            yield [
                *("--target", _TARGET, "--project-dir", str(project), "--profiles-dir", str(project)),
                *("--target-path", folder, "--log-path", folder),
            ]
        finally:
            os.chdir(before)


def _invoke(command: list[str], manifest: Any) -> Any:
    result = dbtRunner(manifest).invoke(["--quiet", "--log-level", "none", "--log-level-file", "none", *command])
    failures = [
        f"{r.node.name}: {r.message}" for r in getattr(result.result, "results", ()) if r.status in ("error", "fail")
    ]
    if result.exception is not None or failures or not result.success:
        reason = " ".join(str(result.exception or "; ".join(failures[:5])).split())
        raise PoolhouseError(
            f"dbt {command[0]} for BigQuery failed: {reason[:800]}",
            "`dbt parse --target bigquery_offline` in the project shows the details.",
        )
    return result.result


class _Warehouse:
    """Which relations there are, with the columns that the project documents, and what was sent."""

    def __init__(self, manifest: Any, *, is_built: bool) -> None:
        self.jobs: list[Sent] = []
        self.nodes = {
            relation_name(node): node for node in manifest.nodes.values() if node.resource_type in ("model", "seed")
        }
        self.existing = set(self.nodes) if is_built else set()

    def columns_of(self, node: Any) -> dict[str, str]:
        return {name: column.data_type or "STRING" for name, column in node.columns.items()}

    def kind(self, name: str) -> str:
        return "VIEW" if self.nodes[name].config.materialized == "view" else "TABLE"


class _Client(StandInClient):
    """Writes down what it is asked."""

    def __init__(self, warehouse: _Warehouse, project: str) -> None:
        super().__init__(project)
        self._warehouse = warehouse

    def query(self, query: str, job_id: str, **_: Any) -> StandInJob:
        node_id = str((get_node_info() or {}).get("unique_id", ""))
        self._warehouse.jobs.append(Sent(node_id, query))
        node = next((n for n in self._warehouse.nodes.values() if n.unique_id == node_id), None)
        if node is not None:
            # What a model yields is what the project says that it does.
            columns = self._warehouse.columns_of(node)
            self._warehouse.existing.add(relation_name(node))
        else:
            columns = dict.fromkeys(TEST_COLUMNS, "STRING")
        return StandInJob(job_id, self.project, self.keep_result(job_id, columns), columns)

    def get_table(self, table: Any) -> Any:
        reference = TableReference.from_string(table) if isinstance(table, str) else table
        if (result := self.result_table(reference)) is not None:
            return result
        name = name_of(reference)
        permanent = name.split("__dbt_tmp")[0]
        if permanent not in self._warehouse.existing:
            raise NotFound(f"Not found: Table {name}")
        return table_of(
            reference, self._warehouse.kind(permanent), self._warehouse.columns_of(self._warehouse.nodes[permanent])
        )

    def list_tables(self, dataset: Any, **_: Any) -> Iterator[Any]:
        prefix = f"{dataset.project}.{dataset.dataset_id}."
        for name in sorted(self._warehouse.existing):
            if name.startswith(prefix):
                reference = TableReference.from_string(name)
                yield TableListItem({"tableReference": reference.to_api_repr(), "type": self._warehouse.kind(name)})

    def list_datasets(self, **_: Any) -> list[Any]:
        return []

    def create_dataset(self, dataset: Any, **_: Any) -> Any:
        return dataset

    def delete_table(self, *_: Any, **__: Any) -> None:
        """Nothing is there to delete."""

    def update_table(self, table: Any, *_: Any) -> Any:
        return table

    def load_table_from_file(self, *_: Any, **__: Any) -> StandInLoad:
        """Seeds come as load jobs, which cost nothing."""
        return StandInLoad()
