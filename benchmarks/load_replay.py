"""Logs per CPU-second of a whole load into DuckDB, beside web3.py decoding the same logs.

    python -m benchmarks.load_replay [--logs 1000000]

Generates Uniswap V3 swaps once into a cache folder, replays them from another process on loopback, and loads them with the
real command: JSON-RPC, verification, archive, decoding, dlt, DuckDB, ledger. The CPU time is that of the loader's process from
its first import to its exit; the server's is not counted.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from benchmarks.replay_server import LOGS_PER_BLOCK, START, SWAP, generate

ROOT = Path(__file__).resolve().parents[1]
TARGET = 100_000
WEB3_SAMPLE = 5_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=int, default=1_000_000)
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "benchmarks")
    options = parser.parse_args()
    data = options.cache / f"swaps-{options.logs}"
    generate(data, options.logs)
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.replay_server", "--data", str(data), "--seconds", "900"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        with tempfile.TemporaryDirectory(prefix="poolhouse-bench-") as folder:
            database = Path(folder) / "bench.duckdb"
            cpu, wall, peak = _load(url, database, options.logs, options.cache)
            rows = _rows(database)
    finally:
        server.terminate()
        server.wait()
    if rows != options.logs:
        print(f"wrong: {rows:,} rows for {options.logs:,} logs")
        return 1
    rate = options.logs / cpu
    print(f"poolhouse load: {options.logs:,} logs, {cpu:.1f} CPU-s, {wall:.1f} s, peak {peak:.0f} MB")
    print(f"  {rate:,.0f} logs per CPU-second end to end (target {TARGET:,})")
    web3 = _web3_rate(data)
    print(f"web3.py process_log: {web3:,.0f} logs per CPU-second, decoding alone ({rate / web3:.0f}x)")
    return 0


def _load(url: str, database: Path, logs: int, cache: Path) -> tuple[float, float, float]:
    """CPU seconds, wall seconds and peak resident megabytes of one `poolhouse load` process."""
    last = START + logs // LOGS_PER_BLOCK - 1
    command = [sys.executable, "-m", "loaders.cli", "load", "--chain", "ethereum", "--protocol", "uniswap_v3"]
    command += ["--from-block", str(START), "--to-block", str(last), "--transactions", "none", "--no-facts"]
    command += ["--rpc-url", url, "--database", str(database)]
    # Modules are compiled once, as in any installation, whatever this environment says about bytecode.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(cache / "bytecode")
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


def _web3_rate(data: Path) -> float:
    """Logs per CPU-second of web3.py's ``process_log``, on logs already parsed from JSON."""
    import json

    from web3 import Web3

    inputs = [
        ("sender", "address", True),
        ("recipient", "address", True),
        ("amount0", "int256", False),
        ("amount1", "int256", False),
        ("sqrtPriceX96", "uint160", False),
        ("liquidity", "uint128", False),
        ("tick", "int24", False),
    ]
    abi = {
        "type": "event",
        "name": "Swap",
        "anonymous": False,
        "inputs": [{"name": name, "type": kind, "indexed": indexed} for name, kind, indexed in inputs],
    }
    event = Web3().eth.contract(abi=[abi]).events.Swap()
    with (data / "logs.bin").open("rb") as file:
        text = file.read(WEB3_SAMPLE * 1_000)
    parsed = json.loads(b"[" + text[: text.rindex(b"},{") + 1] + b"]")[:WEB3_SAMPLE]
    assert parsed[0]["topics"][0] == SWAP
    from hexbytes import HexBytes

    logs = [
        {
            **log,
            "topics": [HexBytes(t) for t in log["topics"]],
            "data": HexBytes(log["data"]),
            "blockNumber": int(log["blockNumber"], 16),
            "logIndex": int(log["logIndex"], 16),
            "transactionIndex": int(log["transactionIndex"], 16),
            "blockHash": HexBytes(log["blockHash"]),
            "transactionHash": HexBytes(log["transactionHash"]),
            "address": Web3.to_checksum_address(log["address"]),
        }
        for log in parsed
    ]
    started = time.process_time()
    for log in logs:
        event.process_log(log)
    return len(logs) / (time.process_time() - started)


if __name__ == "__main__":
    sys.exit(main())
