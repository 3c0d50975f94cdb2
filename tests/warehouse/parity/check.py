"""Evaluate every model and data test as BigQuery would, and compare with a DuckDB build."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.warehouse.googlesql.analyzer import Analyzer
from tests.warehouse.googlesql.engine import GoogleSqlError
from tests.warehouse.googlesql.evaluator import PATH, Evaluator, Table
from tests.warehouse.parity.compare import compare
from tests.warehouse.parity.contents import Contents
from tests.warehouse.parity.dirt import dirty_logs, never_built, never_logged
from tests.warehouse.parity.statements import DataTest, Model, Replacement, Statements

_SHOWN = 5


@dataclass
class Report:
    """What was compared, and where the engines differ (one line each, the model's name first)."""

    problems: list[str] = field(default_factory=list)
    equal: dict[str, int] = field(default_factory=dict)
    """Rows by model, of models with rows that are the same on both engines."""
    empty: set[str] = field(default_factory=set)
    """Models without a row on either engine, which proves nothing but that they run."""
    rebuilt: dict[str, int] = field(default_factory=dict)
    """Rows that an incremental build writes, by model, of models that it leaves equal to DuckDB's."""
    not_rebuilt: set[str] = field(default_factory=set)
    """Models of whose rows an incremental build writes none."""
    tests: int = 0
    """Data tests that find no fault on either engine."""
    cells: int = 0
    """Cells compared, of full builds."""
    columns_without_value: int = 0
    """Columns that are NULL in every row."""

    def summary(self) -> str:
        verdict = f"{len(self.problems)} problems" if self.problems else "no problem"
        return (
            f"BigQuery parity: {len(self.equal)} models equal DuckDB's ({sum(self.equal.values()):,} rows, "
            f"{self.cells:,} cells, {self.columns_without_value} columns all NULL), {len(self.empty)} are empty on both; "
            f"{len(self.rebuilt)} equal again after an incremental build ({sum(self.rebuilt.values()):,} rows), "
            f"{len(self.not_rebuilt)} with nothing to write; {self.tests} data tests pass; {verdict}"
        )


def check_parity(database: Path, statements: Statements) -> Report:
    """Compare a DuckDB warehouse with what a project's statements for BigQuery yield on its contents.

    It was built once, from the project as it stands, and no data test failed.
    """
    with Contents(database) as contents:
        check = _Check(contents, statements)
        check.full_builds()
        check.incremental_builds()
        return check.report


class _Check:
    def __init__(self, contents: Contents, statements: Statements) -> None:
        self.report = Report()
        self._contents = contents
        self._statements = statements
        self._analyzer = Analyzer()

    def full_builds(self) -> None:
        models, tests = self._statements.models, self._statements.tests
        with self._evaluator([*(model.query for model in models), *(test.query for test in tests)], {}) as evaluator:
            for model in models:
                self._full(model, evaluator)
            for test in tests:
                self._test(test, evaluator)

    def incremental_builds(self) -> None:
        incremental = {model: model.replacement for model in self._statements.models if model.replacement is not None}
        dated = {model: replacement for model, replacement in incremental.items() if replacement.declarations}
        sound = [model.relation for model in dated if model.name in self.report.equal]
        if sound:
            self._rebuild(dated, dirty_logs(self._contents, sound))
        if idle := self._idle(dated):
            self._rebuild(idle, never_built(self._contents))
        for model, replacement in self._idle(dated).items():
            # What adds rows of loads that it does not have adds all of them when it has none.
            nothing = {model.relation: Table.of(self._contents.table(model.relation).columns, [])}
            self._rebuild({model: replacement}, never_built(self._contents) | nothing)
        for model in incremental.keys() - dated.keys():
            # A log of changes gets what it lacks: all of it, when it is empty.
            replacement = incremental[model]
            with self._evaluator(replacement.texts, never_logged(self._contents, model.relation)) as evaluator:
                self._incremental(model, replacement, evaluator)

    def _idle(self, replacements: Mapping[Model, Replacement]) -> dict[Model, Replacement]:
        return {model: r for model, r in replacements.items() if model.name in self.report.not_rebuilt}

    def _rebuild(self, replacements: Mapping[Model, Replacement], dirt: Mapping[str, Table]) -> None:
        with self._evaluator([text for r in replacements.values() for text in r.texts], dirt) as evaluator:
            for model, replacement in replacements.items():
                self._incremental(model, replacement, evaluator)

    def _evaluator(self, queries: Iterable[str], instead: Mapping[str, Table]) -> closing[Evaluator]:
        """Of the tables that queries read; some have other contents ``instead``, by ``schema.name``."""
        names = {match.group().replace("`", "") for query in queries for match in PATH.finditer(query)}
        tables = {}
        for name in sorted(names):
            relation = name.split(".", 1)[1]
            # What BigQuery cannot hold is reported where the model is compared; who reads it finds no table.
            with suppress(OverflowError):
                tables[name] = instead[relation] if relation in instead else self._contents.table(relation)
        return closing(Evaluator(self._analyzer, tables))

    def _full(self, model: Model, evaluator: Evaluator) -> None:
        try:
            expected = self._contents.table(model.relation)
            found = evaluator.rows(f"select {_list(expected)} from ({model.query}\n)")
        except (GoogleSqlError, OverflowError) as error:
            self.report.problems.append(f"{model.name}: {error}")
            return
        if not self._is_equal(model.name, model, found):
            return
        rows = expected.content.table_data.row
        if not rows:
            self.report.empty.add(model.name)
            return
        self.report.equal[model.name] = len(rows)
        self.report.cells += len(rows) * len(expected.columns)
        with_value = {position for row in rows for position, cell in enumerate(row.cell) if cell.WhichOneof("value")}
        self.report.columns_without_value += len(expected.columns) - len(with_value)

    def _incremental(self, model: Model, replacement: Replacement, evaluator: Evaluator) -> None:
        """Rebuild what is dirty in a table that is as it should be: it must come out the same."""
        label = f"{model.name} (incremental)"
        try:
            columns = _list(self._contents.table(model.relation))
            variables = evaluator.variables(replacement.declarations)
            written = evaluator.rows(f"select {columns} from ({replacement.source}\n)", variables)
            kept = evaluator.rows(
                f"select {columns} from {replacement.target} as DBT_INTERNAL_DEST "
                f"where ({replacement.replaced}) is not true",
                variables,
            )
        except (GoogleSqlError, OverflowError) as error:
            self.report.problems.append(f"{label}: {error}")
            return
        if not self._is_equal(label, model, [*kept, *written]):
            return
        if written:
            self.report.rebuilt[model.name] = len(written)
            self.report.not_rebuilt.discard(model.name)
        else:
            self.report.not_rebuilt.add(model.name)

    def _test(self, test: DataTest, evaluator: Evaluator) -> None:
        try:
            failures = len(evaluator.rows(test.query))
        except GoogleSqlError as error:
            self.report.problems.append(f"{test.name}: {error}")
            return
        if failures:
            self.report.problems.append(f"{test.name}: {failures} rows fail on BigQuery, none on DuckDB")
        else:
            self.report.tests += 1

    def _is_equal(self, label: str, model: Model, found: Sequence[Any]) -> bool:
        """Whether rows are those of the model on DuckDB; reports where not."""
        expected = self._contents.table(model.relation)
        differences = compare(list(expected.columns), model.key, expected.content.table_data.row, found)
        self.report.problems += [f"{label}: {difference}" for difference in differences[:_SHOWN]]
        if len(differences) > _SHOWN:
            self.report.problems.append(f"{label}: {len(differences) - _SHOWN} more differences")
        return not differences


def _list(table: Table) -> str:
    return ", ".join(f"`{name}`" for name in table.columns)
