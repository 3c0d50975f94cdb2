"""Files that cannot be read front to back (text, or logs in no order) become Parquet in order of blocks, once, on local disk."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path

import duckdb

from loaders.errors import PoolhouseError
from loaders.redact import redact
from loaders.source.files.opening import Format, StoredFile

_MEMORY_LIMIT = "350MB"
_ROWS_PER_GROUP = 100_000


class Scratch:
    """A folder for copies; it goes when nobody holds this any more."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="poolhouse-files-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


def sort_into(
    target: Path,
    files: Sequence[StoredFile],
    kind: Format,
    *,
    packed: bool,
    columns: Sequence[str],
    order: Sequence[str] = ("block_number", "log_index"),
    lists: Sequence[str] = (),
) -> None:
    """Write the columns of all ``files`` to ``target``, in the ``order`` of some of them, which hold integers.

    ``lists`` names the columns of text files that hold lists. Sorting spills to the target's folder: it takes disk, not
    memory. Raises :class:`PoolhouseError` for a file that ends early or holds something else.
    """
    with duckdb.connect() as connection:
        connection.execute(f"set memory_limit = '{os.environ.get('POOLHOUSE_DUCKDB_MEMORY', _MEMORY_LIMIT)}'")
        connection.execute(f"set threads = {max(1, (os.cpu_count() or 2) // 2)}")
        connection.execute(f"set temp_directory = '{target.parent / 'spill'}'")
        paths = [file.path for file in files]
        if "file" not in (protocols := files[0].system.protocol) and protocols != "file":
            connection.register_filesystem(files[0].system)
            paths = [file.system.unstrip_protocol(file.path) for file in files]
        selected = ", ".join(f'cast("{c}" as bigint) as "{c}"' if c in order else f'"{c}"' for c in columns)
        try:
            connection.execute(
                f"copy (select {selected} from {_reader(kind, packed=packed, columns=columns, lists=lists)} "
                f"order by {', '.join(order)}) to '{target}' "
                f"(format parquet, compression zstd, row_group_size {_ROWS_PER_GROUP})",
                {"paths": paths},
            )
        except duckdb.Error as error:
            raise PoolhouseError(
                f"{files[0].shown} and the {len(files) - 1} files beside it cannot be sorted: "
                f"{redact(str(error)).splitlines()[0]}.",
                "Export files that ended early again; sorting needs as much free disk as the files have bytes.",
            ) from None


def _reader(kind: Format, *, packed: bool, columns: Sequence[str], lists: Sequence[str]) -> str:
    compression = "gzip" if packed else "none"
    if kind == "parquet":
        return "read_parquet($paths, union_by_name = true, hive_partitioning = false)"
    if kind == "csv":
        return f"read_csv($paths, all_varchar = true, header = true, delim = ',', compression = '{compression}')"
    types = ", ".join(f"'{c}': '{'varchar[]' if c in lists else 'varchar'}'" for c in columns)
    return f"read_json($paths, format = 'newline_delimited', columns = {{{types}}}, compression = '{compression}')"
