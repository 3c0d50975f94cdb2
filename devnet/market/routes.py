"""Routes over pools of several exchanges, as our caller contract takes them in one transaction."""

from __future__ import annotations

from dataclasses import dataclass

from devnet.protocols.tokens import Token
from devnet.protocols.uniswap_v2 import FEE_PIPS, Pair
from devnet.protocols.uniswap_v3 import Pool
from devnet.world import World


@dataclass(frozen=True)
class Hop:
    """One pool, in one direction."""

    pool: Pair | Pool
    token_in: Token

    @property
    def token_out(self) -> Token:
        return self.pool.other(self.token_in)

    @property
    def encoded(self) -> tuple[str, bool, int]:
        """The contract's `Hop`: a V2 pair's fee tells it from a V3 pool."""
        fee_pips = FEE_PIPS if isinstance(self.pool, Pair) else 0
        return self.pool.contract.address, self.token_in is self.pool.token0, fee_pips


def there_and_back(route: list[Hop]) -> list[Hop]:
    """The same route the other way round."""
    return [Hop(hop.pool, hop.token_out) for hop in reversed(route)]


class Venues:
    """Pools by exchange and tokens; those of the core tokens, which are liquid, apart."""

    def __init__(self, world: World) -> None:
        self._tokens = world.tokens
        core = set(world.tokens.core.values())
        self.liquid_pairs = [
            pair for exchange in world.v2_exchanges for pair in exchange.pairs if {pair.token0, pair.token1} <= core
        ]
        self.liquid_pools = world.v3_exchange.pools

    def v2(self, protocol: str, symbol_in: str, symbol_out: str) -> Hop:
        token_in, token_out = self._tokens[symbol_in], self._tokens[symbol_out]
        pairs = (pair for pair in self.liquid_pairs if pair.exchange.protocol == protocol)
        return Hop(next(pair for pair in pairs if {pair.token0, pair.token1} == {token_in, token_out}), token_in)

    def v3(self, symbol_in: str, symbol_out: str, fee_pips: int) -> Hop:
        token_in, token_out = self._tokens[symbol_in], self._tokens[symbol_out]
        pools = (pool for pool in self.liquid_pools if pool.fee_pips == fee_pips)
        return Hop(next(pool for pool in pools if {pool.token0, pool.token1} == {token_in, token_out}), token_in)
