"""State of Uniswap V3 pools and their forks'."""

from __future__ import annotations

from dataclasses import dataclass

from eth_hash.auto import keccak

from loaders.facts.calls import Answer, ContractCall, call
from loaders.facts.catalog import Catalog, Pool, literals
from loaders.facts.functions import load_functions
from loaders.facts.state.family import StateReader
from loaders.facts.state.pools import known_pools
from loaders.session import Session

_FUNCTIONS = ("slot0", "liquidity", "factory", "token0", "token1", "fee", "tickSpacing")
_TICK_BYTES = 3


@dataclass(frozen=True, slots=True)
class Position:
    """Liquidity of one owner between two ticks, and the block of its first loaded event."""

    pool: str
    owner: str
    tick_lower: int
    tick_upper: int
    known_from: int

    @property
    def key(self) -> bytes:
        """What the pool keeps it under: keccak of owner and ticks, packed."""
        ticks = (t.to_bytes(_TICK_BYTES, "big", signed=True) for t in (self.tick_lower, self.tick_upper))
        return keccak(bytes.fromhex(self.owner[2:]) + b"".join(ticks))

    @property
    def call(self) -> ContractCall:
        recorded = self.owner, self.tick_lower, self.tick_upper
        return ContractCall(self.pool, load_functions()["positions"], (self.key,), recorded)


class UniswapV3State:
    """Constants, price, tick, active liquidity, positions, ticks and token balances of every pool."""

    def __init__(self, session: Session, catalog: Catalog) -> None:
        self._pools = known_pools(session, catalog, "uniswap_v3")
        self._positions = known_positions(catalog, [pool.address for pool in self._pools])

    def read(self, reader: StateReader) -> list[Answer]:
        pools = [p for p in self._pools if p.known_from <= reader.block_number]
        positions = [p for p in self._positions if p.known_from <= reader.block_number]
        return reader.read(_pool_calls(pools) + _liquidity_calls(positions))


def _pool_calls(pools: list[Pool]) -> list[ContractCall]:
    calls = [call(pool.address, function) for pool in pools for function in _FUNCTIONS]
    return calls + [call(token, "balanceOf", pool.address) for pool in pools for token in pool.tokens]


def _liquidity_calls(positions: list[Position]) -> list[ContractCall]:
    """The positions, and each tick that one of them begins or ends at."""
    ticks = sorted({(p.pool, tick) for p in positions for tick in (p.tick_lower, p.tick_upper)})
    return [p.call for p in positions] + [call(pool, "ticks", tick) for pool, tick in ticks]


def known_positions(catalog: Catalog, pools: list[str]) -> list[Position]:
    """Every position that a loaded event of the pools names."""
    if not pools:
        return []
    parts = [
        f"select contract_address, owner, tick_lower, tick_upper, block_number from {catalog.complete(table)} "
        f"and contract_address in ({literals(pools)})"
        for table in ("uniswap_v3__pool_mint", "uniswap_v3__pool_burn")
    ]
    rows = catalog.query(
        "select contract_address, owner, tick_lower, tick_upper, min(block_number) "
        f"from ({' union all '.join(parts)}) as named group by 1, 2, 3, 4 order by 1, 2, 3, 4"
    )
    return [Position(str(p), str(o), int(low), int(high), int(block)) for p, o, low, high, block in rows]
