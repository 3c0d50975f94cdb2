"""Logs per CPU-second of a load from files into DuckDB: our archive's layout, and the AWS public dataset's.

    python -m benchmarks.load_files [--logs 1000000] [--unsorted]

Writes the swaps that the replay server generates once as Parquet into a cache folder, and loads them with the real command:
Parquet, verification, archive, decoding, dlt, DuckDB, ledger. The CPU time is that of the command's process tree from its first
import to its exit. With ``--unsorted`` the rows of the second layout are shuffled first: then the load sorts them on disk.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.replay_server import LOGS_PER_BLOCK, START, generate
from loaders.load.archive import SCHEMA
from loaders.logs import Bytes, RawLogs
from loaders.source.parse import parse_logs

ROOT = Path(__file__).resolve().parents[1]
TARGET = 170_000
_CHUNK_BYTES = 64 << 20
_ROWS_PER_GROUP = 100_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=int, default=1_000_000)
    parser.add_argument("--unsorted", action="store_true")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "benchmarks")
    options = parser.parse_args()
    swaps = options.cache / f"swaps-{options.logs}"
    generate(swaps, options.logs)
    files = options.cache / f"swap-files-{options.logs}"
    _write_files(swaps, files, unsorted=options.unsorted)
    layouts = ["archive", "aws", *(["unsorted"] if options.unsorted else [])]
    failed = False
    for layout in layouts:
        with tempfile.TemporaryDirectory(prefix="poolhouse-bench-") as folder:
            database = Path(folder) / "bench.duckdb"
            cpu, wall, peak = _load(files / f"{layout}.parquet", database, options.logs, options.cache)
            rows = _rows(database)
        failed |= rows != options.logs
        print(
            f"{layout}: {rows:,} rows of {options.logs:,} logs, {cpu:.1f} CPU-s, {wall:.1f} s, peak {peak:.0f} MB: "
            f"{options.logs / cpu:,.0f} logs per CPU-second (target {TARGET:,})"
        )
    return int(failed)


def _load(path: Path, database: Path, logs: int, cache: Path) -> tuple[float, float, float]:
    """CPU seconds, wall seconds and peak resident megabytes of one `poolhouse load` process."""
    last = START + logs // LOGS_PER_BLOCK - 1
    command = [sys.executable, "-m", "loaders.cli", "load", "--chain", "ethereum", "--protocol", "uniswap_v3"]
    command += ["--from-block", str(START), "--to-block", str(last), "--transactions", "none", "--no-facts"]
    # The generated logs are swaps alone, which do not number every log of their blocks.
    command += ["--files", str(path), "--filtered-files", "--database", str(database)]
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONDONTWRITEBYTECODE", "POOLHOUSE_RPC_URL")}
    environment["PYTHONPYCACHEPREFIX"] = str(cache / "bytecode")
    # Modules are compiled once, as in any installation.
    subprocess.run([*command, "--last-blocks", "0"], cwd=ROOT, env=environment, capture_output=True, check=False)
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"the load failed with code {process.returncode}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - started, usage.ru_maxrss / 1024


def _rows(database: Path) -> int:
    with duckdb.connect(str(database), read_only=True) as connection:
        found = connection.execute("select count(*) from raw.uniswap_v3__pool_swap").fetchone()
    return int(found[0]) if found else 0


def _write_files(swaps: Path, folder: Path, *, unsorted: bool) -> None:
    if (folder / "complete").is_file() and ((folder / "unsorted.parquet").is_file() or not unsorted):
        return
    folder.mkdir(parents=True, exist_ok=True)
    hexadecimal = pa.schema([pa.field(f.name, _text(f.type)) for f in SCHEMA])
    aws = pa.schema([*(f for f in hexadecimal if not f.name.startswith("topic")), ("topics", pa.list_(pa.string()))])
    aws = aws.set(aws.get_field_index("block_timestamp"), pa.field("block_timestamp", pa.timestamp("us")))
    with (
        pq.ParquetWriter(folder / "archive.parquet", SCHEMA, compression="zstd") as binary,
        pq.ParquetWriter(folder / "aws.parquet", aws, compression="snappy") as text,
    ):
        for logs in _chunks(swaps):
            table = _table(logs)
            binary.write_table(table, row_group_size=_ROWS_PER_GROUP)
            text.write_table(_as_aws(table, aws), row_group_size=_ROWS_PER_GROUP)
    if unsorted:
        rows = pq.read_table(folder / "aws.parquet")
        order = np.random.default_rng(7).permutation(len(rows))
        pq.write_table(rows.take(pa.array(order)), folder / "unsorted.parquet", row_group_size=_ROWS_PER_GROUP)
    (folder / "complete").touch()


def _chunks(swaps: Path) -> Iterator[RawLogs]:
    left = b""
    with (swaps / "logs.bin").open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            whole, _, left = (left + chunk).rpartition(b"},{")
            yield parse_logs(b"[" + whole + b"}]")
            left = b"{" + left
    yield parse_logs(b"[" + left.rstrip(b",") + b"]")


def _table(logs: RawLogs) -> pa.Table:
    def binary(matrix: Bytes) -> pa.Array:
        return pa.array([row.tobytes() for row in matrix], pa.binary())

    topics = [
        pa.array([t.tobytes() if i < n else None for t, n in zip(logs.topics[:, i], logs.topic_count, strict=True)])
        for i in range(4)
    ]
    return pa.table(
        [
            pa.array(logs.block_number),
            binary(logs.block_hash),
            pa.array(logs.timestamp),
            pa.array(logs.tx_index),
            binary(logs.tx_hash),
            pa.array(logs.log_index),
            binary(logs.address),
            *(topic.cast(pa.binary()) for topic in topics),
            pa.array([logs.data_of(i) for i in range(len(logs))], pa.binary()),
        ],
        schema=SCHEMA,
    )


def _as_aws(table: pa.Table, schema: pa.Schema) -> pa.Table:
    columns: dict[str, Any] = {name: [_hex(v) for v in table[name].to_pylist()] for name in table.column_names}
    columns["topics"] = [
        [topic for topic in topics if topic] for topics in zip(*(columns[f"topic{i}"] for i in range(4)), strict=True)
    ]
    columns["block_timestamp"] = [1_000_000 * seconds for seconds in columns["block_timestamp"]]
    return pa.table({name: columns[name] for name in schema.names}, schema=schema)


def _text(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_binary(kind) else kind


def _hex(value: object) -> object:
    return "0x" + value.hex() if isinstance(value, bytes) else value


if __name__ == "__main__":
    sys.exit(main())
