"""The audit: what real blocks commit to is recomputed to the bit, and whatever is done to a warehouse is found."""

from __future__ import annotations

import copy
import gzip
import io
import json
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest
from rich.console import Console
from typer.testing import CliRunner

from devnet.node import GENESIS_TIMESTAMP, Anvil
from loaders.audit.header import header_hash
from loaders.audit.live import LiveRange, draw, final_ranges
from loaders.audit.proof import Refuted, prove_block
from loaders.audit.receipts import NotProvable, Receipt, committed_receipts, encode_receipt
from loaders.audit.report import print_report
from loaders.audit.run import AuditReport, audit
from loaders.cli import app
from loaders.load.ledger import Ledger, LoadedRange
from loaders.load.opening import open_session
from loaders.load.request import LoadRequest
from loaders.load.run import load
from loaders.registry.chains import Chain
from loaders.registry.seeds import load_registry
from loaders.rpc.client import RpcClient
from loaders.rpc.configuration import EndpointConfig
from loaders.rpc.node import Node
from loaders.source.transactions import TransactionMode
from tests.loaders.emitter import Answer, Emitter, Proxy, serve

CHAINS = (1, 10, 137, 8453, 42161)
KEY = ("uniswap_v2", "pair", "Sync", "*")
DEVNET: Chain = load_registry().chain("devnet")


def recorded_blocks(reference_data: Path, chain_id: int) -> Iterator[dict[str, Any]]:
    for path in sorted((reference_data / "blocks" / str(chain_id)).glob("*.json.gz")):
        recorded: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
        yield recorded


def proven(block: dict[str, Any], receipts: list[dict[str, Any]]) -> int:
    """How many receipts the header's root vouches for."""
    converted = msgspec.convert(receipts, list[Receipt])
    return len(committed_receipts(converted, block["receiptsRoot"], int(block["number"], 16), block["hash"]))


def test_real_blocks_prove_their_receipts_and_headers(reference_data: Path) -> None:
    outcome: Counter[str] = Counter()
    for chain_id in CHAINS:
        for recorded in recorded_blocks(reference_data, chain_id):
            block, receipts = recorded["block"], recorded["receipts"]
            try:
                assert header_hash(block) == block["hash"]
                outcome["headers"] += 1
            except NotProvable:
                outcome["incomplete headers"] += 1
            if recorded["verified"] == "receiptsRoot":
                assert proven(block, receipts) == len(receipts)
                outcome["receipts"] += 1
                outcome["logs"] += sum(len(r["logs"]) for r in receipts)
                outcome[f"chain {chain_id}"] += 1
            elif chain_id == 137:
                # Polygon's last receipt is a deposit from Ethereum, which the root leaves out.
                assert proven(block, receipts) == len(receipts) - 1
    # The record itself says of 46 blocks that their receipts are whole; four headers were recorded in part.
    assert (outcome["receipts"], outcome["headers"], outcome["incomplete headers"]) == (46, 46, 4)
    assert all(outcome[f"chain {chain_id}"] for chain_id in CHAINS)
    assert outcome["logs"] > 20_000


def test_any_change_of_a_real_block_is_noticed(reference_data: Path) -> None:
    recorded = next(b for b in recorded_blocks(reference_data, 1) if b["block"]["number"] == hex(17_034_870))
    block, receipts = recorded["block"], recorded["receipts"]
    rng = random.Random(4)

    def changed(change: Any) -> list[dict[str, Any]]:
        copied: list[dict[str, Any]] = copy.deepcopy(receipts)
        change(rng.choice([r for r in copied if r["logs"]]), copied)
        return copied

    def flip(log: dict[str, Any], name: str) -> None:
        digit = log[name][-1]
        log[name] = log[name][:-1] + ("1" if digit == "0" else "0")

    changes = {
        "a log less": lambda r, _: r["logs"].pop(rng.randrange(len(r["logs"]))),
        "a log more": lambda r, _: r["logs"].append(r["logs"][0]),
        "another address": lambda r, _: flip(rng.choice(r["logs"]), "address"),
        "other data": lambda r, _: flip(next(x for x in r["logs"] if len(x["data"]) > 2), "data"),
        "a topic less": lambda r, _: next(x for x in r["logs"] if x["topics"])["topics"].pop(),
        "a receipt less": lambda r, all_: all_.remove(r),
        "another status": lambda r, _: r.update(status="0x0"),
        "another type": lambda r, _: r.update(type="0x1"),
        "another order": lambda _, all_: all_.reverse(),
    }
    for what, change in changes.items():
        with pytest.raises(ValueError, match="root"):
            pytest.fail(f"{what} went unnoticed: {proven(block, changed(change))} receipts")
    for name in ("receiptsRoot", "parentHash", "stateRoot", "timestamp", "withdrawalsRoot", "extraData"):
        other = dict(block)
        flip(other, name)
        assert header_hash(other) != block["hash"], name


