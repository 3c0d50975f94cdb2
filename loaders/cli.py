"""The command `poolhouse`."""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from enum import StrEnum
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from loaders.errors import PoolhouseError
from loaders.redact import redact

app = typer.Typer(
    name="poolhouse",
    help="Load DeFi events from an EVM node into DuckDB or BigQuery, and look at what is there.",
    epilog="Start with: poolhouse load --chain ethereum --last-blocks 100 --rpc-url https://…",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    add_completion=False,
)
_DEVNET = "devnet"


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
        "--protocol", help="Family (uniswap_v3) or protocol (aave); repeat or separate by commas. All by default."
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
DEFAULT_DATABASE = Path("poolhouse.duckdb")


@app.command(
    epilog="Examples:\n\n"
    "  poolhouse load --chain ethereum --last-blocks 1000\n\n"
    "  poolhouse load --chain ethereum --protocol uniswap_v3,aave --from-block 19000000 --to-block 19100000\n\n"
    "  poolhouse load --chain devnet --database demo.duckdb\n\n"
    "Repeat a load to continue it: only missing blocks are read, and those above finality again."
)
def load(
    chain: ChainOption,
    protocol: ProtocolOption = None,
    from_block: Annotated[
        int | None,
        typer.Option("--from-block", help="First block. Default: where the protocol's first contract begins."),
    ] = None,
    to_block: Annotated[int | None, typer.Option("--to-block", help="Last block. Default: the head.")] = None,
    last_blocks: Annotated[
        int | None, typer.Option("--last-blocks", help="That many blocks up to --to-block instead of --from-block.")
    ] = None,
    blocks: Annotated[
        str, typer.Option("--blocks", help="Scattered blocks and ranges instead, as 17000000,17000100-17000200.")
    ] = "",
    rpc_url: UrlOption = None,
    destination: DestinationOption = Destination.DUCKDB,
    database: DatabaseOption = DEFAULT_DATABASE,
    transactions: Annotated[
        Transactions,
        typer.Option("--transactions", help="Read the logs' transactions: with receipts, from blocks alone, or not."),
    ] = Transactions.AUTO,
    archive: Annotated[
        Path | None,
        typer.Option("--archive", help="Folder for raw logs. Default: .poolhouse/archive beside the database."),
    ] = None,
    no_archive: Annotated[bool, typer.Option("--no-archive", help="Keep no raw logs.")] = False,
    facts: Annotated[
        bool, typer.Option("--facts/--no-facts", help="Read token metadata, price feeds and pools' facts by eth_call.")
    ] = True,
    with_transfers: Annotated[
        bool,
        typer.Option(
            "--with-transfers", help="Load the ERC-20 transfers of every token too: most of the logs of a chain."
        ),
    ] = False,
    threads: Annotated[int, typer.Option("--threads", min=1, max=8, help="Requests under way at a time.")] = 4,
) -> None:
    """Read the events of protocols into raw tables; afterwards the facts no event tells (token metadata, pools)."""
    sys.meta_path.insert(0, _WithoutPandas())
    from loaders.load.run import LoadRequest, default_archive
    from loaders.load.run import load as run_load
    from loaders.plan.intervals import parse_intervals
    from loaders.progress import LoadProgress, print_summary
    from loaders.source.transactions import TransactionMode

    folder = None if no_archive else archive or default_archive(destination.value, database)
    request = LoadRequest(
        chain=chain,
        rpc_url=resolve_url(chain, rpc_url),
        database=database,
        protocols=tuple(protocol or ()),
        from_block=from_block,
        to_block=to_block,
        last_blocks=last_blocks,
        blocks=parse_intervals(blocks) if blocks else (),
        destination=destination.value,
        transactions=TransactionMode(transactions.value),
        archive=folder,
        threads=threads,
        with_facts=facts,
        with_transfers=with_transfers,
    )
    console = Console()
    started = time.monotonic()
    with LoadProgress(Console(stderr=True)) as progress:
        summary = run_load(request, progress)
    print_summary(console, summary, time.monotonic() - started)


@app.command()
def status(database: DatabaseOption = DEFAULT_DATABASE) -> None:
    """Show what is loaded per chain and family: covered blocks, holes, what may still change, and how old it is."""
    from loaders.registry.seeds import load_registry
    from loaders.status import print_status, read_status

    print_status(Console(), database, read_status(database), load_registry())


@app.command(epilog='Example: poolhouse query "select * from dex.dex_volume_daily order by block_date desc"')
def query(
    sql: Annotated[str, typer.Argument(help="A query; it cannot change anything.")],
    database: DatabaseOption = DEFAULT_DATABASE,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Rows to show.")] = 50,
    warehouse: Annotated[
        bool,
        typer.Option(
            "--warehouse", help="Read the warehouse itself (raw, staging), not what the last build published."
        ),
    ] = False,
) -> None:
    """Run a read-only query on the marts and print its rows."""
    from loaders.query import print_rows, run_query

    names, rows, more = run_query(sql, database, limit=limit, published=not warehouse)
    print_rows(Console(), names, rows, more=more)


