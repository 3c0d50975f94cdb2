"""One warehouse of a small devnet market, loaded and built once for all tests of a session, whichever worker runs them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.shared_folder import shared_folder
from tests.warehouse import small_warehouse as factory
from tests.warehouse.small_warehouse import SmallWarehouse


@pytest.fixture(scope="session")
def small_warehouse(
    poolhouse: Run, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> SmallWarehouse:
    """The market `small`, loaded, snapshotted at four blocks and built; to be read only.

    Shared by all workers: every worker's `small` is the same chain.
    """

    def make(folder: Path) -> None:
        factory.make(poolhouse, request.getfixturevalue("small"), folder)

    return SmallWarehouse(shared_folder(tmp_path_factory, "small_warehouse", make))


@pytest.fixture
def warehouse_copy(small_warehouse: SmallWarehouse, tmp_path: Path) -> Path:
    """A copy of its database, to write to."""
    return Path(shutil.copy(small_warehouse.database, tmp_path / factory.DATABASE))
