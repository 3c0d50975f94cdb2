"""Options that commands share, and the node they lead to."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loaders.errors import PoolhouseError

if TYPE_CHECKING:
    from loaders.rpc.configuration import Endpoints

BLOCKS_PANEL = "Blocks"
NODE_PANEL = "Node"
ELSEWHERE_PANEL = "Logs from files or a portal"
BESIDES_PANEL = "Besides the events of protocols"
WAREHOUSE_PANEL = "Warehouse"
ARCHIVE_PANEL = "Archive of raw logs"
ESTIMATE_PANEL = "Estimate"
REPORT_PANEL = "Progress and metrics"

DEVNET = "devnet"
_URL_VARIABLE = "POOLHOUSE_RPC_URL"
DEFAULT_DATABASE = Path("poolhouse.duckdb")


class Destination(StrEnum):
    DUCKDB = "duckdb"
    BIGQUERY = "bigquery"


class Transactions(StrEnum):
    AUTO = "auto"
    RECEIPTS = "receipts"
    BLOCKS = "blocks"
    NONE = "none"


ChainOption = Annotated[str, typer.Option("--chain", help="Chain by name or id, as in seeds/chains.csv.")]
ProtocolOption = Annotated[
    list[str] | None,
    typer.Option(
        "--protocol",
        help="Family (uniswap_v3) or protocol (aave); repeat or separate by commas. Default: the families that models "
        "read. Others (compound_v3, curve, …) are loaded raw when named.",
    ),
]
UrlOption = Annotated[
    list[str] | None,
    typer.Option(
        "--rpc-url",
        help="JSON-RPC endpoint of a node of the chain; repeat or separate by commas for several. Default: the "
        "environment's POOLHOUSE_RPC_URL_<CHAIN> or POOLHOUSE_RPC_URL, else dlt's configuration "
        "(docs/providers.md); for the devnet, the running one.",
        show_default=False,
        rich_help_panel=NODE_PANEL,
    ),
]
DatabaseOption = Annotated[
    Path,
    typer.Option(
        "--database",
        envvar="POOLHOUSE_DUCKDB",
        help="DuckDB file of the warehouse.",
        rich_help_panel=WAREHOUSE_PANEL,
    ),
]
DestinationOption = Annotated[
    Destination, typer.Option("--destination", help="Where raw tables go.", rich_help_panel=WAREHOUSE_PANEL)
]
TransactionsOption = Annotated[
    Transactions,
    typer.Option(
        "--transactions",
        help="Read the logs' transactions: with receipts, from blocks alone, or not.",
        rich_help_panel=BESIDES_PANEL,
    ),
]
NoArchiveOption = Annotated[bool, typer.Option("--no-archive", help="Keep no raw logs.", rich_help_panel=ARCHIVE_PANEL)]
LogJsonOption = Annotated[
    bool,
    typer.Option(
        "--log-json",
        help="Progress and errors as JSON on stderr, one object per line and event.",
        rich_help_panel=REPORT_PANEL,
    ),
]
MetricsPortOption = Annotated[
    int | None,
    typer.Option(
        "--metrics-port",
        min=0,
        max=65535,
        help="Serve Prometheus metrics at this port while running.",
        show_default=False,
        rich_help_panel=REPORT_PANEL,
    ),
]
MetricsHostOption = Annotated[
    str,
    typer.Option(
        "--metrics-host",
        help="Address for --metrics-port; only this machine by default.",
        rich_help_panel=REPORT_PANEL,
    ),
]
MetricsFileOption = Annotated[
    Path | None,
    typer.Option(
        "--metrics-file",
        help="Write the metrics to this file (*.prom) for node_exporter.",
        show_default=False,
        rich_help_panel=REPORT_PANEL,
    ),
]


def given_urls(rpc_url: list[str] | None, *, chain: str = "") -> str:
    """URLs of the option, else of the environment (the chain's, by its name, or any), separated by commas."""
    of_chain = os.environ.get(f"{_URL_VARIABLE}_{chain.upper()}") if chain else None
    return ",".join(rpc_url or ()) or of_chain or os.environ.get(_URL_VARIABLE, "")


def resolve_endpoints(chain: str, rpc_url: list[str] | None) -> Endpoints:
    """The endpoints given, those of the configuration, or the running devnet's.

    Raises :class:`PoolhouseError` for an unknown chain, or without any endpoint.
    """
    from loaders.registry.seeds import load_registry
    from loaders.rpc.configuration import configured_endpoints

    known = load_registry().chain(chain).name
    endpoints = given_urls(rpc_url, chain=known) or configured_endpoints(known)
    if endpoints:
        return endpoints
    if known == DEVNET:
        if running := running_devnet():
            return running
        raise PoolhouseError("No devnet is running.", "Start one: poolhouse devnet start. Or give --rpc-url.")
    raise PoolhouseError(
        f"No RPC URL for {known}.",
        "Give --rpc-url, set POOLHOUSE_RPC_URL, or list the chain's endpoints in .dlt/secrets.toml (docs/providers.md).",
    )


def running_devnet() -> str:
    """URL of the devnet in the background; empty where none was started."""
    from devnet.packages import cache_folder

    try:
        running = json.loads((cache_folder() / "running.json").read_text(encoding="utf-8"))
        return str(running["url"])
    except (OSError, ValueError, KeyError):
        return ""
