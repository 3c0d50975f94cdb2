"""What the relations of a DuckDB warehouse hold, as GoogleSQL's tables."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from tests.warehouse.googlesql.analyzer import Columns
from tests.warehouse.googlesql.evaluator import Table

_BIGQUERY_TYPES = {
    "BIGINT": "INT64",
    "BOOLEAN": "BOOL",
    "DATE": "DATE",
    "DECIMAL(38,9)": "NUMERIC",
    "DOUBLE": "FLOAT64",
    "HUGEINT": "BIGNUMERIC",
    "INTEGER": "INT64",
    "TIMESTAMP": "TIMESTAMP",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
    "VARCHAR": "STRING",
}


class Contents:
    """Relations of a DuckDB file by ``schema.name``, tables and views alike. A context; the file is only read."""

    def __init__(self, database: Path) -> None:
        self._connection = duckdb.connect(str(database), read_only=True)
        self._connection.execute("set TimeZone = 'UTC'")
        self.table = cache(self._table)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._connection.close()

    def _table(self, relation: str) -> Table:
        """Raises :class:`KeyError` where there is no such relation."""
        try:
            return self.query(f"select * from {relation}")
        except duckdb.CatalogException as error:
            raise KeyError(f"{relation} is not in the DuckDB warehouse") from error

    def query(self, query: str) -> Table:
        """Columns by their BigQuery types, and rows. Raises :class:`TypeError` where BigQuery has no such type, and
        :class:`OverflowError` where its type does not hold what is in DuckDB's."""
        types: Columns = {}
        values = []
        for name, type_, *_ in self._connection.execute(f"describe {query}").fetchall():
            if type_ not in _BIGQUERY_TYPES:
                raise TypeError(f"column {name} is {type_} on DuckDB: {__name__} has no BigQuery type for it yet")
            types[name] = _BIGQUERY_TYPES[type_]
            # Python takes a time with a zone only by means of another package: here all are UTC.
            values.append(f'cast("{name}" as timestamp)' if types[name] == "TIMESTAMP" else f'"{name}"')
        rows: list[tuple[Any, ...]] = self._connection.execute(f"select {', '.join(values)} from ({query})").fetchall()
        return Table.of(types, rows)
