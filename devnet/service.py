"""The devnet in the background: start, status, stop.

One at a time, described by `running.json` in the cache. It ends by itself after a bounded time (:mod:`devnet.supervisor`).
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from devnet.market import simulation
from devnet.node import DEVNET, HOST, NETWORKS, free_port, require_free, resident_bytes, wait_until_ready
from devnet.packages import anvil_binary, cache_folder, fetch_missing, required
from devnet.protocols import morpho_blue
from devnet.supervisor import LOCK, holds
from loaders.errors import PoolhouseError
from loaders.file_lock import exclusive
from loaders.rpc.client import RpcClient, RpcError

DEFAULT_PORT = 8545
DEFAULT_MAX_HOURS = 4.0
_STOP_TIMEOUT_S = 15.0
_ANSWER_TIMEOUT_S = 30.0
_PACKAGE = Path(__file__).parent
_DECISIVE = (
    "chain.py",
    "compiler.py",
    "contracts.py",
    "node.py",
    "packages.json",
    "pipelined_rpc.py",
    "solidity/Helpers.json",
    "world.py",
)
"""Beside market and protocols: what decides how a chain comes out."""


@dataclass(frozen=True, slots=True)
class Running:
    """A devnet in the background. ``head_number`` and ``head_hash`` are those of the market's last block."""

    url: str
    port: int
    pid: int
    """Process id of the node."""
    seed: int
    actions: int
    chain: str
    """Name of the chain that the node says it is."""
    only: str
    """Patterns of the scenarios that users play, separated by commas."""
    head_number: int
    head_hash: str
    stops_at: float
    """Unix time at which it ends by itself."""
    fingerprint: str
    """Hash of the code that built it: another version builds another chain."""
    token: str
    was_running: bool = False
    """True if a start found it there."""

    @property
    def rss_bytes(self) -> int:
        """Resident memory of the node; 0 where the system does not tell."""
        return resident_bytes(self.pid)


def start(
    seed: int = simulation.DEFAULT_SEED,
    actions: int = simulation.DEFAULT_ACTIONS,
    port: int | None = None,
    *,
    chain: str = DEVNET.name,
    only: str = "*",
    max_hours: float = DEFAULT_MAX_HOURS,
    progress: simulation.Progress | None = None,
) -> Running:
    """Build a devnet and leave it running. One that runs already with the same seed and size is returned as it is.

    ``chain`` is what the node says it is, ``only`` chooses scenarios by patterns of their names, separated by commas.

    Without a port it takes the usual one, or a free one where that is taken: others use it too.
    Raises :class:`PoolhouseError` when another one runs or does not end, when the port is taken, or when npm cannot
    deliver.
    """
    if actions < 1 or max_hours <= 0:
        raise PoolhouseError("The devnet needs at least one action and some time to live.", "Give positive numbers.")
    if chain not in NETWORKS:
        raise PoolhouseError(
            f"The devnet cannot pass for the chain {chain!r}.", f"It can for one of: {', '.join(NETWORKS)}."
        )
    simulation.choose(only.split(","))
    with _starting():
        found = status()
        if found is not None:
            return _same_or_refuse(found, (chain, seed, actions, only), port)
        # what a start that was killed left behind
        _state_file().unlink(missing_ok=True)
        _wait_until_gone()
        fetch_missing(required())
        morpho_blue.compile_contracts()
        port = _choose(port)
        claim = Running(
            url=f"http://{HOST}:{port}",
            port=port,
            pid=0,
            seed=seed,
            actions=actions,
            chain=chain,
            only=only,
            head_number=0,
            head_hash="",
            stops_at=time.time() + max_hours * 3600,
            fingerprint=fingerprint(),
            token=secrets.token_hex(8),
        )
        _write(claim)
        try:
            running = _build(claim, max_hours * 3600, progress)
            _write(running)
        except BaseException:
            _state_file().unlink(missing_ok=True)  # which ends the node as well
            raise
        return running


