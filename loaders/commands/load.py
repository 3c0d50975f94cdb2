"""`poolhouse load`."""

from __future__ import annotations

import json
import time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from loaders.commands.options import (
    ARCHIVE_PANEL,
    BESIDES_PANEL,
    BLOCKS_PANEL,
    DEFAULT_DATABASE,
    ELSEWHERE_PANEL,
    ESTIMATE_PANEL,
    NODE_PANEL,
    ChainOption,
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
    UrlOption,
    given_urls,
    resolve_endpoints,
)
from loaders.errors import PoolhouseError
from loaders.startup import prepare

if TYPE_CHECKING:
    from loaders.source.base import SourceRequest


class Source(StrEnum):
    RPC = "rpc"
    SQD = "sqd"
    HYPERSYNC = "hypersync"


EPILOG = (
    "Examples:\n\n"
    "  poolhouse load --chain ethereum --last-blocks 1000\n\n"
    "  poolhouse load --chain ethereum --protocol uniswap_v3,aave --from-block 19000000 --to-block 19100000\n\n"
    "  poolhouse load --chain devnet --database demo.duckdb\n\n"
    "  poolhouse load --chain ethereum --files 's3://aws-public-blockchain/v1.0/eth/logs/date=2024-01-0*/*.parquet'\n\n"
    "  poolhouse load --chain base --source sqd --protocol uniswap_v3\n\n"
    "  poolhouse load --chain ethereum --protocol uniswap_v3 --from-block 19000000 --dry-run\n\n"
    "  poolhouse load --chain ethereum --log-json --metrics-file /var/lib/node_exporter/poolhouse.prom\n\n"
    "Repeat a load to continue it: only missing blocks are read, and those above finality again."
)


