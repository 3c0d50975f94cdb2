"""The byte scanner against the JSON parser: whatever it reads, it reads the same; what it may not read, it leaves alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.logs import RawLogs
from loaders.source.parse import Malformed, parse_any_layout, parse_logs
from loaders.source.scan import UnusualLayout, scan_logs
from tests.examples import examples

WIDTHS = {"address": 20, "blockHash": 32, "transactionHash": 32}
QUANTITIES = ["blockNumber", "transactionIndex", "logIndex", "blockTimestamp"]


def as_lists(logs: RawLogs) -> list[list[Any]]:
    columns = [getattr(logs, n).tolist() for n in RawLogs.__dataclass_fields__ if not n.startswith("data")]
    return [*columns, [logs.data_of(i) for i in range(len(logs))]]


def hexed(size: int) -> st.SearchStrategy[str]:
    """A value of ``size`` bytes, now and then in capitals."""
    digits = st.binary(min_size=size, max_size=size).map(bytes.hex)
    return st.builds(lambda d, capitals: "0x" + (d.upper() if capitals else d), digits, st.booleans())


QUANTITY = st.integers(0, 2**60 - 1).map(hex)
LOG = st.fixed_dictionaries(
    {
        **{key: hexed(width) for key, width in WIDTHS.items()},
        **dict.fromkeys(QUANTITIES, QUANTITY),
        "topics": st.lists(hexed(32), max_size=4),
        "data": st.integers(0, 70).flatmap(hexed),
        "removed": st.just(False),
    }
)


def as_json(log: dict[str, Any], order: list[str]) -> dict[str, Any]:
    return {key: log[key] for key in order if key in log}


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """Answers as nodes give them: any order of keys, with and without timestamps, compact or spaced."""
    order = draw(st.permutations([*WIDTHS, *QUANTITIES, "topics", "data", "removed"]))
    left_out = draw(st.sampled_from([set(), {"blockTimestamp"}, {"removed"}, {"blockTimestamp", "removed"}]))
    logs = [as_json(log, [k for k in order if k not in left_out]) for log in draw(st.lists(LOG, max_size=6))]
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,", " :"), (",\n", ":\t")]))
    return json.dumps(logs, separators=separators).encode()


@examples(150)
@given(answers())
def test_what_nodes_answer_is_scanned_as_it_is_parsed(raw: bytes) -> None:
    expected = as_lists(parse_any_layout(raw))
    assert as_lists(parse_logs(raw)) == expected
    if b'":"' in raw:
        assert as_lists(scan_logs(memoryview(raw))) == expected, "compact JSON is the usual case"


ODD: list[Any] = [
    None, True, 7, -1, 1.5, [], {}, "", "0x", "0x0", "0X12", "0x_1", "-0x1", "0xg1", "12", "0x1\u0663", "latest",
    ["0x12"], [["0x" + "00" * 32]], ["0x" + "00" * 32, None], {"data": "0x"}, "0x" + "ff" * 8, "0x" + "0" * 20, " 0x1",
    "0x" + "Ab" * 20, "0x" + "cD" * 32, ["0x" + "00" * 32] * 5, 'a"b', "a\\b", "},{", "0x1\u0000",
]  # fmt: skip


@st.composite
def altered(draw: st.DrawFn, pairs: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Keys and values of a log, one of them wrong."""
    pairs = list(pairs)
    key, value = pairs[at := draw(st.integers(0, len(pairs) - 1))]
    match draw(st.sampled_from(["value", "key", "twice", "more", "less", "order", "removed"])):
        case "value":
            pairs[at] = key, draw(st.sampled_from(ODD))
        case "key":
            middle = len(key) // 2
            pairs[at] = key[:middle] + draw(st.sampled_from(["X", "", "_", "é"])) + key[middle + 1 :], value
        case "twice":
            pairs.insert(draw(st.integers(0, len(pairs))), (key, draw(st.sampled_from([value, *ODD]))))
        case "more":
            pairs.insert(at, (draw(st.sampled_from(["logType", "data2", ""])), draw(st.sampled_from(ODD))))
        case "less":
            pairs.pop(at)
        case "order":
            pairs = draw(st.permutations(pairs))
        case "removed":
            pairs = [(k, draw(st.sampled_from([True, "false", None])) if k == "removed" else v) for k, v in pairs]
    return pairs


@st.composite
def strange_answers(draw: st.DrawFn) -> bytes:
    """Valid JSON that is no list of logs, or one that no node was seen to send."""
    logs: list[Any] = draw(st.lists(LOG, min_size=1, max_size=4))
    texts = []
    for log in logs:
        pairs = list(log.items())
        for _ in range(draw(st.integers(0, 2))):
            pairs = draw(altered(pairs))
        colon = draw(st.sampled_from([":", ":", " :", ": "]))
        text = ",".join(f"{json.dumps(k)}{colon}{json.dumps(v, separators=(',', ':'))}" for k, v in pairs)
        if "\\" not in text and draw(st.integers(0, 5)) == 0:  # an escape within one is no JSON
            text = text.replace("0", "\\u0030", 1)
        texts.append("{" + text + "}")
    if draw(st.integers(0, 5)) == 0:
        texts.insert(
            draw(st.integers(0, len(texts))), draw(st.sampled_from(["null", "5", "[]", "{}", '"0x"', '[{"a":1}]']))
        )
    return ("[" + draw(st.sampled_from([",", ", ", ",\n"])).join(texts) + "]").encode()


@examples(400)
@given(strange_answers())
def test_what_is_strange_is_left_to_the_parser_or_read_as_it_reads_it(raw: bytes) -> None:
    json.loads(raw)
    try:
        expected = as_lists(parse_any_layout(raw))
    except Malformed:
        with pytest.raises(UnusualLayout):
            scan_logs(memoryview(raw))
        return
    try:
        scanned = scan_logs(memoryview(raw))
    except UnusualLayout:
        return
    assert as_lists(scanned) == expected


@pytest.mark.parametrize("key", ["address", "blockHash", "transactionHash", "topics"])
def test_lengths_that_are_wrong_together_are_refused(key: str) -> None:
    """A value too short beside one too long would move every byte between them."""
    texts = {name: "0x" + "ab" * width for name, width in WIDTHS.items()} | dict.fromkeys(QUANTITIES, "0x1")
    log = {**texts, "topics": ["0x" + "12" * 32], "data": "0x"}
    width = WIDTHS.get(key, 32)
    pair = ["0x" + "cd" * (width - 1), "0x" + "cd" * (width + 1)]
    logs: list[dict[str, Any]] = [{**log, key: [text] if key == "topics" else text} for text in pair]
    raw = json.dumps(logs).encode()
    with pytest.raises(Malformed, match="wrong length"):
        parse_logs(raw)


def test_answers_longer_than_a_piece_are_read_whole() -> None:
    """Pieces are cut between logs; each begins where the one before it ended."""
    log = {key: "0x" + "ab" * width for key, width in WIDTHS.items()} | dict.fromkeys(QUANTITIES, "0x1")
    rows = [
        log | {"logIndex": hex(i), "topics": ["0x" + "12" * 32] * (1 + i % 3), "data": "0x" + "00" * (32 * (i % 5))}
        for i in range(7_000)
    ]
    raw = json.dumps(rows, separators=(",", ":")).encode()
    assert len(raw) > 2 * 2**21
    logs = scan_logs(memoryview(raw))
    assert logs.log_index.tolist() == list(range(7_000))
    assert logs.topic_count.tolist() == [1 + i % 3 for i in range(7_000)]
    assert logs.data_size.tolist() == [32 * (i % 5) for i in range(7_000)]
