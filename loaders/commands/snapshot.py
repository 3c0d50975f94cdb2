"""`poolhouse snapshot`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from loaders.commands.options import (
    DEFAULT_DATABASE,
    ChainOption,
    DatabaseOption,
    Destination,
    DestinationOption,
    ProtocolOption,
    UrlOption,
    resolve_endpoints,
)

EPILOG = "Example: poolhouse snapshot --chain devnet --database demo.duckdb --blocks middle,head"


def snapshot(
    chain: ChainOption,
    protocol: ProtocolOption = None,
    blocks: Annotated[
        str, typer.Option("--blocks", help="Loaded blocks to read at: numbers, head or middle, comma-separated.")
    ] = "head",
    rpc_url: UrlOption = None,
    destination: DestinationOption = Destination.DUCKDB,
    database: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """Read the contracts' own state at blocks already loaded, for the models to be held against."""
    from loaders.facts.progress import SnapshotProgress
    from loaders.facts.snapshot import snapshot as read_snapshot
    from loaders.load.duckdb_file import require_warehouse
    from loaders.load.opening import open_session

    if destination is Destination.DUCKDB:
        require_warehouse(database)
    with (
        open_session(chain, protocol or [], resolve_endpoints(chain, rpc_url), destination.value, database) as session,
        SnapshotProgress(Console(stderr=True)) as progress,
    ):
        result = read_snapshot(session, blocks.split(","), progress=progress)
    statuses = ", ".join(f"{count:,} {name}" for name, count in sorted(result.statuses.items()))
    Console().print(
        f"{result.reads:,} reads at {'blocks' if len(result.blocks) > 1 else 'block'} "
        f"{', '.join(str(b) for b in result.blocks)}: {statuses}.",
        highlight=False,
    )
