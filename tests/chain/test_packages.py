"""Packages from npm: only what is pinned, and wholly or not at all."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from devnet import packages
from devnet.packages import anvil_binary, fetch, pinned
from loaders.errors import PoolhouseError

SMALLEST = "@uniswap/v3-core"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POOLHOUSE_CACHE", str(tmp_path))
    return tmp_path


def test_a_package_is_fetched_checked_and_extracted(cache: Path) -> None:
    folder = packages.package_folder(SMALLEST)
    assert folder.is_relative_to(cache)
    assert (folder / "artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json").is_file()
    assert not (folder / "package.json").exists(), "only what is kept is extracted"
    assert [path.name for path in (cache / "packages").iterdir()] == [folder.name]


def test_a_package_with_another_hash_is_refused_and_not_kept(cache: Path) -> None:
    other = replace(pinned()[SMALLEST], integrity="sha512-" + "A" * 86 + "==")
    with pytest.raises(PoolhouseError, match="not the pinned package"):
        fetch([other])
    assert list((cache / "packages").iterdir()) == []


def test_an_unknown_version_is_one_clear_error(cache: Path) -> None:
    with pytest.raises(PoolhouseError, match="npm could not fetch") as caught:
        fetch([replace(pinned()[SMALLEST], version="0.0.0-none")])
    assert "\n" not in str(caught.value)
    assert list((cache / "packages").iterdir()) == []


def test_a_killed_download_leaves_nothing_that_passes_for_a_package(cache: Path) -> None:
    fetching = subprocess.Popen(
        [sys.executable, "-c", "from devnet.packages import fetch, pinned; fetch(list(pinned().values()))"],
        cwd=ROOT,
        start_new_session=True,
    )
    store = cache / "packages"
    while fetching.poll() is None and not (store.is_dir() and any(store.iterdir())):
        time.sleep(0.01)
    time.sleep(0.3)
    os.killpg(fetching.pid, signal.SIGKILL)
    fetching.wait()
    names = {package.folder for package in pinned().values()}
    for left in store.iterdir():
        assert left.name.startswith(".partial-") or left.name in names
    assert (packages.package_folder(SMALLEST) / "artifacts").is_dir(), "the next run is not held up"
    assert [path for path in store.iterdir() if path.name.startswith(".partial-")] == []


def test_without_npm_the_error_says_what_to_install(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(cache))
    with pytest.raises(PoolhouseError, match=r"npm is not installed") as caught:
        fetch([pinned()[SMALLEST]])
    assert "Node.js 20" in caught.value.remedy


def test_anvil_bin_overrides_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANVIL_BIN", sys.executable)
    assert anvil_binary() == Path(sys.executable)
    monkeypatch.setenv("ANVIL_BIN", "/no/such/anvil")
    with pytest.raises(PoolhouseError, match="not an executable"):
        anvil_binary()


def test_helpers_were_compiled_from_the_committed_source() -> None:
    folder = ROOT / "devnet" / "solidity"
    source = hashlib.sha256((folder / "Helpers.sol").read_bytes()).hexdigest()
    assert f'"source_sha256": "{source}"' in (folder / "Helpers.json").read_text(encoding="utf-8"), "run build.sh"
