"""Values of BigQuery's types to and from GoogleSQL's messages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Context, Decimal
from functools import partial
from typing import Any

from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2
from zetasql.wasi._pb2.zetasql.public import value_pb2

Encoder = Callable[[Any], Any]

RANGES = {
    "NUMERIC": (
        Decimal("-99999999999999999999999999999.999999999"),
        Decimal("99999999999999999999999999999.999999999"),
    ),
    "BIGNUMERIC": (
        Decimal("-578960446186580977117854925043439539266.34992332820282019728792003956564819968"),
        Decimal("578960446186580977117854925043439539266.34992332820282019728792003956564819967"),
    ),
}
"""The least and the largest: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#decimal_types."""
# Numbers travel as little-endian integers of their smallest unit.
_SCALES = {"NUMERIC": 9, "BIGNUMERIC": 38}
_EXACT = Context(prec=100)
_EPOCH_DATE = date(1970, 1, 1)
_EPOCH = datetime.combine(_EPOCH_DATE, time.min)
_ARRAY = re.compile(r"ARRAY<(.*)>")


def table_content(columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> Any:
    """GoogleSQL's ``TableContent``. ``columns`` are canonical types by name; values are :func:`encoder`'s.

    Raises :class:`OverflowError` for a number that BigQuery's type does not hold.
    """
    encoders = [encoder(type_) for type_ in columns.values()]
    content = local_service_pb2.TableContent()
    content.table_data.SetInParent()  # an empty table is content as well
    for row in rows:
        try:
            cells = [encode(value) for encode, value in zip(encoders, row, strict=True)]
        except OverflowError as error:
            raise OverflowError(f"{error}, in a row of {dict(zip(columns, map(str, row), strict=True))}") from None
        content.table_data.row.add().cell.extend(cells)
    return content


def encoder(type_: str) -> Encoder:
    """What makes messages of a type's values: int, bool, float, str, Decimal or int (NUMERIC, BIGNUMERIC), date, datetime
    without a zone (UTC), a sequence (ARRAY); None is NULL. Raises :class:`TypeError` for another type."""
    array = _ARRAY.fullmatch(type_)
    encode = partial(_encode_array, encoder(array[1])) if array else _ENCODERS.get(type_)
    if encode is None:
        raise TypeError(f"values of type {type_} are not handed to the evaluator yet: extend {__name__}")
    return lambda value: value_pb2.ValueProto() if value is None else encode(value)


def _encode_array(encode: Encoder, values: Sequence[Any]) -> Any:
    message = value_pb2.ValueProto()
    message.array_value.SetInParent()
    message.array_value.element.extend(encode(value) for value in values)
    return message


def _encode_timestamp(value: datetime) -> Any:
    microseconds = (value - _EPOCH) // timedelta(microseconds=1)
    message = value_pb2.ValueProto()
    message.timestamp_value.seconds = microseconds // 1_000_000
    message.timestamp_value.nanos = microseconds % 1_000_000 * 1000
    return message


def _scaled(value: int | Decimal, type_: str) -> bytes:
    least, most = RANGES[type_]
    if not least <= value <= most:
        raise OverflowError(f"{value} is beyond {type_}")
    scale = _SCALES[type_]
    number = value * 10**scale if isinstance(value, int) else int(_EXACT.scaleb(value, scale))
    return number.to_bytes(number.bit_length() // 8 + 1, "little", signed=True)


_ENCODERS: dict[str, Encoder] = {
    "BIGNUMERIC": lambda value: value_pb2.ValueProto(bignumeric_value=_scaled(value, "BIGNUMERIC")),
    "BOOL": lambda value: value_pb2.ValueProto(bool_value=value),
    "DATE": lambda value: value_pb2.ValueProto(date_value=(value - _EPOCH_DATE).days),
    "FLOAT64": lambda value: value_pb2.ValueProto(double_value=value),
    "INT64": lambda value: value_pb2.ValueProto(int64_value=value),
    "NUMERIC": lambda value: value_pb2.ValueProto(numeric_value=_scaled(value, "NUMERIC")),
    "STRING": lambda value: value_pb2.ValueProto(string_value=value),
    "TIMESTAMP": _encode_timestamp,
}


def decode(cell: Any) -> Any:
    """The value of a message, as :func:`encoder` takes it. Raises :class:`TypeError` for a type without a decoder."""
    kind = cell.WhichOneof("value")
    if kind is None:
        return None
    if kind not in _DECODERS:
        raise TypeError(f"a {kind} came out of the evaluator: extend {__name__}, or cast it to string in the query")
    return _DECODERS[kind](getattr(cell, kind))


def _unscaled(value: bytes, scale: int) -> Decimal:
    return _EXACT.scaleb(Decimal(int.from_bytes(value, "little", signed=True)), -scale).normalize(_EXACT)


def _same(value: Any) -> Any:
    return value


_DECODERS: dict[str, Callable[[Any], Any]] = {
    "array_value": lambda value: [decode(element) for element in value.element],
    "bignumeric_value": lambda value: _unscaled(value, _SCALES["BIGNUMERIC"]),
    "bool_value": _same,
    "date_value": lambda value: _EPOCH_DATE + timedelta(days=value),
    "double_value": _same,
    "int64_value": _same,
    "numeric_value": lambda value: _unscaled(value, _SCALES["NUMERIC"]),
    "string_value": _same,
    "timestamp_value": lambda value: _EPOCH + timedelta(seconds=value.seconds, microseconds=value.nanos // 1000),
}
