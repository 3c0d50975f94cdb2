"""Columns of log files as Arrow has them -> integers and byte matrices: hex text and binary alike, no Python object per log."""

from __future__ import annotations

import binascii
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.lib.stride_tricks import sliding_window_view

from loaders.logs import LATEST_SANE_TIMESTAMP, Bytes, Integers, Mask

_TOPIC_TEXT = 66
_MOST_TOPICS = 4
_ZONE = r"( UTC|Z|\+00:00)$"


class Unfit(Exception):
    """A column does not hold what its name says."""


def integers(column: pa.Array) -> Integers:
    """Whole numbers of any width, or their text, decimal (BigQuery writes integers into JSON so) or 0x hex."""
    try:
        values = pc.cast(column, pa.int64())
    except pa.ArrowInvalid as error:
        raise Unfit(str(error)) from None
    if values.null_count:
        raise Unfit("a number is missing")
    result: Integers = values.to_numpy(zero_copy_only=False)
    return result


def seconds(column: pa.Array) -> Integers:
    """Seconds since 1970 from timestamps (without a zone they are UTC), whole seconds, or the text of either."""
    if _is_text(column.type):
        text = pc.utf8_trim_whitespace(column)
        is_number = pc.all(pc.utf8_is_digit(text)).as_py()
        try:
            column = pc.cast(
                text if is_number else pc.replace_substring_regex(text, _ZONE, ""),
                pa.int64() if is_number else pa.timestamp("us"),
            )
        except pa.ArrowInvalid as error:
            raise Unfit(str(error)) from None
    if pa.types.is_timestamp(column.type):
        try:
            column = pc.cast(column, pa.timestamp("s", column.type.tz)).cast(pa.int64())
        except pa.ArrowInvalid:
            raise Unfit("a timestamp is not a whole second") from None
    values = integers(column)
    if len(values) and not 0 <= int(values.min()) <= int(values.max()) < LATEST_SANE_TIMESTAMP:
        raise Unfit("a timestamp is not in seconds since 1970")
    return values


def byte_matrix(column: pa.Array, width: int) -> Bytes:
    """(n, width) from values that are all there and all have ``width`` bytes."""
    column = _plain(column)
    if column.null_count:
        raise Unfit("a value is missing")
    values, sizes, is_text = _values(column)
    size = 2 + 2 * width if is_text else width
    if (sizes != size).any():
        raise Unfit(f"a value does not have {width} bytes")
    rows = values.reshape(-1, size)
    return _unhex(rows[:, :2], rows[:, 2:]).reshape(-1, width) if is_text else rows


def byte_strings(column: pa.Array) -> tuple[Bytes, Integers]:
    """All bytes, one value after the other, and the size of each; missing values and empty text are no bytes."""
    values, sizes, is_text = _values(_filled(_plain(column)))
    if not is_text:
        return values, sizes
    if not len(sizes):
        return np.empty(0, np.uint8), sizes
    if (sizes % 2).any() or int(sizes.min()) < 2:
        raise Unfit("hex text has half a byte, or no 0x")
    if (sizes == sizes[0]).all():
        rows = values.reshape(len(sizes), -1)
        return _unhex(rows[:, :2], rows[:, 2:]), sizes // 2 - 1
    starts = np.cumsum(sizes) - sizes
    is_digit: Mask = np.ones(len(values), bool)
    is_digit[starts] = is_digit[starts + 1] = False
    return _unhex(sliding_window_view(values, 2)[starts], values[is_digit]), sizes // 2 - 1


def topic_columns(columns: list[pa.Array]) -> tuple[Integers, Bytes]:
    """Count and (n, 4, 32) of topics that have a column each."""
    columns = [_plain(column) for column in columns]
    count = len(columns[0])
    present = np.stack([_present(column) for column in columns], axis=1)
    if (present[:, 1:] & ~present[:, :-1]).any():
        raise Unfit("a topic is missing before another")
    topics = np.zeros((count, _MOST_TOPICS, 32), np.uint8)
    for i, column in enumerate(columns):
        if present[:, i].all():
            topics[:, i] = byte_matrix(column, 32)
        elif present[:, i].any():
            topics[present[:, i], i] = byte_matrix(column.filter(pa.array(present[:, i])), 32)
    return present.sum(axis=1), topics


