"""`poolhouse bigquery-public`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from loaders.commands.options import DEFAULT_DATABASE, ProtocolOption

EPILOG = (
    "Examples:\n\n"
    "  poolhouse bigquery-public --from-date 2024-01-01 --to-date 2024-02-01 --print-sql\n\n"
    "  poolhouse bigquery-public --protocol uniswap_v3 --from-date 2023-01-01 --to-date 2024-01-01 --maximum-gb 2000\n\n"
    "Only whole days that have settled are loaded, as final. What it does not decode (events with strings, bytes, arrays "
    "or tuples), transactions and facts are left to `poolhouse load`, which goes on where this stopped. docs/bigquery.md "
    "says what it costs and what it checks."
)


def bigquery_public(
    from_date: Annotated[datetime, typer.Option("--from-date", formats=["%Y-%m-%d"], help="First day, UTC.")],
    to_date: Annotated[
        datetime | None,
        typer.Option("--to-date", formats=["%Y-%m-%d"], help="Day after the last one. Default: what has settled."),
    ] = None,
    protocol: ProtocolOption = None,
    chain: Annotated[str, typer.Option("--chain", help="Chain of the dataset, by name or id.")] = "ethereum",
    with_transfers: Annotated[
        bool, typer.Option("--with-transfers", help="ERC-20 transfers of every token too: most of the logs of a chain.")
    ] = False,
    source_dataset: Annotated[
        str, typer.Option("--source-dataset", help="Dataset with the tables blocks and logs of ethereum-etl.")
    ] = "bigquery-public-data.crypto_ethereum",
    maximum_gb: Annotated[
        float | None, typer.Option("--maximum-gb", min=1, help="Let BigQuery refuse to bill more, in GB.")
    ] = None,
    print_sql: Annotated[bool, typer.Option("--print-sql", help="Print the script instead of running it.")] = False,
) -> None:
    """Fill BigQuery's raw tables from its public dataset of Ethereum's logs, decoded in SQL: no node, no egress.

    One script reads the days' logs once, writes the rows that the loader would have written, to the character, and their
    ledger. It asserts first that the days are whole: every block there, each following from the last, none without its
    logs. Nothing counts unless all of it succeeded.
    """
    from loaders.bigquery_public.run import PublicRequest, plan, run
    from loaders.bigquery_public.script import PublicDataset, script
    from loaders.load.bigquery import BigQueryTarget, target
    from loaders.load.warehouse import open_warehouse
    from loaders.registry.seeds import load_registry
    from loaders.session import work_directory

    registry = load_registry()
    request = PublicRequest(
        chain,
        from_date.date(),
        to_date.date() if to_date else None,
        tuple(protocol or ()),
        with_transfers,
        PublicDataset(source_dataset),
    )
    where = BigQueryTarget("your-project", "raw", "US") if print_sql else target()
    load = plan(request, where, registry)
    console = Console(stderr=print_sql)
    if print_sql:
        print(script(load))
    else:
        from google.cloud import bigquery

        families = registry.select_families(registry.chain(chain), request.protocols)
        events = registry.events.with_tables_for(families)
        with open_warehouse("bigquery", events, database=DEFAULT_DATABASE, root=work_directory(Path())) as warehouse:
            # The raw tables must be there, as every load leaves them.
            warehouse.load([])
        client = bigquery.Client(project=where.project, location=where.location)
        result = run(load, where, client, maximum_gb=maximum_gb)
        console.print(
            f"{load.from_date} to {load.to_date} (excluded): {result.rows:,} rows, {result.billed_bytes / 1e9:,.1f} GB billed, "
            f"{result.seconds:.0f} s.",
            highlight=False,
        )
    if load.unsupported:
        names = ", ".join(f"{s.family}.{s.event}" for s in load.unsupported)
        console.print(f"Not decoded in SQL, left to `poolhouse load`: {names}.", highlight=False, soft_wrap=True)
