"""`poolhouse query`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from loaders.commands.options import DEFAULT_DATABASE, DatabaseOption

EPILOG = 'Example: poolhouse query "select * from dex.dex_volume_daily order by block_date desc"'


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
