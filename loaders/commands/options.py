"""Options that commands share, and the node they lead to."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from loaders.errors import PoolhouseError

DEVNET = "devnet"
DEFAULT_DATABASE = Path("poolhouse.duckdb")


class Destination(StrEnum):
    DUCKDB = "duckdb"
    BIGQUERY = "bigquery"


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
    str | None,
    typer.Option(
        "--rpc-url",
        envvar="POOLHOUSE_RPC_URL",
        help="JSON-RPC endpoint of a node of the chain. Devnet: the running one by default.",
        show_default=False,
    ),
]
DatabaseOption = Annotated[
    Path, typer.Option("--database", envvar="POOLHOUSE_DUCKDB", help="DuckDB file of the warehouse.")
]
DestinationOption = Annotated[Destination, typer.Option("--destination", help="Where raw tables go.")]
LogJsonOption = Annotated[
    bool, typer.Option("--log-json", help="Progress and errors as JSON on stderr, one object per line and event.")
]
MetricsPortOption = Annotated[
    int | None,
    typer.Option(
        "--metrics-port",
        min=0,
        max=65535,
        help="Serve Prometheus metrics at this port while running.",
        show_default=False,
    ),
]
MetricsHostOption = Annotated[
    str, typer.Option("--metrics-host", help="Address for --metrics-port; only this machine by default.")
]
MetricsFileOption = Annotated[
    Path | None,
    typer.Option(
        "--metrics-file", help="Write the metrics to this file (*.prom) for node_exporter.", show_default=False
    ),
]


def resolve_url(chain: str, rpc_url: str | None) -> str:
    """The URL given, or the running devnet's. Raises :class:`PoolhouseError` for an unknown chain, or without a URL."""
    from devnet.packages import cache_folder
    from loaders.registry.seeds import load_registry

    known = load_registry().chain(chain).name
    if rpc_url:
        return rpc_url.strip()
    if known != DEVNET:
        raise PoolhouseError(
            f"No RPC URL for {known}.", "Give --rpc-url, or set POOLHOUSE_RPC_URL, to a node of the chain."
        )

    try:
        running = json.loads((cache_folder() / "running.json").read_text(encoding="utf-8"))
        return str(running["url"])
    except (OSError, ValueError, KeyError):
        raise PoolhouseError("No devnet is running.", "Start one: poolhouse devnet start. Or give --rpc-url.") from None
