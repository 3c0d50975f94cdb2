"""Logs from files of every layout become the same rows as those a node returns; files that lack something are refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from loaders.errors import PoolhouseError
from loaders.load.request import LoadRequest
from loaders.load.run import load
from loaders.source.files.request import FilesRequest
from loaders.source.transactions import TransactionMode
from tests.loaders.log_files import (
    FullBlock,
    recorded_block,
    write_aws,
    write_bigquery_json,
    write_bigquery_parquet,
    write_cryo,
    write_cryo_blocks,
    write_ethereum_etl,
    write_ethereum_etl_blocks,
)
from tests.shared_folder import shared_folder

FIRST, LAST = 17_034_869, 17_034_870
"""Two recorded blocks, one after the other."""

Contents = dict[str, list[tuple[Any, ...]]]


def contents(database: Path) -> Contents:
    """Every row of every event table and of the ledger, without what only tells loads apart."""
    omitted = {"_dlt_load_id", "loaded_at", "source", "endpoint_host", "genesis_hash"}
    with duckdb.connect(str(database), read_only=True) as connection:
        tables = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'raw' "
            "and not starts_with(table_name, '_') and table_name not in ('blocks', 'runs') order by all"
        ).fetchall()
        found = {}
        for (table,) in tables:
            columns = [c for (c, *_) in connection.execute(f"describe raw.{table}").fetchall() if c not in omitted]
            found[table] = connection.execute(f"select {', '.join(columns)} from raw.{table} order by all").fetchall()
        return found


@pytest.fixture(scope="module")
def blocks(reference_data: Path) -> list[FullBlock]:
    return [recorded_block(reference_data, number) for number in (FIRST, LAST)]


@pytest.fixture(scope="module")
def by_node(mainnet: str, tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """What a load of the blocks from a node leaves."""

    def make(folder: Path) -> None:
        load(
            LoadRequest(
                "ethereum",
                mainnet,
                folder / "node.duckdb",
                blocks=((FIRST, LAST),),
                transactions=TransactionMode.NONE,
                with_facts=False,
                with_transfers=True,
            )
        )

    found = contents(shared_folder(tmp_path_factory, "files-by-node", make) / "node.duckdb")
    assert len(found["uniswap_v2__pair_swap"]) > 40
    assert len(found["erc20__token_transfer"]) > 200
    return found


def request(folder: Path, *patterns: str | Path, block_files: str = "", node: str = "", **files: Any) -> LoadRequest:
    source = FilesRequest(tuple(str(p) for p in patterns), (block_files,) if block_files else (), **files)
    return LoadRequest(
        "ethereum",
        node,
        folder / "files.duckdb",
        from_block=FIRST,
        with_transfers=True,
        with_facts=False,
        transactions=TransactionMode.NONE,
        source=source,
    )


def refusal(asked: LoadRequest) -> str:
    with pytest.raises(PoolhouseError) as caught:
        load(asked)
    return str(caught.value)


def cryo(folder: Path, blocks: list[FullBlock], _: str) -> LoadRequest:
    write_cryo(folder / "logs", blocks)
    write_cryo_blocks(folder / "blocks", blocks)
    return request(folder, folder / "logs", block_files=str(folder / "blocks" / "*.parquet"))


def cryo_hex_beside_a_node(folder: Path, blocks: list[FullBlock], node: str) -> LoadRequest:
    write_cryo(folder / "logs", blocks, hexadecimal=True)
    return request(folder, folder / "logs" / "*.parquet", node=node)


def ethereum_etl(folder: Path, blocks: list[FullBlock], _: str) -> LoadRequest:
    write_ethereum_etl(folder, blocks)
    write_ethereum_etl_blocks(folder, blocks)
    return request(folder, folder / "logs", block_files=str(folder / "blocks"))


def aws(folder: Path, blocks: list[FullBlock], _: str) -> LoadRequest:
    for block in blocks:
        write_aws(folder / "logs", [block], f"part-{block.number}")
    return request(folder, folder / "logs" / "date=*" / "*.parquet")


def bigquery_parquet_in_any_order(folder: Path, blocks: list[FullBlock], _: str) -> LoadRequest:
    write_bigquery_parquet(folder / "logs", blocks, shards=3)
    return request(folder, folder / "logs", stated=(FIRST, LAST))


def bigquery_json(folder: Path, blocks: list[FullBlock], _: str) -> LoadRequest:
    write_bigquery_json(folder / "logs", blocks)
    return request(folder, folder / "logs", stated=(FIRST, LAST))


@pytest.mark.parametrize(
    "write",
    [cryo, cryo_hex_beside_a_node, ethereum_etl, aws, bigquery_parquet_in_any_order, bigquery_json],
    ids=lambda write: write.__name__,
)
def test_every_layout_gives_what_a_node_gives(
    write: Callable[[Path, list[FullBlock], str], LoadRequest],
    blocks: list[FullBlock],
    by_node: Contents,
    mainnet: str,
    tmp_path: Path,
) -> None:
    load(write(tmp_path, blocks, mainnet))
    found = contents(tmp_path / "files.duckdb")
    assert found.keys() == by_node.keys()
    for table, rows in by_node.items():
        assert found[table] == rows, table


def test_the_same_logs_twice_count_once(blocks: list[FullBlock], by_node: Contents, tmp_path: Path) -> None:
    write_bigquery_parquet(tmp_path / "a", blocks)
    write_bigquery_parquet(tmp_path / "b", blocks[1:])
    load(request(tmp_path, tmp_path / "a", tmp_path / "b", stated=(FIRST, LAST)))
    assert contents(tmp_path / "files.duckdb")["uniswap_v2__pair_swap"] == by_node["uniswap_v2__pair_swap"]


def test_a_log_that_files_tell_differently_is_refused(blocks: list[FullBlock], tmp_path: Path) -> None:
    swap = next(
        i for i, log in enumerate(blocks[1].logs) if log["topics"] and log["topics"][0].startswith("0xd78ad95f")
    )
    altered = list(blocks[1].logs)
    altered[swap] = {**altered[swap], "data": "0x" + "11" * 128}
    write_bigquery_parquet(tmp_path / "a", blocks)
    write_bigquery_parquet(tmp_path / "b", [replace(blocks[1], logs=altered)])
    said = refusal(request(tmp_path, tmp_path / "a", tmp_path / "b", stated=(FIRST, LAST)))
    assert f"log {swap} of block {LAST} is there twice and differs" in said


def test_a_missing_log_is_noticed_by_its_number(blocks: list[FullBlock], tmp_path: Path) -> None:
    short = replace(blocks[0], logs=blocks[0].logs[:70] + blocks[0].logs[71:])
    write_bigquery_parquet(tmp_path / "logs", [short, blocks[1]])
    said = refusal(request(tmp_path, tmp_path / "logs", stated=(FIRST, LAST)))
    assert f"block {FIRST} lacks its log 70" in said
    assert contents(tmp_path / "files.duckdb")["load_ranges"] == []


def test_a_missing_block_is_noticed_by_its_bloom(blocks: list[FullBlock], tmp_path: Path) -> None:
    path = write_cryo(tmp_path / "logs", blocks[:1])
    path.rename(path.with_name(f"ethereum__logs__{FIRST}_to_{LAST}.parquet"))
    write_cryo_blocks(tmp_path / "blocks", blocks)
    said = refusal(request(tmp_path, tmp_path / "logs", block_files=str(tmp_path / "blocks")))
    assert f"block {LAST} has no logs in the files, but some by its header" in said


def test_blocks_that_no_file_claims_are_not_loaded(blocks: list[FullBlock], mainnet: str, tmp_path: Path) -> None:
    write_cryo(tmp_path / "logs", blocks[:1])
    said = refusal(request(tmp_path, tmp_path / "logs", node=mainnet, stated=(FIRST, LAST)))
    assert f"do not hold blocks {LAST}" in said
    load(request(tmp_path, tmp_path / "logs", node=mainnet))
    ranges = {(r[7], r[8]) for r in contents(tmp_path / "files.duckdb")["load_ranges"]}
    assert ranges == {(FIRST, FIRST)}


def test_files_that_do_not_say_what_they_are_complete_for_need_a_word(blocks: list[FullBlock], tmp_path: Path) -> None:
    write_bigquery_json(tmp_path / "logs", blocks)
    said = refusal(request(tmp_path, tmp_path / "logs"))
    assert f"holds logs of blocks {FIRST} to {LAST}" in said
    assert "--from-block and --to-block" in said


def test_logs_of_another_chain_are_refused(blocks: list[FullBlock], mainnet: str, tmp_path: Path) -> None:
    write_cryo(tmp_path / "logs", blocks, chain_id=10)
    assert "of chain 10, not 1" in refusal(request(tmp_path, tmp_path / "logs", node=mainnet))


def test_hashes_other_than_the_nodes_are_refused(blocks: list[FullBlock], mainnet: str, tmp_path: Path) -> None:
    other = "0x" + "ab" * 32
    forked = replace(blocks[1], logs=[{**log, "blockHash": other} for log in blocks[1].logs])
    write_aws(tmp_path / "logs", [blocks[0], forked])
    said = refusal(request(tmp_path, tmp_path / "logs", node=mainnet))
    assert f"block {LAST} has hash {other}" in said


def test_logs_without_timestamps_need_something_beside_them(blocks: list[FullBlock], tmp_path: Path) -> None:
    write_cryo(tmp_path / "logs", blocks)
    said = refusal(request(tmp_path, tmp_path / "logs"))
    assert "--block-files" in said
    assert "--rpc-url" in said


def test_an_unknown_layout_is_told_apart(blocks: list[FullBlock], tmp_path: Path) -> None:
    write_cryo_blocks(tmp_path / "logs", blocks)
    said = refusal(request(tmp_path, tmp_path / "logs"))
    assert "block_hash, block_number, logs_bloom, parent_hash, timestamp" in said
    assert "transaction_index" in said


@pytest.mark.parametrize("kept", [0.3, 0.95])
def test_a_parquet_file_that_ends_early_is_refused(blocks: list[FullBlock], tmp_path: Path, kept: float) -> None:
    path = write_bigquery_parquet(tmp_path / "logs", blocks)[0]
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    assert "cannot be read or written" in refusal(request(tmp_path, tmp_path / "logs", stated=(FIRST, LAST)))


def test_a_gzip_file_that_ends_early_is_refused(blocks: list[FullBlock], tmp_path: Path) -> None:
    path = write_bigquery_json(tmp_path / "logs", blocks)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refusal(request(tmp_path, tmp_path / "logs", stated=(FIRST, LAST)))
    assert not (tmp_path / "files.duckdb").exists()


def test_files_of_a_bucket_are_read_like_local_ones(blocks: list[FullBlock], by_node: Contents, tmp_path: Path) -> None:
    import fsspec

    bucket = fsspec.filesystem("memory")
    path = write_aws(tmp_path / "logs", blocks)
    bucket.pipe(f"/lake/logs/{path.parent.name}/{path.name}", path.read_bytes())
    try:
        load(request(tmp_path, "memory://lake/logs/*/*.parquet"))
    finally:
        bucket.rm("/lake", recursive=True)
    assert contents(tmp_path / "files.duckdb")["uniswap_v3__pool_swap"] == by_node["uniswap_v3__pool_swap"]
    with duckdb.connect(str(tmp_path / "files.duckdb"), read_only=True) as connection:
        hosts = connection.execute("select distinct source, endpoint_host from raw.load_ranges").fetchall()
    assert hosts == [("files", "memory://lake")]


def test_chosen_events_only_are_loaded_on_the_users_word(
    blocks: list[FullBlock], by_node: Contents, tmp_path: Path
) -> None:
    topic = "0xd78ad95fa46c994b6551d0da85fc275fe613ce37657fb8d5e3d130840159d822"
    chosen = [replace(b, logs=[log for log in b.logs if log["topics"][:1] == [topic]]) for b in blocks]
    path = write_bigquery_parquet(tmp_path / "logs", chosen)[0]
    asked = request(tmp_path, path, stated=(FIRST, LAST))
    assert "--filtered-files" in refusal(asked)
    load(request(tmp_path, path, stated=(FIRST, LAST), are_filtered=True))
    assert contents(tmp_path / "files.duckdb")["uniswap_v2__pair_swap"] == by_node["uniswap_v2__pair_swap"]
    assert pq.read_metadata(path).num_rows == len(by_node["uniswap_v2__pair_swap"])
