"""State of Uniswap V3 pools and their forks'."""

from __future__ import annotations

from loaders.facts.calls import Answer, call
from loaders.facts.catalog import Catalog
from loaders.facts.state.family import StateReader
from loaders.facts.state.pools import known_pools
from loaders.session import Session

_FUNCTIONS = ("slot0", "liquidity")


class UniswapV3State:
    """Price, tick and active liquidity of every pool."""

    def __init__(self, session: Session, catalog: Catalog) -> None:
        self._pools = known_pools(session, catalog, "uniswap_v3")

    def read(self, reader: StateReader) -> list[Answer]:
        pools = [p for p in self._pools if p.known_from <= reader.block_number]
        return reader.read([call(pool.address, function) for pool in pools for function in _FUNCTIONS])
