"""Queries of the real macros, rendered by dbt for both targets and run on DuckDB and on Google's reference implementation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from tests.warehouse.googlesql.analyzer import Analyzer
from tests.warehouse.googlesql.evaluator import evaluate
from tests.warehouse.small_project import compile_models, write_project

INPUTS = "inputs"
Results = list[str | None]


class BothEngines:
    """Queries over the table ``inputs``: ``case_id`` (int64) and one text column ``<name>_text`` per name.

    A query yields ``case_id`` and ``result``, a text, for every row.
    """

    def __init__(self, folder: Path, queries: Mapping[str, str], names: Sequence[str]) -> None:
        project = write_project(folder / "project", queries)
        self._duckdb_sql = compile_models(project, "duckdb")
        self._google_sql = compile_models(project, "bigquery_offline")
        self._names = tuple(names)
        self._connection = duckdb.connect(config={"threads": 1})
        self._analyzer = Analyzer()

    def run(self, query: str, rows: Sequence[Sequence[object]]) -> tuple[Results, Results]:
        """Results of the rows, in order: DuckDB's and Google's. A row may be shorter than the names; the rest is NULL."""
        cells: list[tuple[str | int | None, ...]] = []
        for number, row in enumerate(rows):
            texts = [None if value is None else str(value) for value in row]
            cells.append((number, *texts, *[None] * (len(self._names) - len(row))))
        columns = {"case_id": "INT64", **{f"{name}_text": "STRING" for name in self._names}}
        arrays = [pa.array(values, pa.string()) for values in list(zip(*cells, strict=True))[1:]]
        self._connection.register(INPUTS, pa.table([pa.array(range(len(rows))), *arrays], list(columns)))
        local = dict(self._connection.execute(self._duckdb_sql[query]).fetchall())
        google = dict(evaluate(self._analyzer, self._google_sql[query], INPUTS, columns, cells))
        return [local[i] for i in range(len(rows))], [google[i] for i in range(len(rows))]
