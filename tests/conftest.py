"""What every suite shares: the command as a user runs it, and the recorded mainnet data where they are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.small_market import SmallMarket, small_market

ROOT = Path(__file__).resolve().parents[1]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def small() -> Iterator[SmallMarket]:
    """A small market on a real node with every block still callable, to be read only: nobody mines on it."""
    with small_market() as market:
        yield market


@pytest.fixture(scope="session")
def poolhouse(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run `poolhouse …` in a process of its own; fails the test when it fails, unless told ``check=False``."""
    # Workers that test side by side run dbt side by side.
    scratch = {"DBT_TARGET_PATH": str(tmp_path_factory.mktemp("dbt"))}

    def run(*arguments: str, check: bool = True, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return run_poolhouse(*arguments, check=check, env={**scratch, **(env or {})})

    return run


def run_poolhouse(
    *arguments: str, check: bool = True, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What the fixture runs, for those who have no fixtures."""
    command = Path(sys.executable).with_name("poolhouse")
    clean = {k: v for k, v in os.environ.items() if not k.startswith("POOLHOUSE_") or k == "POOLHOUSE_CACHE"}
    done = subprocess.run(
        [str(command), *arguments],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=900,
        env={**clean, "COLUMNS": "160", **(env or {})},
    )
    if check and done.returncode:
        pytest.fail(f"poolhouse {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """Folder of recorded mainnet blocks and independent expectations (``POOLHOUSE_REFERENCE_DATA``)."""
    folder = Path(os.environ.get("POOLHOUSE_REFERENCE_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "mainnet" / "blocks").is_dir():
        pytest.skip(f"no recorded mainnet blocks under {folder}: set POOLHOUSE_REFERENCE_DATA to run this test")
    return folder / "mainnet"


@pytest.fixture(scope="session")
def mainnet(reference_data: Path) -> Iterator[str]:
    """URL of a loopback node that replays the recorded mainnet blocks; ends with the session."""
    with replayed_node(reference_data, 1) as url:
        yield url


@contextmanager
def replayed_node(reference_data: Path, chain_id: int) -> Iterator[str]:
    """URL of a loopback node that replays the recorded blocks of a chain."""
    script = reference_data.parents[1] / "tools" / "replay_node.py"
    if not script.is_file():
        pytest.skip(f"{script} is missing: it serves the recorded blocks as a node")
    command = [sys.executable, str(script), "--chain", str(chain_id)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as node:
        try:
            assert node.stdout is not None
            found = re.search(r"http://\S+", node.stdout.readline())
            assert found, "the replay node did not start"
            yield found[0]
        finally:
            node.terminate()
