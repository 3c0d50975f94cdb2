"""A disk that takes no more: one message, whoever met it first (archive, dlt's working folder or DuckDB)."""

from __future__ import annotations

import errno
import os
import re

from loaders.errors import PoolhouseError

_TEXTS = tuple(os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))

_PREFIXES = re.compile(r"^(?:[\w.]+(?: Error)?: )+")


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
    line = next((line for line in str(error).splitlines() if any(text in line for text in _TEXTS)), "")
    reason = _PREFIXES.sub("", line)
    return PoolhouseError(
        f"The disk is full{': ' if reason else ''}{reason.rstrip('.')[:300]}.",
        "Make room and load again: nothing half-written counts, and it continues where it stopped.",
    )
