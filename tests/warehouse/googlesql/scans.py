"""Which tables a resolved statement reads, and which of their columns a constant condition limits.

BigQuery skips partitions only where a condition on the partition column is known before the query runs: made of
literals, script variables and functions of them, never of a subquery or of another table's column. Such conditions are
followed from where they stand down to the tables, through views, CTEs, projections, unions, the sides of joins that
keep their meaning, and the keys of GROUP BY and PARTITION BY.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from zetasql.wasi._pb2.zetasql.resolved_ast.resolved_ast_enums_pb2 import ResolvedJoinScanEnums, ResolvedMergeWhenEnums

from tests.warehouse.googlesql.tree import (
    arguments,
    children,
    conjuncts,
    field_of,
    function_name,
    has,
    kind_of,
    unwrap,
    walk,
)

Views = Callable[[str], Any]
"""The resolved query statement of a view (lower-case path), or None for a table."""

_COMPARISONS = {"$equal", "$less", "$less_or_equal", "$greater", "$greater_or_equal", "$between", "$in", "$in_array"}
# A condition on one of these limits the partitions of the timestamp inside.
_TRUNCATIONS = {"date", "timestamp_trunc", "datetime_trunc", "date_trunc", "timestamp", "datetime", "$extract_date"}
_NOT_CONSTANT = {"ColumnRef", "SubqueryExpr"}
_TIMES = {"TYPE_DATE", "TYPE_DATETIME", "TYPE_TIMESTAMP"}
_INNER, _LEFT, _RIGHT, _FULL = (ResolvedJoinScanEnums.JoinType.Value(n) for n in ("INNER", "LEFT", "RIGHT", "FULL"))
_BY_SOURCE = ResolvedMergeWhenEnums.MatchType.Value("NOT_MATCHED_BY_SOURCE")

Limited = frozenset[int]
"""Ids of columns that a constant condition limits."""
_NOTHING: Limited = frozenset()


@dataclass(frozen=True, slots=True)
class Scan:
    """One read of a table, and those of its columns that constants limit."""

    table: str
    limited: frozenset[str]


def scans(statement: Any, views: Views) -> list[Scan]:
    """Every read of a table in a resolved statement; what it changes (MERGE, DELETE, UPDATE) is read as well."""
    return list(_Reader(views).statement(unwrap(statement)))


class _Reader:
    def __init__(self, views: Views) -> None:
        self._views = views
        self._with: dict[str, Any] = {}

    def statement(self, node: Any) -> Iterator[Scan]:
        kind = kind_of(node)
        if kind == "MergeStmt":
            yield from self._merge(node)
        elif kind in ("DeleteStmt", "UpdateStmt"):
            yield from self._scan(node.table_scan, _limited(node.where_expr))
            yield from self._subqueries(node.where_expr)
            if kind == "UpdateStmt" and has(node, "from_scan"):
                yield from self._scan(node.from_scan, _NOTHING)
        elif kind == "InsertStmt":
            if has(node, "query"):
                yield from self._scan(node.query, _NOTHING)
        else:
            query = field_of(node, "query")
            if query is not None and has(node, "query"):
                yield from self._scan(query, _NOTHING)

    def _merge(self, node: Any) -> Iterator[Scan]:
        """The target is read as far as ON allows, and again for what no source row matches."""
        yield from self._scan(node.from_scan, _NOTHING)
        orphans = [when for when in node.when_clause_list if when.match_type == _BY_SOURCE]
        conditions = [_limited(when.match_expr) if has(when, "match_expr") else _NOTHING for when in orphans]
        if not _is_never(node.merge_expr):
            conditions.append(_limited(node.merge_expr))
        if conditions:
            yield from self._scan(node.table_scan, frozenset.intersection(*conditions))

    def _scan(self, node: Any, limited: Limited) -> Iterator[Scan]:
        node = unwrap(node)
        kind = kind_of(node)
        handle = getattr(self, f"_{kind.lower()}", None)
        if handle is not None:
            yield from handle(node, limited)
            return
        for child in children(node):
            yield from self._below(child)

    def _below(self, node: Any) -> Iterator[Scan]:
        """Scans under an expression, or under a scan that no condition passes."""
        if kind_of(node).endswith("Scan"):
            yield from self._scan(node, _NOTHING)
            return
        for child in children(node):
            yield from self._below(child)

    def _subqueries(self, *expressions: Any) -> Iterator[Scan]:
        for expression in expressions:
            yield from self._below(unwrap(expression))

    def _tablescan(self, node: Any, limited: Limited) -> Iterator[Scan]:
        named = frozenset(column.name for column in field_of(node, "column_list") if column.column_id in limited)
        path = node.table.full_name
        view = self._views(path)
        if view is None:
            yield Scan(path, named)
            return
        outputs = field_of(view, "output_column_list")
        inner = frozenset(output.column.column_id for output in outputs if output.name in named)
        yield from _Reader(self._views)._scan(field_of(view, "query"), inner)

    def _filterscan(self, node: Any, limited: Limited) -> Iterator[Scan]:
        if _is_never(node.filter_expr):
            return
        yield from self._scan(node.input_scan, limited | _limited(node.filter_expr))
        yield from self._subqueries(node.filter_expr)

    def _projectscan(self, node: Any, limited: Limited) -> Iterator[Scan]:
        yield from self._scan(node.input_scan, limited | _sources(node.expr_list, limited))
        yield from self._subqueries(*(computed.expr for computed in node.expr_list))

    def _joinscan(self, node: Any, limited: Limited) -> Iterator[Scan]:
        on = _limited(node.join_expr) if has(node, "join_expr") else _NOTHING
        kept = {_INNER: (limited | on, limited | on), _LEFT: (limited, on), _RIGHT: (on, limited)}
        left, right = kept.get(node.join_type, (_NOTHING, _NOTHING))
        yield from self._scan(node.left_scan, left)
        yield from self._scan(node.right_scan, right)
        if has(node, "join_expr"):
            yield from self._subqueries(node.join_expr)

    def _arrayscan(self, node: Any, limited: Limited) -> Iterator[Scan]:
        if has(node, "input_scan"):
            yield from self._scan(node.input_scan, limited)
        yield from self._subqueries(*node.array_expr_list)

    def _setoperationscan(self, node: Any, limited: Limited) -> Iterator[Scan]:
        outputs = [column.column_id in limited for column in field_of(node, "column_list")]
        for item in node.input_item_list:
            pairs = zip(item.output_column_list, outputs, strict=True)
            yield from self._scan(item.scan, frozenset(column.column_id for column, is_limited in pairs if is_limited))

    def _withscan(self, node: Any, limited: Limited) -> Iterator[Scan]:
        self._with |= {entry.with_query_name: unwrap(entry.with_subquery) for entry in node.with_entry_list}
        yield from self._scan(node.query, limited)

    def _withrefscan(self, node: Any, limited: Limited) -> Iterator[Scan]:
        query = self._with[node.with_query_name]
        pairs = zip(field_of(query, "column_list"), field_of(node, "column_list"), strict=True)
        yield from self._scan(query, frozenset(inner.column_id for inner, outer in pairs if outer.column_id in limited))

    def _recursivescan(self, node: Any, limited: Limited) -> Iterator[Scan]:
        yield from self._scan(node.non_recursive_term.scan, _NOTHING)
        yield from self._scan(node.recursive_term.scan, _NOTHING)

    def _aggregatescan(self, node: Any, limited: Limited) -> Iterator[Scan]:
        base = node.parent
        keys = frozenset(key.column.column_id for key in base.group_by_list)
        passing = _NOTHING if base.grouping_set_list else limited & keys
        yield from self._scan(base.input_scan, _sources(base.group_by_list, passing))
        yield from self._subqueries(*(key.expr for key in base.group_by_list), *base.aggregate_list)

    def _analyticscan(self, node: Any, limited: Limited) -> Iterator[Scan]:
        for group in node.function_group_list:
            partition = group.partition_by.partition_by_list if has(group, "partition_by") else ()
            limited &= frozenset(reference.column.column_id for reference in partition)
        yield from self._scan(node.input_scan, limited)

    def _orderbyscan(self, node: Any, limited: Limited) -> Iterator[Scan]:
        yield from self._scan(node.input_scan, limited)


def _is_never(expression: Any) -> bool:
    """Whether it is the literal FALSE, under which nothing is read."""
    literal = unwrap(expression)
    return kind_of(literal) == "Literal" and not literal.value.value.bool_value


def _sources(computed: Any, limited: Limited) -> Limited:
    """The columns behind limited columns that only truncate or rename them."""
    found = ((column.column.column_id, _truncated(column.expr)) for column in computed)
    return frozenset(source for result, source in found if result in limited and source is not None)


def _limited(expression: Any) -> Limited:
    """Columns that an expression, being true, limits by constants."""
    limited: set[int] = set()
    for condition in conjuncts(expression):
        name, operands = function_name(condition), arguments(condition)
        if name == "$or":
            limited |= frozenset.intersection(*(_limited(branch) for branch in operands))
        elif name in _COMPARISONS:
            columns = [(_truncated(operand), position) for position, operand in enumerate(operands)]
            for column, position in columns:
                others = [operand for place, operand in enumerate(operands) if place != position]
                is_alone = position == 0 or name in (
                    "$equal",
                    "$less",
                    "$less_or_equal",
                    "$greater",
                    "$greater_or_equal",
                )
                if column is not None and is_alone and all(map(_is_constant, others)):
                    limited.add(column)
    return frozenset(limited)


def _truncated(expression: Any) -> int | None:
    """The column that an expression is, or cuts to a date, day, month ..."""
    node = unwrap(expression)
    if kind_of(node) == "ColumnRef":
        return None if node.is_correlated else int(node.column.column_id)
    if kind_of(node) == "Cast":
        return _truncated(node.expr) if _is_time(node) else None
    if function_name(node) in _TRUNCATIONS:
        first, *rest = arguments(node)
        return _truncated(first) if all(map(_is_constant, rest)) else None
    return None


def _is_time(node: Any) -> bool:
    kind = field_of(node, "type")
    return (
        kind is not None
        and kind.DESCRIPTOR.fields_by_name["type_kind"].enum_type.values_by_number[kind.type_kind].name in _TIMES
    )


def _is_constant(expression: Any) -> bool:
    return all(kind_of(node) not in _NOT_CONSTANT for node in walk(expression))
