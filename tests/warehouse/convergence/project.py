"""A copy of the project whose registry may lack rows, and its command, which may be killed at any moment."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from loaders.registry.seeds import Registry, load_registry
from tests.conftest import ROOT

_PARTS = ("loaders", "devnet", "macros", "models", "seeds", "tests/generic", "tests/invariants")
_FILES = ("dbt_project.yml", "profiles.yml")
_POLL_S = 0.002
_TIMEOUT_S = 900


class Project:
    """Everything that a warehouse is loaded and built with, apart from the tests that run here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for part in _PARTS:
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        for name in _FILES:
            shutil.copy(ROOT / name, folder)

    # ---- registry

    def forget(self, seed: str, text: str) -> None:
        """Drop the registry's rows of ``seeds/<seed>.csv`` that contain ``text``."""
        path = self.folder / "seeds" / f"{seed}.csv"
        header, *rows = path.read_text().splitlines(keepends=True)
        kept = [row for row in rows if text not in row]
        if len(kept) == len(rows):
            raise AssertionError(f"no row of {seed} contains {text!r}")
        path.write_text("".join([header, *kept]))

    def remember(self) -> None:
        """Put all rows of the registry back."""
        shutil.copytree(ROOT / "seeds", self.folder / "seeds", dirs_exist_ok=True)

    @property
    def registry(self) -> Registry:
        """As its seeds are now."""
        return load_registry(self.folder / "seeds")

    # ---- command

    def kill(self, database: Path, changes: int, *arguments: str) -> bool:
        """Run ``poolhouse …`` and SIGKILL it and its children once the warehouse's files changed so many times.

        False when it ended before. Progress is counted, not time: a slow machine is killed at the same places.
        """
        process = self._start(arguments)
        seen, left = _fingerprint(database), changes
        deadline = time.monotonic() + _TIMEOUT_S
        while process.poll() is None and left and time.monotonic() < deadline:
            time.sleep(_POLL_S)
            now = _fingerprint(database)
            if now != seen:
                seen, left = now, left - 1
        is_killed = process.poll() is None
        if is_killed:
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
        if not is_killed and code:
            raise AssertionError(f"poolhouse {' '.join(arguments)} ended with {code}")
        return is_killed

    def _start(self, arguments: tuple[str, ...]) -> subprocess.Popen[bytes]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("POOLHOUSE_") or k == "POOLHOUSE_CACHE"}
        return subprocess.Popen(
            [sys.executable, "-m", "loaders.cli", *arguments],
            cwd=self.folder,
            env={**clean, "COLUMNS": "160"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a process group of its own: dbt is its child
        )


def _fingerprint(database: Path) -> tuple[object, ...]:
    """What changes when a command makes progress: the file, its log and the packages under way."""
    wal = database.with_name(database.name + ".wal")
    packages = (database.parent / ".poolhouse" / "pipelines").glob("*/*/*")
    return tuple(_state(path) for path in (database, wal, *sorted(packages)))


def _state(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns
