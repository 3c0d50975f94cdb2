"""State of Uniswap V4 pools, kept by their managers."""

from __future__ import annotations

from loaders.facts import uniswap_v4_storage
from loaders.facts.calls import Answer, ContractCall
from loaders.facts.catalog import Catalog, literals
from loaders.facts.reads import contracts
from loaders.facts.state.family import StateReader
from loaders.session import Session

_POSITION = "contract_address, id, sender, tick_lower, tick_upper, salt"


class UniswapV4State:
    """Price, tick, fees and active liquidity of every pool, and the liquidity of every position."""

    def __init__(self, session: Session, catalog: Catalog) -> None:
        managers = literals(c.address for c in contracts(session, "pool_manager") if c.family == "uniswap_v4")
        self._calls: list[tuple[int, ContractCall]] = []
        """With the block before which there is nothing to ask for."""
        if not managers:
            return
        named = [
            f"select contract_address, id, block_number from {catalog.complete(f'uniswap_v4__pool_manager_{event}')} "
            f"and contract_address in ({managers})"
            for event in ("initialize", "swap", "modify_liquidity")
        ]
        pools = catalog.query(
            "select contract_address, id, min(block_number) "
            f"from ({' union all '.join(named)}) as named group by 1, 2 order by 3, 1, 2"
        )
        positions = catalog.query(
            f"select {_POSITION}, min(block_number) from "
            f"{catalog.complete('uniswap_v4__pool_manager_modify_liquidity')} and contract_address in ({managers}) "
            f"group by {_POSITION} order by 7, 1, 2, 3, 4, 5, 6"
        )
        for view in (uniswap_v4_storage.slot0, uniswap_v4_storage.liquidity):
            self._calls += [(first, view(manager, pool_id)) for manager, pool_id, first in pools]
        self._calls += [(first, uniswap_v4_storage.position_liquidity(*position)) for *position, first in positions]

    def read(self, reader: StateReader) -> list[Answer]:
        return reader.read([asked for first, asked in self._calls if first <= reader.block_number])
