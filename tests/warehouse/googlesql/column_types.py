"""Type names of BigQuery to and from GoogleSQL's type messages."""

from __future__ import annotations

import re
from typing import Any

from zetasql.wasi._pb2.zetasql.public import type_pb2

_KINDS = {
    "BIGDECIMAL": "BIGNUMERIC",
    "BIGINT": "INT64",
    "BOOLEAN": "BOOL",
    "DECIMAL": "NUMERIC",
    "FLOAT": "DOUBLE",
    "FLOAT64": "DOUBLE",
    "INT": "INT64",
    "INTEGER": "INT64",
    "SMALLINT": "INT64",
}
_SIMPLE = ("BIGNUMERIC", "BOOL", "BYTES", "DATE", "DATETIME", "DOUBLE", "GEOGRAPHY", "INT64", "INTERVAL", "JSON")
_KNOWN = {*_SIMPLE, "NUMERIC", "STRING", "TIME", "TIMESTAMP"}
_TOKEN = re.compile(r"\s*(?:(`[^`]+`|\w+)|(\([^)]*\))|([<>,]))")


def parse_type(text: str) -> Any:
    """The ``TypeProto`` of a BigQuery type such as ``array<struct<a int64, b numeric(38, 9)>>``.

    Raises :class:`ValueError` for what BigQuery does not know. Parameters (length, precision) do not change the type.
    """
    tokens = [match.group().strip() for match in _TOKEN.finditer(text)]
    if re.sub(r"\s", "", "".join(tokens)) != re.sub(r"\s", "", text):
        raise ValueError(f"{text!r} is not a BigQuery type")
    parsed = _type(tokens, text)
    if tokens:
        raise ValueError(f"{text!r} is not a BigQuery type: {' '.join(tokens)} is left over")
    return parsed


def _type(tokens: list[str], text: str) -> Any:
    word = tokens.pop(0).upper() if tokens else ""
    proto = type_pb2.TypeProto()
    if word == "ARRAY":
        _expect(tokens, "<", text)
        proto.type_kind = type_pb2.TYPE_ARRAY
        proto.array_type.element_type.CopyFrom(_type(tokens, text))
        _expect(tokens, ">", text)
        return proto
    if word == "STRUCT":
        proto.type_kind = type_pb2.TYPE_STRUCT
        proto.struct_type.SetInParent()
        _expect(tokens, "<", text)
        while True:
            field = proto.struct_type.field.add()
            field.field_name = tokens.pop(0).strip("`") if tokens else ""
            field.field_type.CopyFrom(_type(tokens, text))
            if tokens[:1] != [","]:
                break
            tokens.pop(0)
        _expect(tokens, ">", text)
        return proto
    kind = _KINDS.get(word, word)
    if kind not in _KNOWN:
        raise ValueError(f"{text!r} is not a BigQuery type")
    if tokens and tokens[0].startswith("("):
        tokens.pop(0)
    proto.type_kind = type_pb2.TypeKind.Value(f"TYPE_{kind}")
    return proto


def _expect(tokens: list[str], token: str, text: str) -> None:
    if not tokens or tokens.pop(0) != token:
        raise ValueError(f"{text!r} is not a BigQuery type: expected {token}")


def type_name(proto: Any) -> str:
    """BigQuery's name of a type, without parameters."""
    kind: str = type_pb2.TypeKind.Name(proto.type_kind).removeprefix("TYPE_")
    if kind == "ARRAY":
        return f"ARRAY<{type_name(proto.array_type.element_type)}>"
    if kind == "STRUCT":
        fields = (f"{field.field_name} {type_name(field.field_type)}" for field in proto.struct_type.field)
        return f"STRUCT<{', '.join(fields)}>"
    return "FLOAT64" if kind == "DOUBLE" else kind


def canonical_type(text: str) -> str:
    """The one name of a type that may be written in several ways (``float`` -> ``FLOAT64``)."""
    return type_name(parse_type(text))