def load(
    chain: ChainOption,
    protocol: ProtocolOption = None,
    from_block: Annotated[
        int | None,
        typer.Option(
            "--from-block",
            help="First block. Default: where the protocol's first contract begins.",
            rich_help_panel=BLOCKS_PANEL,
        ),
    ] = None,
    to_block: Annotated[
        int | None, typer.Option("--to-block", help="Last block. Default: the head.", rich_help_panel=BLOCKS_PANEL)
    ] = None,
    last_blocks: Annotated[
        int | None,
        typer.Option(
            "--last-blocks",
            help="That many blocks up to --to-block instead of --from-block.",
            rich_help_panel=BLOCKS_PANEL,
        ),
    ] = None,
    blocks: Annotated[
        str,
        typer.Option(
            "--blocks",
            help="Scattered blocks and ranges instead, as 17000000,17000100-17000200.",
            rich_help_panel=BLOCKS_PANEL,
        ),
    ] = "",
    rpc_url: UrlOption = None,
    destination: DestinationOption = Destination.DUCKDB,
    database: DatabaseOption = DEFAULT_DATABASE,
    transactions: TransactionsOption = Transactions.AUTO,
    archive: Annotated[
        str | None,
        typer.Option(
            "--archive",
            help="Folder for raw logs, local, s3:// or gs://. Default: .poolhouse/archive beside the database; none with --files.",
            rich_help_panel=ARCHIVE_PANEL,
        ),
    ] = None,
    no_archive: NoArchiveOption = False,
    reuse_archive: Annotated[
        bool,
        typer.Option(
            "--reuse-archive/--ask-again",
            help="Take final blocks from the archive of raw logs where it has what the warehouse lacks.",
            rich_help_panel=ARCHIVE_PANEL,
        ),
    ] = True,
    facts: Annotated[
        bool,
        typer.Option(
            "--facts/--no-facts",
            help="Read token metadata, price feeds and pools' facts by eth_call.",
            rich_help_panel=BESIDES_PANEL,
        ),
    ] = True,
    with_transfers: Annotated[
        bool,
        typer.Option(
            "--with-transfers",
            help="Load the ERC-20 transfers of every token too: most of the logs of a chain.",
            rich_help_panel=BESIDES_PANEL,
        ),
    ] = False,
    files: Annotated[
        list[str] | None,
        typer.Option(
            "--files",
            help="Read logs from files instead of the node: paths, folders or patterns, local, s3:// or gs:// "
            "(docs/files.md). A node given beside them serves what they lack. May be repeated.",
            rich_help_panel=ELSEWHERE_PANEL,
        ),
    ] = None,
    block_files: Annotated[
        list[str] | None,
        typer.Option(
            "--block-files",
            help="Files of blocks, for logs whose files lack block hashes or timestamps.",
            rich_help_panel=ELSEWHERE_PANEL,
        ),
    ] = None,
    filtered_files: Annotated[
        bool,
        typer.Option(
            "--filtered-files",
            help="The files hold chosen events only, but every log of those that are loaded: take my word for it.",
            rich_help_panel=ELSEWHERE_PANEL,
        ),
    ] = False,
    source: Annotated[
        Source,
        typer.Option(
            "--source",
            help="Read logs from SQD Network's portal or Envio HyperSync instead of the node (docs/sources.md). A node "
            "given beside it vouches for it, and serves transactions and facts.",
            rich_help_panel=ELSEWHERE_PANEL,
        ),
    ] = Source.RPC,
    source_url: Annotated[
        str | None,
        typer.Option(
            "--source-url",
            envvar="POOLHOUSE_SOURCE_URL",
            help="Its address. Default: the public one.",
            rich_help_panel=ELSEWHERE_PANEL,
        ),
    ] = None,
    source_token: Annotated[
        str | None,
        typer.Option(
            "--source-token",
            envvar="POOLHOUSE_SOURCE_TOKEN",
            help="Its token; better in the environment.",
            rich_help_panel=ELSEWHERE_PANEL,
        ),
    ] = None,
    threads: Annotated[
        int, typer.Option("--threads", min=1, max=8, help="Requests under way at a time.", rich_help_panel=NODE_PANEL)
    ] = 4,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Read nothing: print the plan, and what it would cost by a few small requests.",
            rich_help_panel=ESTIMATE_PANEL,
        ),
    ] = False,
    price: Annotated[
        float | None,
        typer.Option(
            "--price",
            min=0,
            help="With --dry-run: US dollars that your plan charges per million compute units.",
            rich_help_panel=ESTIMATE_PANEL,
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="With --dry-run: print JSON instead of tables.", rich_help_panel=ESTIMATE_PANEL),
    ] = False,
    log_json: LogJsonOption = False,
    metrics_port: MetricsPortOption = None,
    metrics_host: MetricsHostOption = "127.0.0.1",
    metrics_file: MetricsFileOption = None,
) -> None:
    """Read the events of protocols into raw tables; afterwards the facts no event tells (token metadata, pools)."""
    prepare()
    from loaders.load.request import LoadRequest, default_archive
    from loaders.load.run import load as run_load
    from loaders.plan.intervals import parse_intervals
    from loaders.reporting.observers import Reporting, reporting
    from loaders.reporting.progress import print_summary
    from loaders.shutdown import stop_on_signals
    from loaders.source.files.request import FilesRequest
    from loaders.source.transactions import TransactionMode

    if archive and no_archive:
        raise PoolhouseError("--archive and --no-archive exclude each other.", "Give one of them.")
    for option, is_given, needed, is_there in (
        ("--block-files", block_files, "--files", files),
        ("--filtered-files", filtered_files, "--files", files),
        ("--price", price is not None, "--dry-run", dry_run),
        ("--json", as_json, "--dry-run", dry_run),
    ):
        if is_given and not is_there:
            raise PoolhouseError(f"{option} says nothing without {needed}.", f"Add {needed}, or leave it out.")
    # Files are an archive already: their logs are copied only where someone says so.
    folder = None if no_archive else archive or (None if files else default_archive(destination.value, database))
    elsewhere = _portal(source, chain, source_url, source_token)
    if files:
        if elsewhere is not None:
            raise PoolhouseError("--files and --source exclude each other.", "Load from one, then from the other.")
        stated = (from_block, to_block) if from_block is not None and to_block is not None else None
        elsewhere = FilesRequest(tuple(files), tuple(block_files or ()), stated, filtered_files)
    request = LoadRequest(
        chain=chain,
        rpc_url=given_urls(rpc_url, chain=chain) if elsewhere else resolve_endpoints(chain, rpc_url),
        database=database,
        protocols=tuple(protocol or ()),
        from_block=from_block,
        to_block=to_block,
        last_blocks=last_blocks,
        blocks=parse_intervals(blocks) if blocks else (),
        destination=destination.value,
        transactions=TransactionMode(transactions.value),
        archive=folder,
        reuses_archive=reuse_archive,
        threads=threads,
        with_facts=facts,
        with_transfers=with_transfers,
        source=elsewhere,
    )
    console = Console()
    if dry_run:
        from loaders.load.dry_run import dry_run as estimate
        from loaders.load.dry_run_report import as_json as report
        from loaders.load.dry_run_report import print_dry_run

        found = estimate(request)
        if as_json:
            print(json.dumps(report(found, price), indent=2))
        else:
            print_dry_run(console, found, price)
        return
    started = time.monotonic()
    how = Reporting(log_json, metrics_port, metrics_host, metrics_file)
    with stop_on_signals(as_json=log_json) as stop, reporting(how) as observer:
        summary = run_load(request, observer, stop=stop)
    print_summary(console, summary, time.monotonic() - started)


def _portal(source: Source, chain: str, url: str | None, token: str | None) -> SourceRequest | None:
    if source is Source.RPC:
        return None
    from loaders.source.portal.request import HyperSyncRequest, SqdRequest, configured_portal

    request = SqdRequest if source is Source.SQD else HyperSyncRequest
    return request(
        url or configured_portal(source, chain, "url"),
        token or configured_portal(source, chain, "token"),
    )
