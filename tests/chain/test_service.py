"""The devnet in the background: one at a time, found again, and gone when it should be."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devnet import service
from devnet.node import free_port
from devnet.packages import cache_folder, fetch_missing, required
from devnet.protocols import morpho_blue
from devnet.supervisor import LOCK
from loaders.errors import PoolhouseError
from loaders.file_lock import exclusive
from loaders.rpc.client import RpcClient

ACTIONS = 20
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of one's own with what is fetched and compiled already; nothing runs in it afterwards."""
    fetch_missing(required())
    morpho_blue.compile_contracts()
    for name in ("packages", "compiled"):
        (tmp_path / name).symlink_to(cache_folder() / name)
    monkeypatch.setenv("POOLHOUSE_CACHE", str(tmp_path))
    yield tmp_path
    service.stop()


def test_start_status_and_stop(cache: Path) -> None:
    port = free_port()
    seen: list[tuple[int, int]] = []
    started = service.start(7, ACTIONS, port, progress=lambda done, planned: seen.append((done, planned)))
    assert seen[-1] == (ACTIONS, ACTIONS)
    assert not started.was_running
    assert started.rss_bytes > 0
    state = json.loads((cache / "running.json").read_text(encoding="utf-8"))
    assert (state["port"], state["head_hash"]) == (port, started.head_hash)

    again = service.start(7, ACTIONS, port)
    assert again.was_running
    assert again.pid == started.pid

    with pytest.raises(PoolhouseError, match="Another devnet is running") as caught:
        service.start(8, ACTIONS, port)
    assert "devnet stop" in caught.value.remedy

    assert service.status() == started
    assert service.stop() == started
    assert service.status() is None
    assert service.stop() is None
    assert not _runs(started.pid)


def test_a_taken_port_is_one_clear_error(cache: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PoolhouseError, match=f"Port {port} is in use") as caught:
            service.start(7, ACTIONS, port)
    assert "--port" in caught.value.remedy
    assert not (cache / "running.json").exists()


def test_it_passes_for_mainnet_only_when_told_to(cache: Path) -> None:
    port = free_port()
    started = service.start(7, ACTIONS, port, chain="ethereum")
    assert started.head_number > 20_000_000
    assert RpcClient(started.url).call("eth_chainId") == "0x1"
    with pytest.raises(PoolhouseError, match=r"Another devnet is running: .*, as ethereum"):
        service.start(7, ACTIONS, port)
    with pytest.raises(PoolhouseError, match="cannot pass for the chain 'polygon'"):
        service.start(7, ACTIONS, port, chain="polygon")


def test_only_one_start_at_a_time(cache: Path) -> None:
    with (
        exclusive(cache / "start.lock", timeout_s=0),
        pytest.raises(PoolhouseError, match="being started by another process"),
    ):
        service.start(7, ACTIONS, free_port())


def test_a_predecessor_that_does_not_end_is_one_clear_error(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_STOP_TIMEOUT_S", 0.1)
    with (
        exclusive(cache / LOCK, timeout_s=0),
        pytest.raises(PoolhouseError, match=f"devnet of {cache} .* is still there") as caught,
    ):
        service.start(7, ACTIONS, free_port())
    assert "anvil" in caught.value.remedy
    assert not (cache / "running.json").exists()


def test_it_ends_by_itself_when_its_time_is_up(cache: Path) -> None:
    state_file = cache / "running.json"
    state_file.write_text('{"token": "mine"}', encoding="utf-8")
    with _supervisor(state_file, "mine", seconds=0.5) as supervisor:
        node = _node_of(supervisor)
        assert supervisor.wait(timeout=20) == 0
    assert not _runs(node)
    assert not state_file.exists()


def test_it_ends_when_another_start_took_its_place(cache: Path) -> None:
    state_file = cache / "running.json"
    state_file.write_text('{"token": "mine"}', encoding="utf-8")
    with _supervisor(state_file, "mine", seconds=60) as supervisor:
        node = _node_of(supervisor)
        state_file.write_text('{"token": "theirs"}', encoding="utf-8")
        assert supervisor.wait(timeout=20) == 0
    assert not _runs(node)
    assert json.loads(state_file.read_text(encoding="utf-8")) == {"token": "theirs"}


@pytest.mark.skipif(sys.platform != "linux", reason="needs the kernel's parent-death signal")
def test_a_killed_supervisor_takes_its_node_along(cache: Path) -> None:
    state_file = cache / "running.json"
    state_file.write_text('{"token": "mine"}', encoding="utf-8")
    with _supervisor(state_file, "mine", seconds=60) as supervisor:
        node = _node_of(supervisor)
        supervisor.kill()
    deadline = time.monotonic() + 20
    while _runs(node) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(node)
    state_file.unlink()


def test_a_start_after_a_killed_start_begins_anew(cache: Path) -> None:
    port = free_port()
    code = f"from devnet import service; service.start(7, 5000, {port})"
    killed = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    deadline = time.monotonic() + 60
    while not (cache / "running.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert service.status() is None
    assert not service.start(7, ACTIONS, port).was_running


def _supervisor(state_file: Path, token: str, *, seconds: float) -> subprocess.Popen[str]:
    arguments = ["devnet", str(free_port()), str(seconds), str(state_file), token]
    return subprocess.Popen(
        [sys.executable, "-m", "devnet.supervisor", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def _node_of(supervisor: subprocess.Popen[str]) -> int:
    assert supervisor.stdout is not None
    return int(supervisor.stdout.readline())


def _runs(pid: int) -> bool:
    """True for a living process; one that ended but was not collected does not count."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
