"""Whole loads from a real node: whatever order they come in, what counts afterwards is what the chain has, each log once."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from devnet.node import Anvil
from loaders.errors import PoolhouseError
from loaders.load.request import LoadRequest
from loaders.load.run import load
from loaders.load.runs import LoadSummary
from loaders.registry.events import load_events
from loaders.source.transactions import TransactionMode
from loaders.status.read import FamilyStatus, read_only, read_status
from tests.loaders.emitter import Answer, Emitter, Proxy, serve
from tests.loaders.live import assert_live_is_the_chain, live, rows


@pytest.fixture
def chain() -> Iterator[Emitter]:
    with Anvil() as anvil:
        yield Emitter(anvil)


def run(chain: Emitter, database: Path, **options: object) -> LoadSummary:
    request = LoadRequest(
        **{
            "chain": "devnet",
            "rpc_url": chain.url,
            "database": database,
            "protocols": ("uniswap_v2",),
            "from_block": 0,
            "with_facts": False,
            "transactions": TransactionMode.NONE,
            **options,
        }  # type: ignore[arg-type]  # options are those of LoadRequest
    )
    return load(request)


def families(database: Path) -> tuple[FamilyStatus, ...]:
    with read_only(database) as query:
        return read_status(query).families


def test_scattered_blocks_are_loaded_and_no_others(chain: Emitter, tmp_path: Path) -> None:
    database = tmp_path / "w.duckdb"
    chain.mine([1] * 100)
    summary = run(chain, database, from_block=None, blocks=((3, 3), (10, 12)))
    assert (summary.from_block, summary.to_block, summary.blocks_read) == (3, 12, 4)
    numbers = [number for number, *_ in chain.logs() if number in (3, 10, 11, 12)]
    assert numbers
    assert rows(database, "select block_number from raw.uniswap_v2__pair_sync order by all") == [(n,) for n in numbers]
    run(chain, database)
    assert_live_is_the_chain(chain, database)


def test_loads_converge_while_the_chain_grows_and_reorganises(chain: Emitter, tmp_path: Path) -> None:
    database = tmp_path / "w.duckdb"
    chain.mine([2, 0, 3] * 30)
    first = run(chain, database)
    assert_live_is_the_chain(chain, database)
    assert (first.blocks_read, first.logs) == (chain.head + 1, len(chain.logs()))

    again = run(chain, database)
    assert again.blocks_read == 64, "only what is not final is read again"
    assert_live_is_the_chain(chain, database)

    chain.mine([1] * 20)
    chain.rpc.call("anvil_reorg", 10, [[chain.transaction(10_000 + i), i] for i in range(5)])
    run(chain, database)
    assert_live_is_the_chain(chain, database)

    chain.mine([4] * 70)
    run(chain, database)
    assert_live_is_the_chain(chain, database)
    finals = rows(
        database,
        "select from_block, to_block from raw.load_ranges where event = 'Sync' and finality = 'final' order by all",
    )
    assert [int(str(a)) for a, _ in finals] == [0, *(int(str(b)) + 1 for _, b in finals[:-1])], (
        "finals meet, and overlap nowhere"
    )


def test_holes_are_filled_and_nothing_is_read_twice(chain: Emitter, tmp_path: Path) -> None:
    database = tmp_path / "w.duckdb"
    chain.mine([1, 2] * 60)
    run(chain, database, from_block=10, to_block=20)
    run(chain, database, from_block=40, to_block=50)
    (status,) = families(database)
    assert (status.coverage.final, status.coverage.holes) == (((10, 20), (40, 50)), ((21, 39),))
    filled = run(chain, database, from_block=5, to_block=50)
    assert filled.blocks_read == 5 + 19
    (status,) = families(database)
    assert (status.coverage.final, status.coverage.holes) == (((5, 50),), ())
    everything = run(chain, database)
    assert everything.blocks_read == chain.head + 1 - 46
    assert_live_is_the_chain(chain, database)


def test_transfers_are_loaded_only_when_asked_for_and_alone_afterwards(chain: Emitter, tmp_path: Path) -> None:
    database = tmp_path / "w.duckdb"
    transfers = "select block_number, from_address, to_address, value from raw.erc20__token_transfer order by all"
    chain.transfer([7, 2**256 - 1])
    chain.mine([1] * 70)
    final = chain.head - 64
    # Only blocks below finality: those above are read again for every filter.
    run(chain, database, to_block=final)
    finals = "select count(*) from raw.load_ranges where finality = 'final' and family = '{}'"
    assert rows(database, transfers) == []
    assert rows(database, finals.format("erc20")) == [(0,)]
    before = rows(database, finals.format("uniswap_v2"))

    summary = run(chain, database, to_block=final, with_transfers=True)
    sender, receiver = ("0x" + "00" * 19 + digits for digits in ("01", "02"))
    assert rows(database, transfers) == [(1, sender, receiver, "7"), (2, sender, receiver, str(2**256 - 1))]
    assert (summary.blocks_read, summary.logs) == (final + 1, 2), "nothing but the transfers is read"
    assert rows(database, finals.format("uniswap_v2")) == before
    assert rows(database, finals.format("erc20")) == [(1,)]
    (status,) = [s for s in families(database) if s.family == "erc20"]
    assert (status.coverage.final, status.rows) == (((0, final),), 2)
    assert run(chain, database, to_block=final, with_transfers=True).blocks_read == 0


def test_a_tail_stays_covered_when_less_is_asked_for(chain: Emitter, tmp_path: Path) -> None:
    database = tmp_path / "w.duckdb"
    chain.mine([1] * 100)
    run(chain, database)
    run(chain, database, from_block=90, to_block=95)
    assert_live_is_the_chain(chain, database)
    chain.mine([1] * 100)
    run(chain, database, from_block=195)
    (status,) = families(database)
    assert status.coverage.holes == ((101, 194),), "the old tail became final although it was not asked for"


def test_a_tail_is_replaced_whole_or_not_at_all(chain: Emitter, tmp_path: Path) -> None:
    """Else the rest of the old tail would hang on top of a part of another chain, or be hidden by it."""
    database = tmp_path / "w.duckdb"
    chain.mine([3] * 100)
    run(chain, database)
    before = live(database)
    chain.rpc.call("anvil_reorg", 60, [[chain.transaction(10_000 + i), i] for i in range(60)])
    chain.mine([3] * 20)
    proxy = Proxy(chain.url)
    for refused in (chain.head - 10, chain.head - 70):
        # in the new tail; and where the old tail became final, in the middle of it
        proxy.fault = partial(_no_blocks_from, refused)
        with serve(proxy.respond) as url, pytest.raises(PoolhouseError, match="refuses access"):
            run(chain, database, rpc_url=url, logs_per_package=10)
        assert live(database) == before
    run(chain, database, logs_per_package=10)
    assert_live_is_the_chain(chain, database)


def _no_blocks_from(refused: int, call: dict[str, Any], answer: Answer) -> Answer:
    question = call["params"][0] if call["method"] == "eth_getLogs" else {}
    if "toBlock" not in question:
        return answer
    if int(question["toBlock"], 16) >= refused and int(question["toBlock"], 16) - int(question["fromBlock"], 16) <= 2:
        return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": -32000, "message": "invalid api key"}}
    return _at_most_three_blocks(call, answer)


def test_an_event_added_later_is_a_filter_not_covered_yet(chain: Emitter, tmp_path: Path) -> None:
    database = tmp_path / "w.duckdb"
    chain.mine([1] * 80)
    run(chain, database)
    with duckdb.connect(str(database)) as connection:
        connection.execute("delete from raw.load_ranges where event = 'Sync'")
    run(chain, database, to_block=10)
    counted = rows(database, "select event, count(*) from raw.load_ranges where finality = 'final' group by all")
    assert ("Sync", 1) in counted
    assert rows(database, "select to_block from raw.load_ranges where event = 'Sync' and finality = 'final'") == [(10,)]


def test_small_packages_lose_little_and_killed_loads_nothing(chain: Emitter, tmp_path: Path) -> None:
    database = tmp_path / "w.duckdb"
    chain.mine([15] * 150)
    script = (
        "import sys; from pathlib import Path; from loaders.load.request import LoadRequest;"
        "from loaders.load.run import load;"
        "from loaders.source.transactions import TransactionMode;"
        "load(LoadRequest(chain='devnet', rpc_url=sys.argv[1], database=Path(sys.argv[2]), protocols=('uniswap_v2',),"
        "from_block=0, with_facts=False, transactions=TransactionMode.AUTO, logs_per_package=60))"
    )
    proxy = Proxy(chain.url)
    proxy.fault = _at_most_three_blocks
    with serve(proxy.respond) as url:
        for packages, pause in ((1, 0.0), (2, 0.1), (3, 0.25)):
            done = set(tmp_path.glob(".poolhouse/pipelines/*/load/loaded/*"))
            process = subprocess.Popen([sys.executable, "-c", script, url, str(database)])
            while (
                process.poll() is None
                and len(set(tmp_path.glob(".poolhouse/pipelines/*/load/loaded/*")) - done) < packages
            ):
                time.sleep(0.02)
            time.sleep(pause)
            assert process.poll() is None, "the load ended before it could be killed"
            process.send_signal(signal.SIGKILL)
            process.wait()
    summary = run(chain, database, transactions=TransactionMode.AUTO)
    assert_live_is_the_chain(chain, database)
    assert summary.packages
    sums = rows(
        database,
        "select sum(log_count) from raw.load_ranges join raw._dlt_loads on load_id = _dlt_load_id where event = 'Sync' "
        "and finality = 'final'",
    )
    final = sum(1 for block, _, _ in chain.logs() if block <= chain.head - 64)
    assert sums == [(final,)]


def _at_most_three_blocks(call: dict[str, Any], answer: Answer) -> Answer:
    question = call["params"][0] if call["method"] == "eth_getLogs" else {}
    if "toBlock" in question and int(question["toBlock"], 16) - int(question["fromBlock"], 16) > 2:
        return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": -32614, "message": "limited to a 3 range"}}
    return answer


def test_every_table_exists_typed_after_a_load_of_nothing(chain: Emitter, tmp_path: Path) -> None:
    database = tmp_path / "w.duckdb"
    chain.rpc.call("evm_mine")
    run(chain, database)
    found = {
        (table, column): kind
        for table, column, kind in rows(
            database,
            "select table_name, column_name, data_type from information_schema.columns where table_schema = 'raw'",
        )
    }
    types = {"string": "VARCHAR", "int64": "BIGINT", "timestamp": "TIMESTAMP WITH TIME ZONE", "bool": "BOOLEAN"}
    for name, table in load_events().with_tables_for(()).tables.items():
        for column in table.columns:
            assert found[name, column.name] == types[column.type], f"{name}.{column.name}"
        assert found[name, "_dlt_load_id"] == "VARCHAR"


def test_the_archive_holds_every_accepted_log(chain: Emitter, tmp_path: Path) -> None:
    chain.mine([3] * 80)
    archive = tmp_path / "archive"
    run(chain, tmp_path / "w.duckdb", archive=archive, logs_per_package=100)
    files = sorted(archive.rglob("*"))
    assert {f.suffix for f in files if f.is_file()} == {".parquet"}
    kept = []
    for path in archive.rglob("*.parquet"):
        metadata = pq.read_metadata(path).metadata
        assert metadata[b"chain_id"] == b"31337"
        table = pq.read_table(path)
        low, high = int(metadata[b"from_block"]), int(metadata[b"to_block"])
        assert all(low <= n <= high for n in table["block_number"].to_pylist())
        kept += [(row["block_number"], row["log_index"], "0x" + row["data"].hex()) for row in table.to_pylist()]
    assert sorted(kept) == chain.logs()


def test_another_chain_with_the_same_id_is_refused(chain: Emitter, tmp_path: Path) -> None:
    database = tmp_path / "w.duckdb"
    chain.mine([1] * 80)
    run(chain, database)
    with Anvil() as other:
        stranger = Emitter(other)
        stranger.mine([2] * 90)
        with pytest.raises(PoolhouseError, match="is not the chain already in"):
            run(stranger, database)
    assert_live_is_the_chain(chain, database)


def test_genesis_and_host_are_in_the_ledger(chain: Emitter, tmp_path: Path) -> None:
    database = tmp_path / "w.duckdb"
    chain.mine([1] * 70)
    run(chain, database)
    genesis = chain.rpc.call("eth_getBlockByNumber", "0x0", False)["hash"]
    assert rows(database, "select distinct genesis_hash, endpoint_host from raw.load_ranges") == [
        (genesis, chain.url.removeprefix("http://"))
    ]
    for block, block_hash, seconds in rows(
        database, "select to_block, to_block_hash, epoch(max_timestamp)::bigint from raw.load_ranges"
    ):
        header = chain.rpc.call("eth_getBlockByNumber", hex(int(str(block))), False)
        assert (block_hash, seconds) == (header["hash"], int(header["timestamp"], 16))