def test_receipts_that_cannot_be_proven_are_said_so_by_name() -> None:
    receipt = Receipt("0x5208", [], "0x" + "00" * 32, type="0x78", status="0x1")
    with pytest.raises(NotProvable, match="Arbitrum"):
        encode_receipt(receipt)
    with pytest.raises(NotProvable, match="neither status"):
        encode_receipt(Receipt("0x5208", [], "0x" + "00" * 32))
    # Since Canyon a deposit commits to its nonce and version as well: two fields more.
    old = Receipt("0x5208", [], "0x" + "00" * 32, type="0x7e", status="0x1", deposit_nonce="0x7")
    new = msgspec.structs.replace(old, deposit_receipt_version="0x1")
    assert encode_receipt(new).endswith(bytes.fromhex("c00701"))
    assert encode_receipt(old).endswith(b"\xc0")
    with pytest.raises(NotProvable, match="Avalanche"):
        header_hash({"extDataHash": "0x"})


def test_the_first_complete_final_load_owns_a_block_and_draws_stay_within_owners() -> None:
    def loaded(low: int, high: int, load_id: str, finality: Any = "final", decoder: int = 1) -> LoadedRange:
        return LoadedRange(KEY, low, high, None, finality, None, load_id, decoder)

    ledger = Ledger((loaded(0, 9, "b"), loaded(5, 14, "a"), loaded(12, 30, "c", "tail"), loaded(20, 24, "d")))
    live = final_ranges(ledger)
    assert sorted((r.from_block, r.to_block, r.load_id) for r in live) == [(0, 4, "b"), (5, 14, "a"), (20, 24, "d")]
    for seed in range(50):
        drawn = draw(live, 4, 4, random.Random(seed))
        assert len(drawn) == 4
        blocks = [n for s in drawn for n in range(s.from_block, s.to_block + 1)]
        assert len(set(blocks)) == len(blocks), "no block twice"
        for sampled in drawn:
            reached = {o for o in live if o.from_block <= sampled.to_block and o.to_block >= sampled.from_block}
            assert set(sampled.owners) == reached, "one owner throughout"
            assert 1 <= sampled.to_block - sampled.from_block + 1 <= 4
    decoded_again = Ledger((*ledger.ranges, loaded(3, 6, "e", decoder=2)))
    assert [r for r in final_ranges(decoded_again) if r.load_id == "e"] == [LiveRange(KEY, 3, 6, "e")]
    everything = draw(live, 100, 4, random.Random(0))
    assert [n for s in everything for n in range(s.from_block, s.to_block + 1)] == [*range(15), *range(20, 25)]


@pytest.fixture(scope="module")
def chain() -> Iterator[Emitter]:
    with Anvil() as anvil:
        emitter = Emitter(anvil)
        emitter.mine([2, 0, 3, 1] * 30)
        yield emitter


@pytest.fixture(scope="module")
def loaded(chain: Emitter, tmp_path_factory: pytest.TempPathFactory) -> Path:
    database = tmp_path_factory.mktemp("audit") / "w.duckdb"
    for low, high in ((0, 20), (21, 120)):
        load(request(chain.url, database, low, high))
    return database


@pytest.fixture
def database(loaded: Path, tmp_path: Path) -> Path:
    """A copy to tamper with."""
    return Path(shutil.copy(loaded, tmp_path / "w.duckdb"))


def request(url: str, database: Path, low: int, high: int) -> LoadRequest:
    return LoadRequest(
        chain="devnet",
        rpc_url=url,
        database=database,
        protocols=("uniswap_v2",),
        from_block=low,
        to_block=high,
        with_facts=False,
        transactions=TransactionMode.NONE,
    )


def audited(url: str, database: Path) -> AuditReport:
    """Everything that is final, in windows of up to thirty blocks."""
    with open_session("devnet", ["uniswap_v2"], url, "duckdb", database) as session:
        return audit(session, sample=100, width=30, seed=1)


