"""Events with strings, bytes, arrays or tuples in their data, decoded one log at a time by ``eth_abi``."""

from __future__ import annotations

import json
from typing import Any

from loaders.registry.abi import Parameter

Json = Any


class DoesNotFit(Exception):
    """The data is not an encoding of the event's parameters."""


def decode_data(parameters: tuple[Parameter, ...], data: bytes) -> list[Json]:
    """The values of the parameters in ``data``, as JSON values (see :func:`as_json`). Raises :class:`DoesNotFit`."""
    # Takes half a second to import, and most loads need none of it.
    from eth_abi.abi import decode
    from eth_abi.exceptions import DecodingError

    try:
        values = decode([p.type for p in parameters], data)
    except (DecodingError, UnicodeDecodeError, OverflowError, ValueError) as error:
        raise DoesNotFit(f"data does not decode: {type(error).__name__}") from None
    return [as_json(v) for v in values]


def as_json(value: Any) -> Json:
    """Integers become decimal strings, bytes hex, tuples and arrays lists; text and booleans stay."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, (list, tuple)):
        return [as_json(v) for v in value]
    return value


def as_column_value(value: Json) -> Json:
    """The value as a raw column stores it."""
    return json_text(value) if isinstance(value, list) else value


def json_text(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
