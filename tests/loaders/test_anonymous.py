"""Anonymous events, which no topic names: read whole by contract from a real node, told apart by shape, nothing lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from eth_abi.abi import encode

from devnet.node import Anvil
from loaders.errors import PoolhouseError
from loaders.load.request import LoadRequest
from loaders.load.run import load
from loaders.registry.abi import parse_event
from loaders.registry.events import load_events
from loaders.registry.seeds import Contract, load_registry
from loaders.rpc.client import RpcClient
from loaders.source.transactions import TransactionMode
from tests.loaders.emitter import SYNC

NOTE = (
    "LogNote(bytes4 indexed sig, address indexed guy, bytes32 indexed foo, bytes32 indexed bar, uint256 wad, bytes fax)"
)
PING = "Ping(uint256 reading, int256 change)"
EVENTS = f"""family,role,event,table,emitters,signature,topic0
balancer_v2,vat,LogNote,balancer_v2__vat_log_note,registered,"{NOTE} anonymous",
balancer_v2,sensor,Ping,balancer_v2__sensor_ping,registered,"{PING} anonymous",
balancer_v2,pair,Sync,balancer_v2__pair_sync,any,"Sync(uint112 reserve0, uint112 reserve1)",{SYNC.topic0}
"""
LAYOUTS = "family,role,event,signature,handling\n"
VAT, SENSOR, STRANGER = (f"0x{digits * 20}" for digits in ("a4", "a0", "a5"))
# Emit one log: with four topics, the first words of the call data; and with none. What follows is its data.
_EMIT_FOUR_TOPICS = "0x60803603806080600037606035604035602035600035846000a400"
_EMIT_NO_TOPIC = "0x368060006000376000a000"
TOPICS = [b"\x12\x34\x56\x78" + bytes(28), bytes(12) + b"\x77" * 20, b"\x01" * 32, bytes(32)]
NOTED = [2**200, b"\x00\xff" * 40]


@pytest.fixture
def anvil() -> Iterator[Anvil]:
    with Anvil() as node:
        yield node


def test_they_are_loaded_by_contract_and_told_apart_by_shape(anvil: Anvil, tmp_path: Path) -> None:
    rpc = RpcClient(anvil.url)
    sender = rpc.call("eth_accounts")[0]
    for address, code in ((VAT, _EMIT_FOUR_TOPICS), (STRANGER, _EMIT_FOUR_TOPICS), (SENSOR, _EMIT_NO_TOPIC)):
        rpc.call("anvil_setCode", address, code)

    note = b"".join(TOPICS) + encode(["uint256", "bytes"], NOTED)
    no_address = [TOPICS[0], b"\x01" * 32, *TOPICS[2:]]
    named = [bytes.fromhex(SYNC.topic0[2:]), *TOPICS[1:]]
    emitted = [
        (VAT, note),
        (STRANGER, note),
        (SENSOR, encode(["uint256", "int256"], [7, -5])),
        (SENSOR, encode(["uint256"], [7])),
        (VAT, b"".join(no_address) + encode(["uint256", "bytes"], NOTED)),
        (VAT, b"".join(named) + encode(["uint256", "bytes"], NOTED)),
        (SENSOR, encode(["uint256", "int256"], [2**256 - 1, 2**255 - 1])),
    ]
    for to, data in emitted:
        transaction = {"from": sender, "to": to, "data": "0x" + data.hex(), "gas": "0x40000"}
        rpc.call("eth_sendTransaction", transaction)
        rpc.call("evm_mine")

    database = tmp_path / "w.duckdb"
    registry = replace(load_registry(), events=_events(tmp_path, EVENTS), contracts=_contracts(), tokens=(), feeds=())
    request = LoadRequest(
        "devnet", anvil.url, database, from_block=0, with_facts=False, transactions=TransactionMode.NONE
    )
    load(request, registry=registry)

    notes = _rows(database, "select * from raw.balancer_v2__vat_log_note")
    assert [(r["block_number"], r["contract_address"], r["sig"], r["guy"], r["wad"], r["fax"]) for r in notes] == [
        (1, VAT, "0x12345678", "0x" + "77" * 20, str(2**200), "0x" + NOTED[1].hex())  # type: ignore[attr-defined]
    ]
    assert (notes[0]["foo"], notes[0]["bar"]) == ("0x" + "01" * 32, "0x" + "00" * 32)
    pings = _rows(database, "select * from raw.balancer_v2__sensor_ping order by block_number")
    assert [(r["block_number"], r["reading"], r["change"]) for r in pings] == [
        (3, "7", "-5"),
        (7, str(2**256 - 1), str(2**255 - 1)),
    ]
    kept = _rows(database, "select * from raw.undecoded_logs order by block_number")
    assert [(r["block_number"], r["contract_address"], len(json.loads(r["topics"]))) for r in kept] == [
        (4, SENSOR, 0),  # too short for a Ping
        (5, VAT, 4),  # its second topic is no address
        (6, VAT, 4),  # named by its topic 0, and no Sync either
    ]
    assert ["Ping(" in kept[0]["reason"], "LogNote(" in kept[1]["reason"], "Sync(" in kept[2]["reason"]] == [True] * 3
    ledger = _rows(database, "select event, topic0, sum(log_count) as logs from raw.load_ranges group by all")
    assert {r["event"]: (r["topic0"], int(r["logs"])) for r in ledger} == {
        "LogNote": ("", 1),
        "Ping": ("", 2),
        "Sync": (SYNC.topic0, 0),
    }


def test_their_signature_allows_four_indexed_parameters_and_has_no_topic() -> None:
    note = parse_event(NOTE + " anonymous")
    assert (note.topic0, note.topic_count, note.is_anonymous) == ("", 4, True)
    assert parse_event(PING).topic_count == 1
    with pytest.raises(PoolhouseError, match="at most 3 indexed"):
        parse_event(NOTE)
    with pytest.raises(PoolhouseError, match="at most 4 indexed"):
        parse_event(f"E({', '.join(['bool indexed'] * 5)}) anonymous")


def test_one_of_any_emitter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PoolhouseError, match=r"line 3: Ping is anonymous"):
        _events(tmp_path, EVENTS.replace("sensor_ping,registered", "sensor_ping,any"))


def _events(folder: Path, text: str) -> Any:
    events, layouts = folder / "events.csv", folder / "event_layouts.csv"
    events.write_text(text)
    layouts.write_text(LAYOUTS)
    return load_events(events, layouts)


def _contracts() -> tuple[Contract, ...]:
    return tuple(
        Contract(31337, "notes", "1", "balancer_v2", role, "", address, 0, None, "")
        for role, address in (("vat", VAT), ("sensor", SENSOR))
    )


def _rows(database: Path, sql: str) -> list[dict[str, Any]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        found = connection.execute(sql)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
