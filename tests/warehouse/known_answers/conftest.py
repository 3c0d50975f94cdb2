"""One warehouse of all recorded Ethereum blocks, loaded and built as a user would."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.conftest import Run
from tests.warehouse.known_answers.record import Recorder
from tests.warehouse.known_answers.reference import Recorded, Trade, read_recorded, read_trades


@pytest.fixture(scope="session")
def recorded(reference_data: Path) -> Recorded:
    return read_recorded(reference_data, 1)


@pytest.fixture(scope="session")
def ethereum(
    poolhouse: Run, mainnet: str, recorded: Recorded, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    database = tmp_path_factory.mktemp("known_answers") / "ethereum.duckdb"
    blocks = ",".join(map(str, recorded.loadable))
    poolhouse(
        *("load", "--chain", "ethereum", "--blocks", blocks, "--with-transfers"),
        *("--database", str(database), "--rpc-url", mainnet),
    )
    poolhouse("build", "--database", str(database))
    with duckdb.connect(str(database), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def trades(ethereum: duckdb.DuckDBPyConnection) -> dict[tuple[str, int], Trade]:
    return read_trades(ethereum)


@pytest.fixture
def known_answers(request: pytest.FixtureRequest) -> Recorder:
    return Recorder(request.path, request.function.__name__)
