"""A built warehouse in memory: a change of its raw rows is carried through the models, tested, and undone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import duckdb

from loaders.trust.catalogue import load_checks
from tests.warehouse.mutation.project import Node, Project

Change = Callable[[duckdb.DuckDBPyConnection], None]
"""Writes to the raw schema."""

_RESULTS = "int_quality_results"
_INGESTION = ("int_quality_ingestion_", "stg_poolhouse__live_logs", "stg_poolhouse__log_counts")


@dataclass(slots=True)
class Effect:
    """What came of a change."""

    tables: list[str] = field(default_factory=list)
    """Models whose rows are others than before."""
    marts: list[str] = field(default_factory=list)
    """Those of them that readers open, without those about data quality."""
    failed_tests: list[str] = field(default_factory=list)
    """Names of the tests that fail, the checks of the catalogue first."""
    broken: str = ""
    """Name of a model that cannot be built any more, and why."""


class Rebuild:
    """Models are rebuilt by the SQL that dbt ran, parents first, and only below what really changed."""

    def __init__(self, database: Path, project: Project) -> None:
        self.project = project
        self.connection = duckdb.connect(config={"threads": 1})
        self.connection.execute("set TimeZone = 'UTC'")
        name = database.stem
        self.connection.execute(f"attach '{database}' as built (read_only)")
        # Under the file's own name, which the models' SQL carries.
        self.connection.execute(f"attach ':memory:' as {name}")
        self.connection.execute(f"copy from database built to {name}")
        self.connection.execute("detach built")
        self.connection.execute(f"use {name}")
        self._built = {n.id: self._content(n) for n in project.nodes.values() if n.kind == "table"}

    def close(self) -> None:
        self.connection.close()

    def effect(self, change: Change, tables: Collection[str], only_tests: Sequence[str] = ()) -> Effect:
        """Apply a change of the named raw tables, rebuild and test; afterwards everything is as it was.

        With ``only_tests`` nothing is built but what they read, and the first that fails ends it. Without, what only
        counts rows is left out.
        """
        sources = {n.id for n in self.project.nodes.values() if n.kind == "source" and n.name in tables}
        if len(sources) != len(tables):
            raise ValueError(f"one of {tables} is no source")
        effect = Effect()
        with self._undone():
            change(self.connection)
            changed = self._rebuild(sources, self._read_by(only_tests) if only_tests else self._economics, effect)
            for test in [] if effect.broken else self.project.tests:
                is_asked_for = test.name in only_tests if only_tests else test.id in self._economics
                if is_asked_for and not changed.isdisjoint(test.parents) and self._fails(test):
                    effect.failed_tests.append(test.name)
                    if only_tests:
                        break
        return effect

    def failing_tests(self) -> list[str]:
        """Names of the tests that fail on the warehouse as it was built."""
        return [test.name for test in self.project.tests if self._fails(test)]

    @contextmanager
    def _undone(self) -> Iterator[None]:
        self.connection.execute("begin")
        try:
            yield
        finally:
            self.connection.execute("rollback")

    def _rebuild(self, sources: set[str], wanted: Collection[str], effect: Effect) -> set[str]:
        """Rebuild what is wanted; the ids of everything that changed."""
        changed = set(sources)
        for node in self.project.nodes.values():
            if node.id not in wanted or node.kind not in ("table", "view") or changed.isdisjoint(node.parents):
                continue
            if node.kind == "view":
                changed.add(node.id)
                continue
            try:
                self.connection.execute(f"create or replace table {node.relation} as {node.sql}")
            except duckdb.Error as error:
                effect.broken = f"{node.name} ({str(error).splitlines()[0]})"
                return changed
            if self._content(node) != self._built[node.id]:
                changed.add(node.id)
                effect.tables.append(node.name)
                if node.layer == "marts" and not node.is_about_quality:
                    effect.marts.append(node.name)
        return changed

    def _read_by(self, tests: Collection[str]) -> set[str]:
        """Ids of the models that the tests read. The test of a check reads the rows of its check alone: of the models
        whose union the results are, only those that make these rows."""
        check_of = {check.dbt_test: check.check_id for check in load_checks()}
        wanted: set[str] = set()
        for test in self.project.tests:
            if test.name in tests:
                others = self._makers.keys() - {
                    key for key, checks in self._makers.items() if check_of.get(test.name) in checks
                }
                wanted |= self.project.ancestors(test.id, without=others if test.name in check_of else ())
        return wanted

    @cached_property
    def _economics(self) -> set[str]:
        """Ids of all nodes but those that look at every log alike: they count rows, they do not understand them."""
        of_ingestion = {n.id for n in self.project.nodes.values() if n.name.startswith(_INGESTION)}
        counting = {
            n.id for n in self.project.nodes.values() if n.kind == "test" and of_ingestion.issuperset(n.parents)
        }
        return self.project.nodes.keys() - of_ingestion - counting

    @cached_property
    def _makers(self) -> dict[str, set[str]]:
        """By id of each model that is part of the results: the checks it makes."""
        results = next(n for n in self.project.nodes.values() if n.name == _RESULTS)
        return {
            key: {str(check) for (check,) in self._rows(f"select distinct invariant_id from {node.relation}")}
            for key in results.parents
            if (node := self.project.nodes[key])
        }

    def _fails(self, test: Node) -> bool:
        return bool(self._rows(f"select 1 from ({test.sql}) limit 1"))

    def _content(self, node: Node) -> tuple[object, ...]:
        """Row count and a sum of hashes of rows, whatever their order."""
        return self._rows(f"select count(*), sum(cast(hash(rows) as hugeint)) from {node.relation} as rows")[0]

    def _rows(self, query: str) -> list[tuple[object, ...]]:
        return self.connection.execute(query).fetchall()