def test_an_audit_asks_who_did_not_answer_the_load(chain: Emitter, tmp_path: Path) -> None:
    """Two endpoints, of which one loaded: the other one is asked, though the first is far preferred."""
    first, second = Proxy(chain.url), Proxy(chain.url)
    with serve(first.respond) as one, serve(second.respond) as other:
        load(request(one, tmp_path / "w.duckdb", 0, 40))
        first.calls.clear()
        endpoints = [EndpointConfig(one, weight=1000.0), EndpointConfig(other)]
        with open_session("devnet", ["uniswap_v2"], endpoints, "duckdb", tmp_path / "w.duckdb") as session:
            report = audit(session, sample=3, width=5, seed=1)
    assert report.findings == []
    assert not report.rests_on_same
    assert report.loaded_from == {one.removeprefix("http://")}
    assert "eth_getLogs" not in {c["method"] for c in first.calls}
    assert "eth_getLogs" in {c["method"] for c in second.calls}


def tamper(database: Path, statement: str) -> None:
    with duckdb.connect(str(database)) as connection:
        connection.execute(statement)


def test_a_good_warehouse_agrees_and_is_proven(chain: Emitter, loaded: Path) -> None:
    report = audited(chain.url, loaded)
    assert report.findings == []
    printed = io.StringIO()
    print_report(Console(width=160, file=printed), report)
    assert "everything agrees" in printed.getvalue()
    assert "The endpoint is one that these blocks were loaded from" in printed.getvalue()
    final = chain.head - 64
    audited_blocks = sorted(n for r in report.ranges for n in range(r.from_block, r.to_block + 1))
    assert audited_blocks == list(range(final + 1))
    logs = [log for log in chain.logs() if log[0] <= final]
    assert sum(r.log_count for r in report.ranges) == sum(r.row_count for r in report.ranges) == len(logs)
    assert len(report.proofs) == 2 * len(report.ranges) == 6
    assert [p.gap for p in report.proofs if p.gap] == []
    assert {p.number: p.block_hash for p in report.proofs} == {
        p.number: chain.rpc.call("eth_getBlockByNumber", hex(p.number), False)["hash"] for p in report.proofs
    }


SYNC_TABLE = "raw.uniswap_v2__pair_sync"
ONE = (
    f"(block_number, log_index) = (select (block_number, log_index) from {SYNC_TABLE} where block_number < 50 limit 1)"
)
TAMPERED = {
    "lost row": f"delete from {SYNC_TABLE} where {ONE}",
    "repeated row": f"insert into {SYNC_TABLE} select * from {SYNC_TABLE} where {ONE}",
    "value": f"update {SYNC_TABLE} set reserve0 = (reserve0::hugeint + 1)::varchar where {ONE}",
    "row too many": f"update {SYNC_TABLE} set block_number = block_number + 1, log_index = 7 where {ONE}",
}


@pytest.mark.parametrize("kind", TAMPERED)
def test_whatever_is_done_to_the_rows_is_found(chain: Emitter, database: Path, kind: str) -> None:
    tamper(database, TAMPERED[kind])
    report = audited(chain.url, database)
    found = {f.kind for f in report.findings}
    expected = {
        "lost row": {"lost row", "count"},
        "repeated row": {"repeated row", "count"},
        # It was moved from somewhere, and its new block has another hash and time.
        "row too many": {"lost row", "row too many"},
        "value": {"value"},
    }
    assert found == expected[kind]
    if kind == "value":
        assert "reserve0" in report.findings[0].detail


def test_whatever_is_done_to_the_ledger_and_headers_is_found(chain: Emitter, database: Path) -> None:
    false_hash = "0x" + "ab" * 32
    tamper(database, "update raw.load_ranges set log_count = log_count + 1 where event = 'Sync' and from_block = 0")
    tamper(database, f"update raw.load_ranges set to_block_hash = '{false_hash}' where to_block = 20")
    tamper(database, f"update raw.blocks set block_hash = '{false_hash}' where block_number = 21")
    found = audited(chain.url, database).findings
    assert {"count", "block hash"} <= {f.kind for f in found} <= {"count", "block hash", "proof"}
    assert {f.block_number for f in found if f.kind == "block hash"} == {20, 21}


