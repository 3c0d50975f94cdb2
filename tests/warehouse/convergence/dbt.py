"""dbt in this process, its project parsed once for any number of warehouses, and the content of what it builds."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from tests.warehouse.small_warehouse import content_of, mart_contents

NAME = "warehouse.duckdb"
"""Of every warehouse here: a manifest names the database after its file."""

Contents = dict[str, str]
"""Number of rows and hash of all of them, whatever their order, by relation."""


_VERDICTS = {
    "quality.data_invariants": "distinct chain_id, invariant_id, status",
    "quality.data_trust": "distinct chain_id, mart, verdict",
}


class Dbt:
    """A project, parsed; ``scratch`` is where dbt leaves its files."""

    def __init__(self, project: Path, scratch: Path) -> None:
        self._project = str(project)
        self._scratch = str(scratch)
        self._manifest: Any = None
        self._manifest = self.invoke(scratch / NAME, "parse")

    @property
    def models(self) -> list[Any]:
        return [n for n in self._manifest.nodes.values() if n.resource_type == "model"]

    @property
    def incremental_models(self) -> list[str]:
        """All that a full refresh may rebuild."""
        found = [
            m for m in self.models if m.config.materialized == "incremental" and m.config.full_refresh is not False
        ]
        return sorted(m.name for m in found)

    @property
    def staged_events(self) -> list[str]:
        """Staging models of protocols' events."""
        staged = [m.name for m in self.models if m.schema == "staging" and not m.name.startswith("stg_poolhouse__")]
        return sorted(f"staging.{name}" for name in staged)

    def invoke(self, database: Path, *arguments: str) -> Any:
        """Run a dbt command on a warehouse; it lets go of the file afterwards. Fails with dbt's messages."""
        with _environment(database):
            where = ("--project-dir", self._project, "--profiles-dir", self._project, "--target", "duckdb")
            paths = ("--target-path", self._scratch, "--log-path", self._scratch)
            done = dbtRunner(self._manifest).invoke(["--quiet", "--log-level", "none", *arguments, *where, *paths])
        assert done.success, done.exception or [
            f"{r.node.name}: {r.message}" for r in getattr(done.result, "results", ()) if r.status in ("error", "fail")
        ]
        return done.result

    def contents(self, database: Path) -> Contents:
        """Every mart, and every log that counts. Of the checks what they say: how much they had to compare depends on the way,
        as state is also asked of what only a replaced chain knew."""
        with duckdb.connect(str(database), read_only=True) as connection:
            contents = mart_contents(database) | {f: content_of(connection, f) for f in self.staged_events}
            return contents | {
                mart: content_of(connection, f"(select {c} from {mart})") for mart, c in _VERDICTS.items()
            }

    def refreshed(self, database: Path, scratch: Path) -> tuple[Contents, Contents]:
        """The incremental models as they are, and after a full refresh (of a copy)."""
        copy = scratch / NAME
        scratch.mkdir(exist_ok=True)
        shutil.copy(database, copy)
        self.invoke(copy, "run", "--full-refresh", "--select", *self.incremental_models)
        return self._incremental(database), self._incremental(copy)

    def _incremental(self, database: Path) -> Contents:
        with duckdb.connect(str(database), read_only=True) as connection:
            schemas = {m.name: m.schema for m in self.models}
            return {name: content_of(connection, f"{schemas[name]}.{name}") for name in self.incremental_models}


def differences(one: Path, other: Path, relations: Iterable[str], limit: int = 4) -> list[str]:
    """Some rows that only one of two warehouses has, for the reader of a failed test."""
    found = []
    for relation in relations:
        left, right = _rows(one, relation), _rows(other, relation)
        for only, path in ((left - right, one), (right - left, other)):
            found += [f"only in {path}: {relation}: {row}" for row in sorted(only)[:limit]]
    return found


def _rows(database: Path, relation: str) -> Counter[str]:
    with duckdb.connect(str(database), read_only=True) as connection:
        rows = connection.execute(f"select cast(rows as varchar) from {relation} as rows").fetchall()
    return Counter(str(row) for (row,) in rows)


@contextmanager
def _environment(database: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POOLHOUSE_DUCKDB", str(database))
        yield
    DuckDBConnectionManager.close_all_connections()
