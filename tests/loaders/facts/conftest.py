"""A warehouse file of its own and a session against a node, as a command opens them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from loaders.load.warehouse import open_warehouse
from loaders.registry.seeds import Registry, load_registry
from loaders.rpc.connect import connect
from loaders.session import Session, work_directory

OpenSession = Callable[..., Session]


@pytest.fixture
def open_session(tmp_path: Path) -> Iterator[OpenSession]:
    """Sessions over one DuckDB file; closed with the test."""
    with ExitStack() as stack:

        def open_one(url: str, chain: str, registry: Registry | None = None) -> Session:
            known = registry or load_registry()
            where = known.chain(chain)
            database = tmp_path / "facts.duckdb"
            endpoint = connect(url, where, known, attempts=2)
            warehouse = stack.enter_context(
                open_warehouse("duckdb", known.events, database=database, root=work_directory(database))
            )
            return Session(known, where, tuple(known.families_of(where)), endpoint, warehouse, endpoint)

        yield open_one
