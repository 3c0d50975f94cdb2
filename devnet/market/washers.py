"""Actors who trade with themselves, for volume's sake."""

from __future__ import annotations

from devnet.market.actors import Actors, scenario
from devnet.market.desk import Desk
from devnet.market.routes import Hop, Venues, there_and_back
from devnet.protocols.tokens import UNLIMITED
from devnet.protocols.uniswap_v2 import amount_out

_USD = 10_000, 80_000
_FEE_PIPS = 3000


class Washers(Actors):
    """Two accounts of one owner, and a pool of each kind where few others trade."""

    group = "wash"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        venues = Venues(desk.world)
        self._pair = venues.v2("sushiswap", "WETH", "DAI")
        self._pool = venues.v3("WETH", "USDC", _FEE_PIPS)
        self._one, self._other = desk.roles.wash_traders

    @scenario(0.7, alone=True)
    def alone(self) -> None:
        """One account sells in a V3 pool and buys back, transaction after transaction."""
        amount = self._desk.raw(self._pool.token_in, self._desk.usd(*_USD))
        router = self._desk.world.v3_exchange.router
        there = self._order(self._pool, amount)
        (bought,) = self._desk.chain.quote_many(self._one, [(router, "exactInputSingle", (there,))])
        (back,) = there_and_back([self._pool])
        for order in (there, self._order(back, bought or 1)):
            self._desk.chain.send(self._one, router, "exactInputSingle", order, kind="wash.alone")

    @scenario(0.7, alone=True)
    def in_company(self) -> None:
        """What one account sells to a V2 pair the other one buys, and the next time the other way round."""
        amount = self._desk.raw(self._pair.token_in, self._desk.usd(*_USD))
        pair, token_in, token_out = self._pair.pool, self._pair.token_in, self._pair.token_out
        reserves = self._desk.chain.read(pair.contract, "getReserves")[:2]
        bought = amount_out(amount, *(reserves if token_in is pair.token0 else reserves[::-1]))
        for sender, path, paid in (
            (self._one, (token_in, token_out), amount),
            (self._other, (token_out, token_in), bought),
        ):
            self._desk.chain.send(
                sender,
                self._desk.world.v2_exchanges[1].router,
                "swapExactTokensForTokens",
                *(paid, 0, [token.address for token in path], sender, UNLIMITED),
                kind="wash.in_company",
            )
        self._one, self._other = self._other, self._one

    @scenario(0.5)
    def in_one_transaction(self) -> None:
        """There and back through the same pool in one transaction."""
        route = [self._pool, *there_and_back([self._pool])]
        amount = self._desk.raw(self._pool.token_in, self._desk.usd(*_USD))
        arguments = [hop.encoded for hop in route], amount
        self._desk.chain.send(
            self._one, self._desk.world.caller, "swapThrough", *arguments, kind="wash.in_one_transaction"
        )

    def _order(self, hop: Hop, amount: int) -> tuple[object, ...]:
        return hop.token_in.address, hop.token_out.address, _FEE_PIPS, self._one, UNLIMITED, amount, 0, 0
