"""NUMERIC and BIGNUMERIC: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#decimal_types."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from tests.warehouse.googlesql.column_types import type_name
from tests.warehouse.googlesql.tree import field_of, has, kind_of, unwrap
from tests.warehouse.offline_bigquery.lint.sent import Sent

LARGEST = {
    "NUMERIC": Decimal("99999999999999999999999999999.999999999"),
    "BIGNUMERIC": Decimal("578960446186580977117854925043439539266.34992332820282019728792003956564819967"),
}


def numeric_overflow(sent: Sent) -> Iterator[str]:
    """Constants that fit the decimal type they are cast to: BigQuery finds out only when the query runs."""
    for node in sent.nodes["Cast"]:
        type_ = type_name(field_of(node, "type"))
        if type_ not in LARGEST or node.return_null_on_error:
            continue
        number = _number(unwrap(node.expr))
        if number is not None and abs(number) > LARGEST[type_]:
            yield f"{number} is beyond {type_} (at most {LARGEST[type_]:.3e}): use a wider type, or safe_cast for NULL"


def parameterised_cast(sent: Sent) -> Iterator[str]:
    """Casts to types without parameters."""
    for node in sent.nodes["Cast"]:
        if has(node, "type_modifiers") and node.type_modifiers.HasField("type_parameters"):
            type_ = type_name(field_of(node, "type"))
            yield f"a cast to {type_}(…): BigQuery takes no parameters in casts: cast to {type_}, round if need be"


def _number(node: Any) -> Decimal | None:
    """The constant that a literal, or a cast of one, is."""
    if kind_of(node) == "Cast":
        return _number(unwrap(node.expr))
    if kind_of(node) != "Literal":
        return None
    value = node.value.value
    kind = value.WhichOneof("value")
    if kind not in ("string_value", "int64_value", "double_value"):
        return None
    try:
        return Decimal(str(getattr(value, kind)).strip())
    except InvalidOperation:
        return None
