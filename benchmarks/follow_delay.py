"""Head-to-table delay: from a block's appearance at the node to its rows counting in the warehouse.

    python -m benchmarks.follow_delay [--blocks 60] [--interval 2] [--every 1]

Real nodes (anvil) mine a block with events every few seconds; `poolhouse follow` runs as a user runs it, and says itself when a
package is complete (`--log-json`): from that moment its rows count. Measured for one chain that is polled, for one whose node
announces its blocks, and for two chains in one process. The delay is the loader's own: node and loader share this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from devnet.node import ETHEREUM, Anvil
from tests.loaders.emitter import Emitter
from tests.loaders.live import assert_live_is_the_chain

LOGS_PER_BLOCK = 50
HISTORY = 80


class Follow:
    """The command, and when it said that rows up to a block count."""

    def __init__(self, arguments: list[str]) -> None:
        command = [sys.executable, "-m", "loaders.cli", "follow", *arguments, "--log-json"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        self.committed: list[tuple[str, int, float]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            event = json.loads(line) if line.startswith("{") else {}
            if event.get("event") == "committed":
                self.committed.append(
                    (event["chain"], event["loaded_block"], datetime.fromisoformat(event["time"]).timestamp())
                )

    def wait_for(self, chain: str, block: int) -> None:
        while not any(c == chain and loaded >= block for c, loaded, _ in self.committed):
            if self.process.poll() is not None:
                sys.exit("the command ended by itself")
            time.sleep(0.05)

    def loaded_at(self, chain: str, block: int) -> float:
        return min(at for c, loaded, at in self.committed if c == chain and loaded >= block)

    def end(self) -> float:
        """CPU seconds of the whole process."""
        self.process.terminate()
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self._reader.join()
        if self.process.returncode:
            sys.exit(f"the command failed with code {self.process.returncode}")
        return usage.ru_utime + usage.ru_stime


def measure(title: str, names: list[str], blocks: int, interval_s: float, every: str, *, is_announced: bool) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="poolhouse-bench-")))
        database = folder / "follow.duckdb"
        chains: dict[str, Emitter] = {}
        arguments = ["--database", str(database), "--protocol", "uniswap_v2", "--no-facts", "--transactions", "none"]
        arguments += ["--every", every]
        for name in names:
            anvil = Anvil(network=ETHEREUM) if name == "ethereum" else Anvil()
            chains[name] = Emitter(stack.enter_context(anvil))
            chains[name].mine([LOGS_PER_BLOCK] * HISTORY)
            arguments += ["--chain", name, "--rpc-url", f"{name}={anvil.url}"]
            if is_announced:
                arguments += ["--ws-url", f"{name}={anvil.url.replace('http', 'ws', 1)}"]
        follow = Follow([*arguments, "--last-blocks", str(HISTORY)])
        for name, chain in chains.items():
            follow.wait_for(name, chain.head)
        before = len(follow.committed)
        appeared: list[tuple[str, int, float]] = []
        for _ in range(blocks):
            due = time.monotonic() + interval_s
            for name, chain in chains.items():
                chain.mine([LOGS_PER_BLOCK])
                appeared.append((name, chain.head, time.time()))
            time.sleep(max(0.0, due - time.monotonic()))
        for name, chain in chains.items():
            follow.wait_for(name, chain.head)
        rounds = len(follow.committed) - before
        cpu = follow.end()
        delays = [follow.loaded_at(name, block) - at for name, block, at in appeared]
        for name, chain in chains.items():
            assert_live_is_the_chain(chain, database, 1 if name == "ethereum" else 31337)
    cuts = statistics.quantiles(delays, n=100)
    print(
        f"{title:32} {len(delays):>4} blocks  p50 {cuts[49]:.2f} s  p95 {cuts[94]:.2f} s  most {max(delays):.2f} s  "
        f"{rounds} rounds  {cpu:.1f} CPU-s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=60)
    parser.add_argument("--interval", type=float, default=2.0, help="seconds between blocks")
    parser.add_argument("--every", default="1", help="seconds between packages, as poolhouse follow takes them")
    options = parser.parse_args()
    size = options.blocks, options.interval, options.every
    print(f"a block with {LOGS_PER_BLOCK} logs every {options.interval:g} s")
    measure("one chain, polled", ["devnet"], *size, is_announced=False)
    measure("one chain, announced (newHeads)", ["devnet"], *size, is_announced=True)
    measure("two chains, announced", ["devnet", "ethereum"], *size, is_announced=True)


if __name__ == "__main__":
    main()
