"""`poolhouse demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from loaders.commands.options import DEFAULT_DATABASE, DEVNET, UrlOption, given_urls, resolve_endpoints

EPILOG = (
    "Examples:\n\n  poolhouse demo\n\n  POOLHOUSE_RPC_URL=https://… poolhouse demo --chain ethereum --last-blocks 100"
)


def demo(
    chain: Annotated[str, typer.Option("--chain", help="devnet, or a chain of seeds/chains.csv.")] = DEVNET,
    last_blocks: Annotated[
        int, typer.Option("--last-blocks", min=1, help="Blocks of a real chain to load, up to its head.")
    ] = 100,
    rpc_url: UrlOption = None,
    database: Annotated[
        Path | None,
        typer.Option("--database", help="Default: demo.duckdb for the devnet, else poolhouse.duckdb."),
    ] = None,
    actions: Annotated[int, typer.Option("--actions", min=50, help="Size of the devnet's market.")] = 1000,
) -> None:
    """From nothing to a tested warehouse: a local chain (or a real one), loaded, modelled, tested and summed up."""
    from loaders.demo import Plan, run

    name = chain.strip().lower()
    is_devnet = name == DEVNET
    if not is_devnet:
        resolve_endpoints(name, rpc_url)  # better to fail before anything else has been done
    plan = Plan(
        chain=name,
        database=database or Path("demo.duckdb" if is_devnet else DEFAULT_DATABASE),
        # A real chain's URL in the environment is not meant for the devnet.
        rpc_url=",".join(rpc_url or ()) if is_devnet else given_urls(rpc_url, chain=name),
        last_blocks=None if is_devnet else last_blocks,
        actions=actions,
    )
    run(plan, Console())
