"""Look for forks on a chain or in a warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from loaders.discover.creations import Creation
from loaders.discover.find import find_in_warehouse, find_on_chain
from loaders.discover.report import Discovery
from loaders.errors import PoolhouseError
from loaders.registry.seeds import Registry
from loaders.rpc.configuration import Endpoints
from loaders.rpc.connect import connect
from loaders.source.clock import BlockGap
from loaders.source.rpc import RpcSource
from loaders.status.read import read_only

LAST_BLOCKS = 10_000


def discover_on_chain(
    registry: Registry,
    chain: str,
    endpoints: Endpoints,
    creations: Sequence[Creation],
    *,
    from_block: int | None = None,
    to_block: int | None = None,
    last_blocks: int | None = None,
) -> Discovery:
    """Read the blocks of a node, both ends included; by default the last ones that are final.

    Raises :class:`PoolhouseError` when the node does not serve, or has no such blocks.
    """
    if from_block is not None and last_blocks is not None:
        raise PoolhouseError("--last-blocks and --from-block exclude each other.", "Give one of them.")
    known = registry.chain(chain)
    endpoint = connect(endpoints, known, registry)
    high = max(0, endpoint.final_block) if to_block is None else to_block
    if high > endpoint.head_block:
        raise PoolhouseError(
            f"--to-block {high} is beyond the head of {known.name}, which is {endpoint.head_block}.",
            f"Use --to-block up to {endpoint.head_block}, or leave it out.",
        )
    low = max(0, high - (last_blocks or LAST_BLOCKS) + 1) if from_block is None else from_block
    if low > high:
        raise PoolhouseError(f"--from-block {low} is above the last block, {high}.", "Give a lower --from-block.")
    source = RpcSource(endpoint.node, chain=known, gap=BlockGap.of(known))
    findings = find_on_chain(source, registry, known, creations, (low, high))
    return Discovery(known, f"blocks {low:,} to {high:,} of {endpoint.host}", findings)


def discover_in_warehouse(registry: Registry, chain: str, database: Path, creations: Sequence[Creation]) -> Discovery:
    """Look at what a DuckDB file holds. Raises :class:`PoolhouseError` when no creation event of any emitter is loaded."""
    known = registry.chain(chain)
    with read_only(database) as query:
        findings, looked_at = find_in_warehouse(query, registry, known, creations)
    if not looked_at:
        raise PoolhouseError(
            f"{database} holds no creation event of any contract on {known.name}.",
            "Load a family with factories first, such as uniswap_v2, or leave out --loaded to ask a node.",
        )
    names = ", ".join(sorted({creation.family for creation in looked_at}))
    return Discovery(known, f"{names} in {database}", findings)