def test_a_row_with_a_hash_of_another_chain_is_found(chain: Emitter, database: Path) -> None:
    tamper(database, f"update {SYNC_TABLE} set block_hash = '0x{'cd' * 32}' where {ONE}")
    report = audited(chain.url, database)
    assert {f.kind for f in report.findings} & {"value", "proof"}


def alters_logs(call: dict[str, Any], answer: Answer) -> Answer:
    if call["method"] == "eth_getLogs":
        for log in answer["result"]:
            log["data"] = log["data"][:-1] + "f"
    return answer


def hides_receipt_logs(call: dict[str, Any], answer: Answer) -> Answer:
    if call["method"] == "eth_getBlockReceipts":
        for receipt in answer["result"]:
            receipt["logs"] = []
    return answer


def forges_headers(call: dict[str, Any], answer: Answer) -> Answer:
    if call["method"] == "eth_getBlockByNumber":
        answer["result"]["stateRoot"] = "0x" + "77" * 32
    return answer


def lacks_block_receipts(call: dict[str, Any], answer: Answer) -> Answer:
    if call["method"] == "eth_getBlockReceipts":
        return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": -32601, "message": "method not found"}}
    return answer


def test_a_lying_endpoint_is_told_from_a_bad_warehouse(chain: Emitter, loaded: Path) -> None:
    proxy = Proxy(chain.url)
    with serve(proxy.respond) as url:
        proxy.fault = alters_logs
        report = audited(url, loaded)
        lied_about = {f.block_number for f in report.findings if f.kind == "answer"}
        assert lied_about == {p.number for p in report.proofs if p.logs is not None and len(p.logs)}
        altered = {f.block_number for f in report.findings if f.kind == "value"}
        assert altered, "rows of blocks that were not proven disagree with the lie"
        assert not altered & lied_about, "those of proven blocks are held against the proof"
        for fault, word in ((hides_receipt_logs, "root"), (forges_headers, "header")):
            proxy.fault = fault
            found = audited(url, loaded).findings
            assert {f.kind for f in found} == {"proof"}
            assert word in found[0].detail
        proxy.fault = lacks_block_receipts
        report = audited(url, loaded)
        assert (report.findings, [p.gap for p in report.proofs if p.gap]) == ([], []), (
            "receipts one by one prove as much"
        )


def test_a_forged_block_does_not_fit_into_the_chain(chain: Emitter) -> None:
    """A header may be forged together with its hash; then the blocks above do not follow, or end in another hash."""
    known = {12: str(chain.rpc.call("eth_getBlockByNumber", "0xc", False)["hash"])}
    proxy = Proxy(chain.url)

    def forges_a_header_and_its_hash(call: dict[str, Any], answer: Answer) -> Answer:
        if call["method"] == "eth_getBlockByNumber" and call["params"][0] == hex(9):
            answer["result"]["stateRoot"] = "0x" + "77" * 32
            answer["result"]["hash"] = header_hash(answer["result"])
        return answer

    def moves_log_indexes(call: dict[str, Any], answer: Answer) -> Answer:
        if call["method"] == "eth_getBlockReceipts":
            for receipt in answer["result"]:
                for log in receipt["logs"]:
                    log["logIndex"] = hex(int(log["logIndex"], 16) + 1)
        return answer

    with serve(proxy.respond) as url:
        node = Node(RpcClient(url))
        good = prove_block(node, DEVNET, 9, known)
        assert good.gap == ""
        assert good.logs is not None
        assert len(good.logs) == 2
        with pytest.raises(Refuted, match="in the warehouse"):
            prove_block(node, DEVNET, 9, {12: "0x" + "88" * 32})
        far = {8: "0x" + "88" * 32}
        assert "holds no block hash" in prove_block(node, DEVNET, 9, far).anchor_gap
        assert prove_block(node, DEVNET, 9, far, is_second_witness=True).gap == ""
        with pytest.raises(Refuted, match="in the warehouse"):
            prove_block(node, DEVNET, 9, {12: "0x" + "88" * 32}, is_second_witness=True)
        proxy.fault = forges_a_header_and_its_hash
        with pytest.raises(Refuted, match="do not follow"):
            prove_block(node, DEVNET, 9, known)
        forged_hash = str(node.call("eth_getBlockByNumber", "0x9", False)["hash"])
        with pytest.raises(Refuted, match="do not follow"):
            pytest.fail(f"forged when it was loaded, too: {prove_block(node, DEVNET, 9, {9: forged_hash, **known})}")
        proxy.fault = moves_log_indexes
        with pytest.raises(Refuted, match="has the index 1"):
            prove_block(node, DEVNET, 9, known)