@app.command(
    epilog="Examples:\n\n"
    "  poolhouse trust --database demo.duckdb\n\n"
    "  poolhouse trust --chain ethereum --json | jq '.marts[] | {mart, verdict, compared_count}'\n\n"
    "Verdicts: *passed*: every check that speaks for the mart compared something and agreed; *incomplete*: some pool or "
    "market could not be judged, because its history is not loaded; *logs only*: its logs are all there and decoded, "
    "its numbers are not checked; *failed*: something disagrees, and is listed. docs/trust.md says how to check it all."
)
def trust(
    database: DatabaseOption = DEFAULT_DATABASE,
    chain: Annotated[
        str | None, typer.Option("--chain", help="Only this chain, by name or id, as in seeds/chains.csv.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of a table.")] = False,
) -> None:
    """Show per mart what was compared with the chain and how it came out. Ends with code 1 when anything failed.

    Reads the last build of the warehouse, green or not: what each mart rests on, the entities and blocks at which its
    state was compared with the contracts' own answers, the facts that checks compared and those that disagree, the
    results of others that tests reproduce, and the kinds of events whose loss or change a test would notice.
    """
    from loaders.registry.seeds import load_registry
    from loaders.trust.report import print_trust, read_trust

    report = read_trust(database, load_registry().chain(chain).chain_id if chain else None)
    if as_json:
        print(json.dumps(report.as_json(), indent=2))
    else:
        print_trust(Console(), report)
    if report.is_failed:
        raise typer.Exit(1)


@app.command(epilog="Example: poolhouse snapshot --chain devnet --database demo.duckdb --blocks middle,head")
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
    from loaders.load.run import open_session

    if destination is Destination.DUCKDB:
        require_warehouse(database)
    with (
        open_session(chain, protocol or [], resolve_url(chain, rpc_url), destination.value, database) as session,
        SnapshotProgress(Console(stderr=True)) as progress,
    ):
        result = read_snapshot(session, blocks.split(","), progress=progress)
    statuses = ", ".join(f"{count:,} {name}" for name, count in sorted(result.statuses.items()))
    Console().print(
        f"{result.reads:,} reads at {'blocks' if len(result.blocks) > 1 else 'block'} "
        f"{', '.join(str(b) for b in result.blocks)}: {statuses}.",
        highlight=False,
    )


@app.command()
def build(database: DatabaseOption = DEFAULT_DATABASE) -> None:
    """Build and test every model, and publish the marts for readers when all is green."""
    from loaders.build import build_with_progress

    console = Console()
    result = build_with_progress(database, console)
    console.print(
        f"{result.models} models built, {result.data_tests} data tests passed, 0 failed.",
        highlight=False,
    )


@app.command(
    epilog="Examples:\n\n"
    "  poolhouse demo\n\n"
    "  POOLHOUSE_RPC_URL=https://… poolhouse demo --chain ethereum --last-blocks 100"
)
def demo(
    chain: Annotated[str, typer.Option("--chain", help="devnet, or a chain of seeds/chains.csv.")] = _DEVNET,
    last_blocks: Annotated[
        int, typer.Option("--last-blocks", min=1, help="Blocks of a real chain to load, up to its head.")
    ] = 100,
    rpc_url: Annotated[
        str | None, typer.Option("--rpc-url", help="Node of a real chain. Default: POOLHOUSE_RPC_URL.")
    ] = None,
    database: Annotated[
        Path | None,
        typer.Option("--database", help="Default: demo.duckdb for the devnet, else poolhouse.duckdb."),
    ] = None,
    actions: Annotated[int, typer.Option("--actions", min=50, help="Size of the devnet's market.")] = 1000,
) -> None:
    """From nothing to a tested warehouse: a local chain (or a real one), loaded, modelled, tested and summed up."""
    from loaders.demo import Plan, run

    name = chain.strip().lower()
    is_devnet = name == _DEVNET
    # A real chain's URL in the environment is not meant for the devnet.
    url = rpc_url if is_devnet else resolve_url(name, rpc_url or os.environ.get("POOLHOUSE_RPC_URL"))
    plan = Plan(
        chain=name,
        database=database or Path("demo.duckdb" if is_devnet else DEFAULT_DATABASE),
        rpc_url=url,
        last_blocks=None if is_devnet else last_blocks,
        actions=actions,
    )
    run(plan, Console())


class _WithoutPandas(MetaPathFinder):
    """pyarrow imports pandas wherever it is installed, which takes 1.5 s; nothing in a load uses it."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:  # noqa: ARG002
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname)


def resolve_url(chain: str, rpc_url: str | None) -> str:
    """The URL given, or the running devnet's. Raises :class:`PoolhouseError` for an unknown chain, or without a URL."""
    from devnet.packages import cache_folder
    from loaders.registry.seeds import load_registry

    known = load_registry().chain(chain).name
    if rpc_url:
        return rpc_url.strip()
    if known != _DEVNET:
        raise PoolhouseError(
            f"No RPC URL for {known}.", "Give --rpc-url, or set POOLHOUSE_RPC_URL, to a node of the chain."
        )

    try:
        running = json.loads((cache_folder() / "running.json").read_text(encoding="utf-8"))
        return str(running["url"])
    except (OSError, ValueError, KeyError):
        raise PoolhouseError("No devnet is running.", "Start one: poolhouse devnet start. Or give --rpc-url.") from None


def _mount_devnet() -> None:
    # Its module imports much that no other command needs.
    if "devnet" not in sys.argv[1:2] and not _wants_help():
        return
    from devnet.cli import app as devnet_app

    app.add_typer(devnet_app, name="devnet")


def _wants_help() -> bool:
    return len(sys.argv) == 1 or sys.argv[1] in ("--help", "-h")


def main() -> None:
    """Run a command; failures end with one line of message, one of remedy, and code 1."""
    # DuckDB and dlt must not find the URL by accident in what they record of the process.
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    try:
        _mount_devnet()
        app()
    except PoolhouseError as error:
        print(redact(f"Error: {error.message}\n{error.remedy}"), file=sys.stderr)
        sys.exit(1)
    except Exception:
        # A defect of ours: the trace helps to report it, but may quote a URL with a key.
        print(redact(traceback.format_exc()), file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
