"""Whose turn it is to write to a DuckDB file, among commands that open it more than once.

DuckDB's own lock lasts as long as a connection. A build checks the file, starts dbt, and publishes: in between, a command that
follows the head would take the file from under it.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loaders.load.duckdb_file import Locked
from loaders.session import work_directory

_POLL_S = 0.05


@contextmanager
def turn(database: Path, *, wait_s: float) -> Iterator[None]:
    """Raises :class:`Locked` when the turn is not given up within ``wait_s`` seconds. It ends with the process at the latest."""
    path = work_directory(database) / f"{database.name}.turn"
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + wait_s
    with path.open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise Locked(
                        f"Another command is writing to {database}.",
                        "Wait until it has ended, then run this one again.",
                    ) from None
                time.sleep(_POLL_S)
        yield
