"""Joins and subqueries that the analyzer resolves and BigQuery's planner refuses.

https://cloud.google.com/bigquery/docs/reference/standard-sql/subqueries#correlated_subquery_concepts
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from zetasql.wasi._pb2.zetasql.resolved_ast.resolved_ast_enums_pb2 import (
    ResolvedJoinScanEnums,
    ResolvedSubqueryExprEnums,
)

from tests.warehouse.googlesql.tree import (
    arguments,
    column_ids,
    conjuncts,
    field_of,
    function_name,
    has,
    kind_of,
    unwrap,
    walk,
)
from tests.warehouse.offline_bigquery.lint.sent import Sent

_JOINS = {ResolvedJoinScanEnums.JoinType.Value(name): name for name in ("LEFT", "RIGHT", "FULL")}
_SEMI_JOINS = {ResolvedSubqueryExprEnums.SubqueryType.Value(name) for name in ("EXISTS", "IN")}
_READS = ("TableScan", "WithRefScan")
_BAD_ANCESTORS = ("LimitOffsetScan", "OrderByScan", "AnalyticScan")


def outer_join_equality(sent: Sent) -> Iterator[str]:
    """LEFT, RIGHT and FULL joins compare a field of one side with a field of the other by equality."""
    for join in sent.nodes["JoinScan"]:
        if join.join_type not in _JOINS or join.is_lateral:
            continue
        left = {column.column_id for column in field_of(unwrap(join.left_scan), "column_list")}
        right = {column.column_id for column in field_of(unwrap(join.right_scan), "column_list")}
        if not (has(join, "join_expr") and any(_equates(c, left, right) for c in conjuncts(join.join_expr))):
            yield (
                f"a {_JOINS[join.join_type]} JOIN without an equality of a field of each side (BigQuery cannot run it): "
                "add the equality of a key, or join INNER and unite the rest"
            )


def correlated_subquery(sent: Sent) -> Iterator[str]:
    """Subqueries that read tables and refer to the query around them, in a form that can become a join."""
    for subquery in sent.nodes["SubqueryExpr"]:
        body = list(walk(subquery.subquery))
        outer = {reference.column.column_id for reference in subquery.parameter_list}
        if not outer or not any(kind_of(node) in _READS for node in body):
            continue
        reason = _not_a_join(subquery, body, outer)
        if reason:
            yield f"a correlated subquery {reason}: BigQuery cannot turn it into a join; write the join"


def _not_a_join(subquery: Any, body: list[Any], outer: set[int]) -> str:
    if any(
        _refers_out(node, outer) for inner in body if kind_of(inner) == "SubqueryExpr" for node in inner.parameter_list
    ):
        return "refers to a query two levels up"
    if any(kind_of(node) in _BAD_ANCESTORS and _correlated(node, outer) for node in body):
        return "has ORDER BY, LIMIT or a window function"
    filters = [condition for node in body if kind_of(node) == "FilterScan" for condition in conjuncts(node.filter_expr)]
    correlated = [condition for condition in filters if _correlated(condition, outer)]
    equalities = [condition for condition in correlated if _is_equality(condition, outer)]
    in_filters = sum(_count(condition, outer) for condition in correlated)
    if in_filters < sum(_refers_out(node, outer) for node in body):
        return "refers to the outer query elsewhere than in WHERE"
    if subquery.subquery_type in _SEMI_JOINS:
        return "" if equalities or _is_in(subquery) else "compares with the outer query without any equality"
    return "" if len(equalities) == len(correlated) else "compares with the outer query by more than equality"


def _equates(condition: Any, left: set[int], right: set[int]) -> bool:
    if function_name(condition) != "$equal":
        return False
    first, second = (column_ids(operand) for operand in arguments(condition))
    return bool(first and second) and ((first <= left and second <= right) or (first <= right and second <= left))


def _is_equality(condition: Any, outer: set[int]) -> bool:
    """``inner = outer``, each side of columns of one query alone."""
    if function_name(condition) != "$equal":
        return False
    sides = [column_ids(operand) for operand in arguments(condition)]
    return any(a and b and a <= outer and not b & outer for a, b in (sides, sides[::-1]))


def _is_in(subquery: Any) -> bool:
    return has(subquery, "in_expr")


def _correlated(node: Any, outer: set[int]) -> bool:
    return _count(node, outer) > 0


def _count(node: Any, outer: set[int]) -> int:
    return sum(_refers_out(below, outer) for below in walk(node))


def _refers_out(node: Any, outer: set[int]) -> bool:
    return kind_of(node) == "ColumnRef" and node.is_correlated and node.column.column_id in outer
