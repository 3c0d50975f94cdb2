"""Run queries in Google's reference implementation, with its exact BIGNUMERIC."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from google.protobuf import empty_pb2
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2

from tests.warehouse.googlesql.analyzer import Analyzer, Columns, build_catalog
from tests.warehouse.googlesql.column_types import parse_type
from tests.warehouse.googlesql.script import Declaration
from tests.warehouse.googlesql.values import decode, table_content

# The evaluator takes contents of tables at the root of a catalog only: there the whole path is the name.
PATH = re.compile(r"`([\w-]+)`\.`(\w+)`\.`(\w+)`")
"""``project``.``dataset``.``table``, each within backticks, as dbt writes it."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table's columns (canonical types by name) and its rows, as GoogleSQL's ``TableContent``."""

    columns: Columns
    content: Any

    @classmethod
    def of(cls, columns: Columns, rows: Sequence[Sequence[Any]]) -> Table:
        """Raises :class:`OverflowError` for a number that BigQuery's type does not hold."""
        return cls(columns, table_content(columns, rows))


@dataclass(frozen=True, slots=True)
class Variable:
    """A script variable: its type, and its value as GoogleSQL's message."""

    type: str
    value: Any


NO_VARIABLES: Mapping[str, Variable] = MappingProxyType({})


class Evaluator:
    """Queries over fixed tables: names as queries write them, or ``project.dataset.table`` for those written with backticks.

    Tables are handed over once, so that a query costs what it computes. :meth:`close` frees them.
    """

    def __init__(self, analyzer: Analyzer, tables: Mapping[str, Table]) -> None:
        self._analyzer = analyzer
        request = local_service_pb2.RegisterCatalogRequest()
        columns = {name.lower(): table.columns for name, table in tables.items()}
        request.simple_catalog.CopyFrom(build_catalog([(name,) for name in tables], columns.get, {}))
        for name, table in tables.items():
            request.table_content[name].CopyFrom(table.content)
        response = analyzer.engine.call("RegisterCatalog", request, local_service_pb2.RegisterResponse)
        self._catalog: int = response.registered_id

    def rows(self, query: str, variables: Mapping[str, Variable] = NO_VARIABLES) -> list[Any]:
        """Rows as GoogleSQL's messages, in no order unless the query has one. ``variables`` are a script's.

        Raises :class:`GoogleSqlError` where BigQuery would fail, at run time included.
        """
        request = local_service_pb2.EvaluateQueryRequest(registered_catalog_id=self._catalog)
        request.options.CopyFrom(self._analyzer.options)
        query = PATH.sub(r"`\1.\2.\3`", query)
        for name, variable in variables.items():
            # The evaluator knows parameters, no variables.
            query = re.sub(rf"(?<![\w.`@]){name}(?![\w`])", f"@{name}", query)
            request.options.query_parameters.add(name=name).type.CopyFrom(parse_type(variable.type))
            request.params.add(name=name).value.CopyFrom(variable.value)
        request.sql = query
        response = self._analyzer.engine.call("EvaluateQuery", request, local_service_pb2.EvaluateQueryResponse)
        return list(response.content.table_data.row)

    def variables(self, declarations: Iterable[Declaration]) -> dict[str, Variable]:
        """Values of a script's variables, each of which may read tables and the variables before it."""
        found: dict[str, Variable] = {}
        for declaration in declarations:
            # The branch never taken lends its type, as a declaration does.
            value = f"if(false, cast(null as {declaration.type}), ({declaration.default or 'null'}))"
            ((cell,),) = (row.cell for row in self.rows(f"select {value}", found))
            found |= dict.fromkeys(declaration.names, Variable(declaration.type, cell))
        return found

    def close(self) -> None:
        request = local_service_pb2.UnregisterRequest(registered_id=self._catalog)
        self._analyzer.engine.call("UnregisterCatalog", request, empty_pb2.Empty)


def evaluate(
    analyzer: Analyzer, query: str, table: str, columns: Columns, rows: Sequence[Sequence[Any]]
) -> list[tuple[Any, ...]]:
    """Rows of a query over one table. Raises :class:`GoogleSqlError` where BigQuery would fail."""
    with closing(Evaluator(analyzer, {table: Table.of(columns, rows)})) as evaluator:
        return [tuple(decode(cell) for cell in row.cell) for row in evaluator.rows(query)]
