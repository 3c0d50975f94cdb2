"""The warehouse of a small devnet market: how it is loaded, snapshotted and built, and what it then holds."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from loaders.build import SERVED_SCHEMAS
from tests.conftest import Run, run_poolhouse
from tests.small_market import SmallMarket, small_market

DATABASE = "devnet.duckdb"
"""Copies keep the name: views name their database after its file."""


@dataclass(frozen=True)
class SmallWarehouse:
    """Folder of a market's whole history, snapshotted and built; read only."""

    folder: Path

    @property
    def database(self) -> Path:
        return self.folder / DATABASE

    @property
    def manifest(self) -> Path:
        """dbt's manifest of the build, with the SQL of every node as it ran."""
        return self.folder / "dbt" / "manifest.json"


def make(poolhouse: Run, market: SmallMarket, folder: Path) -> None:
    """Load, a family that no model reads included, snapshot and build into an empty folder."""
    warehouse = SmallWarehouse(folder)
    load(poolhouse, market, warehouse.database)
    load(poolhouse, market, warehouse.database, "--protocol", "contract_risk")
    snapshot(poolhouse, market, warehouse.database)
    build(poolhouse, warehouse.database, env={"DBT_TARGET_PATH": str(warehouse.manifest.parent)})


@contextmanager
def warehouse_at(folder: Path | None) -> Iterator[SmallWarehouse]:
    """The one that was built earlier into a folder, or (None) one that is built for the occasion."""
    if folder is not None:
        yield SmallWarehouse(folder)
        return
    with tempfile.TemporaryDirectory() as scratch, small_market() as market:
        make(run_poolhouse, market, Path(scratch))
        yield SmallWarehouse(Path(scratch))


def pinned_blocks(market: SmallMarket) -> tuple[int, ...]:
    """Where the contracts are read: at three blocks of the market's history and at its head."""
    return (market.head * 2 // 5, market.head * 3 // 5, market.head * 4 // 5, market.head)


def load(poolhouse: Run, market: SmallMarket, database: Path, *extra: str) -> None:
    poolhouse("load", *_source(market, database), "--with-transfers", *extra)


def snapshot(poolhouse: Run, market: SmallMarket, database: Path) -> None:
    poolhouse("snapshot", *_source(market, database), "--blocks", ",".join(map(str, pinned_blocks(market))))


def build(poolhouse: Run, database: Path, env: dict[str, str] | None = None) -> None:
    poolhouse("build", "--database", str(database), env=env)


def _source(market: SmallMarket, database: Path) -> tuple[str, ...]:
    return ("--chain", "devnet", "--rpc-url", market.node.url, "--database", str(database))


def mart_contents(database: Path) -> dict[str, str]:
    """Row count and content hash of every mart, whatever the order of its rows."""
    with duckdb.connect(str(database), read_only=True) as connection:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where schema_name in (select unnest(?)) order by all",
            [[schema for schema in SERVED_SCHEMAS if schema != "seeds"]],
        ).fetchall()
        names = [f"{schema}.{table}" for schema, table in tables]
        return {name: content_of(connection, name) for name in names}


def content_of(connection: duckdb.DuckDBPyConnection, relation: str) -> str:
    """Row count and content hash of a relation, whatever the order of its rows."""
    row = connection.execute(
        "select count(*), md5(coalesce(string_agg(digest, '' order by digest), '')) "
        f"from (select md5(cast(rows as varchar)) as digest from {relation} as rows)"
    ).fetchone()
    assert row is not None
    return f"{row[0]} rows {row[1]}"
