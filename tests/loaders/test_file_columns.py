"""Columns of log files in every form that Arrow gives them: the same bytes come out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from loaders.source.files.columns import (
    Unfit,
    byte_matrix,
    byte_strings,
    integers,
    seconds,
    topic_columns,
    topic_list,
)

VALUES = [bytes([i]) * 20 for i in (1, 200, 255)]
HEX = ["0x" + v.hex() for v in VALUES]
TOPICS = [[bytes([i]) * 32 for i in range(1, count + 1)] for count in (3, 0, 1, 4)]
TOPIC_TEXT = [["0x" + t.hex() for t in topics] for topics in TOPICS]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(HEX),
        pa.array(HEX, pa.large_string()),
        pa.array(HEX, pa.string_view()),
        pa.array([text.replace("c8", "C8") for text in HEX]),
        pa.array(HEX).dictionary_encode(),
        pa.array(VALUES, pa.binary()),
        pa.array(VALUES, pa.large_binary()),
        pa.array(VALUES, pa.binary(20)),
        pa.array([b"\0" * 20, *VALUES], pa.binary()).slice(1),
    ],
    ids=lambda column: str(column.type),
)
def test_addresses_of_any_form_are_the_same_bytes(column: pa.Array) -> None:
    assert [row.tobytes() for row in byte_matrix(column, 20)] == VALUES


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["0x" + "11" * 19]),
        pa.array(["11" * 21]),
        pa.array(["0x" + "g1" * 20]),
        pa.array([None], pa.string()),
        pa.array([b"\1" * 21]),
        pa.array([7]),
    ],
)
def test_what_is_no_address_is_refused(column: pa.Array) -> None:
    with pytest.raises(Unfit):
        byte_matrix(column, 20)


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["0x0102", "0x", None, "", "0x030405"]),
        pa.array([b"\1\2", b"", None, b"", b"\3\4\5"]),
        pa.array(["0xff", "0x0102", "0x", None, "", "0x030405"], pa.large_string()).slice(1),
    ],
)
def test_data_of_different_sizes_keep_their_bounds(column: pa.Array) -> None:
    data, sizes = byte_strings(column)
    assert (data.tobytes(), sizes.tolist()) == (bytes([1, 2, 3, 4, 5]), [2, 0, 0, 0, 3])


def test_half_a_byte_is_refused() -> None:
    with pytest.raises(Unfit):
        byte_strings(pa.array(["0x012", "0x"]))


def nested(lists: list[list[str]]) -> pa.Array:
    """As BigQuery's Parquet may wrap a repeated field."""
    kind = pa.struct([("list", pa.list_(pa.struct([("element", pa.string())])))])
    return pa.array([{"list": [{"element": topic} for topic in topics]} for topics in lists], kind)


@pytest.mark.parametrize(
    "read",
    [
        lambda: topic_list(pa.array(TOPIC_TEXT)),
        lambda: topic_list(pa.array([t or None for t in TOPIC_TEXT], pa.large_list(pa.string()))),
        lambda: topic_list(pa.array(TOPICS, pa.list_(pa.binary()))),
        lambda: topic_list(nested(TOPIC_TEXT)),
        lambda: topic_list(pa.array([",".join(topics) for topics in TOPIC_TEXT])),
        lambda: topic_list(pa.array([",".join(topics) or None for topics in TOPIC_TEXT])),
        lambda: topic_columns([pa.array([t[i] if len(t) > i else None for t in TOPICS]) for i in range(4)]),
        lambda: topic_columns([pa.array([t[i] if len(t) > i else "" for t in TOPIC_TEXT]) for i in range(4)]),
    ],
    ids=["list", "large list", "bytes", "nested", "text", "text or null", "columns", "text columns"],
)
def test_topics_of_any_form_are_the_same(read: Callable[[], tuple[np.ndarray, np.ndarray]]) -> None:
    counts, topics = read()
    assert counts.tolist() == [3, 0, 1, 4]
    found = [[topics[row, i].tobytes() for i in range(counts[row])] for row in range(4)]
    assert found == TOPICS
    assert not topics[1].any()
    assert not topics[2, 1:].any()


@pytest.mark.parametrize(
    "read",
    [
        lambda: topic_list(pa.array([[TOPIC_TEXT[3][0]] * 5])),
        lambda: topic_list(pa.array(["0x1234"])),
        lambda: topic_columns([pa.array([None, "0x" + "11" * 32]), pa.array(["0x" + "11" * 32, None])]),
    ],
    ids=["five", "short", "second without first"],
)
def test_what_are_no_topics_is_refused(read: Callable[[], object]) -> None:
    with pytest.raises(Unfit):
        read()


MOMENT = datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1_709_251_199]),
        pa.array([1_709_251_199], pa.uint32()),
        pa.array(["1709251199"]),
        pa.array([MOMENT], pa.timestamp("us", "UTC")),
        pa.array([MOMENT], pa.timestamp("ns", "America/New_York")),
        pa.array([MOMENT.replace(tzinfo=None)], pa.timestamp("ms")),
        pa.array(["2024-02-29 23:59:59 UTC"]),
        pa.array(["2024-02-29T23:59:59Z"]),
        pa.array(["2024-02-29 23:59:59.000000+00:00"]),
    ],
    ids=lambda column: f"{column.type} {column[0]}",
)
def test_a_moment_is_the_same_second_in_every_form(column: pa.Array) -> None:
    assert seconds(column).tolist() == [int(MOMENT.timestamp())]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1_709_251_199_000]),
        pa.array([MOMENT.replace(microsecond=1)], pa.timestamp("us", "UTC")),
        pa.array(["yesterday"]),
        pa.array([None], pa.int64()),
        pa.array([-1]),
    ],
    ids=["milliseconds", "microseconds", "word", "null", "negative"],
)
def test_what_is_no_second_is_refused(column: pa.Array) -> None:
    with pytest.raises(Unfit):
        seconds(column)


def test_integers_may_be_text() -> None:
    assert integers(pa.array(["17034869", "0"])).tolist() == [17034869, 0]
    assert integers(pa.array([2**32 - 1], pa.uint32())).tolist() == [2**32 - 1]
    assert integers(pa.array(["0x103eee5"])).tolist() == [17034981]
    with pytest.raises(Unfit):
        integers(pa.array(["1.5"]))
