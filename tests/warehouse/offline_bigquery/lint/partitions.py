"""PARTITION BY: what it may be made of, and how many partitions come of it.

https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language#partition_expression
https://cloud.google.com/bigquery/quotas#partitioned_tables
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date
from typing import Any

from zetasql.wasi._pb2.zetasql.public.functions import datetime_pb2

from tests.warehouse.googlesql.column_types import type_name
from tests.warehouse.googlesql.tree import arguments, field_of, function_name, kind_of, unwrap, walk
from tests.warehouse.offline_bigquery.lint.sent import Sent

HISTORY = (date(2015, 7, 30), date(2035, 12, 31))
"""Days that a table may come to hold: Ethereum's genesis to the end of 2035."""
ONE_BUILD = (date(2020, 5, 4), date(2030, 12, 31))
"""Days that one full build may come to write: Uniswap V2's first day to the end of 2030."""
MOST_PER_TABLE = 10_000
MOST_PER_JOB = 4_000

_DEFAULT_STEP = 1
_GRANULARITIES = {
    "timestamp_trunc": ("HOUR", "DAY", "MONTH", "YEAR"),
    "datetime_trunc": ("HOUR", "DAY", "MONTH", "YEAR"),
    "date_trunc": ("MONTH", "YEAR"),
}
_FORMS = (
    "a DATE column, date(<timestamp or datetime>), timestamp_trunc or datetime_trunc to HOUR, DAY, MONTH or YEAR, "
    "date_trunc to MONTH or YEAR, or range_bucket(<int64>, generate_array(<start>, <end>[, <step>]))"
)


def partition_expression(sent: Sent) -> Iterator[str]:
    """One expression, of a form and granularity that BigQuery takes."""
    expressions = _partition_by(sent)
    if len(expressions) > 1:
        yield f"PARTITION BY has {len(expressions)} expressions: keep one and cluster by the others"
    for expression in expressions:
        if _granularity(expression) is None and _range_size(expression) is None:
            yield f"PARTITION BY takes {_FORMS}; this is {_described(expression)}"


def partitions_per_table(sent: Sent) -> Iterator[str]:
    """What it comes to over the stated history is within the limit of a table."""
    yield from _too_many(sent, HISTORY, MOST_PER_TABLE, "a table")


def partitions_per_job(sent: Sent) -> Iterator[str]:
    """What one full build writes is within the limit of a job. How much of a range of integers it writes is unknown."""
    if sent.statement.kind == "create_table_as_select" and any(map(_granularity, _partition_by(sent))):
        yield from _too_many(sent, ONE_BUILD, MOST_PER_JOB, "a job")


def partition_column(tree: Any) -> str:
    """The column by whose days, or numbers, a CREATE TABLE partitions; empty if none. Months are of what is read whole."""
    columns = (
        node
        for by in field_of(tree, "partition_by_list") or ()
        if _granularity(unwrap(by)) != "MONTH"
        for node in walk(by)
        if kind_of(node) == "ColumnRef"
    )
    return next((str(reference.column.name) for reference in columns), "")


def _partition_by(sent: Sent) -> list[Any]:
    if not sent.creates_table:
        return []
    return [unwrap(expression) for expression in field_of(sent.tree, "partition_by_list") or ()]


def _too_many(sent: Sent, period: tuple[date, date], most: int, owner: str) -> Iterator[str]:
    first, last = period
    days = (last - first).days + 1
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    counts = {"HOUR": days * 24, "DAY": days, "MONTH": months, "YEAR": last.year - first.year + 1}
    for expression in _partition_by(sent):
        granularity, size = _granularity(expression), _range_size(expression)
        count = counts[granularity] if granularity else size or 0
        if count > most:
            span = f"{first} to {last}" if granularity else "its range"
            yield (
                f"{span} makes {count:,} partitions, {owner} may have {most:,}: "
                "partition by a coarser unit and cluster by the time"
            )


def _granularity(expression: Any) -> str | None:
    """HOUR, DAY, MONTH or YEAR of a form that BigQuery takes."""
    if _is_column(expression, "DATE"):
        return "DAY"
    name, operands = function_name(expression), arguments(expression)
    if name == "date" and len(operands) == 1 and _is_column(operands[0], "TIMESTAMP", "DATETIME"):
        return "DAY"
    if name in _GRANULARITIES and len(operands) == 2 and _is_column(operands[0], name.removesuffix("_trunc").upper()):
        part = _date_part(operands[1])
        return part if part in _GRANULARITIES[name] else None
    return None


def _range_size(expression: Any) -> int | None:
    operands = arguments(expression)
    if function_name(expression) != "range_bucket" or not _is_column(operands[0], "INT64"):
        return None
    bounds = arguments(operands[1]) if function_name(operands[1]) == "generate_array" else []
    if not bounds or any(kind_of(bound) != "Literal" for bound in bounds):
        return None
    start, end, step = [*(bound.value.value.int64_value for bound in bounds), _DEFAULT_STEP][:3]
    return math.ceil((end - start) / step) if step > 0 else None


def _is_column(expression: Any, *types: str) -> bool:
    return kind_of(expression) == "ColumnRef" and type_name(expression.column.type) in types


def _date_part(literal: Any) -> str:
    """Name of the date part that a literal of GoogleSQL's enumeration is."""
    return str(datetime_pb2.DateTimestampPart.Name(literal.value.value.enum_value))


def _described(expression: Any) -> str:
    if kind_of(expression) == "ColumnRef":
        return f"the {type_name(expression.column.type)} column {expression.column.name}"
    operands = arguments(expression)
    parts = [o.column.name if kind_of(o) == "ColumnRef" else _literal(o) for o in operands]
    return f"{function_name(expression) or kind_of(expression)}({', '.join(parts)})"


def _literal(node: Any) -> str:
    if kind_of(node) == "Literal" and node.value.value.WhichOneof("value") == "enum_value":
        return _date_part(node)
    return "…"
