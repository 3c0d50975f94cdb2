"""The disk: full, whoever met it first (archive, dlt's working folder or DuckDB), and folders of one command at a time."""

from __future__ import annotations

import errno
import fcntl
import os
import re
from pathlib import Path
from typing import IO

from loaders.errors import PoolhouseError

_TEXTS = tuple(os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))

_REASON = re.compile(rf"""(?:Could not [^"]*"[^"]*": )?(?:{"|".join(_TEXTS)})""")


def is_disk_full(error: BaseException) -> bool:
    """Whether this, or what it came from, is the file system's refusal to write more.

    Told by its text: DuckDB and dlt keep nothing else of the error.
    """
    seen: BaseException | None = error
    while seen is not None:
        if any(text in str(seen) for text in _TEXTS):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def disk_full(error: BaseException) -> PoolhouseError:
    reason = _REASON.search(str(error))
    return PoolhouseError(
        f"The disk is full{': ' + reason[0] if reason else ''}.",
        "Make room and load again: nothing half-written counts, and it continues where it stopped.",
    )


def lock_folder(folder: Path) -> IO[str]:
    """Held until closed. Raises :class:`PoolhouseError` when another command works in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / ".lock").open("w", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise PoolhouseError(
            f"Another command loads to BigQuery from {folder.parent}.",
            "Wait for it, or give --database in another folder: its .poolhouse is then another one.",
        ) from None
    return file
