"""The archive of raw logs: decoded again without a node, it gives the rows that the node gave."""

from __future__ import annotations

import itertools
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from devnet.node import Anvil
from loaders.audit.live import final_ranges
from loaders.decode.decoder import DECODER_VERSION
from loaders.errors import PoolhouseError
from loaders.load.archive import Archive
from loaders.load.ledger import read_ledger
from loaders.load.request import LoadRequest
from loaders.load.run import load
from loaders.load.runs import LoadSummary
from loaders.load.warehouse import open_warehouse
from loaders.registry.seeds import load_registry
from loaders.source.files.request import FilesRequest
from loaders.source.transactions import TransactionMode
from tests.conftest import Run
from tests.loaders.emitter import Answer, Emitter, Proxy, serve

Row = tuple[Any, ...]
OLDER = str(int(DECODER_VERSION) - 1)


@pytest.fixture(scope="module")
def chain() -> Iterator[Emitter]:
    """A chain with quiet stretches, most of it final."""
    with Anvil() as anvil:
        emitter = Emitter(anvil)
        emitter.mine([3, 0, 0, 1] * 20 + [0] * 30 + [2] * 70)
        emitter.transfer([7] * 3)
        emitter.mine([0] * 70)
        yield emitter


def read(chain: Emitter, folder: Path, **options: Any) -> LoadSummary:
    """Load from the node, in several packages, with an archive."""
    defaults = {
        "rpc_url": chain.url,
        "from_block": 0,
        "protocols": ("uniswap_v2", "chainlink"),
        "archive": folder / "archive",
    }
    return load(
        LoadRequest(
            chain="devnet",
            database=folder / "read.duckdb",
            transactions=TransactionMode.NONE,
            with_facts=False,
            with_transfers=True,
            logs_per_package=60,
            **{**defaults, **options},
        )
    )


