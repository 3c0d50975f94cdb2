"""Actors on PancakeSwap V2 and V3: without routers."""

from __future__ import annotations

from devnet.market.actors import scenario
from devnet.market.desk import Desk
from devnet.market.pairs import DirectPairActors
from devnet.market.pools import DirectPoolActors

_MAX_UINT128 = 2**128 - 1


class PancakePairActors(DirectPairActors):
    """Those who use PancakeSwap V2."""

    group = "pancakeswap_v2"
    kind = "pancakeswap_v2"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, desk.world.pancakeswap_v2.pairs)


class PancakePoolActors(DirectPoolActors):
    """Those who use PancakeSwap V3."""

    group = "pancakeswap_v3"
    kind = "pancakeswap_v3"

    def __init__(self, desk: Desk) -> None:
        self._exchange = desk.world.pancakeswap_v3
        super().__init__(desk, self._exchange)

    @scenario(0.3)
    def collect_protocol_fees(self) -> None:
        """The owner takes the protocol's share of a pool, through the factory."""
        self._desk.chain.send(
            self._desk.roles.pancakeswap,
            self._exchange.factory,
            "collectProtocol",
            *(self._pools[0].contract.address, self._desk.roles.treasury, _MAX_UINT128, _MAX_UINT128),
            kind=f"{self.kind}.collect_protocol",
        )