def topic_list(column: pa.Array) -> tuple[Integers, Bytes]:
    """Count and (n, 4, 32) of topics in a list, in BigQuery's nested form of one, or in text with commas between."""
    column = _unnested(_plain(column))
    if _is_text(column.type):
        return _topic_text(column)
    counts = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    return counts, _placed(counts, byte_matrix(_unnested(column.flatten()), 32))


def _topic_text(column: pa.Array) -> tuple[Integers, Bytes]:
    values, sizes, _ = _values(pc.fill_null(column, ""))
    counts = (sizes + 1) // (_TOPIC_TEXT + 1)
    if ((sizes + 1) % (_TOPIC_TEXT + 1))[sizes > 0].any():
        raise Unfit("topics are not 0x and 64 digits each, with commas between")
    if not counts.any():
        return counts, np.zeros((len(counts), _MOST_TOPICS, 32), np.uint8)
    place = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = np.repeat(np.cumsum(sizes) - sizes, counts) + place * (_TOPIC_TEXT + 1)
    rows = sliding_window_view(values, _TOPIC_TEXT)[starts]
    return counts, _placed(counts, _unhex(rows[:, :2], rows[:, 2:]).reshape(-1, 32))


def _placed(counts: Integers, flat: Bytes) -> Bytes:
    if counts.max(initial=0) > _MOST_TOPICS:
        raise Unfit(f"a log has more than {_MOST_TOPICS} topics")
    topics = np.zeros((len(counts), _MOST_TOPICS, 32), np.uint8)
    if len(counts) and (counts == counts[0]).all():
        topics[:, : counts[0]] = flat.reshape(len(counts), -1, 32)
    else:
        topics[np.arange(_MOST_TOPICS) < counts[:, None]] = flat
    return topics


def _unnested(column: pa.Array) -> pa.Array:
    """The column inside structs of one field: BigQuery's Parquet wraps lists and their elements so."""
    while pa.types.is_struct(column.type):
        if column.type.num_fields != 1:
            raise Unfit("topics are neither a list nor text")
        column = pc.struct_field(column, [0])
    return column


def _plain(column: pa.Array) -> pa.Array:
    """Without a dictionary."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _present(column: pa.Array) -> Mask:
    if column.null_count == len(column):
        return np.zeros(len(column), bool)
    sizes = pc.fill_null(pc.binary_length(column), 0)
    present: Mask = sizes.to_numpy(zero_copy_only=False) > 0
    return present


def _filled(column: pa.Array) -> pa.Array:
    if not _is_text(column.type):
        return pc.fill_null(column, b"") if column.null_count else column
    filled = pc.fill_null(column, "0x") if column.null_count else column
    empty = pc.equal(filled, "")
    return pc.if_else(empty, "0x", filled) if pc.any(empty).as_py() else filled


def _values(column: pa.Array) -> tuple[Bytes, Integers, bool]:
    """The bytes of all values in a row, the size of each, and whether they are text."""
    is_text = _is_text(column.type)
    kind = column.type
    if not (pa.types.is_string(kind) or pa.types.is_binary(kind)):
        # Whatever else holds bytes; the two above are what nearly all files have, and a cast copies them.
        try:
            column = pc.cast(column, pa.large_string() if is_text else pa.large_binary())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise Unfit(f"{kind} is neither hex text nor bytes") from None
    _, offset_buffer, value_buffer = column.buffers()
    if offset_buffer is None or not len(column):
        return np.empty(0, np.uint8), np.empty(0, np.int64), is_text
    width = np.int32 if pa.types.is_string(kind) or pa.types.is_binary(kind) else np.int64
    offsets = np.frombuffer(offset_buffer, width)[column.offset : column.offset + len(column) + 1]
    values = np.frombuffer(value_buffer, np.uint8) if value_buffer is not None else np.empty(0, np.uint8)
    return values[offsets[0] : offsets[-1]], np.diff(offsets).astype(np.int64), is_text


def _unhex(prefixes: Bytes, digits: Bytes) -> Bytes:
    if not ((prefixes[:, 0] == ord("0")) & (prefixes[:, 1] == ord("x"))).all():
        raise Unfit("hex text does not begin with 0x")
    try:
        return np.frombuffer(binascii.unhexlify(np.ascontiguousarray(digits).data), np.uint8)
    except binascii.Error as error:
        raise Unfit(f"hex text has {error}") from None


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