@pytest.fixture(scope="module")
def loaded_once(chain: Emitter, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database that was loaded in three pieces, a hole among them filled last, and its archive."""
    folder = tmp_path_factory.mktemp("archived")
    read(chain, folder, to_block=33)
    read(chain, folder, from_block=100, to_block=120)
    read(chain, folder)
    return folder


@pytest.fixture
def loaded(loaded_once: Path, tmp_path: Path) -> Path:
    """A copy of it to change."""
    shutil.copytree(loaded_once, tmp_path, dirs_exist_ok=True)
    return tmp_path


def decode(archive: Path | str, database: Path, **options: Any) -> LoadSummary:
    """What `poolhouse decode` does."""
    return load(
        LoadRequest(
            "devnet",
            options.pop("rpc_url", ""),
            database,
            ("uniswap_v2", "chainlink"),
            from_block=0,
            transactions=TransactionMode.NONE,
            with_facts=False,
            with_transfers=True,
            source=FilesRequest((f"{archive}/31337",)),
            is_decoding_again=True,
            **options,
        )
    )


def query(database: Path, sql: str) -> list[Row]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


SYNCS = "select * exclude (_dlt_load_id) from raw.uniswap_v2__pair_sync where {} order by block_number, log_index"
TRANSFERS = "select * exclude (_dlt_load_id) from raw.erc20__token_transfer where {} order by block_number, log_index"
FINAL = "block_number <= (select max(to_block) from raw.load_ranges where finality = 'final')"


def covered(database: Path) -> list[tuple[Any, int, int]]:
    """Which blocks of which filters count as final."""
    registry = load_registry()
    with open_warehouse("duckdb", registry.events, database=database, root=database.parent / "work") as warehouse:
        return sorted(
            (r.key, r.from_block, r.to_block) for r in final_ranges(read_ledger(warehouse, 31337, by_load=True))
        )


def test_a_fresh_database_gets_the_same_final_rows(loaded: Path) -> None:
    assert len(list(loaded.glob("archive/*/*final*"))) >= 4
    summary = decode(loaded / "archive", loaded / "fresh.duckdb")
    assert summary.requests_accepted == 0
    for sql in (SYNCS, TRANSFERS):
        found = query(loaded / "fresh.duckdb", sql.format(FINAL))
        assert found == query(loaded / "read.duckdb", sql.format(FINAL))
        assert found
    last = query(loaded / "read.duckdb", "select max(to_block) from raw.load_ranges where finality = 'final'")
    assert query(loaded / "fresh.duckdb", "select max(to_block) from raw.load_ranges") == last
    # Quiet stretches at the end of a package's range are archived, too.
    holes = "select sum(to_block - from_block + 1) from raw.load_ranges where event = 'Sync' and finality = 'final'"
    assert query(loaded / "fresh.duckdb", holes) == query(loaded / "read.duckdb", holes) == [(last[0][0] + 1,)]
    assert query(loaded / "fresh.duckdb", "select count(*) from raw.load_ranges where to_block_hash is null") == [(0,)]


def test_what_an_older_decoder_wrote_is_written_again_and_counts(loaded: Path) -> None:
    database = loaded / "read.duckdb"
    right = query(database, SYNCS.format(FINAL))
    before = covered(database)
    with duckdb.connect(str(database)) as connection:
        connection.execute("update raw.uniswap_v2__pair_sync set reserve0 = '0'")
        connection.execute(f"update raw.load_ranges set decoder_version = '{OLDER}' where finality = 'final'")
    summary = decode(loaded / "archive", database)
    owners = "', '".join(summary.packages)
    assert query(database, SYNCS.format(f"{FINAL} and _dlt_load_id in ('{owners}')")) == right
    assert query(database, f"select count(*) from raw.load_ranges where decoder_version = '{OLDER}'") != [(0,)]
    with open_warehouse("duckdb", load_registry().events, database=database, root=loaded / "work") as warehouse:
        live = final_ranges(read_ledger(warehouse, 31337, by_load=True))
    assert {r.load_id for r in live} <= set(summary.packages)
    assert {key for key, _, _ in covered(database)} == {key for key, _, _ in before}
    again = decode(loaded / "archive", database)
    assert again.logs == 0, "nothing of an older decoder is left"


def test_a_load_from_the_node_does_not_read_again_what_an_older_decoder_wrote(chain: Emitter, loaded: Path) -> None:
    with duckdb.connect(str(loaded / "read.duckdb")) as connection:
        connection.execute(f"update raw.load_ranges set decoder_version = '{OLDER}'")
    last = query(loaded / "read.duckdb", "select max(to_block) from raw.load_ranges where finality = 'final'")[0][0]
    assert read(chain, loaded).blocks_read == chain.head - last, "the tail alone"


def test_an_event_that_the_ledger_lacks_comes_from_the_archive(loaded: Path) -> None:
    database = loaded / "read.duckdb"
    right, mints = query(database, SYNCS.format(FINAL)), "select count(*) from raw.load_ranges where event = 'Mint'"
    counted = query(database, mints)
    with duckdb.connect(str(database)) as connection:
        connection.execute("delete from raw.load_ranges where event = 'Sync' and finality = 'final'")
        connection.execute("delete from raw.uniswap_v2__pair_sync")
    decode(loaded / "archive", database)
    assert query(database, SYNCS.format("true")) == right
    assert query(database, mints) == counted, "what the ledger has is not decoded again"


def test_a_range_that_begins_with_quiet_blocks_is_dated_by_its_first_log(chain: Emitter, loaded: Path) -> None:
    (loaded / "read.duckdb").unlink()
    read(chain, loaded, to_block=85, archive=None)
    quiet = query(loaded / "read.duckdb", "select count(*) from raw.uniswap_v2__pair_sync where block_number > 80")
    assert quiet == [(0,)]
    decode(loaded / "archive", loaded / "read.duckdb")
    begun = query(
        loaded / "read.duckdb",
        "select distinct from_block, from_block_hash, min_timestamp = (select min(block_timestamp) "
        "from raw.uniswap_v2__pair_sync where block_number > 85) from raw.load_ranges where source = 'files'",
    )
    assert begun == [(86, None, True)]


def logs_asked_for(proxy: Proxy) -> list[int]:
    """Blocks from which on the node was asked for logs."""
    asked = [c["params"][0] for c in proxy.calls if c["method"] == "eth_getLogs"]
    return [int(query["fromBlock"], 16) for query in asked if "fromBlock" in query]


def test_a_new_database_is_filled_from_the_archive_and_the_node_asked_for_the_rest(
    chain: Emitter, tmp_path: Path
) -> None:
    read(chain, tmp_path, to_block=90)
    (tmp_path / "read.duckdb").rename(tmp_path / "first.duckdb")
    proxy = Proxy(chain.url)
    with serve(proxy.respond) as url:
        load(
            LoadRequest(
                "devnet",
                url,
                tmp_path / "read.duckdb",
                ("uniswap_v2", "chainlink"),
                from_block=0,
                with_facts=False,
                with_transfers=True,
                archive=tmp_path / "archive",
                reuses_archive=True,
            )
        )
    assert min(logs_asked_for(proxy)) == 91
    found = query(tmp_path / "read.duckdb", SYNCS.format("block_number <= 90"))
    assert found == query(tmp_path / "first.duckdb", SYNCS.format("true"))
    assert len(query(tmp_path / "read.duckdb", SYNCS.format("true"))) == len(chain.logs())
    # Transactions are not in the archive: they come from the node all the same.
    without = (
        "select count(*) from raw.uniswap_v2__pair_sync where tx_hash not in (select tx_hash from raw.transactions)"
    )
    assert query(tmp_path / "read.duckdb", without) == [(0,)]
    sources = "select distinct source from raw.load_ranges order by all"
    assert query(tmp_path / "read.duckdb", sources) == [("files",), ("rpc",)]


def test_an_archive_of_another_chain_is_left_alone_by_a_load(chain: Emitter, tmp_path: Path) -> None:
    with Anvil() as anvil:
        other = Emitter(anvil)
        other.mine([2] * 100)
        read(other, tmp_path, to_block=30)
    (tmp_path / "read.duckdb").unlink()
    summary = read(chain, tmp_path, reuses_archive=True)
    assert "left alone" in summary.notes[0]
    assert len(query(tmp_path / "read.duckdb", SYNCS.format("true"))) == len(chain.logs())


def test_commands_that_share_an_archive_leave_each_others_unfinished_files_alone(
    chain: Emitter, tmp_path: Path
) -> None:
    archive, proxy, one_at_a_time = tmp_path / "archive", Proxy(chain.url), threading.Lock()
    left_by_a_killed_one = archive / "31337" / "000000000000_final_0.parquet.partial"
    left_by_a_killed_one.parent.mkdir(parents=True)
    unfinished: set[Path] = set()

    def another_begins(call: dict[str, Any], answer: Answer) -> Answer:
        question = call["params"][0] if call["method"] == "eth_getLogs" else {}
        with one_at_a_time:
            left_by_a_killed_one.touch()
            Archive(archive, 31337).sweep()
            unfinished.update(archive.rglob("*.partial"))
        if "toBlock" in question and int(question["toBlock"], 16) - int(question["fromBlock"], 16) > 19:
            return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": -32614, "message": "limited to a 20 range"}}
        return answer

    proxy.fault = another_begins
    with serve(proxy.respond) as url:
        read(chain, tmp_path, rpc_url=url)
    assert unfinished, "the load was writing when the other began"
    assert left_by_a_killed_one not in unfinished
    assert not list(archive.rglob("*.partial"))
    decode(archive, tmp_path / "fresh.duckdb")
    assert query(tmp_path / "fresh.duckdb", SYNCS.format(FINAL)) == query(tmp_path / "read.duckdb", SYNCS.format(FINAL))


def test_requests_to_a_node_beside_files_are_counted_once(chain: Emitter, loaded: Path) -> None:
    proxy, requests = Proxy(chain.url), itertools.count()

    def respond(body: bytes) -> tuple[int, dict[str, str], bytes]:
        next(requests)
        return proxy.respond(body)

    with serve(respond) as url:
        summary = decode(loaded / "archive", loaded / "fresh.duckdb", rpc_url=url)
    assert summary.requests_accepted == next(requests) > 0


def test_an_archive_without_final_blocks_is_said_to_have_none(chain: Emitter, tmp_path: Path) -> None:
    read(chain, tmp_path, from_block=chain.head - 10)
    with pytest.raises(PoolhouseError, match="holds no final blocks of devnet"):
        decode(tmp_path / "archive", tmp_path / "fresh.duckdb")
    assert not (tmp_path / "fresh.duckdb").exists()


def test_what_an_archive_with_a_damaged_file_does_not_give_comes_from_the_node(chain: Emitter, loaded: Path) -> None:
    (loaded / "read.duckdb").unlink()
    damaged = max(loaded.glob("archive/*/*__final__*"), key=lambda path: path.stat().st_size)
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:4] + bytes(len(whole) // 3) + whole[4 + len(whole) // 3 :])
    summary = read(chain, loaded, reuses_archive=True)
    (note,) = summary.notes
    assert damaged.name in note
    assert len(query(loaded / "read.duckdb", SYNCS.format("true"))) == len(chain.logs())
    assert query(loaded / "read.duckdb", "select distinct source from raw.load_ranges order by all")[-1] == ("rpc",)


def test_an_archive_in_a_bucket_serves_as_a_local_one(chain: Emitter, tmp_path: Path) -> None:
    import fsspec

    archive = f"memory://lake-{tmp_path.name}/archive"
    read(chain, tmp_path, archive=archive)
    try:
        decode(archive, tmp_path / "fresh.duckdb")
    finally:
        fsspec.filesystem("memory").rm(f"/lake-{tmp_path.name}", recursive=True)
    assert query(tmp_path / "fresh.duckdb", SYNCS.format(FINAL)) == query(tmp_path / "read.duckdb", SYNCS.format(FINAL))


def test_an_archive_of_another_chain_is_refused(chain: Emitter, tmp_path: Path) -> None:
    read(chain, tmp_path, to_block=20)
    (tmp_path / "archive" / "31337").rename(tmp_path / "archive" / "1")
    asked = LoadRequest("ethereum", "", tmp_path / "x.duckdb", source=FilesRequest((str(tmp_path / "archive"),)))
    with pytest.raises(PoolhouseError, match="is of chain 31337, not of ethereum"):
        load(asked)


def test_an_archive_of_two_chains_with_one_id_is_refused(chain: Emitter, tmp_path: Path) -> None:
    read(chain, tmp_path, to_block=20)
    with Anvil() as anvil:
        restarted = Emitter(anvil)
        restarted.mine([1] * 100)
        (tmp_path / "second").mkdir()
        read(restarted, tmp_path / "second", from_block=21, to_block=30, archive=tmp_path / "archive")
    with pytest.raises(PoolhouseError, match="its blocks do not fit theirs"):
        decode(tmp_path / "archive", tmp_path / "fresh.duckdb")


def test_the_command_decodes_an_archive_and_says_where_there_is_none(poolhouse: Run, loaded: Path) -> None:
    asked = ["decode", "--chain", "devnet", "--protocol", "uniswap_v2", "--database", str(loaded / "fresh.duckdb")]
    done = poolhouse(*asked, check=False)
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        1,
        f"Error: There is no archive of devnet at {loaded}/.poolhouse/archive/fresh/31337.",
    )
    done = poolhouse(*asked, "--archive", str(loaded / "archive"))
    assert "0 requests" in done.stdout
    assert query(loaded / "fresh.duckdb", SYNCS.format("true")) == query(loaded / "read.duckdb", SYNCS.format(FINAL))
