"""Actors who live on others' orders: arbitrage over several pools in one transaction, back-runs and sandwiches."""

from __future__ import annotations

from devnet.market.actors import Actors, scenario
from devnet.market.desk import Desk
from devnet.market.routes import Hop, Venues, there_and_back
from devnet.protocols.tokens import UNLIMITED, Token
from devnet.protocols.uniswap_v2 import Pair, amount_out
from devnet.protocols.uniswap_v3 import MAX_SQRT_PRICE, MIN_SQRT_PRICE, Pool

_SIZES_USD = (1_000, 10_000, 50_000)
_FRONT_RUN_USD = 5_000, 60_000
_VICTIM_USD = 5_000, 60_000
_BACK_RUN_VICTIM_USD = 150_000, 400_000


class Searchers(Actors):
    """The arbitrageur who goes in circles, and the sandwicher."""

    group = "mev"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._venues = Venues(desk.world)
        self._sandwicher = desk.roles.sandwicher
        v2, v3 = self._venues.v2, self._venues.v3
        circles = [
            [v2("uniswap", "USDC", "WETH"), v3("WETH", "USDC", 500)],
            [v2("sushiswap", "USDC", "WETH"), v3("WETH", "USDC", 3000)],
            [v2("uniswap", "USDT", "WETH"), v3("WETH", "USDT", 3000)],
            [v2("uniswap", "WBTC", "WETH"), v3("WETH", "WBTC", 3000)],
            [v2("uniswap", "LINK", "WETH"), v3("WETH", "LINK", 10000)],
            [v2("sushiswap", "DAI", "WETH"), v2("uniswap", "WETH", "USDC"), v3("USDC", "DAI", 100)],
            [v2("uniswap", "USDC", "DAI"), v2("sushiswap", "DAI", "WETH"), v3("WETH", "USDC", 500)],
        ]
        self._circles = [direction for circle in circles for direction in (circle, there_and_back(circle))]

    # ---- arbitrage

    @scenario(2, alone=True)
    def cyclic_arbitrage(self) -> None:
        """The circle over pools of V2 and V3 that pays best, in one transaction; a back-run where none pays."""
        offers = []
        for circle in self._circles:
            for usd in _SIZES_USD:
                amount = self._desk.raw(circle[0].token_in, usd)
                offers.append((circle, amount, usd / amount))
        returns = self._desk.chain.quote_many(
            self._desk.roles.arbitrageur,
            [(self._desk.world.caller, "swapThrough", self._arguments(circle, amount)) for circle, amount, _ in offers],
        )
        gains = [
            (returned - amount) * usd_per_unit if returned else 0.0
            for (_, amount, usd_per_unit), returned in zip(offers, returns, strict=True)
        ]
        best = max(range(len(gains)), key=gains.__getitem__)
        if gains[best] <= 0:
            return self.back_run()
        self._go_round(*offers[best][:2])
        return None

    @scenario(1, alone=True)
    def back_run(self) -> None:
        """A large order moves a pair; right behind it the pair's tokens are bought and sold in another pool."""
        circle = self._desk.rng.choice([c for c in self._circles if isinstance(c[0].pool, Pair)])
        first = circle[0]
        assert isinstance(first.pool, Pair)
        amount = self._desk.raw(first.token_out, self._desk.usd(*_BACK_RUN_VICTIM_USD))
        reserves = self._reserves(first.pool, first.token_out)
        self._swap_v2(self._desk.user(), first.pool, first.token_out, amount, kind="mev.victim")
        self._go_round(circle, amount_out(amount, *reserves) // 3)

    # ---- sandwiches

    @scenario(1, alone=True)
    def sandwich_v2_by_router(self) -> None:
        """Front-run, victim and back-run, all through the router of a pair."""
        pair, token_in = self._a_pair()
        front, bought, victim, _ = self._plan(pair, token_in)
        self._swap_v2(self._sandwicher, pair, token_in, front, kind="mev.front_run")
        self._swap_v2(self._desk.user(), pair, token_in, victim, kind="mev.victim")
        self._swap_v2(self._sandwicher, pair, pair.other(token_in), bought, kind="mev.back_run")

    @scenario(1, alone=True)
    def sandwich_v2_directly(self) -> None:
        """The victim uses the router, the sandwicher calls the pair itself."""
        pair, token_in = self._a_pair()
        front, bought, victim, returned = self._plan(pair, token_in)
        self._swap_on_pair(pair, token_in, front, bought, kind="mev.front_run")
        self._swap_v2(self._desk.user(), pair, token_in, victim, kind="mev.victim")
        self._swap_on_pair(pair, pair.other(token_in), bought, returned, kind="mev.back_run")

    @scenario(1, alone=True)
    def sandwich_v3_by_router(self) -> None:
        """Front-run, victim and back-run, all through the router of a pool."""
        pool, token_in, front, bought = self._front_run_v3()
        self._swap_v3(self._sandwicher, pool, token_in, front, kind="mev.front_run")
        self._swap_v3(self._desk.user(), pool, token_in, self._victims(token_in), kind="mev.victim")
        self._swap_v3(self._sandwicher, pool, pool.other(token_in), bought, kind="mev.back_run")

    @scenario(1, alone=True)
    def sandwich_v3_directly(self) -> None:
        """The victim uses the router, the sandwicher a contract of its own."""
        pool, token_in, front, bought = self._front_run_v3()
        self._swap_on_pool(pool, token_in, front, kind="mev.front_run")
        self._swap_v3(self._desk.user(), pool, token_in, self._victims(token_in), kind="mev.victim")
        self._swap_on_pool(pool, pool.other(token_in), bought, kind="mev.back_run")

    # ---- plans

    def _a_pair(self) -> tuple[Pair, Token]:
        """A pair and the token that goes in."""
        pair = self._desk.rng.choice(self._venues.liquid_pairs)
        return pair, self._desk.rng.choice((pair.token0, pair.token1))

    def _plan(self, pair: Pair, token_in: Token) -> tuple[int, int, int, int]:
        """Paid and bought in front, paid by the victim, and got back at the end."""
        reserve_in, reserve_out = self._reserves(pair, token_in)
        front = self._desk.raw(token_in, self._desk.usd(*_FRONT_RUN_USD))
        bought = amount_out(front, reserve_in, reserve_out)
        reserve_in, reserve_out = reserve_in + front, reserve_out - bought
        victim = self._victims(token_in)
        got = amount_out(victim, reserve_in, reserve_out)
        returned = amount_out(bought, reserve_out - got, reserve_in + victim)
        return front, bought, victim, returned

    def _front_run_v3(self) -> tuple[Pool, Token, int, int]:
        """A pool, the token that goes in, how much of it, and what that buys."""
        pool = self._desk.rng.choice(self._venues.liquid_pools)
        token_in = self._desk.rng.choice((pool.token0, pool.token1))
        front = self._desk.raw(token_in, self._desk.usd(*_FRONT_RUN_USD))
        order = self._order(self._sandwicher, pool, token_in, front)
        (bought,) = self._desk.chain.quote_many(
            self._sandwicher, [(self._desk.world.v3_exchange.router, "exactInputSingle", (order,))]
        )
        return pool, token_in, front, bought or 1

    def _victims(self, token_in: Token) -> int:
        return self._desk.raw(token_in, self._desk.usd(*_VICTIM_USD))

    def _reserves(self, pair: Pair, token_in: Token) -> tuple[int, int]:
        reserve0, reserve1, _ = self._desk.chain.read(pair.contract, "getReserves")
        return (reserve0, reserve1) if token_in is pair.token0 else (reserve1, reserve0)

    # ---- transactions

    def _go_round(self, circle: list[Hop], amount: int) -> None:
        arguments = self._arguments(circle, amount)
        self._desk.chain.send(
            self._desk.roles.arbitrageur, self._desk.world.caller, "swapThrough", *arguments, kind="mev.cycle"
        )

    @staticmethod
    def _arguments(circle: list[Hop], amount: int) -> tuple[list[tuple[str, bool, int]], int]:
        return [hop.encoded for hop in circle], amount

    def _swap_v2(self, sender: str, pair: Pair, token_in: Token, amount: int, *, kind: str) -> None:
        path = [token_in.address, pair.other(token_in).address]
        arguments = amount, 0, path, sender, UNLIMITED
        self._desk.chain.send(sender, pair.exchange.router, "swapExactTokensForTokens", *arguments, kind=kind)

    def _swap_on_pair(self, pair: Pair, token_in: Token, amount: int, bought: int, *, kind: str) -> None:
        sender = self._sandwicher
        self._desk.chain.send(sender, token_in.contract, "transfer", pair.contract.address, amount, kind="mev.transfer")
        amounts = (0, bought) if token_in is pair.token0 else (bought, 0)
        self._desk.chain.send(sender, pair.contract, "swap", *amounts, sender, b"", kind=kind)

    def _swap_v3(self, sender: str, pool: Pool, token_in: Token, amount: int, *, kind: str) -> None:
        order = self._order(sender, pool, token_in, amount)
        self._desk.chain.send(sender, self._desk.world.v3_exchange.router, "exactInputSingle", order, kind=kind)

    def _swap_on_pool(self, pool: Pool, token_in: Token, amount: int, *, kind: str) -> None:
        zero_for_one = token_in is pool.token0
        limit = MIN_SQRT_PRICE + 1 if zero_for_one else MAX_SQRT_PRICE - 1
        arguments = pool.contract.address, zero_for_one, amount, limit, self._sandwicher
        self._desk.chain.send(self._sandwicher, self._desk.world.caller, "swap", *arguments, kind=kind)

    @staticmethod
    def _order(sender: str, pool: Pool, token_in: Token, amount: int) -> tuple[object, ...]:
        token_out = pool.other(token_in)
        return token_in.address, token_out.address, pool.fee_pips, sender, UNLIMITED, amount, 0, 0
