"""What is lost to a node that answers one `eth_getLogs` in seven with no logs, and says nothing.

    python -m benchmarks.false_empty [--logs 200000] [--only poolhouse]

Peers are those of `benchmarks.peers`, which installs them at their first run.

The node replays generated Uniswap V3 swaps on loopback (see `replay_server`). Each reader asks one of its own for all of them
and ends as it likes; what counts is the logs it has then. Ours is the real command, into DuckDB. Every seventh answer is empty,
then, for a second time, each with a chance of one in seven.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb

from benchmarks import peers
from benchmarks.peers import Reader, node, read
from benchmarks.replay_server import LOGS_PER_BLOCK, START, generate

ROOT = Path(__file__).resolve().parents[1]
FAULTS = {"every 7th answer": ("--empty-every", "7"), "one in 7 by chance": ("--empty-share", str(1 / 7))}


@dataclass(frozen=True)
class Task:
    """All logs of topic ``SWAP`` in blocks ``first`` to ``last`` of the node behind ``url``; ``folder`` is empty and the reader's."""

    url: str
    first: int
    last: int
    folder: Path


@dataclass(frozen=True)
class Outcome:
    logs: int
    """Distinct logs that the reader has in the end."""
    note: str = ""
    """How it ended, and what else there is to say."""


def poolhouse(task: Task) -> Outcome:
    """The real command; only rows that the ledger counts."""
    database = task.folder / "false_empty.duckdb"
    command = [sys.executable, "-m", "loaders.cli", "load", "--chain", "ethereum", "--protocol", "uniswap_v3"]
    command += ["--from-block", str(task.first), "--to-block", str(task.last), "--transactions", "none", "--no-facts"]
    command += ["--rpc-url", task.url, "--database", str(database), "--no-archive"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        return Outcome(0, f"ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-200:]}")
    with duckdb.connect(str(database), read_only=True) as connection:
        rows, logs, ledger = _one_row(
            connection.execute(
                "select count(*), count(distinct (block_number, log_index)), "
                "(select sum(log_count) from raw.load_ranges where event = 'Swap') from raw.uniswap_v3__pool_swap"
            )
        )
    return Outcome(logs, f"{rows - logs} rows twice, {ledger:,} in the ledger")


def peer(reader: Reader, task: Task) -> Outcome:
    """Another reader, as `benchmarks.peers` runs it."""
    run = read(reader, task.url, task.first, task.last, task.folder)
    return Outcome(run.rows, f"ended with {run.code}")


PEERS = ("cryo-decoded", "web3.py", "eth_defi")
READERS: dict[str, Callable[[Task], Outcome]] = {
    "poolhouse": poolhouse,
    **{reader.name: partial(peer, reader) for reader in peers.READERS if reader.name in PEERS},
}


def _one_row(result: duckdb.DuckDBPyConnection) -> tuple[int, int, int]:
    row = result.fetchone()
    assert row is not None
    return int(row[0]), int(row[1]), int(row[2])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=int, default=200_000)
    parser.add_argument("--only", choices=list(READERS), action="append", help="only these readers; repeat for several")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "benchmarks")
    options = parser.parse_args()
    data = options.cache / f"swaps-{options.logs}"
    generate(data, options.logs)
    lost_by_us = 0
    for fault, arguments in FAULTS.items():
        print(f"{options.logs:,} logs, {fault} empty")
        for name in options.only or READERS:
            with node(data, *arguments) as url, tempfile.TemporaryDirectory(prefix="poolhouse-bench-") as folder:
                task = Task(url, START, START + options.logs // LOGS_PER_BLOCK - 1, Path(folder))
                outcome = READERS[name](task)
            lost = options.logs - outcome.logs
            print(f"  {name:16} {lost:>9,} lost ({lost / options.logs:.1%})  {outcome.note}", flush=True)
            lost_by_us += lost if name == "poolhouse" else 0
    return 1 if lost_by_us else 0


if __name__ == "__main__":
    sys.exit(main())
