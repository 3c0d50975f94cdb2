"""Scanner, JSON parser and decoder against `eth_abi`, for every ABI type and for logs that lie about themselves."""

from __future__ import annotations

import json
from typing import Any

import pytest
from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from hypothesis import given
from hypothesis import strategies as st

from loaders.decode.decoder import Decoder, Wanted
from loaders.logs import RawLogs
from loaders.registry.abi import parse_event
from loaders.registry.events import EventSpec, load_events
from loaders.registry.schema import event_columns
from loaders.source.parse import Malformed, parse_any_layout, parse_logs
from loaders.source.scan import UnusualLayout, scan_logs
from tests.examples import examples
from tests.loaders.abi_values import STATIC, Event, decoded, events, expected_value, log_json, spec_of


def assert_equal_logs(a: RawLogs, b: RawLogs) -> None:
    assert [a.data_of(i) for i in range(len(a))] == [b.data_of(i) for i in range(len(b))]
    for name in RawLogs.__dataclass_fields__:
        if not name.startswith("data"):
            assert (getattr(a, name) == getattr(b, name)).all(), name


@examples(150)
@given(events(st.sampled_from(STATIC)))
def test_static_events_decode_as_eth_abi_encodes(event: Event) -> None:
    abi, rows = event
    raw = json.dumps([log_json(abi, values, i) for i, values in enumerate(rows)]).encode()
    logs = scan_logs(memoryview(raw.replace(b": ", b":").replace(b", ", b",")))
    assert_equal_logs(logs, parse_any_layout(raw))
    table = decoded(spec_of(abi), logs)["family__event"]
    names = [c.name for c in event_columns(abi)][8:]
    for i, (parameter, name) in enumerate(zip(abi.parameters, names, strict=True)):
        assert table[name].to_pylist() == [expected_value(parameter, r[i]) for r in rows], parameter.type
    assert table["block_number"].to_pylist() == [17_000_000 + i for i in range(len(rows))]
    assert table["log_index"].to_pylist() == list(range(len(rows)))


@examples(150)
@given(st.sampled_from(STATIC), st.binary(min_size=32, max_size=32), st.integers(0, 32))
def test_a_word_is_accepted_exactly_when_eth_abi_accepts_it(abi_type: str, word: bytes, zeros: int) -> None:
    word = bytes(zeros) + word[zeros:] if zeros % 2 else word[: 32 - zeros] + bytes(zeros)
    abi = parse_event(f"E({abi_type} a)")
    log = log_json(abi, [zero(abi_type)], 0, data="0x" + word.hex())
    tables = decoded(spec_of(abi), parse_logs(json.dumps([log]).encode()))
    try:
        value = decode([abi_type], word)[0]
    except DecodingError:
        assert list(tables) == ["undecoded_logs"]
        assert tables["undecoded_logs"]["data"].to_pylist() == ["0x" + word.hex()]
        assert "does not fit" in tables["undecoded_logs"]["reason"][0].as_py()
    else:
        assert tables["family__event"]["a"].to_pylist() == [expected_value(abi.parameters[0], value)]


def zero(abi_type: str) -> Any:
    if abi_type == "address":
        return "0x" + "00" * 20
    return bytes(int(abi_type[5:])) if abi_type.startswith("bytes") else 0 if abi_type != "bool" else False


SWAP = parse_event("Swap(address indexed sender, int256 amount0, uint160 price, int24 tick)")


@pytest.mark.parametrize(
    "changes",
    [
        {"topics": [SWAP.topic0]},
        {"topics": [SWAP.topic0, "0x" + "00" * 32, "0x" + "00" * 32]},
        {"data": "0x"},
        {"data": "0x" + "00" * 128},
        {"data": "0x" + "00" * 97},
    ],
)
def test_what_does_not_fit_is_kept_with_its_reason(changes: dict[str, Any]) -> None:
    good = log_json(SWAP, ["0x" + "11" * 20, -5, 7, -887272], 0)
    bad = log_json(SWAP, ["0x" + "11" * 20, -5, 7, -887272], 1, **changes)
    tables = decoded(spec_of(SWAP), parse_logs(json.dumps([good, bad, good]).encode()))
    assert tables["family__event"].num_rows == 2
    kept = tables["undecoded_logs"].to_pylist()
    assert [json.loads(r["topics"]) for r in kept] == [bad["topics"]]
    assert [r["data"] for r in kept] == [bad["data"]]
    assert "differ from Swap(address,int256,uint160,int24)" in kept[0]["reason"]


TRANSFER = parse_event("Transfer(address indexed from, address indexed to, uint256 value)")
TRANSFER_UNINDEXED = parse_event("Transfer(address from, address to, uint256 value)")
TRANSFER_OF_NFT = parse_event("Transfer(address indexed from, address indexed to, uint256 indexed tokenId)")


