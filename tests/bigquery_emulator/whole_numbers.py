"""BIGNUMERIC in the emulator: whole numbers up to 1.7e38, which is what this project keeps in it.

BIGNUMERIC has 38 digits on either side of the point, DuckDB's decimals have as many in all: the emulator's own choice, 20 in
front of it, cannot hold an amount of many tokens. HUGEINT holds all that the project calls exact. What its macros compute
beyond that or with fractions is recognised by its form, and left to Python.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from local_bigquery.engine import types
from local_bigquery.sql import native, rules
from local_bigquery.sql.rules import typing
from sqlglot import exp

_RAY = 10**27
_RAY_TEXT = "1e-27"
_USD_DIGITS = 9


def install() -> None:
    for name in ("BIGNUMERIC", "BIGDECIMAL"):
        types.TO_DUCKDB[name] = "HUGEINT"
    types.SCALARS["hugeint"] = ("BIGNUMERIC", "HUGEINT")
    typing.DECIMALS[exp.DataType.Type.BIGDECIMAL] = "HUGEINT"
    for function in (_ray_product, _ray_quotient, _usd_quotient):
        returned = "DECIMAL(38, 9)" if function is _usd_quotient else "HUGEINT"
        native.FUNCTIONS[function.__name__] = (function, ["HUGEINT", "HUGEINT"], returned)
    # Last: by then every expression has a type.
    rules.STATEMENT_RULES.append(_rewrite)


def _ray_product(a: int, b: int) -> int:
    """a * b / 1e27, half up."""
    return (a * b + _RAY // 2) // _RAY


def _ray_quotient(a: int, b: int) -> int:
    """a * 1e27 / b, half up."""
    return (a * _RAY + b // 2) // b


def _usd_quotient(a: int, b: int) -> Decimal:
    """a / b, half up at nine decimals."""
    return Decimal((a * 10**_USD_DIGITS + b // 2) // b).scaleb(-_USD_DIGITS)


def _rewrite(tree: Any, context: Any) -> Any:
    # The deepest first: what encloses a rewritten expression may be one as well.
    for node in reversed(list(tree.find_all(exp.Floor, exp.Trunc, exp.Round, exp.Sum))):
        if isinstance(node, exp.Sum):
            _keep_integer(node)
        elif new := _whole(node):
            node.replace(new)
    return tree


def _whole(node: Any) -> Any:
    """The same in whole numbers, of the forms that macros write; None of any other."""
    inner = node.this
    if not isinstance(inner, (exp.Div, exp.Mul)) or not _is_bignumeric(inner.this):
        return None
    if isinstance(node, (exp.Floor, exp.Trunc)):
        return exp.Paren(this=exp.IntDiv(this=inner.this, expression=inner.expression))
    literal = next((x for x in inner.expression.find_all(exp.Literal) if x.name == _RAY_TEXT), None)
    if literal is not None:
        b = literal.find_ancestor(exp.Mul).this
        return _call(_ray_quotient if isinstance(inner, exp.Div) else _ray_product, inner.this, b)
    if isinstance(inner, exp.Div) and node.text("decimals") == str(_USD_DIGITS):
        return _call(_usd_quotient, inner.this, inner.expression)
    return None


def _is_bignumeric(node: Any) -> bool:
    return isinstance(node, exp.Cast) and node.to.this == exp.DataType.Type.BIGDECIMAL


def _call(function: Any, *arguments: Any) -> Any:
    return exp.Anonymous(this=function.__name__, expressions=list(arguments))


def _keep_integer(total: Any) -> None:
    """A sum of INT64 is one; DuckDB makes it a HUGEINT."""
    if total.type is not None and total.type.this in exp.DataType.INTEGER_TYPES:
        whole = total.parent if isinstance(total.parent, exp.Window) else total
        whole.replace(exp.cast(whole.copy(), exp.DataType.Type.BIGINT))
