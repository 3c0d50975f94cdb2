"""What the world outside thinks the tokens are worth: a random walk that the oracles report and arbitrage follows."""

from __future__ import annotations

import math
from random import Random

from devnet.protocols import chainlink
from devnet.world import World

_STABLE_DEVIATION = 0.0005
_DEVIATION = 0.004
"""A feed gets a new round when the price has moved by this much, as with Chainlink's deviation threshold."""
_PEG_PULL_PER_HOUR = 0.02


class Prices:
    """Prices in US dollars by symbol."""

    def __init__(self, world: World, rng: Random) -> None:
        self._world = world
        self._rng = rng
        tokens = [*world.tokens.core.values(), *world.tokens.odd]
        self.usd = {token.symbol: token.spec.start_price_usd for token in tokens}
        self._reported = dict(self.usd)
        self._rounds = dict.fromkeys(world.feeds, 1)

    def ratio(self, base: str, quote: str) -> float:
        """How many ``quote`` one ``base`` costs."""
        return self.usd[base] / self.usd[quote]

    def walk(self, hours: float) -> None:
        """Let time pass."""
        moves: dict[str, float] = {}
        for symbol in self._world.tokens.core:
            spec = self._world.tokens[symbol].spec
            move = self._rng.gauss(0, spec.hourly_volatility * math.sqrt(hours))
            move += moves[spec.follows] if spec.follows else 0.0
            if spec.peg_usd is not None:
                away = math.log(self.usd[symbol] / float(spec.peg_usd))
                move -= away * min(1.0, _PEG_PULL_PER_HOUR * hours)
            moves[symbol] = move
            self.usd[symbol] *= math.exp(move)

    def shock(self, symbols: tuple[str, ...], log_return: float) -> None:
        """Move the prices of ``symbols`` at once, and of what follows them."""
        for symbol, token in self._world.tokens.core.items():
            if symbol in symbols or token.spec.follows in symbols:
                self.usd[symbol] *= math.exp(log_return)

    def report(self) -> None:
        """Queue a round for every feed whose price has moved enough."""
        for symbol, feed in self._world.feeds.items():
            price = self.usd[symbol]
            threshold = _STABLE_DEVIATION if feed.token.spec.category == "stable" else _DEVIATION
            if abs(price / self._reported[symbol] - 1) > threshold:
                self._rounds[symbol] += 1
                self._reported[symbol] = price
                chainlink.submit(self._world.chain, self._world.roles, feed, self._rounds[symbol], price)
