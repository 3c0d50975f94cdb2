"""`poolhouse decode`."""

from __future__ import annotations

import time
from pathlib import Path
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
)
from loaders.errors import PoolhouseError
from loaders.startup import prepare

EPILOG = (
    "Examples:\n\n"
    "  poolhouse decode --chain ethereum\n\n"
    "  poolhouse decode --chain ethereum --archive .poolhouse/archive/poolhouse --database fresh.duckdb\n\n"
    "  poolhouse decode --chain base --protocol aave_v3 --archive gs://lake/archive\n\n"
    "Transactions and facts (tokens, pools, feeds) are not in the archive: in a fresh database the next load reads the facts."
)


def decode(
    chain: ChainOption,
    protocol: ProtocolOption = None,
    archive: Annotated[
        str | None,
        typer.Option("--archive", help="Folder of the archive, local, s3:// or gs://. Default: the database's own."),
    ] = None,
    from_block: Annotated[int | None, typer.Option("--from-block", help="First block. Default: the archive's.")] = None,
    to_block: Annotated[int | None, typer.Option("--to-block", help="Last block. Default: the archive's.")] = None,
    rpc_url: Annotated[
        str | None,
        typer.Option(
            "--rpc-url", help="Node, needed only where ranges end at blocks that the archive has no header of."
        ),
    ] = None,
    destination: DestinationOption = Destination.DUCKDB,
    database: DatabaseOption = DEFAULT_DATABASE,
) -> None:
    """Rebuild event tables from the archive of raw logs, without a node.

    Decodes final blocks that the archive has and the warehouse lacks: all of them in a fresh database, those that an
    older decoder wrote, and those of events and contracts that the registry did not know when they were loaded. Rows of
    an older decoder stay in the tables, but count no more.
    """
    prepare()
    from loaders.load.request import LoadRequest, default_archive
    from loaders.load.run import load as run_load
    from loaders.registry.seeds import load_registry
    from loaders.reporting.observers import Reporting, reporting
    from loaders.reporting.progress import print_summary
    from loaders.shutdown import stop_on_signals
    from loaders.source.files.opening import is_remote
    from loaders.source.files.request import FilesRequest
    from loaders.source.transactions import TransactionMode

    known = load_registry().chain(chain)
    folder = f"{archive or default_archive(destination.value, database)}/{known.chain_id}"
    if not is_remote(folder) and not Path(folder).is_dir():
        raise PoolhouseError(
            f"There is no archive of {known.name} at {folder}.", "Load something first, or name another with --archive."
        )
    request = LoadRequest(
        chain=chain,
        rpc_url=(rpc_url or "").strip(),
        database=database,
        protocols=tuple(protocol or ()),
        from_block=from_block or 0,
        to_block=to_block,
        destination=destination.value,
        transactions=TransactionMode.NONE,
        with_facts=False,
        with_transfers=True,
        source=FilesRequest((folder,)),
        is_decoding_again=True,
    )
    started = time.monotonic()
    with stop_on_signals() as stop, reporting(Reporting()) as observer:
        summary = run_load(request, observer, stop=stop)
    print_summary(Console(), summary, time.monotonic() - started)
