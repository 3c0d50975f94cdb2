"""One anvil process: loopback only, deterministic, mining only when told to."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from devnet.packages import anvil_binary
from loaders.errors import PoolhouseError
from loaders.rpc.client import RpcClient

HOST = "127.0.0.1"
GENESIS_TIMESTAMP = 1_735_689_600
"""2025-01-01 00:00:00 UTC."""
BLOCK_INTERVAL_S = 12
"""Time between blocks that are mined without a timestamp of their own."""
ACCOUNTS = 64
KEPT_STATES = 700
"""States of the last so many blocks stay in memory (about 0.9 MB each), hence callable: more than a demo has blocks.

Logs, blocks and receipts are always complete.
"""
_START_TIMEOUT_S = 20.0
_END_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Network:
    """What a node says it is; the name is that of `seeds/chains.csv`."""

    name: str
    chain_id: int
    first_block: int


DEVNET = Network("devnet", 31337, 0)
ETHEREUM = Network("ethereum", 1, 20_000_000)
"""Passes for mainnet, so that what ships for mainnet can be tried unchanged. Begins where mainnet was in mid 2024."""
NETWORKS = {network.name: network for network in (DEVNET, ETHEREUM)}


def command(port: int, network: Network = DEVNET, *, kept_states: int = KEPT_STATES) -> list[str]:
    """The node's command line."""
    return [
        str(anvil_binary()),
        *("--host", HOST, "--port", str(port)),
        *("--chain-id", str(network.chain_id), "--number", str(network.first_block)),
        *("--timestamp", str(GENESIS_TIMESTAMP)),
        *("--accounts", str(ACCOUNTS), "--balance", "1000000"),
        # first in, first out and no automatic mining: the order of transactions is ours, so the hashes repeat
        *("--order", "fifo", "--no-mining"),
        # Aave's initReserves needs more gas than later hard forks grant one transaction
        *("--hardfork", "cancun", "--gas-limit", "60000000"),
        # without it a state is written to the disk for every block, and left there
        *("--prune-history", str(kept_states)),
        "--no-request-size-limit",
        "--quiet",
    ]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def require_free(port: int) -> None:
    """Raises :class:`PoolhouseError` when something listens on ``port`` already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise PoolhouseError(
                f"Port {port} is in use.", "Stop what listens there, or choose another one with --port."
            ) from None


def wait_until_ready(rpc: RpcClient, is_alive: Callable[[], bool]) -> None:
    """Wait for the node's first answer, then fix its block interval. Raises :class:`PoolhouseError` in vain."""
    deadline = time.monotonic() + _START_TIMEOUT_S
    while True:
        try:
            rpc.call("eth_chainId")
        except PoolhouseError:
            if time.monotonic() > deadline or not is_alive():
                raise PoolhouseError(
                    f"anvil did not start on {rpc.host}.",
                    f"Run `{anvil_binary()} --version` to see what is wrong with it.",
                ) from None
            time.sleep(0.01)
        else:
            # else block times would follow the wall clock, and no two chains would be alike
            rpc.call("anvil_setBlockTimestampInterval", BLOCK_INTERVAL_S)
            return


class Anvil:
    """A node that lives as long as its ``with`` block."""

    def __init__(self, port: int | None = None, *, network: Network = DEVNET, kept_states: int = KEPT_STATES) -> None:
        self.port = port or free_port()
        require_free(self.port)
        self.url = f"http://{HOST}:{self.port}"
        self._process = subprocess.Popen(
            command(self.port, network, kept_states=kept_states), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.rpc = RpcClient(self.url, timeout=300.0)
        try:
            wait_until_ready(self.rpc, lambda: self._process.poll() is None)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        end(self._process)

    def __enter__(self) -> Anvil:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def end(process: subprocess.Popen[bytes]) -> None:
    """End a node and wait for it. It is killed if it does not listen: anvil now and then misses the first request."""
    process.terminate()
    try:
        process.wait(_END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def resident_bytes(pid: int) -> int:
    """Resident memory of a process; 0 where the system has no /proc."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
