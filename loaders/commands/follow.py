"""`poolhouse follow`."""

from __future__ import annotations

import re
import time
from typing import Annotated

import typer
from rich.console import Console

from loaders.commands.options import (
    ARCHIVE_PANEL,
    BESIDES_PANEL,
    BLOCKS_PANEL,
    DEFAULT_DATABASE,
    NODE_PANEL,
    DatabaseOption,
    Destination,
    DestinationOption,
    LogJsonOption,
    MetricsFileOption,
    MetricsHostOption,
    MetricsPortOption,
    NoArchiveOption,
    ProtocolOption,
    Transactions,
    TransactionsOption,
    resolve_endpoints,
)
from loaders.errors import PoolhouseError
from loaders.startup import prepare

EPILOG = (
    "Examples:\n\n"
    "  poolhouse follow --chain ethereum --rpc-url https://…\n\n"
    "  poolhouse follow --chain ethereum,base --rpc-url ethereum=https://… --rpc-url base=https://… --protocol uniswap_v3\n\n"
    "  poolhouse follow --chain base --rpc-url https://… --ws-url wss://… --for 8h\n\n"
    "It goes on where the warehouse ends; load history first, with `poolhouse load`. Between rounds the warehouse is free: "
    "`poolhouse build` runs beside it. SIGTERM and Ctrl-C end it after the round under way. docs/follow.md says more."
)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")


def follow(
    chain: Annotated[
        list[str],
        typer.Option("--chain", help="Chains by name or id; repeat or separate by commas.", show_default=False),
    ],
    protocol: ProtocolOption = None,
    rpc_url: Annotated[
        list[str] | None,
        typer.Option(
            "--rpc-url",
            help="JSON-RPC endpoint; with several chains for each its own, as base=https://… Repeat for several. "
            "Default: as for `poolhouse load`.",
            show_default=False,
            rich_help_panel=NODE_PANEL,
        ),
    ] = None,
    ws_url: Annotated[
        list[str] | None,
        typer.Option(
            "--ws-url",
            help="WebSocket endpoint that announces new blocks, given like --rpc-url. Without one the node is polled.",
            show_default=False,
            rich_help_panel=NODE_PANEL,
        ),
    ] = None,
    last_blocks: Annotated[
        int | None,
        typer.Option(
            "--last-blocks",
            min=1,
            help="Begin so many blocks below the head, not where the warehouse ends.",
            rich_help_panel=BLOCKS_PANEL,
        ),
    ] = None,
    poll: Annotated[
        float,
        typer.Option(
            "--poll",
            min=0.1,
            help="Seconds between looks at a chain whose next block is due.",
            rich_help_panel=NODE_PANEL,
        ),
    ] = 1.0,
    every: Annotated[
        float | None,
        typer.Option(
            "--every",
            min=0.0,
            help="Seconds between packages. Default: 1 for DuckDB, 60 for BigQuery, more where tails are large.",
        ),
    ] = None,
    duration: Annotated[
        str | None, typer.Option("--for", help="End after that long: 90s, 30m, 8h, 2d. Default: when told to.")
    ] = None,
    destination: DestinationOption = Destination.DUCKDB,
    database: DatabaseOption = DEFAULT_DATABASE,
    transactions: TransactionsOption = Transactions.AUTO,
    archive: Annotated[
        str | None,
        typer.Option(
            "--archive",
            help="Folder for raw logs of final blocks, local, s3:// or gs://. Default: .poolhouse/archive.",
            rich_help_panel=ARCHIVE_PANEL,
        ),
    ] = None,
    no_archive: NoArchiveOption = False,
    facts: Annotated[
        bool,
        typer.Option(
            "--facts/--no-facts",
            help="Read what no event tells at the start, and once an hour.",
            rich_help_panel=BESIDES_PANEL,
        ),
    ] = True,
    with_transfers: Annotated[
        bool,
        typer.Option(
            "--with-transfers", help="Follow the ERC-20 transfers of every token, too.", rich_help_panel=BESIDES_PANEL
        ),
    ] = False,
    log_json: LogJsonOption = False,
    metrics_port: MetricsPortOption = None,
    metrics_host: MetricsHostOption = "127.0.0.1",
    metrics_file: MetricsFileOption = None,
) -> None:
    """Keep the raw tables of one or several chains at the head, whatever happens to chain, node or network."""
    prepare()
    from loaders.follow.chain import Choice
    from loaders.follow.run import FollowedEndpoint, FollowRequest
    from loaders.follow.run import follow as run_follow
    from loaders.load.request import default_archive
    from loaders.reporting.observers import Reporting, reporting
    from loaders.reporting.progress import print_summary
    from loaders.shutdown import stop_on_signals
    from loaders.source.transactions import TransactionMode

    chains = [name.strip().lower() for text in chain for name in text.split(",") if name.strip()]
    urls, announced = by_chain("--rpc-url", chains, rpc_url), by_chain("--ws-url", chains, ws_url)
    request = FollowRequest(
        tuple(FollowedEndpoint(c, resolve_endpoints(c, urls.get(c)), *announced.get(c, [])[:1]) for c in chains),
        database,
        Choice(
            protocols=tuple(protocol or ()),
            last_blocks=last_blocks,
            transactions=TransactionMode(transactions.value),
            with_facts=facts,
            with_transfers=with_transfers,
        ),
        destination=destination.value,
        archive=None if no_archive else archive or default_archive(destination.value, database),
        poll_s=poll,
        round_s=every,
        for_s=None if duration is None else seconds(duration),
    )
    how = Reporting(log_json, metrics_port, metrics_host, metrics_file)
    started = time.monotonic()
    with stop_on_signals(as_json=log_json) as stop, reporting(how) as observer:
        summaries = run_follow(request, observer, stop=stop)
    for summary in summaries:
        print_summary(Console(), summary, time.monotonic() - started)


def by_chain(option: str, chains: list[str], values: list[str] | None) -> dict[str, list[str]]:
    """``base=https://…`` per chain; for a single chain the bare URL will do. Raises :class:`PoolhouseError`."""
    found: dict[str, list[str]] = {}
    for value in values or ():
        name, separator, url = value.partition("=")
        if separator and name.strip().lower() in chains:
            found.setdefault(name.strip().lower(), []).append(url.strip())
        elif len(chains) == 1:
            found.setdefault(chains[0], []).append(value.strip())
        else:
            raise PoolhouseError(
                f"{option} does not say which chain it is for.", f"Write {option} {chains[0]}=https://… for each chain."
            )
    return found


def seconds(text: str) -> float:
    """``90``, ``90s``, ``30m``, ``8h``, ``2d``. Raises :class:`PoolhouseError`."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise PoolhouseError(f"--for {text} is not a duration.", "Write it as 90s, 30m, 8h or 2d.")
    return float(match[1]) * _UNITS[match[2] or "s"]
