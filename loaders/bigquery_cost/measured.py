"""Sizes from a warehouse that is there, a DuckDB file, in place of assumed ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from loaders.bigquery_cost.bill import OPEN_DAY, Table
from loaders.bigquery_cost.sizes import Growth
from loaders.errors import PoolhouseError

_WIDTHS = {
    "BIGINT": 8, "INTEGER": 8, "DOUBLE": 8, "DATE": 8, "TIMESTAMP": 8, "TIMESTAMP WITH TIME ZONE": 8, "BOOLEAN": 1,
    "HUGEINT": 32,
}  # fmt: skip
_DECIMAL = 16


def measured_tables(assumed: Mapping[str, Table], database: Path) -> dict[str, Table]:
    """The same tables with rows a day and widths of those that ``database`` holds; others stay as they are assumed.

    Logs grow as they did over the days that are loaded; dimensions and state stay as large as they are.
    Raises :class:`PoolhouseError` as :func:`loaded_days` does.
    """
    days = loaded_days(database)
    with duckdb.connect(str(database), read_only=True) as connection:
        present = {
            f"{schema}.{name}"
            for schema, name in connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        }
        tables = dict(assumed)
        for name, table in assumed.items():
            local = name.split(".", 1)[1]
            if local in present:
                tables[name] = _measured(connection, table, local, days)
    return tables


def loaded_days(database: Path) -> int:
    """Days of which logs are loaded. Raises :class:`PoolhouseError` when there is none, or no warehouse."""
    sql = """
        select count(distinct days.day)
        from raw.load_ranges, range(date_trunc('day', min_timestamp), max_timestamp + interval 1 microsecond, interval 1 day) as days (day)
    """
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            ((days,),) = connection.execute(sql).fetchall()
    except duckdb.CatalogException:
        days = 0
    except duckdb.Error as error:
        raise PoolhouseError(
            f"{database} cannot be read: {error}", "Name a DuckDB warehouse that no other process writes to."
        ) from error
    if not days:
        raise PoolhouseError(f"{database.name} holds no loaded day.", "Load into it first, or leave out --database.")
    return int(days)


def _measured(connection: Any, table: Table, local: str, days: int) -> Table:
    columns = [(row[0], row[1]) for row in connection.execute(f"describe {local}").fetchall()]
    sizes = ", ".join(_average(name, type_) for name, type_ in columns)
    count, *widths = connection.execute(f"select count(*), {sizes} from {local}").fetchone()
    if not count:
        return replace(table, growth=Growth(), held=0.0)
    held = _held(connection, table, local) if table.held else 0
    others = count - held
    growth = Growth(0.0, others / days) if table.kind in ("log", "daily") else Growth(float(others))
    named = {name.lower(): float(width or 0) for (name, _), width in zip(columns, widths, strict=True)}
    return replace(table, growth=growth, widths=named, held=float(held))


def _held(connection: Any, table: Table, local: str) -> int:
    """Rows in the partition of the open end."""
    ((count,),) = connection.execute(
        f'select count(*) from {local} where "{table.partition}" = ?', [OPEN_DAY]
    ).fetchall()
    return int(count)


def _average(name: str, type_: str) -> str:
    if type_ in _WIDTHS:
        return f'{_WIDTHS[type_]}.0 * count("{name}") / count(*)'
    if type_.startswith("DECIMAL"):
        return f'{_DECIMAL}.0 * count("{name}") / count(*)'
    return f'sum(2 + strlen(cast("{name}" as varchar))) / count(*)'
