"""State of Uniswap V2 pairs and their forks'."""

from __future__ import annotations

from loaders.facts.calls import Answer, call
from loaders.facts.catalog import Catalog
from loaders.facts.state.family import StateReader
from loaders.facts.state.pools import known_pools
from loaders.session import Session


class UniswapV2State:
    """Reserves of every pair."""

    def __init__(self, session: Session, catalog: Catalog) -> None:
        self._pairs = known_pools(session, catalog, "uniswap_v2")

    def read(self, reader: StateReader) -> list[Answer]:
        pairs = [p for p in self._pairs if p.known_from <= reader.block_number]
        return reader.read([call(pair.address, "getReserves") for pair in pairs])
