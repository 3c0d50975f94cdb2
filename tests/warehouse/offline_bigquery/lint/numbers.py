"""NUMERIC and BIGNUMERIC: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#decimal_types."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from tests.warehouse.googlesql.column_types import type_name
from tests.warehouse.googlesql.tree import field_of, has, kind_of, unwrap
from tests.warehouse.googlesql.values import RANGES, decode
from tests.warehouse.offline_bigquery.lint.sent import Sent


def numeric_overflow(sent: Sent) -> Iterator[str]:
    """Constants that fit the decimal type they are cast to: BigQuery finds out only when the query runs."""
    for node in sent.nodes["Cast"]:
        type_ = type_name(field_of(node, "type"))
        operand = unwrap(node.expr)
        # The analyzer has already folded what a constant is cast from.
        if type_ not in RANGES or node.return_null_on_error or kind_of(operand) != "Literal":
            continue
        constant, (least, most) = decode(operand.value.value), RANGES[type_]
        if constant is not None and not _is_between(constant, least, most):
            yield f"{constant} is no {type_} ({least} to {most}): use a wider type, or safe_cast for NULL"


def parameterised_cast(sent: Sent) -> Iterator[str]:
    """Casts to types without parameters."""
    for node in sent.nodes["Cast"]:
        if has(node, "type_modifiers") and node.type_modifiers.HasField("type_parameters"):
            type_ = type_name(field_of(node, "type"))
            yield f"a cast to {type_}(…): BigQuery takes no parameters in casts: cast to {type_}, round if need be"


def _is_between(constant: Any, least: Decimal, most: Decimal) -> bool:
    try:
        return least <= Decimal(str(constant).strip()) <= most
    except InvalidOperation:  # no number at all
        return False
