"""Logs per CPU-second of readers of logs side by side: the loader, and others that this script installs itself.

    python -m benchmarks.peers [--logs 1000000] [--only cryo-decoded --only poolhouse-parquet] [--repeat 3]

Each reads the same generated Uniswap V3 swaps from the same replay server on loopback, 100 blocks a request where that is the
user's to say, and writes Parquet (or DuckDB). CPU seconds are those of the reader's whole process tree from its first import to
its exit, the least of the repeats; the server's are not counted. Slow readers get a part of the blocks, as the table says.
Environments of the others are made once, under the cache folder.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.replay_server import LOGS_PER_BLOCK, START, generate

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache" / "benchmarks"


@dataclass(frozen=True)
class Reader:
    """A script of `benchmarks/readers` (or our command), its environment and how much of the logs it gets."""

    name: str
    does: str
    script: str
    packages: tuple[str, ...] = ()
    """What it needs; ours need nothing that is not installed."""
    arguments: tuple[str, ...] = ()
    share: float = 1.0


READERS = (
    Reader("poolhouse-duckdb", "verified, decoded, archived, ledger, DuckDB", "poolhouse_load"),
    Reader("poolhouse-parquet", "verified, decoded, timestamps, Parquet", "poolhouse_parquet"),
    Reader("cryo-decoded", "decoded, no timestamps, Parquet", "cryo_logs", ("cryo==0.3.2",), ("decoded",)),
    Reader("cryo-raw", "not decoded, no timestamps, Parquet", "cryo_logs", ("cryo==0.3.2",)),
    Reader("web3.py", "decoded, no timestamps, Parquet", "web3_logs", ("web3==7.16.0", "pyarrow"), share=0.05),
    Reader("eth_defi", "decoded by hand, Parquet", "eth_defi_logs", ("web3-ethereum-defi", "pyarrow"), share=0.05),
)


@dataclass(frozen=True)
class Run:
    """What one reading cost. Seconds and resident megabytes."""

    rows: int
    cpu: float
    wall: float
    peak: float
    code: int


def python_of(reader: Reader, cache: Path = CACHE) -> str:
    """The interpreter of the reader's environment, which is made if it is not there. Raises ``CalledProcessError``."""
    if not reader.packages:
        return sys.executable
    folder = cache / "peers" / reader.script
    python = folder / "bin" / "python"
    if not (folder / "complete").is_file():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *reader.packages], check=True)
        (folder / "complete").touch()
    return str(python)


def read(reader: Reader, url: str, first: int, last: int, folder: Path, cache: Path = CACHE) -> Run:
    """Let the reader read blocks ``first`` to ``last`` into ``folder``."""
    script = ROOT / "benchmarks" / "readers" / f"{reader.script}.py"
    command = [python_of(reader, cache), str(script), url, str(first), str(last), str(folder), *reader.arguments]
    # Modules are compiled once, as in any installation, whatever this environment says about bytecode.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPYCACHEPREFIX": str(cache / "bytecode"), "PYTHONPATH": str(ROOT)}
    started = time.monotonic()
    with (folder / "output.txt").open("w") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - started
    return Run(distinct_logs(folder), usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, process.returncode)


def distinct_logs(folder: Path) -> int:
    """Different logs among what a reader left in its folder."""
    database = folder / "w.duckdb"
    tables = ["raw.uniswap_v3__pool_swap"] if database.is_file() else []
    if any(folder.glob("*.parquet")):
        tables.append(f"read_parquet('{folder}/*.parquet', union_by_name = true)")
    found = 0
    with duckdb.connect(str(database) if database.is_file() else ":memory:") as connection:
        for table in tables:
            row = connection.execute(f"select count(distinct (block_number, log_index)) from {table}").fetchone()
            found += int(row[0]) if row else 0
    return found


@contextmanager
def node(data: Path, *fault: str) -> Iterator[str]:
    """The URL of a replay server; ends with the block."""
    command = [sys.executable, "-m", "benchmarks.replay_server", "--data", str(data), "--seconds", "3000", *fault]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=int, default=1_000_000)
    parser.add_argument(
        "--only", choices=[r.name for r in READERS], action="append", help="only these; repeat for several"
    )
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--cache", type=Path, default=CACHE)
    options = parser.parse_args()
    data = options.cache / f"swaps-{options.logs}"
    generate(data, options.logs)
    failed = False
    print(f"{'reader':18} {'logs':>9} {'logs/CPU-s':>10} {'CPU-s':>6} {'s':>6} {'peak MB':>7}  what it does")
    with node(data) as url:
        for reader in READERS:
            if options.only and reader.name not in options.only:
                continue
            blocks = max(1, int(options.logs * reader.share) // LOGS_PER_BLOCK)
            try:
                best = min(_runs(reader, url, blocks, options), key=lambda run: run.cpu)
            except subprocess.CalledProcessError as error:
                print(f"{reader.name:18} not installed: {error}")
                continue
            is_whole = best.rows == blocks * LOGS_PER_BLOCK and not best.code
            failed |= not is_whole and reader.name.startswith("poolhouse")
            note = (
                "" if is_whole else f", ended with {best.code} and {blocks * LOGS_PER_BLOCK - best.rows:,} logs missing"
            )
            print(
                f"{reader.name:18} {best.rows:>9,} {best.rows / best.cpu:>10,.0f} {best.cpu:>6.1f} {best.wall:>6.1f} "
                f"{best.peak:>7.0f}  {reader.does}{note}",
                flush=True,
            )
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    return int(failed)


def _runs(reader: Reader, url: str, blocks: int, options: argparse.Namespace) -> Iterator[Run]:
    python_of(reader, options.cache)
    for _ in range(options.repeat):
        with tempfile.TemporaryDirectory(prefix="poolhouse-bench-") as folder:
            yield read(reader, url, START, START + blocks - 1, Path(folder), options.cache)


if __name__ == "__main__":
    sys.exit(main())
