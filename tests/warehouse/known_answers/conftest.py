"""One warehouse of all recorded Ethereum blocks, and of the blocks of other chains that transfers are known for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from loaders.load.request import LoadRequest
from loaders.load.run import load
from loaders.registry.chains import Chain
from loaders.registry.seeds import Registry, load_registry
from tests.conftest import Run, replayed_node
from tests.shared_folder import shared_folder
from tests.warehouse.known_answers.record import Recorder
from tests.warehouse.known_answers.reference import Recorded, Trade, read_recorded, read_trades

# Chains without a row in the registry yet: id, name and block. Polygon's recorded block has a log of the chain's own that its
# header's bloom excludes, and the loader refuses to believe either (test_transfers.py).
OTHER_CHAINS = ((10, "optimism", 107353722), (8453, "base", 2000000), (42161, "arbitrum", 150000000))


@pytest.fixture(scope="session")
def recorded(reference_data: Path) -> Recorded:
    return read_recorded(reference_data, 1)


@pytest.fixture(scope="session")
def ethereum(
    poolhouse: Run,
    request: pytest.FixtureRequest,
    reference_data: Path,
    recorded: Recorded,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """All recorded blocks of Ethereum, and blocks of other chains, loaded and built as a user would."""

    def make(folder: Path) -> None:
        database = folder / "ethereum.duckdb"
        blocks = ",".join(map(str, recorded.loadable))
        poolhouse(
            *("load", "--chain", "ethereum", "--blocks", blocks, "--with-transfers"),
            *("--database", str(database), "--rpc-url", request.getfixturevalue("mainnet")),
        )
        for chain_id, name, block in OTHER_CHAINS:
            with replayed_node(reference_data, chain_id) as url:
                asked = LoadRequest(name, url, database, blocks=((block, block),), with_transfers=True)
                load(asked, registry=registry_with(chain_id, name))
        poolhouse("build", "--database", str(database))

    folder = shared_folder(tmp_path_factory, "known_answers", make)
    with duckdb.connect(str(folder / "ethereum.duckdb"), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def trades(ethereum: duckdb.DuckDBPyConnection) -> dict[tuple[str, int], Trade]:
    return read_trades(ethereum)


@pytest.fixture
def known_answers(request: pytest.FixtureRequest) -> Recorder:
    return Recorder(request.path, request.function.__name__)


def registry_with(chain_id: int, name: str) -> Registry:
    """The registry and one more chain: transfers are read wherever a protocol is registered."""
    registry = load_registry()
    factory = next(c for c in registry.contracts if c.role == "factory" and c.family == "uniswap_v3")
    return replace(
        registry,
        chains=(*registry.chains, Chain(chain_id, name, "", "", 64, 0)),
        contracts=(*registry.contracts, replace(factory, chain_id=chain_id)),
    )
