"""Sizes that BigQuery refuses: https://cloud.google.com/bigquery/quotas#query_jobs, #all_tables and #view_limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.warehouse.googlesql.tree import field_of
from tests.warehouse.offline_bigquery.lint.sent import Sent
from tests.warehouse.offline_bigquery.relation import View, direct_reads

LONGEST_JOB = 1024 * 1024
LONGEST_VIEW = 256 * 1024
LONGEST_EXPANDED = 12 * 1024 * 1024
MOST_TABLES = 1_000
DEEPEST_VIEW = 16
DEEPEST_QUERIED = 15
"""One more can be created, but not queried."""
LONGEST_COLUMN = 300
LONGEST_TABLE = 1_024
MOST_COLUMNS = 10_000
_RESERVED = (
    *("_table_", "_file_", "_partition", "_row_timestamp", "__root__", "_colidentifier"),
    *("_change_sequence_number", "_change_type", "_change_timestamp"),
)


def statement_length(sent: Sent) -> Iterator[str]:
    """The text of its job with all comments, of the view that it defines, and with the views that it reads."""
    length = len(sent.script.encode())
    if length > LONGEST_JOB:
        yield f"its job has {length:,} bytes, BigQuery takes {LONGEST_JOB:,}: store a part as a table"
    if sent.creates_view:
        around = len(sent.statement.text) - len(field_of(sent.tree, "sql"))
        defining = len(sent.script) - around
        if defining > LONGEST_VIEW:
            yield f"the view's query has {defining:,} characters, BigQuery takes {LONGEST_VIEW:,}: store a part as a table"
    expanded = length + sum(view.length * count for view, count in _views(sent, _references(sent)))
    if expanded > LONGEST_EXPANDED:
        yield f"with its views it has {expanded:,} bytes, BigQuery takes {LONGEST_EXPANDED:,}: store a view as a table"


def referenced_tables(sent: Sent) -> Iterator[str]:
    """Tables and views that it reads, views expanded."""
    count = len(_references(sent))
    if count > MOST_TABLES:
        yield f"it reads {count:,} tables and views, BigQuery takes {MOST_TABLES:,}: store a part as a table"


def view_depth(sent: Sent) -> Iterator[str]:
    """Views upon views."""
    depth = _depth(sent, direct_reads(sent.tree)) + sent.creates_view
    most = DEEPEST_VIEW if sent.creates_view else DEEPEST_QUERIED
    if depth > most:
        yield f"{depth} views lie upon each other, BigQuery takes {most}: store one of them as a table"


def identifiers(sent: Sent) -> Iterator[str]:
    """Names and number of the columns that it creates."""
    if not sent.creates_table and not sent.creates_view:
        return
    if len(sent.statement.target.rsplit(".", 1)[-1].encode()) > LONGEST_TABLE:
        yield f"the name has more than {LONGEST_TABLE:,} bytes: shorten it"
    if len(sent.statement.columns) > MOST_COLUMNS:
        yield f"it has {len(sent.statement.columns):,} columns, BigQuery takes {MOST_COLUMNS:,}"
    for name in sent.statement.columns:
        if len(name) > LONGEST_COLUMN:
            yield f"the column name {name[:40]}… has {len(name)} characters, BigQuery takes {LONGEST_COLUMN}"
        if name.lower().startswith(_RESERVED):
            yield f"column {name}: BigQuery reserves names that start with {', '.join(_RESERVED)}: rename it"


def _references(sent: Sent) -> Counter[str]:
    """How often each table and view is read, views expanded."""
    total: Counter[str] = Counter()
    todo = direct_reads(sent.tree)
    while todo:
        path, count = todo.popitem()
        total[path] += count
        for view, times in _views(sent, Counter({path: count})):
            todo.update({below: number * times for below, number in view.reads.items()})
    return total


def _depth(sent: Sent, reads: Counter[str]) -> int:
    return max((1 + _depth(sent, view.reads) for view, _ in _views(sent, reads)), default=0)


def _views(sent: Sent, reads: Counter[str]) -> Iterator[tuple[View, int]]:
    """The views among what is read, and how often."""
    for path, count in reads.items():
        relation = sent.relations.get(path)
        if relation is not None and relation.view is not None:
            yield relation.view, count
