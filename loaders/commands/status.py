"""`poolhouse status`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from loaders.commands.options import (
    DEFAULT_DATABASE,
    DEVNET,
    DatabaseOption,
    Destination,
    DestinationOption,
    UrlOption,
    given_urls,
    running_devnet,
)
from loaders.errors import PoolhouseError

if TYPE_CHECKING:
    from loaders.registry.seeds import Registry
    from loaders.source.base import ChainView
    from loaders.status.read import Query

EPILOG = (
    "Examples:\n\n"
    "  poolhouse status\n\n"
    "  poolhouse status --rpc-url https://… --streams\n\n"
    "  poolhouse status --json | jq '.chains[].families[] | {family, blocks_behind_head, holes}'\n\n"
    "*tail*: blocks above finality, which the next load reads again; *holes*: blocks between the first and the last "
    "that some event of the family lacks; *to final*, *to head*: blocks the node has beyond the last loaded one."
)


def status(
    database: DatabaseOption = DEFAULT_DATABASE,
    destination: DestinationOption = Destination.DUCKDB,
    rpc_url: UrlOption = None,
    streams: Annotated[bool, typer.Option("--streams", help="Each event and contract of a family, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines, with every stream.")] = False,
) -> None:
    """Show what is loaded per chain and family: blocks, holes, how far behind the chain, and how the last runs ended.

    Works from the ledger alone; with a node it also says how far behind finality and the head each family is.
    """
    from loaders.registry.seeds import load_registry
    from loaders.rpc.configuration import configured_endpoints, endpoints_of
    from loaders.status.read import read_status
    from loaders.status.report import StatusReport, print_status

    registry = load_registry()
    with _open(destination, database, registry) as query:
        found = read_status(query)
    views: dict[int, ChainView] = {}
    notes = []
    asked = endpoints_of(given_urls(rpc_url))
    if not asked:
        names = sorted({registry.chain_name(f.chain_id) for f in found.families})
        for name in names:
            asked += configured_endpoints(name)[:1] or endpoints_of(running_devnet() if name == DEVNET else "")
    for endpoint in asked:
        try:
            chain_id, view = _ask(endpoint.url, registry)
            views[chain_id] = view
        except PoolhouseError as error:
            # What is loaded is worth knowing when the node is down, too; even more so.
            notes.append(error.message)
    name = str(database) if destination is Destination.DUCKDB else destination.value
    report = StatusReport(name, found, registry, views, tuple(notes), datetime.now(UTC))
    if as_json:
        print(json.dumps(report.as_json(), indent=2))
    else:
        print_status(Console(), report, streams=streams)


@contextmanager
def _open(destination: Destination, database: Path, registry: Registry) -> Iterator[Query]:
    from loaders.status.read import read_only

    if destination is Destination.DUCKDB:
        # Not through dlt: importing it takes longer than the answer.
        with read_only(database) as query:
            yield query
        return
    from loaders.load.warehouse import open_warehouse

    # In a folder of its own: a load may be under way in the usual one.
    with (
        TemporaryDirectory() as folder,
        open_warehouse("bigquery", registry.events, database=database, root=Path(folder)) as warehouse,
    ):
        yield warehouse.query


def _ask(url: str, registry: Registry) -> tuple[int, ChainView]:
    """The chain behind the URL, whichever it is."""
    from loaders.rpc.client import RpcClient, RpcError
    from loaders.rpc.connect import connect

    client = RpcClient(url)
    try:
        chain_id = int(client.call("eth_chainId"), 16)
    except (RpcError, TypeError, ValueError):
        raise PoolhouseError(f"{client.host} does not answer as a node does.", "Check --rpc-url.") from None
    return chain_id, connect(url, registry.chain(str(chain_id)), registry)
