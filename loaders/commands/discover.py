"""`poolhouse discover`."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console

from loaders.commands.options import DEFAULT_DATABASE, ChainOption, DatabaseOption, UrlOption, resolve_endpoints
from loaders.errors import PoolhouseError

EPILOG = (
    "Examples:\n\n"
    "  poolhouse discover --chain base --last-blocks 50000 --rpc-url https://…\n\n"
    "  poolhouse discover --chain ethereum --loaded --min-created 5\n\n"
    "  poolhouse discover --chain bnb --family uniswap_v2 --json | jq -r '.findings[].registry_row'\n\n"
    "*created*: pools, vaults or markets that the contract announced in these blocks. Any contract can announce anything: "
    "look at one before you register it. docs/add-a-fork.md says what the rest of a row means."
)


def discover(
    chain: ChainOption,
    family: Annotated[
        list[str] | None, typer.Option("--family", help="Only forks of this family; repeat for more. Default: of all.")
    ] = None,
    from_block: Annotated[int | None, typer.Option("--from-block", min=0, help="First block.")] = None,
    to_block: Annotated[
        int | None, typer.Option("--to-block", min=0, help="Last block. Default: the newest final one.")
    ] = None,
    last_blocks: Annotated[
        int | None,
        typer.Option("--last-blocks", min=1, help="That many blocks up to --to-block. Default: 10,000."),
    ] = None,
    loaded: Annotated[
        bool, typer.Option("--loaded", help="Look at what the database already holds instead of asking a node.")
    ] = False,
    min_created: Annotated[int, typer.Option("--min-created", min=1, help="Leave out who created less than that.")] = 1,
    rpc_url: UrlOption = None,
    database: DatabaseOption = DEFAULT_DATABASE,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of a table.")] = False,
) -> None:
    """List forks that the registry does not know, by who creates pools and markets, with a registry row for each.

    One pass over the blocks asks for the creation events of all known families from any contract; what comes from
    contracts of the registry is left out. Nothing is loaded.
    """
    from loaders.discover.creations import creations_of
    from loaders.discover.report import print_discovery
    from loaders.discover.run import discover_in_warehouse, discover_on_chain
    from loaders.registry.seeds import load_registry

    creations = creations_of(family or [])
    if loaded:
        if (from_block, to_block, last_blocks) != (None, None, None):
            raise PoolhouseError("--loaded looks at all that is loaded.", "Leave out the blocks, or --loaded.")
        discovery = discover_in_warehouse(load_registry(), chain, database, creations)
    else:
        endpoints = resolve_endpoints(chain, rpc_url)
        discovery = discover_on_chain(
            load_registry(),
            chain,
            endpoints,
            creations,
            from_block=from_block,
            to_block=to_block,
            last_blocks=last_blocks,
        )
    shown = discovery.of_at_least(min_created)
    if as_json:
        print(json.dumps(shown.as_json(), indent=2))
    else:
        print_discovery(Console(), shown)
