"""One warehouse of a small devnet market, loaded and built once for all tests of a session, whichever worker runs them."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.warehouse import small_warehouse as factory
from tests.warehouse.small_warehouse import SmallWarehouse


@pytest.fixture(scope="session")
def small_warehouse(
    poolhouse: Run, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> SmallWarehouse:
    """The market `small`, loaded, snapshotted at four blocks and built; to be read only.

    Made by the first worker that asks; the others wait for it and share its files. Every worker's `small` is the same
    chain.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "small_warehouse"
    with _lock(folder.with_suffix(".lock")):
        if not folder.exists():
            unfinished = folder.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            factory.make(poolhouse, request.getfixturevalue("small"), unfinished)
            unfinished.rename(folder)
    return SmallWarehouse(folder)


@pytest.fixture
def warehouse_copy(small_warehouse: SmallWarehouse, tmp_path: Path) -> Path:
    """A copy of its database, to write to."""
    return Path(shutil.copy(small_warehouse.database, tmp_path / factory.DATABASE))


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
