"""Logs per CPU-second of the loader's parts on generated Uniswap V3 swaps, against what each must reach.

    python -m benchmarks.load_replay [--logs 1000000] [--repeat 3]

decode: JSON answers in memory to Arrow tables. parquet: JSON-RPC over HTTP, verification, decoding, Parquet files. duckdb: the
real command, with archive, dlt, DuckDB and ledger. CPU seconds are those of the whole process tree from its first import to its
exit (for decode: of the work alone), the least of the repeats; the server's, in another process, are not counted.
`benchmarks.load_files` does the same from files, `benchmarks.peers` shows other readers beside.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
import time
from array import array
from collections.abc import Callable
from pathlib import Path

from benchmarks.peers import CACHE, READERS, Run, node, read
from benchmarks.replay_server import LOGS_PER_BLOCK, MAX_LOGS, START, generate
from loaders.decode.decoder import Decoder, Wanted
from loaders.registry.events import load_events
from loaders.source.parse import parse_logs

TARGETS = {"decode": 400_000, "parquet": 250_000, "duckdb": 130_000}
PEAK_MB = 1_024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", choices=list(TARGETS), action="append")
    parser.add_argument("--cache", type=Path, default=CACHE)
    options = parser.parse_args()
    data = options.cache / f"swaps-{options.logs}"
    generate(data, options.logs)
    failed = False
    with node(data) as url:
        for part in options.only or TARGETS:
            once = _decode(data) if part == "decode" else _reading(part, url, options)
            best = min((once() for _ in range(options.repeat)), key=lambda run: run.cpu)
            failed |= best.rows != options.logs or best.code != 0
            peak = f", peak {best.peak:.0f} MB (target {PEAK_MB:,})" if best.peak else ""
            print(
                f"{part}: {best.rows:,} rows of {options.logs:,} logs, {best.cpu:.2f} CPU-s, {best.wall:.1f} s{peak}: "
                f"{best.rows / best.cpu:,.0f} logs per CPU-second (target {TARGETS[part]:,})",
                flush=True,
            )
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    return int(failed)


def _reading(part: str, url: str, options: argparse.Namespace) -> Callable[[], Run]:
    reader = next(r for r in READERS if r.name == f"poolhouse-{part}")
    last = START + options.logs // LOGS_PER_BLOCK - 1

    def once() -> Run:
        with tempfile.TemporaryDirectory(prefix="poolhouse-bench-") as folder:
            return read(reader, url, START, last, Path(folder), options.cache)

    return once


def _decode(data: Path) -> Callable[[], Run]:
    """Answers of as many logs as a node gives at once, with every registered event wanted."""
    offsets = array("q")
    offsets.frombytes((data / "offsets.bin").read_bytes())
    offsets = offsets[: len(offsets) // 2]
    blocks = MAX_LOGS * 4 // 5 // LOGS_PER_BLOCK
    wanted = [Wanted(spec, None) for spec in load_events().events if spec.emitters == "any"]

    def once() -> Run:
        decoder = Decoder(1, wanted)
        rows, cpu, began = 0, 0.0, time.monotonic()
        gc.freeze()
        with (data / "logs.bin").open("rb") as file:
            for at in range(0, len(offsets) - 1, blocks):
                end = min(at + blocks, len(offsets) - 1)
                answer = b"[" + file.read(offsets[end] - offsets[at])[:-1] + b"]"
                started = time.process_time()
                decoded = decoder.decode(parse_logs(answer))
                cpu += time.process_time() - started
                rows += sum(decoded.counts.values())
        return Run(rows, cpu, time.monotonic() - began, 0.0, 0)

    return once


if __name__ == "__main__":
    sys.exit(main())
