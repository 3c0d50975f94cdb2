"""Run queries in Google's reference implementation, with its exact BIGNUMERIC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2
from zetasql.wasi._pb2.zetasql.public import value_pb2

from tests.warehouse.googlesql.analyzer import Analyzer, Columns, build_catalog

Cell = str | int | None
"""A STRING or INT64 value."""
Given = Cell | Sequence[str]
"""What a table may hold: such a value, or an ARRAY<STRING>."""


def evaluate(
    analyzer: Analyzer, query: str, table: str, columns: Columns, rows: Sequence[Sequence[Given]]
) -> list[Any]:
    """Rows of a query over one table of STRING, INT64 and ARRAY<STRING> columns; only the former two may come out.

    Raises :class:`GoogleSqlError` where BigQuery would fail, at run time included.
    """
    request = local_service_pb2.EvaluateQueryRequest(sql=query)
    request.options.CopyFrom(analyzer.options)
    request.simple_catalog.CopyFrom(build_catalog([(table,)], {table: columns}.get, {}))
    content = request.table_content[table].table_data
    for row in rows:
        content.row.add().cell.extend(_encode(cell) for cell in row)
    response = analyzer.engine.call("EvaluateQuery", request, local_service_pb2.EvaluateQueryResponse)
    return [tuple(_decode(cell) for cell in row.cell) for row in response.content.table_data.row]


def _encode(cell: Given) -> Any:
    if cell is None:
        return value_pb2.ValueProto()
    if isinstance(cell, Sequence) and not isinstance(cell, str):
        array = value_pb2.ValueProto()
        array.array_value.SetInParent()
        array.array_value.element.extend(_encode(element) for element in cell)
        return array
    return value_pb2.ValueProto(string_value=cell) if isinstance(cell, str) else value_pb2.ValueProto(int64_value=cell)


def _decode(cell: Any) -> Cell:
    kind = cell.WhichOneof("value")
    if kind not in (None, "string_value", "int64_value"):
        raise TypeError(f"a {kind} came out: cast it to string in the query")
    return None if kind is None else getattr(cell, kind)
