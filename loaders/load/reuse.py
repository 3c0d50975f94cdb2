"""What the archive answers is not asked of the node again: in a new database, and for filters that the ledger lacks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from loaders.errors import PoolhouseError
from loaders.plan.filters import Segment
from loaders.registry.chains import Chain
from loaders.rpc.endpoint import Endpoint
from loaders.source.files.opening import StoredFile, find_files, is_remote
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
    place = f"{folder}/{chain.chain_id}"
    if not wanted or not (is_remote(place) or Path(place).is_dir()):
        return None
    files = [f for f in find_files([place]) if _holds_any(f, wanted)]
    if not files:
        return None
    opened = FilesRequest(tuple(f.system.unstrip_protocol(f.path) for f in files)).open(chain, endpoint)
    _check(opened, chain, endpoint)
    return opened


def _holds_any(file: StoredFile, wanted: Sequence[tuple[int, int]]) -> bool:
    match = _FINAL.match(PurePosixPath(file.path).name)
    return match is not None and any(int(match[1]) <= high and int(match[2]) >= low for low, high in wanted)


def _check(opened: OpenFiles, chain: Chain, endpoint: Endpoint) -> None:
    """A block's hash fixes all blocks below it: the last of each file tells for all of them."""
    last = {f.claim.ends[-1].number: f.claim.ends[-1].hash for f in opened.files if f.claim.ends}
    for header in endpoint.headers(sorted(number for number in last if number <= endpoint.final_block)):
        if header.hash != last[header.number]:
            raise PoolhouseError(
                f"The archive has another block {header.number} of {chain.name} than the node.",
                "Move the archive of the older chain away.",
            )