def test_what_a_load_read_above_finality_is_no_witness(tmp_path: Path) -> None:
    """The first load's head was replaced; those that followed read what took its place, but not that block's header."""
    database = tmp_path / "w.duckdb"
    with Anvil() as anvil:
        chain = Emitter(anvil)
        chain.mine([1] * 80)
        load(request(chain.url, database, 0, 80))
        chain.rpc.call("anvil_reorg", 6, [[chain.transaction(900 + i), i] for i in range(3)])
        for blocks in (3, 80):
            chain.mine([1] * blocks)
            load(request(chain.url, database, 0, chain.head))
        report = audited(chain.url, database)
    assert report.findings == []
    assert max(p.number for p in report.proofs) > 80
    assert [p.gap for p in report.proofs if p.gap] == []


def test_blocks_that_come_days_apart_are_read_with_all_their_rows(tmp_path: Path) -> None:
    database = tmp_path / "w.duckdb"
    with Anvil() as anvil:
        chain = Emitter(anvil)
        for day in range(1, 5):
            chain.rpc.call("evm_setNextBlockTimestamp", GENESIS_TIMESTAMP + day * 86_400)
            chain.mine([1])
        chain.mine([0] * 64)
        load(request(chain.url, database, 0, chain.head))
        report = audited(chain.url, database)
    assert report.findings == []
    assert sum(r.row_count for r in report.ranges) == 4


def test_where_polygon_may_keep_logs_outside_the_root_nothing_is_proven(reference_data: Path) -> None:
    polygon = load_registry().chain("polygon")
    for recorded in recorded_blocks(reference_data, 137):
        number, receipts = int(recorded["block"]["number"], 16), recorded["receipts"]

        def respond(body: bytes, block: Any = recorded["block"], receipts: Any = receipts) -> Any:
            def answer(call: dict[str, Any]) -> dict[str, Any]:
                result = block if call["method"] == "eth_getBlockByNumber" else receipts
                return {"jsonrpc": "2.0", "id": call["id"], "result": result}

            asked = json.loads(body)
            found = [answer(c) for c in asked] if isinstance(asked, list) else answer(asked)
            return 200, {}, json.dumps(found).encode()

        may_have_deposits = recorded["verified"] != "receiptsRoot"
        with serve(respond) as url:
            gap = prove_block(Node(RpcClient(url)), polygon, number, {}).receipts_gap
            assert ("outside the receipts root" in gap) == may_have_deposits
            if may_have_deposits:
                receipts.pop()  # a node that hides the deposit has the root on its side
                gap = prove_block(Node(RpcClient(url)), polygon, number, {}).receipts_gap
                assert "outside the receipts root" in gap


def test_recorded_mainnet_blocks_are_proven_through_the_whole_loader(mainnet: str, tmp_path: Path) -> None:
    database = tmp_path / "w.duckdb"
    blocks = (17_034_870, 17_300_000, 22_869_878)
    load(
        LoadRequest(
            chain="ethereum",
            rpc_url=mainnet,
            database=database,
            protocols=("uniswap_v2", "uniswap_v3"),
            blocks=tuple((n, n) for n in blocks),
            with_facts=False,
            transactions=TransactionMode.NONE,
        )
    )
    with open_session("ethereum", ["uniswap_v2", "uniswap_v3"], mainnet, "duckdb", database) as session:
        report = audit(session, sample=10, width=1, seed=0)
    assert report.findings == []
    assert [(p.number, p.gap) for p in report.proofs] == [(n, "") for n in blocks]
    assert sum(r.row_count for r in report.ranges) > 100


def test_the_command_ends_with_one_when_something_disagrees(chain: Emitter, database: Path) -> None:
    tamper(database, TAMPERED["lost row"])
    command = ["audit", "--chain", "devnet", "--protocol", "uniswap_v2", "--database", str(database), "--seed", "3"]
    command += ["--rpc-url", chain.url, "--sample", "100", "--width", "50", "--json"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 1
    report = json.loads(done.stdout)
    assert report["verdict"] == "disagrees"
    assert {f["kind"] for f in report["findings"]} == {"lost row", "count"}
    assert all(p["proven"] for p in report["proofs"])
