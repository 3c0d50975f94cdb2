"""Whose turn it is to write to a DuckDB file, among commands that open it more than once.

DuckDB's own lock lasts as long as a connection. A build checks the file, starts dbt, and publishes: in between, a command that
follows the head would take the file from under it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from loaders.file_lock import exclusive
from loaders.load.duckdb_file import Locked
from loaders.session import work_directory


@contextmanager
def turn(database: Path, *, wait_s: float) -> Iterator[None]:
    """Raises :class:`Locked` when the turn is not given up within ``wait_s`` seconds. It ends with the process at the latest."""
    path = work_directory(database) / f"{database.name}.turn"
    path.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        try:
            held.enter_context(exclusive(path, timeout_s=wait_s))
        except TimeoutError:
            raise Locked(
                f"Another command is writing to {database}.", "Wait until it has ended, then run this one again."
            ) from None
        yield
