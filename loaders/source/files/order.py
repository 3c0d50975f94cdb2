"""Logs of several files as one stream in order of blocks, cut between blocks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from loaders.logs import RawLogs, concat_logs, empty_logs
from loaders.source.files.fileset import LogFile
from loaders.source.files.layout import Rows


def in_order(files: Sequence[LogFile], low: int, high: int) -> bool:
    """Whether the files, by their first blocks, can be read one after the other within [low, high].

    Two may share the block at which one ends and the next begins; what overlaps more must be sorted first.
    """
    spans = sorted(_span(file, low, high) for file in files)
    if any(before[1] > after[0] for before, after in itertools.pairwise(spans)):
        return False
    return all(file.is_in_order(low, high) for file in files)


def whole_blocks(
    files: Sequence[LogFile], low: int, high: int, topics: list[bytes] | None, chain_id: int
) -> Iterator[Rows]:
    """Rows of files that are :func:`in_order`, in pieces of whole blocks; none is empty."""
    open_block: list[Rows] = []
    for file in sorted(files, key=lambda f: _span(f, low, high)):
        for rows in file.rows(low, high, topics, chain_id):
            count = len(rows.block)
            if not count:
                continue
            # The first block may have begun in the piece before, the last may go on in the next.
            begin, end = 0, int(np.searchsorted(rows.block, rows.block[-1]))
            if open_block and open_block[-1].block[-1] == rows.block[0]:
                begin = int(np.searchsorted(rows.block, rows.block[0], side="right"))
                open_block.append(_part(rows, 0, begin))
                if begin == count:
                    continue
            if open_block:
                yield _joined(open_block)
            if begin < end:
                yield _part(rows, begin, end)
            open_block = [_part(rows, end, count)]
    if open_block:
        yield _joined(open_block)


def _span(file: LogFile, low: int, high: int) -> tuple[int, int]:
    groups = [g for g in file.groups if g.first_block <= high and g.last_block >= low]
    return max(low, min(g.first_block for g in groups)), min(high, max(g.last_block for g in groups))


def _part(rows: Rows, begin: int, end: int) -> Rows:
    if (begin, end) == (0, len(rows.block)):
        return rows
    logs = rows.logs
    first, after = np.searchsorted(logs.block_number, [rows.block[begin], rows.block[end - 1] + 1])
    return Rows(
        rows.block[begin:end],
        rows.index[begin:end],
        None if rows.block_hash is None else rows.block_hash[begin:end],
        None if rows.timestamp is None else rows.timestamp[begin:end],
        _slice(logs, int(first), int(after)),
    )


def _slice(logs: RawLogs, first: int, after: int) -> RawLogs:
    """Logs as a file has them, one after the other in the data, too: what is cut off is not kept."""
    if first == after:
        return empty_logs()
    begin = int(logs.data_start[first])
    end = int(logs.data_start[after - 1] + logs.data_size[after - 1])
    columns: dict[str, Any] = {f.name: getattr(logs, f.name)[first:after] for f in fields(logs) if f.name != "data"}
    columns["data_start"] = columns["data_start"] - begin
    return RawLogs(data=logs.data[begin:end], **columns)


def _joined(parts: list[Rows]) -> Rows:
    if len(parts) == 1:
        return parts[0]
    hashes = [p.block_hash for p in parts if p.block_hash is not None]
    times = [p.timestamp for p in parts if p.timestamp is not None]
    return Rows(
        np.concatenate([p.block for p in parts]),
        np.concatenate([p.index for p in parts]),
        np.concatenate(hashes) if len(hashes) == len(parts) else None,
        np.concatenate(times) if len(times) == len(parts) else None,
        concat_logs([p.logs for p in parts]),
    )
