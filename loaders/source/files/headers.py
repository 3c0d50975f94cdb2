"""Headers for logs that come without: from files of blocks, from what the archive noted, else from a node."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from loaders.errors import PoolhouseError
from loaders.logs import Bytes, Integers, Mask
from loaders.rpc.endpoint import Endpoint, Header
from loaders.source.bloom import is_usable
from loaders.source.files.columns import Unfit, byte_matrix, byte_strings, integers, seconds
from loaders.source.files.opening import StoredFile, local, readable
from loaders.source.files.staging import sort_into

_NUMBER, _HASH, _TIME = ("number", "block_number"), ("hash", "block_hash"), ("timestamp", "block_timestamp")
_PARENT, _BLOOM = "parent_hash", "logs_bloom"
_SAMPLED = 8
"""So many of the blocks without logs are asked of a node, per batch."""

_Part: TypeAlias = tuple[Integers, Bytes, Integers, Bytes | None, Mask | None]
"""Number, hash, time, parent hash and whether there are logs, of some blocks."""


class Headers:
    """What is known of blocks besides their logs."""

    def __init__(self, noted: Iterable[Header], blocks: BlockTable | None, endpoint: Endpoint | None) -> None:
        self._noted = {h.number: h for h in noted}
        self._blocks = blocks
        self._endpoint = endpoint

    @property
    def serves_any(self) -> bool:
        """Whether headers of any block can be had, not only of those noted."""
        return self._blocks is not None or self._endpoint is not None

    def find(self, numbers: Sequence[int]) -> dict[int, Header]:
        """The headers that can be had of these blocks."""
        found = {n: self._noted[n] for n in numbers if n in self._noted}
        if self._blocks is not None:
            found |= self._blocks.find([n for n in numbers if n not in found])
        missing = [n for n in numbers if n not in found]
        if missing and self._endpoint is not None:
            found |= {
                h.number: h for h in self._endpoint.headers([n for n in missing if n <= self._endpoint.head_block])
            }
        return found

    def read(self, numbers: list[int]) -> list[Header]:
        """All of them, in order. Raises :class:`PoolhouseError` when one cannot be had."""
        found = self.find(numbers)
        if missing := [n for n in numbers if n not in found]:
            raise PoolhouseError(
                f"Neither hash nor time of block {missing[0]} is known ({len(missing)} blocks are so).",
                "Give files of blocks with --block-files, or a node with --rpc-url.",
            )
        return [found[n] for n in numbers]

    def with_logs(self, numbers: Integers) -> list[int]:
        """Those of ``numbers`` whose header says that they have logs: all are looked at in files, some on a node."""
        if self._blocks is not None:
            return self._blocks.with_logs(numbers)
        if self._endpoint is None or not len(numbers):
            return []
        sample = numbers[np.unique(np.linspace(0, len(numbers) - 1, _SAMPLED).astype(np.int64))]
        return [h.number for h in self._endpoint.headers([int(n) for n in sample]) if is_usable(h.logs_bloom)]


class BlockTable:
    """The blocks of files, each once and linked to the one before it where the files say how."""

    def __init__(
        self, number: Integers, block_hash: Bytes, time: Integers, parent: Bytes | None, has_logs: Mask | None
    ) -> None:
        order = np.argsort(number, kind="stable")
        keep = np.append(True, np.diff(number[order]) > 0) if len(order) else np.empty(0, bool)
        twice = np.flatnonzero(~keep)
        if (block_hash[order][twice] != block_hash[order][twice - 1]).any():
            raise PoolhouseError("The files of blocks hold two blocks of one number.", "Give those of one chain only.")
        order = order[keep]
        self.number, self._hash, self._time = number[order], block_hash[order], time[order]
        self._parent = None if parent is None else parent[order]
        self._has_logs = None if has_logs is None else has_logs[order]
        if self._parent is not None:
            follows = np.diff(self.number) == 1
            broken = (self._parent[1:] != self._hash[:-1]).any(axis=1) & follows
            if broken.any():
                raise PoolhouseError(
                    f"Block {self.number[1:][broken][0]} does not follow the one before it in the files of blocks.",
                    "They hold blocks of more than one chain; export them again.",
                )

    def find(self, numbers: Sequence[int]) -> dict[int, Header]:
        asked = np.array(numbers, np.int64)
        rows = np.minimum(np.searchsorted(self.number, asked), max(0, len(self.number) - 1))
        if not len(self.number):
            return {}
        return {int(asked[i]): self._header(int(rows[i])) for i in np.flatnonzero(self.number[rows] == asked)}

    def _header(self, row: int) -> Header:
        parent = "" if self._parent is None else "0x" + self._parent[row].tobytes().hex()
        return Header(int(self.number[row]), "0x" + self._hash[row].tobytes().hex(), parent, int(self._time[row]))

    def with_logs(self, numbers: Integers) -> list[int]:
        if self._has_logs is None:
            return []
        return [int(n) for n in np.intersect1d(numbers, self.number[self._has_logs])]


def read_blocks(files: Sequence[StoredFile], low: int, high: int, folder: Path) -> BlockTable:
    """The blocks [low, high] of files: number, hash and timestamp, with parent hash and bloom where they are.

    Text is turned into Parquet in ``folder`` first.
    """
    parts: list[_Part] = []
    for file in files:
        kind, packed = file.format()
        names = _names(file, file.names(kind, packed=packed) if kind != "parquet" else _parquet_names(file))
        stored = file
        if kind != "parquet":
            target = folder / f"{len(list(folder.iterdir())):04d}.parquet"
            sort_into(target, [file], kind, packed=packed, columns=names, order=names[:1])
            stored = local(target)
        with stored.open() as stream, readable(file.shown):
            for batch in pq.ParquetFile(stream).iter_batches(columns=names):
                inside = batch.filter((pc.field(names[0]) >= low) & (pc.field(names[0]) <= high))
                try:
                    parts.append(_part(inside, names))
                except Unfit as error:
                    raise PoolhouseError(
                        f"{file.shown} is not a file of blocks: {error}.", "Export it again."
                    ) from None
    numbers, hashes, times, parents, logged = zip(*parts, strict=True) if parts else ([], [], [], [], [])
    if not sum(map(len, numbers)):
        raise PoolhouseError(
            "The files of blocks hold none of the logs' blocks.", "Check the pattern of --block-files."
        )
    return BlockTable(
        np.concatenate(numbers),
        np.concatenate(hashes),
        np.concatenate(times),
        None if any(p is None for p in parents) else np.concatenate(parents),
        None if any(m is None for m in logged) else np.concatenate(logged),
    )


def _parquet_names(file: StoredFile) -> list[str]:
    with file.open() as stream, readable(file.shown):
        return list(pq.ParquetFile(stream).schema_arrow.names)


def _names(file: StoredFile, there: Iterable[str]) -> list[str]:
    """Number, hash and timestamp as the file calls them, then what else it has."""
    names = [next((name for name in known if name in there), None) for known in (_NUMBER, _HASH, _TIME)]
    found = [name for name in names if name is not None]
    if len(found) < len(names):
        raise PoolhouseError(
            f"{file.shown} is not a file of blocks: its columns are {', '.join(sorted(there))[:400]}.",
            "Expected are number (or block_number), hash (or block_hash) and timestamp.",
        )
    return [*found, *(name for name in (_PARENT, _BLOOM) if name in there)]


def _part(batch: pa.RecordBatch, names: list[str]) -> _Part:
    has_logs: Mask | None = None
    if _BLOOM in names:
        bloom, sizes = byte_strings(batch[_BLOOM])
        # A chain that leaves blooms out says nothing with it.
        has_logs = np.asarray(bloom.reshape(-1, 256).any(axis=1)) if (sizes == 256).all() else None
    number, block_hash, time = names[:3]
    return (
        integers(batch[number]),
        byte_matrix(batch[block_hash], 32),
        seconds(batch[time]),
        byte_matrix(batch[_PARENT], 32) if _PARENT in names else None,
        has_logs,
    )
