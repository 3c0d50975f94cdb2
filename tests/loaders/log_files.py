"""Files of raw logs as others export them, written from blocks as a node returns them."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Json = dict[str, Any]


@dataclass(frozen=True)
class FullBlock:
    """A header and all logs of its block, as JSON-RPC has them."""

    header: Json
    logs: list[Json]

    @property
    def number(self) -> int:
        return int(self.header["number"], 16)

    @property
    def timestamp(self) -> int:
        return int(self.header["timestamp"], 16)


def recorded_block(folder: Path, number: int) -> FullBlock:
    """A block of the recorded mainnet blocks."""
    recorded = json.loads(gzip.decompress((folder / "blocks" / "1" / f"{number}.json.gz").read_bytes()))
    return FullBlock(recorded["block"], [log for receipt in recorded["receipts"] for log in receipt["logs"]])


def write_cryo(folder: Path, blocks: Sequence[FullBlock], *, hexadecimal: bool = False, chain_id: int = 1) -> Path:
    """``cryo logs``: no block hash, no timestamp; bytes are binary, or text with ``--hex``."""
    kind = pa.string() if hexadecimal else pa.binary()

    def value(text: str | None) -> Any:
        return text if hexadecimal or text is None else bytes.fromhex(text[2:])

    logs = [log for block in blocks for log in block.logs]
    columns: dict[str, pa.Array] = {
        "block_number": pa.array([int(log["blockNumber"], 16) for log in logs], pa.uint32()),
        "transaction_index": pa.array([int(log["transactionIndex"], 16) for log in logs], pa.uint32()),
        "log_index": pa.array([int(log["logIndex"], 16) for log in logs], pa.uint32()),
        "transaction_hash": pa.array([value(log["transactionHash"]) for log in logs], kind),
        "address": pa.array([value(log["address"]) for log in logs], kind),
    }
    for i in range(4):
        topics = [log["topics"][i] if len(log["topics"]) > i else None for log in logs]
        columns[f"topic{i}"] = pa.array([value(topic) for topic in topics], kind)
    columns["data"] = pa.array([value(log["data"]) for log in logs], kind)
    columns["chain_id"] = pa.array([chain_id] * len(logs), pa.uint64())
    path = folder / f"ethereum__logs__{blocks[0].number:08d}_to_{blocks[-1].number:08d}.parquet"
    return _parquet(path, pa.table(columns))


def write_cryo_blocks(folder: Path, blocks: Sequence[FullBlock]) -> Path:
    """``cryo blocks``, with the bloom and the parent's hash among its columns."""
    names = {"block_hash": "hash", "parent_hash": "parentHash", "logs_bloom": "logsBloom"}
    columns: dict[str, pa.Array] = {
        name: pa.array([bytes.fromhex(block.header[key][2:]) for block in blocks], pa.binary())
        for name, key in names.items()
    }
    columns["block_number"] = pa.array([block.number for block in blocks], pa.uint32())
    columns["timestamp"] = pa.array([block.timestamp for block in blocks], pa.uint32())
    path = folder / f"ethereum__blocks__{blocks[0].number:08d}_to_{blocks[-1].number:08d}.parquet"
    return _parquet(path, pa.table(columns))


def write_ethereum_etl(folder: Path, blocks: Sequence[FullBlock]) -> Path:
    """``ethereumetl export_all``: CSV with topics in one field and no timestamps, in folders named by blocks."""
    low, high = f"{blocks[0].number:08d}", f"{blocks[-1].number:08d}"
    path = folder / "logs" / f"start_block={low}" / f"end_block={high}" / f"logs_{low}_{high}.csv"
    fields = "log_index transaction_hash transaction_index block_hash block_number address data topics".split()
    _csv(path, fields, ({**_record(log), "topics": ",".join(log["topics"])} for block in blocks for log in block.logs))
    return path


def write_ethereum_etl_blocks(folder: Path, blocks: Sequence[FullBlock]) -> Path:
    low, high = f"{blocks[0].number:08d}", f"{blocks[-1].number:08d}"
    path = folder / "blocks" / f"start_block={low}" / f"end_block={high}" / f"blocks_{low}_{high}.csv"
    rows = (
        {
            "number": block.number,
            "hash": block.header["hash"],
            "parent_hash": block.header["parentHash"],
            "logs_bloom": block.header["logsBloom"],
            "timestamp": block.timestamp,
        }
        for block in blocks
    )
    _csv(path, "number hash parent_hash logs_bloom timestamp".split(), rows)
    return path


def write_aws(folder: Path, blocks: Sequence[FullBlock], part: str = "part-00000") -> Path:
    """The AWS public dataset: a folder per day, text and lists, timestamps as Spark writes them."""
    day = datetime.fromtimestamp(blocks[0].timestamp, UTC).date().isoformat()
    rows = [{**_record(log), "block_timestamp": block.timestamp} for block in blocks for log in block.logs]
    path = folder / f"date={day}" / f"{part}.snappy.parquet"
    return _parquet(path, _dataset_table(rows, None), use_deprecated_int96_timestamps=True)


def write_bigquery_parquet(folder: Path, blocks: Sequence[FullBlock], *, shards: int = 1) -> list[Path]:
    """An export of ``crypto_ethereum.logs``, which keeps no order: rows are dealt out to the shards like cards."""
    rows = [{**_record(log), "block_timestamp": block.timestamp} for block in blocks for log in block.logs]
    paths = []
    for i in range(shards):
        dealt = rows[i::shards][::-1] if shards > 1 else rows
        paths.append(_parquet(folder / f"logs-{i:012d}.parquet", _dataset_table(dealt, "UTC")))
    return paths


def write_bigquery_json(folder: Path, blocks: Sequence[FullBlock]) -> Path:
    """The same as lines of JSON by gzip: integers are text there."""
    path = folder / "logs-000000000000.json.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt") as file:
        for block in blocks:
            time = f"{datetime.fromtimestamp(block.timestamp, UTC):%Y-%m-%d %H:%M:%S} UTC"
            for log in block.logs:
                record = {name: str(v) if isinstance(v, int) else v for name, v in _record(log).items()}
                file.write(json.dumps({**record, "block_timestamp": time}) + "\n")
    return path


def _record(log: Json) -> Json:
    return {
        "log_index": int(log["logIndex"], 16),
        "transaction_hash": log["transactionHash"],
        "transaction_index": int(log["transactionIndex"], 16),
        "address": log["address"].lower(),
        "data": log["data"],
        "topics": log["topics"],
        "block_number": int(log["blockNumber"], 16),
        "block_hash": log["blockHash"],
    }


def _dataset_table(rows: list[Json], zone: str | None) -> pa.Table:
    types = {
        "log_index": pa.int64(),
        "transaction_hash": pa.string(),
        "transaction_index": pa.int64(),
        "address": pa.string(),
        "data": pa.string(),
        "topics": pa.list_(pa.string()),
        "block_number": pa.int64(),
        "block_hash": pa.string(),
        "block_timestamp": pa.timestamp("us", zone),
    }
    columns = {name: [row[name] for row in rows] for name in types}
    columns["block_timestamp"] = [seconds * 1_000_000 for seconds in columns["block_timestamp"]]
    return pa.table({name: pa.array(values, types[name]) for name, values in columns.items()})


def _parquet(path: Path, table: pa.Table, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=400, **options)
    return path


def _csv(path: Path, fields: list[str], rows: Iterable[Json]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fields)
        writer.writeheader()
        writer.writerows(rows)
