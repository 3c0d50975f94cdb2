"""Whether a span of time can hold rows that satisfy a constant filter, as BigQuery decides it for partitions and blocks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from sqlglot import exp

Value = date | datetime | tuple[date, ...]
Variables = Mapping[str, Value]
"""Script variables by name, in lower case."""

_UNITS = {"DAY": "days", "HOUR": "hours", "MINUTE": "minutes", "SECOND": "seconds", "WEEK": "weeks"}
_ADDING = (exp.DateAdd, exp.TimestampAdd, exp.TsOrDsAdd)
_SUBTRACTING = (exp.DateSub, exp.TimestampSub)
_SHAPING = (exp.Paren, exp.Cast, exp.Date, exp.TsOrDsToDate, exp.Timestamp, exp.TimestampTrunc, exp.DateTrunc)


class _Opaque(Exception):
    """Nothing that pruning understands."""


def may_match(condition: exp.Expr, first: datetime, last: datetime, variables: Variables) -> bool:
    """Whether the one column of ``condition`` can satisfy it with a value from ``first`` to ``last``, both included.

    A condition that cannot be judged prunes nothing.
    """
    try:
        return _may_match(condition, first, last, variables)
    except _Opaque:
        return True


def is_understood(condition: exp.Expr, variables: Variables) -> bool:
    """Whether pruning can judge the condition at all, for a column of time."""
    try:
        _may_match(condition, datetime(2000, 1, 1, tzinfo=UTC), datetime(2000, 1, 2, tzinfo=UTC), variables)
    except _Opaque:
        return False
    return True


def _may_match(condition: exp.Expr, first: datetime, last: datetime, variables: Variables) -> bool:
    if isinstance(condition, exp.Paren):
        return _may_match(condition.this, first, last, variables)
    if isinstance(condition, exp.And):
        return all(_may_match(side, first, last, variables) for side in (condition.this, condition.expression))
    if isinstance(condition, exp.Or):
        return any(_may_match(side, first, last, variables) for side in (condition.this, condition.expression))
    if isinstance(condition, exp.Between):
        low, high = _span(condition.this, first, last, variables)
        return high >= _constant(condition.args["low"], variables) and low <= _constant(
            condition.args["high"], variables
        )
    if isinstance(condition, exp.In):
        low, high = _span(condition.this, first, last, variables)
        return any(low <= value <= high for value in _members(condition, variables))
    if isinstance(condition, exp.EQ | exp.GT | exp.GTE | exp.LT | exp.LTE):
        return _compare(condition, first, last, variables)
    raise _Opaque


def _compare(condition: exp.Binary, first: datetime, last: datetime, variables: Variables) -> bool:
    flipped = {exp.GT: exp.LT, exp.GTE: exp.LTE, exp.LT: exp.GT, exp.LTE: exp.GTE, exp.EQ: exp.EQ}
    kind = type(condition)
    side, other = condition.this, condition.expression
    if not _has_column(side, variables):
        side, other, kind = other, side, flipped[kind]
    low, high = _span(side, first, last, variables)
    value = _constant(other, variables)
    if kind is exp.EQ:
        return low <= value <= high
    if kind is exp.GT:
        return high > value
    if kind is exp.GTE:
        return high >= value
    return low < value if kind is exp.LT else low <= value


def _has_column(expression: exp.Expr, variables: Variables) -> bool:
    return any(isinstance(node, exp.Column) and node.name.lower() not in variables for node in expression.walk())


def _span(expression: exp.Expr, first: datetime, last: datetime, variables: Variables) -> tuple[datetime, datetime]:
    """Least and greatest value of a monotone expression of the column."""
    return _value(expression, first, variables), _value(expression, last, variables)


def _members(condition: exp.In, variables: Variables) -> list[datetime]:
    unnest = condition.args.get("unnest")
    if unnest is None:
        return [_constant(item, variables) for item in condition.expressions]
    (array,) = unnest.expressions
    values = variables.get(array.name.lower()) if isinstance(array, exp.Column) and not array.table else None
    if values is None or isinstance(values, date):
        raise _Opaque
    return [_moment(value) for value in values]


def _constant(expression: exp.Expr, variables: Variables) -> datetime:
    return _value(expression, None, variables)


def _value(expression: exp.Expr, column: datetime | None, variables: Variables) -> datetime:
    if isinstance(expression, exp.Column):
        value = None if expression.table else variables.get(expression.name.lower(), column)
        if not isinstance(value, date):
            raise _Opaque
        return _moment(value)
    if isinstance(expression, exp.Literal):
        return _literal(expression)
    if not isinstance(expression, _ADDING + _SUBTRACTING + _SHAPING):
        raise _Opaque
    value = _value(expression.this, column, variables)
    if isinstance(expression, _ADDING + _SUBTRACTING):
        shift = _interval(expression.expression, expression.args.get("unit"))
        try:
            return value + shift if isinstance(expression, _ADDING) else value - shift
        except OverflowError:
            raise _Opaque from None
    if isinstance(expression, exp.TimestampTrunc | exp.DateTrunc):
        return _truncated(value, expression.args["unit"].name)
    is_date = isinstance(expression, exp.Date | exp.TsOrDsToDate) or (
        isinstance(expression, exp.Cast) and expression.to.this is exp.DataType.Type.DATE
    )
    return _day(value) if is_date else value


def _literal(expression: exp.Literal) -> datetime:
    try:
        return _moment(datetime.fromisoformat(expression.name))
    except ValueError:
        raise _Opaque from None


def _interval(expression: exp.Expr, unit: exp.Expr | None) -> timedelta:
    if isinstance(expression, exp.Interval):
        expression, unit = expression.this, expression.args.get("unit")
    negative = isinstance(expression, exp.Neg)
    number = expression.this if negative else expression
    if not isinstance(number, exp.Literal) or unit is None or unit.name.upper() not in _UNITS:
        raise _Opaque
    amount = int(number.name)
    return timedelta(**{_UNITS[unit.name.upper()]: -amount if negative else amount})


def _moment(value: date) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime(value.year, value.month, value.day, tzinfo=UTC)


def _day(value: datetime) -> datetime:
    return value.replace(hour=0, minute=0, second=0, microsecond=0)


def _truncated(value: datetime, unit: str) -> datetime:
    if unit.upper() == "HOUR":
        return value.replace(minute=0, second=0, microsecond=0)
    if unit.upper() == "DAY":
        return _day(value)
    if unit.upper() == "MONTH":
        return _day(value).replace(day=1)
    raise _Opaque
