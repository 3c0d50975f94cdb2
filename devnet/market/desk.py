"""What every actor of the market shares: the world, the dice, the prices and sizes of orders."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from devnet.chain import Chain
from devnet.market.prices import Prices
from devnet.protocols.roles import Roles
from devnet.protocols.tokens import Token
from devnet.world import World


@dataclass(frozen=True)
class Desk:
    world: World
    rng: Random
    prices: Prices

    @property
    def chain(self) -> Chain:
        return self.world.chain

    @property
    def roles(self) -> Roles:
        return self.world.roles

    def user(self) -> str:
        return self.rng.choice(self.roles.users)

    def usd(self, low: float = 50, high: float = 40_000) -> float:
        """The size of an order: every order of magnitude is as likely as the next."""
        return math.exp(self.rng.uniform(math.log(low), math.log(high)))

    def raw(self, token: Token, usd: float) -> int:
        """``usd`` worth of ``token`` in its smallest unit; at least one."""
        return token.raw(usd / self.prices.usd[token.symbol])
