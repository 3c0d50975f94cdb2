"""What the archive answers is not asked of the node again: in a new database, and for filters that the ledger lacks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from loaders.plan.filters import Segment
from loaders.registry.chains import Chain
from loaders.rpc.endpoint import Endpoint
from loaders.source.files.opening import StoredFile, files_at
from loaders.source.files.request import FilesRequest, OpenFiles

_FINAL = re.compile(r"logs__(\d+)_to_(\d+)__final__")


def archive_of_missing(
    folder: Path | str, chain: Chain, endpoint: Endpoint, missing: Iterable[Segment]
) -> OpenFiles | None:
    """The archive's files of final blocks that are missing; None where there are none.

    Raises :class:`PoolhouseError` when they are not of the node's chain: a dev net that was started again writes into the
    same folder.
    """
    wanted = [(s.from_block, s.to_block) for s in missing if s.finality == "final" and not s.is_indivisible]
    files = [f for f in files_at(f"{folder}/{chain.chain_id}") if _holds_any(f, wanted)] if wanted else []
    if not files:
        return None
    return FilesRequest(tuple(f.system.unstrip_protocol(f.path) for f in files)).open(chain, endpoint)


def _holds_any(file: StoredFile, wanted: Sequence[tuple[int, int]]) -> bool:
    match = _FINAL.match(PurePosixPath(file.path).name)
    return match is not None and any(int(match[1]) <= high and int(match[2]) >= low for low, high in wanted)
