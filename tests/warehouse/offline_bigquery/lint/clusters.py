"""CLUSTER BY: https://cloud.google.com/bigquery/docs/clustered-tables#limitations."""

from __future__ import annotations

from collections.abc import Iterator

from tests.warehouse.googlesql.column_types import type_name
from tests.warehouse.googlesql.tree import field_of, kind_of, unwrap
from tests.warehouse.offline_bigquery.lint.sent import Sent

MOST = 4
_TYPES = ("BIGNUMERIC", "BOOL", "DATE", "DATETIME", "GEOGRAPHY", "INT64", "NUMERIC", "RANGE", "STRING", "TIMESTAMP")


def cluster_columns(sent: Sent) -> Iterator[str]:
    """At most four columns of the table itself, each once, each of a type that can be clustered."""
    if not sent.creates_table:
        return
    expressions = [unwrap(expression) for expression in field_of(sent.tree, "cluster_by_list") or ()]
    if len(expressions) > MOST:
        yield f"CLUSTER BY has {len(expressions)} columns, BigQuery takes {MOST}: keep those that readers filter by"
    seen: set[int] = set()
    for expression in expressions:
        if kind_of(expression) != "ColumnRef":
            yield "CLUSTER BY takes columns of the table, no expressions or fields: make it a column"
            continue
        column, type_ = expression.column, type_name(expression.column.type)
        if type_ not in _TYPES:
            yield f"CLUSTER BY {column.name}: a {type_} cannot be clustered by: choose another column"
        if column.column_id in seen:
            yield f"CLUSTER BY names {column.name} twice: drop one"
        seen.add(column.column_id)