def test_transfers_decode_in_both_layouts_and_those_of_nfts_are_only_counted() -> None:
    values = ["0x" + "11" * 20, "0x" + "22" * 20, 2**256 - 1]
    one_indexed = parse_event("Transfer(address indexed from, address to, uint256 value)")
    logs = [
        log_json(TRANSFER, values, 0),
        log_json(TRANSFER_UNINDEXED, [values[1], values[0], 5], 1),
        log_json(TRANSFER_OF_NFT, values, 2),
        log_json(TRANSFER_OF_NFT, values, 3),
        log_json(one_indexed, values, 4),
        log_json(TRANSFER, values, 5, data="0x"),
        log_json(TRANSFER_OF_NFT, values, 6, data="0x" + "00" * 32),
    ]
    spec = next(e for e in load_events().events if e.table == "erc20__token_transfer")
    result = Decoder(1, [Wanted(spec, None)]).decode(parse_logs(json.dumps(logs).encode()))
    rows = [row for part in result.tables["erc20__token_transfer"] for row in part.to_pylist()]
    assert [(r["log_index"], r["from_address"], r["to_address"], r["value"]) for r in rows] == [
        (0, values[0], values[1], str(2**256 - 1)),
        (1, values[1], values[0], "5"),
    ]
    assert result.counts == {(spec, "*"): 2}
    assert result.namesakes == {(spec, "*"): 2}
    (undecoded,) = result.tables["undecoded_logs"]
    assert undecoded["log_index"].to_pylist() == [4, 5, 6], "no layout of the registry has these topics and data"
    assert set(undecoded["reason"].to_pylist()) == {"topics or data size differ from Transfer(address,address,uint256)"}


def test_mixed_layouts_keep_their_order() -> None:
    three, one = SWAP, parse_event("Sync(uint112 a, uint112 b)")
    rows = [
        log_json(three, ["0x" + "11" * 20, i, i, i], i) if i % 3 else log_json(one, [i, i + 1], i) for i in range(50)
    ]
    compact = json.dumps(rows, separators=(",", ":")).encode()
    logs = scan_logs(memoryview(compact))
    assert_equal_logs(logs, parse_any_layout(compact))
    assert logs.log_index.tolist() == list(range(50))


def test_registered_events_of_other_contracts_are_not_wanted() -> None:
    abi = parse_event("Sync(uint112 a, uint112 b)")
    ours, foreign = "0x" + "ab" * 20, "0x" + "cd" * 20
    logs = parse_logs(json.dumps([log_json(abi, [1, 2], 0), log_json(abi, [3, 4], 1, address=foreign)]).encode())
    result = Decoder(1, [Wanted(spec_of(abi), frozenset([ours]))]).decode(logs)
    assert {name: sum(map(len, parts)) for name, parts in result.tables.items()} == {"family__event": 1}
    assert {address: count for (_, address), count in result.counts.items()} == {ours: 1}


def test_shared_tables_hold_parameters_as_json() -> None:
    abi = parse_event(
        "CapChanged(address indexed asset, uint256 oldCap, uint8 newCap, bool isActive, (uint8,string) aToken)"
    )
    spec = EventSpec("aave_v3", "configurator", "aave_v3__configuration", "any", abi, is_shared=True)
    raw = json.dumps([log_json(abi, ["0x" + "11" * 20, 2**255, 3, True, (1, 'a"b')], 0)]).encode()
    (table,) = Decoder(1, [Wanted(spec, None)]).decode(parse_logs(raw)).tables["aave_v3__configuration"]
    row = table.to_pylist()[0]
    assert (row["event_role"], row["event_name"]) == ("configurator", "CapChanged")
    assert json.loads(row["payload"]) == {
        "asset": "0x" + "11" * 20,
        "old_cap": str(2**255),
        "new_cap": "3",
        "is_active": True,
        "atoken": '["1","a\\"b"]',
    }


@pytest.mark.parametrize(
    "change",
    [
        {"removed": True},
        {"blockHash": "0x12"},
        {"address": "0x" + "zz" * 20},
        {"topics": ["0x" + "00" * 32] * 5},
        {"blockNumber": "latest"},
        {"data": "0x123"},
    ],
)
def test_malformed_logs_are_refused(change: dict[str, Any]) -> None:
    raw = json.dumps([log_json(SWAP, ["0x" + "11" * 20, 1, 2, 3], 0, **change)], separators=(",", ":")).encode()
    with pytest.raises(UnusualLayout):
        scan_logs(memoryview(raw))
    with pytest.raises(Malformed):
        parse_logs(raw)


def test_other_key_orders_and_missing_timestamps_are_read() -> None:
    log = log_json(SWAP, ["0x" + "11" * 20, 1, 2, 3], 5)
    shuffled = {key: log[key] for key in sorted(log, reverse=True)}
    without = {key: value for key, value in log.items() if key != "blockTimestamp"}
    assert_equal_logs(parse_logs(json.dumps([shuffled]).encode()), parse_logs(json.dumps([log]).encode()))
    assert parse_logs(json.dumps([without], separators=(",", ":")).encode()).timestamp.tolist() == [-1]
    assert parse_logs(json.dumps([log, without]).encode()).timestamp.tolist() == [1_681_338_515, -1]
    assert len(parse_logs(b"[]")) == 0
