"""What the user asked to load."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from loaders.errors import PoolhouseError
from loaders.load.warehouse import DestinationName
from loaders.plan.intervals import Intervals
from loaders.rpc.configuration import Endpoints
from loaders.session import work_directory
from loaders.source.base import SourceRequest
from loaders.source.transactions import TransactionMode

LOGS_PER_PACKAGE = 1_000_000


@dataclass(frozen=True)
class LoadRequest:
    """What the user asked for. Blocks are inclusive; None is the default of the chain."""

    chain: str
    rpc_url: Endpoints
    """May be empty beside a ``source``: then nothing is asked of a node, neither transactions nor facts."""
    database: Path
    protocols: tuple[str, ...] = ()
    from_block: int | None = None
    to_block: int | None = None
    last_blocks: int | None = None
    blocks: Intervals = ()
    """Scattered blocks and ranges, instead of one range."""
    destination: DestinationName = "duckdb"
    transactions: TransactionMode = TransactionMode.AUTO
    archive: Path | str | None = None
    """Folder for raw logs, local or in a bucket; None keeps none."""
    logs_per_package: int = LOGS_PER_PACKAGE
    threads: int = 4
    with_facts: bool = True
    with_transfers: bool = False
    """Load the transfers of every token as well: most of a chain's logs."""
    source: SourceRequest | None = None
    """Where logs come from instead of the node."""
    is_decoding_again: bool = False
    """What an older decoder wrote counts as missing."""
    reuses_archive: bool = False
    """Read final blocks from the archive where it answers what is missing, and only the rest from the node."""


def default_archive(destination: DestinationName, database: Path) -> Path:
    name = database.stem if destination == "duckdb" else destination
    return work_directory(database) / "archive" / name


def check_range(request: LoadRequest) -> None:
    """Raises :class:`PoolhouseError` for blocks that cannot be meant."""
    if request.blocks and (request.from_block, request.to_block, request.last_blocks) != (None, None, None):
        raise PoolhouseError(
            "--blocks excludes --from-block, --to-block and --last-blocks.", "Say in one way which blocks to load."
        )
    if request.last_blocks is not None and request.from_block is not None:
        raise PoolhouseError("--last-blocks and --from-block exclude each other.", "Give one of them.")
    if request.last_blocks is not None and request.last_blocks < 1:
        raise PoolhouseError("--last-blocks must be at least 1.", "Give a positive number of blocks.")
    low, high = request.from_block, request.to_block
    if (low is not None and low < 0) or (high is not None and high < 0):
        raise PoolhouseError("Block numbers are not negative.", "Give --from-block and --to-block from 0.")
    if low is not None and high is not None and low > high:
        raise PoolhouseError(
            f"--from-block {low} is above --to-block {high}.", "Swap them: both ends belong to the range."
        )
