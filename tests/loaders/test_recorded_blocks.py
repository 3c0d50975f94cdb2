"""Recorded mainnet blocks, each loaded as a range of its own: every log that fits an event is in its table, to the digit."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from loaders.decode.decoder import Decoder
from loaders.errors import PoolhouseError
from loaders.load.request import LoadRequest
from loaders.load.run import load
from loaders.plan.filters import Segment, filters_for
from loaders.registry.abi import EventAbi
from loaders.registry.events import TRANSFERS, load_events
from loaders.registry.seeds import load_registry
from loaders.rpc.client import RpcClient
from loaders.rpc.node import Node
from loaders.source.bloom import may_contain
from loaders.source.rpc import RpcSource
from loaders.source.transactions import TransactionMode, TransactionReader
from tests.conftest import replayed_node

FREE = [e for e in load_events().events if e.emitters == "any"]


def fits(abi: EventAbi, log: dict[str, Any]) -> bool:
    """By the definition of the ABI, read with another library."""
    if len(log["topics"]) != 1 + len(abi.indexed):
        return False
    if all(p.is_static for p in abi.in_data) and len(log["data"]) != 2 + 64 * len(abi.in_data):
        return False
    try:
        decode([p.type for p in abi.in_data], bytes.fromhex(log["data"][2:]))
        for parameter, topic in zip(abi.indexed, log["topics"][1:], strict=True):
            decode([parameter.type], bytes.fromhex(topic[2:]))
    except DecodingError:
        return False
    return True


def test_counts_and_swaps_equal_the_receipts(mainnet: str, reference_data: Path) -> None:
    node = Node(RpcClient(mainnet))
    transfers = [spec.topic0 for spec in FREE if spec.family == TRANSFERS]
    reader = TransactionReader(node, TransactionMode.AUTO, 1, without_topics=transfers)
    source = RpcSource(node, transactions=reader)
    swaps = next(e for e in FREE if e.table == "uniswap_v3__pool_swap")
    total: Counter[str] = Counter()
    for path in sorted((reference_data / "blocks" / "1").glob("*.json.gz")):
        recorded = json.loads(gzip.decompress(path.read_bytes()))
        number = int(recorded["block"]["number"], 16)
        if not recorded["block"].get("hash"):
            total["without hash"] += 1
            continue
        logs = [log for receipt in recorded["receipts"] for log in receipt["logs"] if log["topics"]]
        segment = Segment(number, number, "final", filters_for(FREE, []))
        (batch,) = source.batches(segment)
        result = Decoder(1, segment.wanted).decode(batch.logs)
        counts = {spec: count for (spec, _), count in result.counts.items()}
        namesakes = {spec: count for (spec, _), count in result.namesakes.items()}
        for spec in FREE:
            of_event = [log for log in logs if log["topics"][0] == spec.topic0]
            fitting = [log for log in of_event if any(fits(abi, log) for abi in (spec.abi, *spec.layouts))]
            other = [log for log in of_event if any(fits(abi, log) for abi in spec.namesakes)]
            assert counts.get(spec, 0) == len(fitting), f"{spec.table} in block {number}"
            assert namesakes.get(spec, 0) == len(other), f"{spec.table} in block {number}"
            total[spec.table] += len(fitting)
            total["namesakes"] += len(other)
            total["unindexed"] += sum(len(log["topics"]) == 1 for log in fitting)
            total["undecoded_logs"] += len(of_event) - len(fitting) - len(other)
        kept = sum(map(len, result.tables.get("undecoded_logs", [])))
        total["kept undecoded"] += kept
        decoded = [row for part in result.tables.get(swaps.table, []) for row in part.to_pylist()]
        expected = [log for log in logs if log["topics"][0] == swaps.topic0 and fits(swaps.abi, log)]
        for row, log in zip(decoded, expected, strict=True):
            words = decode([p.type for p in swaps.abi.in_data], bytes.fromhex(log["data"][2:]))
            assert row["log_index"] == int(log["logIndex"], 16)
            assert (row["amount0"], row["amount1"], row["sqrt_price_x96"]) == tuple(str(w) for w in words[:3])
            assert row["tick"] == words[4]
        senders = {t["hash"] for t in recorded["block"]["transactions"]}
        assert batch.transactions is not None
        read = set(batch.transactions["tx_hash"].to_pylist())
        assert read <= senders
        topics = {spec.topic0 for spec in FREE if spec.family != TRANSFERS}
        assert read == {log["transactionHash"] for log in logs if log["topics"][0] in topics}
    assert total["without hash"] <= 3
    assert total["kept undecoded"] == total["undecoded_logs"]
    assert total["erc20__token_transfer"] > 3000
    assert total["unindexed"] > 0
    assert total["namesakes"] > 10_000, "one block has ten thousand transfers of NFTs"
    assert total["uniswap_v3__pool_swap"] > 100
    assert total["uniswap_v2__pair_swap"] > 500


@pytest.mark.parametrize("is_told", [True, False], ids=["as Polygon", "as any other chain"])
def test_polygon_has_logs_that_its_blooms_exclude(reference_data: Path, is_told: bool) -> None:
    """Bridge transfers are in receipts and logs of Polygon, not in the header's bloom: elsewhere that is a contradiction."""
    number = 10_000_000
    record = json.loads(gzip.decompress((reference_data / "blocks" / "137" / f"{number}.json.gz").read_bytes()))
    transfer = next(e for e in FREE if e.table == "erc20__token_transfer")
    expected = [
        int(log["logIndex"], 16)
        for receipt in record["receipts"]
        for log in receipt["logs"]
        if log["topics"] and log["topics"][0] == transfer.topic0
    ]
    bloom = bytes.fromhex(record["block"]["logsBloom"][2:])
    bridged = "0x385eeac5cb85a38a9a07a70c73e0a3271cfb54a7"
    assert not may_contain(bloom, bytes.fromhex(bridged[2:]))
    polygon = load_registry().chain("polygon")
    with replayed_node(reference_data, 137) as url:
        source = RpcSource(Node(RpcClient(url)), chain=polygon if is_told else None, retry_wait_s=0.01)
        batches = source.batches(Segment(number, number, "final", filters_for([transfer], [])))
        if is_told:
            (batch,) = batches
            assert batch.logs.log_index.tolist() == expected
            assert bridged in {"0x" + address.tobytes().hex() for address in batch.logs.address}
        else:
            with pytest.raises(PoolhouseError, match="has logs that its bloom excludes"):
                next(batches)


def test_a_family_that_no_model_reads_is_loaded_with_its_facts(mainnet: str, tmp_path: Path) -> None:
    request = LoadRequest(
        chain="ethereum",
        rpc_url=mainnet,
        database=tmp_path / "w.duckdb",
        protocols=("curve",),
        from_block=19_933_612,
        to_block=19_933_612,
    )
    assert load(request).rows["load_ranges"] > 0


@pytest.mark.parametrize("name", ["raw.duckdb", "DEX.db"])
def test_a_file_is_not_named_like_a_schema(mainnet: str, tmp_path: Path, name: str) -> None:
    request = LoadRequest(
        chain="ethereum", rpc_url=mainnet, database=tmp_path / name, from_block=19_933_612, to_block=19_933_612
    )
    with pytest.raises(PoolhouseError, match="name of a schema"):
        load(request)
    assert list(tmp_path.glob("*.d*")) == []
