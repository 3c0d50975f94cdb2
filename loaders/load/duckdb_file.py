"""The DuckDB file: one writer at a time, memory bounded."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import duckdb

from loaders.errors import PoolhouseError
from loaders.load.disk import disk_full, is_disk_full

_MEMORY_LIMIT = "350MB"
_HOLDER = re.compile(r"PID (\d+)")
_SCHEMAS = frozenset(("raw", "seeds", "staging", "intermediate", "market", "dex", "lending", "quality"))


class Locked(PoolhouseError):
    """Another process writes to the file."""


def open_locked(database: Path, *, wait_s: float) -> duckdb.DuckDBPyConnection:
    """A writing connection; waits for another process up to ``wait_s`` seconds, then says who holds the file."""
    if database.name.partition(".")[0].lower() in _SCHEMAS:
        # DuckDB names the database after its file, and cannot tell it from a schema in a statement.
        raise PoolhouseError(
            f"{database} has the name of a schema of the warehouse, which DuckDB confuses.",
            "Name the file otherwise with --database.",
        )
    database.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + wait_s
    while True:
        try:
            connection = duckdb.connect(str(database))
            break
        except duckdb.IOException as error:
            # A short file that is locked is being made at this moment.
            if not _is_locked(error) and _was_never_made(database):
                database.unlink()
                if not is_disk_full(error):
                    continue
            if not _is_locked(error) or time.monotonic() >= deadline:
                raise not_readable(database, error) from None
            time.sleep(0.5)
        except duckdb.Error as error:
            raise not_readable(database, error) from None
    connection.execute(f"set memory_limit = '{os.environ.get('POOLHOUSE_DUCKDB_MEMORY', _MEMORY_LIMIT)}'")
    # Half the cores: inserting on all of them costs more time in total, and reading needs some.
    connection.execute(f"set threads = {max(1, (os.cpu_count() or 2) // 2)}")
    # Rows keep no insertion order anyone may rely on; without it DuckDB streams instead of buffering.
    connection.execute("set preserve_insertion_order = false")
    connection.execute("set TimeZone = 'UTC'")
    return connection


def require_warehouse(database: Path) -> None:
    """Raises :class:`PoolhouseError` when there is no such file, so that reading does not make an empty one."""
    if not database.is_file():
        raise PoolhouseError(f"There is no warehouse at {database}.", "Load something first: poolhouse load --help.")


def not_readable(database: Path, error: duckdb.Error) -> PoolhouseError:
    """Why DuckDB does not open the file, and what to do: mostly another process holds it."""
    if is_disk_full(error):
        return disk_full(error)
    if not _is_locked(error):
        return PoolhouseError(
            f"{database} cannot be opened: {str(error).splitlines()[0]}",
            "Move the file away, or name another with --database.",
        )
    holder = _HOLDER.search(str(error))
    who = f"process {holder[1]}" if holder else "another process"
    return Locked(
        f"{database} is locked by {who}.",
        f"Close it (a BI tool or notebook should open {database.stem}_serving.duckdb instead), then run the command again.",
    )


_HEADERS_SIZE = 3 * 4096


def _was_never_made(database: Path) -> bool:
    """Whether DuckDB was interrupted while it made the file: shorter than its headers, it never held anything."""
    try:
        with database.open("rb") as file:
            start = file.read(_HEADERS_SIZE)
    except OSError:
        return False
    return len(start) < _HEADERS_SIZE and start[8:12] == b"DUCK"


def _is_locked(error: duckdb.Error) -> bool:
    return isinstance(error, duckdb.IOException) and "could not set lock" in str(error).lower()
