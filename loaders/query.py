"""`poolhouse query`: read-only SQL against what a green build published, or else against the warehouse itself."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from loaders.build import serving_path
from loaders.errors import PoolhouseError
from loaders.load.duckdb_file import not_readable, require_warehouse


def readable_database(database: Path, *, published: bool) -> Path:
    """The serving file next to the warehouse when there is one: nobody writes it, so nobody has to wait."""
    serving = serving_path(database)
    if published and serving.is_file():
        return serving
    require_warehouse(database)
    return database


def run_query(
    sql: str, database: Path, *, limit: int, published: bool = True
) -> tuple[list[str], list[tuple[object, ...]], bool]:
    """Column names, at most ``limit`` rows, and whether there were more."""
    path = readable_database(database, published=published)
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            if len(duckdb.extract_statements(sql)) > 1:
                raise PoolhouseError("That is more than one statement.", "Ask one query at a time.")
            # Nor may a query write files, as `copy … to` would.
            connection.execute("set enable_external_access = false")
            cursor = connection.execute(sql)
            names = [d[0] for d in cursor.description or ()]
            rows = cursor.fetchmany(limit + 1)
    except duckdb.IOException as error:
        raise not_readable(path, error) from None
    except duckdb.Error as error:
        reason = " ".join(str(error).split("\n\n")[0].split())
        where = "" if path == database else f" Raw and staging tables are in {database.name}: --warehouse reads that."
        raise PoolhouseError(
            reason, f"Correct the query; `show all tables` lists what {path.name} has.{where}"
        ) from None
    return names, rows[:limit], len(rows) > limit


def print_rows(console: Console, names: list[str], rows: list[tuple[object, ...]], *, more: bool) -> None:
    """A table where it fits the terminal, else one line per value; never a value cut short."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for position, name in enumerate(names):
        numeric = all(isinstance(row[position], (int, float, Decimal)) or row[position] is None for row in rows)
        table.add_column(name, justify="right" if numeric and rows else "left", no_wrap=True)
    for row in rows:
        table.add_row(*map(_shown, row))
    width = console.measure(table, options=console.options.update(max_width=_WIDEST)).maximum
    if not console.is_terminal:
        # A pipe or a file is as wide as it needs to be.
        Console(file=console.file, width=width).print(table)
    elif width <= console.width:
        console.print(table)
    else:
        _print_records(console, names, rows)
    if more:
        console.print(f"… more than {len(rows)} rows; --limit shows more.", style="dim")


_WIDEST = 100_000


def _print_records(console: Console, names: list[str], rows: list[tuple[object, ...]]) -> None:
    widest = max(map(len, names))
    for number, row in enumerate(rows, start=1):
        console.print(f"row {number}", style="dim")
        for name, value in zip(names, row, strict=True):
            console.print(
                f"  [bold]{name:<{widest}}[/]  ", escape(_shown(value)), sep="", highlight=False, soft_wrap=True
            )


def _shown(value: object) -> str:
    return "–" if value is None else str(value)