def status() -> Running | None:
    """The devnet in the background, if it answers and is the chain that was built."""
    running = _read()
    if running is None or not running.head_hash:
        return None
    try:
        rpc = RpcClient(running.url, timeout=_ANSWER_TIMEOUT_S)
        block = rpc.call("eth_getBlockByNumber", hex(running.head_number), False)
    except (PoolhouseError, RpcError):
        return None
    return running if block and block["hash"] == running.head_hash else None


def stop() -> Running | None:
    """End the devnet in the background, if there is one. Raises :class:`PoolhouseError` when it does not end."""
    running = _read()
    if running is None:
        return None
    _state_file().unlink(missing_ok=True)
    _wait_until_gone()
    return running


def fingerprint() -> str:
    """Hash of everything that decides what chain a seed and a size give."""
    digest = hashlib.sha256()
    decisive = [
        *sorted((_PACKAGE / "market").glob("*.py")),
        *sorted((_PACKAGE / "protocols").glob("*.py")),
        *(_PACKAGE / name for name in _DECISIVE),
    ]
    for path in decisive:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _choose(port: int | None) -> int:
    if port is not None:
        require_free(port)
        return port
    try:
        require_free(DEFAULT_PORT)
    except PoolhouseError:
        return free_port()
    return DEFAULT_PORT


def _same_or_refuse(found: Running, wanted: tuple[str, int, int, str], port: int | None) -> Running:
    is_same = (found.chain, found.seed, found.actions, found.only) == wanted and found.fingerprint == fingerprint()
    if is_same and port in (None, found.port):
        return replace(found, was_running=True)
    version = "" if found.fingerprint == fingerprint() else ", built by another version of the code"
    chosen = "" if found.only == "*" else f", only {found.only}"
    chosen += "" if found.chain == DEVNET.name else f", as {found.chain}"
    raise PoolhouseError(
        f"Another devnet is running: seed {found.seed}, {found.actions} actions{chosen}, port {found.port}{version}.",
        "Stop it first with `poolhouse devnet stop`.",
    )


def _build(claim: Running, max_seconds: float, progress: simulation.Progress | None) -> Running:
    arguments = [claim.chain, str(claim.port), str(max_seconds), str(_state_file()), claim.token]
    with subprocess.Popen(
        [sys.executable, "-m", "devnet.supervisor", "--background", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=_PACKAGE.parent,
        text=True,
    ) as launcher:
        assert launcher.stdout is not None
        pid = launcher.stdout.readline()
    if not pid:
        raise PoolhouseError("The devnet's node could not be started.", f"Run `{anvil_binary()} --version` to see why.")
    rpc = RpcClient(claim.url, timeout=300.0)
    wait_until_ready(rpc, lambda: holds(_state_file(), claim.token))
    market = simulation.build(
        rpc, seed=claim.seed, actions=claim.actions, only=claim.only.split(","), progress=progress
    )
    return replace(claim, pid=int(pid), head_number=market.head_number, head_hash=market.head_hash)


@contextmanager
def _starting() -> Iterator[None]:
    """One start at a time; the lock goes with the process that holds it."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        try:
            held.enter_context(exclusive(cache_folder() / "start.lock", timeout_s=0))
        except TimeoutError:
            raise PoolhouseError(
                "A devnet is being started by another process.", "Wait for it, then run the command again."
            ) from None
        yield


def _wait_until_gone() -> None:
    """Wait for the supervisor, and with it the node, to have ended. Raises :class:`PoolhouseError` in vain."""
    with ExitStack() as held:
        try:
            held.enter_context(exclusive(cache_folder() / LOCK, timeout_s=_STOP_TIMEOUT_S))
        except TimeoutError:
            raise PoolhouseError(
                f"The devnet of {cache_folder()} was told to end and is still there after {_STOP_TIMEOUT_S:.0f} seconds.",
                "End its `anvil` process yourself, then run the command again.",
            ) from None


def _state_file() -> Path:
    return cache_folder() / "running.json"


def _write(running: Running) -> None:
    """Replace the state file in one step: readers see the old one or the new one."""
    state = asdict(running)
    del state["was_running"]
    target = _state_file()
    draft = target.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
    draft.replace(target)


def _read() -> Running | None:
    try:
        return Running(**json.loads(_state_file().read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
