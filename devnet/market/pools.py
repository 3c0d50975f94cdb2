"""Actors on Uniswap V3."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import ClassVar

from devnet.chain import Sent
from devnet.market.actors import Actors, scenario
from devnet.market.desk import Desk
from devnet.market.ranges import aligned, liquidity_for, random_range
from devnet.protocols.tokens import UNLIMITED, Token
from devnet.protocols.uniswap_v3 import MAX_SQRT_PRICE, MIN_SQRT_PRICE, Exchange, Pool, sqrt_price

_MAX_UINT128 = 2**128 - 1
_WIDE_TICKS, _NARROW_TICKS = 60_000, 3_000
_WIDE_USD, _NARROW_USD = 4_000_000, 1_000_000
_ARBITRAGE_USD = 5_000_000
_MINT_POSITION = "v3.mint_position"


@dataclass
class _Position:
    """Liquidity that our caller contract holds for a user."""

    owner: str
    pool: Pool
    lower: int
    upper: int
    liquidity: int


class DirectPoolActors(Actors):
    """Swappers, liquidity providers and borrowers who call pools themselves, and the arbitrageur."""

    kind: ClassVar[str] = "v3"
    """First part of the transactions' kinds."""

    def __init__(self, desk: Desk, exchange: Exchange) -> None:
        super().__init__(desk)
        self._pools = exchange.pools
        self._caller = desk.world.caller
        self._positions: list[_Position] = []

    def open(self) -> None:
        """A wide and a narrow position in every pool."""
        for pool in self._pools:
            tick = self._slot0(pool)[1]
            for ticks, usd in ((_WIDE_TICKS, _WIDE_USD), (_NARROW_TICKS, _NARROW_USD)):
                lower, upper = (aligned(tick + side * ticks, pool.tick_spacing) for side in (-1, 1))
                self._mint(self._desk.roles.provider, pool, lower, upper, self._liquidity(pool, lower, upper, usd))

    # ---- swaps

    @scenario(8)
    def swap_directly(self) -> None:
        """Without the router, for an exact input or an exact output."""
        pool = self._desk.rng.choice(self._pools)
        token_in, token_out = self._direction(pool)
        wants_exact_output = self._desk.rng.random() < 0.4
        amount = self._desk.raw(token_out if wants_exact_output else token_in, self._desk.usd())
        user = self._desk.user()
        zero_for_one = token_in is pool.token0
        limit = MIN_SQRT_PRICE + 1 if zero_for_one else MAX_SQRT_PRICE - 1
        signed = -amount if wants_exact_output else amount
        self._call(user, "swap", pool, zero_for_one, signed, limit, user, kind="swap_direct")

    @scenario(1.5)
    def flash(self) -> None:
        """A flash loan of one token or both."""
        pool = self._desk.rng.choice(self._pools)
        amount0 = self._desk.raw(pool.token0, self._desk.usd())
        amount1 = self._desk.raw(pool.token1, self._desk.usd()) if self._desk.rng.random() < 0.5 else 0
        self._call(self._desk.user(), "flash", pool, amount0, amount1, kind="flash")

    def arbitrage(self) -> None:
        """Bring every pool that is off the outside price by more than its fee back to it."""
        answers = self._desk.chain.read_many((pool.contract, "slot0", ()) for pool in self._pools)
        for pool, slot0 in zip(self._pools, answers, strict=True):
            price = self._desk.prices.ratio(pool.token0.symbol, pool.token1.symbol)
            target = sqrt_price(pool.token0, pool.token1, price)
            if abs(target / slot0[0] - 1) < max(0.0015, pool.fee_pips / 1e6):
                continue
            zero_for_one = target < slot0[0]
            amount = self._desk.raw(pool.token0 if zero_for_one else pool.token1, _ARBITRAGE_USD)
            trader = self._desk.roles.arbitrageur
            self._call(trader, "swap", pool, zero_for_one, amount, target, trader, kind="arbitrage")

    # ---- liquidity

    @scenario(3)
    def mint(self) -> None:
        """A position held by the caller contract."""
        pool = self._desk.rng.choice(self._pools)
        lower, upper = self._range(pool)
        liquidity = self._liquidity(pool, lower, upper, self._desk.usd(1_000, 200_000))
        user = self._desk.user()
        self._mint(user, pool, lower, upper, liquidity)
        self._positions.append(_Position(user, pool, lower, upper, liquidity))

    @scenario(2.5)
    def burn(self) -> None:
        """A part of such a position is burnt and collected."""
        if not self._positions:
            return self.mint()
        position = self._desk.rng.choice(self._positions)
        burnt = max(1, position.liquidity * self._desk.rng.randint(20, 100) // 100)
        position.liquidity -= burnt
        if position.liquidity <= 0:
            self._positions.remove(position)
        self._call(position.owner, "burn", position.pool, position.lower, position.upper, burnt, kind="burn")
        return None

    @scenario(1)
    def poke(self) -> None:
        """Burn nothing of such a position: its fees are reckoned up and collected, its liquidity stays."""
        if not self._positions:
            return self.mint()
        position = self._desk.rng.choice(self._positions)
        self._call(position.owner, "burn", position.pool, position.lower, position.upper, 0, kind="poke")
        return None

    # ---- helpers

    def _mint(self, owner: str, pool: Pool, lower: int, upper: int, liquidity: int) -> None:
        self._call(owner, "mint", pool, lower, upper, liquidity, kind="mint")

    def _call(self, sender: str, function: str, pool: Pool, *arguments: object, kind: str) -> None:
        self._desk.chain.send(
            sender, self._caller, function, pool.contract.address, *arguments, kind=f"{self.kind}.{kind}"
        )

    def _slot0(self, pool: Pool) -> tuple[int, int]:
        """sqrtPriceX96 and tick."""
        slot0 = self._desk.chain.read(pool.contract, "slot0")
        return slot0[0], slot0[1]

    def _direction(self, pool: Pool) -> tuple[Token, Token]:
        """Token in, token out."""
        return (pool.token0, pool.token1) if self._desk.rng.random() < 0.5 else (pool.token1, pool.token0)

    def _range(self, pool: Pool) -> tuple[int, int]:
        return random_range(self._desk, self._slot0(pool)[1], pool.tick_spacing)

    def _liquidity(self, pool: Pool, lower: int, upper: int, usd: float) -> int:
        price, tick = self._slot0(pool)
        return liquidity_for(self._desk, pool.token0, usd, price, (lower, tick, upper))


class PoolActors(DirectPoolActors):
    """Those who use Uniswap V3, by router and position manager as well."""

    group = "uniswap_v3"

    def __init__(self, desk: Desk) -> None:
        self._exchange = desk.world.v3_exchange
        super().__init__(desk, self._exchange)
        self._minting: deque[str] = deque()
        self._token_ids: list[tuple[str, int]] = []
        """Owners and ids of the position manager's tokens."""

    # ---- swaps

    @scenario(14)
    def swap_by_router(self) -> None:
        """One pool, an exact input."""
        pool = self._desk.rng.choice(self._pools)
        token_in, token_out = self._direction(pool)
        user = self._desk.user()
        amount = self._desk.raw(token_in, self._desk.usd())
        order = (token_in.address, token_out.address, pool.fee_pips, user, UNLIMITED, amount, 0, 0)
        self._desk.chain.send(user, self._exchange.router, "exactInputSingle", order, kind="v3.swap_1_hop")

    @scenario(4)
    def swap_by_route(self) -> None:
        """Two or three pools in one transaction."""
        tokens = self._desk.world.tokens
        symbols, fees = self._desk.rng.choice(
            (
                (("USDC", "WETH", "WBTC"), (500, 3000)),
                (("DAI", "USDC", "WETH"), (100, 500)),
                (("LINK", "WETH", "USDT"), (10000, 3000)),
                (("USDT", "WETH", "USDC"), (3000, 3000)),
                (("wstETH", "WETH", "USDC", "NOFEED"), (100, 500, 3000)),
            )
        )
        if self._desk.rng.random() < 0.5:
            symbols, fees = symbols[::-1], fees[::-1]
        path = bytes.fromhex(tokens[symbols[0]].address[2:])
        for fee, symbol in zip(fees, symbols[1:], strict=True):
            path += fee.to_bytes(3, "big") + bytes.fromhex(tokens[symbol].address[2:])
        user = self._desk.user()
        amount = self._desk.raw(tokens[symbols[0]], self._desk.usd())
        order = (path, user, UNLIMITED, amount, 0)
        self._desk.chain.send(user, self._exchange.router, "exactInput", order, kind=f"v3.swap_{len(fees)}_hop")

    # ---- liquidity

    @scenario(2.5)
    def mint_position(self) -> None:
        """A position held as a token of the position manager."""
        pool = self._desk.rng.choice(self._pools)
        lower, upper = self._range(pool)
        amounts = [self._desk.raw(token, self._desk.usd(1_000, 100_000)) for token in (pool.token0, pool.token1)]
        user = self._desk.user()
        tokens = pool.token0.address, pool.token1.address
        order = (*tokens, pool.fee_pips, lower, upper, *amounts, 0, 0, user, UNLIMITED)
        self._desk.chain.send(user, self._exchange.positions, "mint", order, kind=_MINT_POSITION)
        self._minting.append(user)

    @scenario(2.5)
    def close_position(self) -> None:
        """Take liquidity out of a position token and collect what it earned."""
        if not self._token_ids:
            return self.mint_position()
        owner, token_id = self._desk.rng.choice(self._token_ids)
        liquidity = self._desk.chain.read(self._exchange.positions, "positions", token_id)[7]
        if liquidity:
            part = liquidity * self._desk.rng.randint(10, 100) // 100
            order = (token_id, part, 0, 0, UNLIMITED)
            self._desk.chain.send(
                owner, self._exchange.positions, "decreaseLiquidity", order, kind="v3.decrease_position"
            )
        order_collect = (token_id, owner, _MAX_UINT128, _MAX_UINT128)
        self._desk.chain.send(owner, self._exchange.positions, "collect", order_collect, kind="v3.collect_position")
        return None

    @scenario(0.3)
    def collect_protocol_fees(self) -> None:
        """The factory's owner takes the protocol's share of the one pool that has it switched on."""
        self._desk.chain.send(
            self._desk.roles.uniswap_v3,
            self._pools[0].contract,
            "collectProtocol",
            *(self._desk.roles.treasury, _MAX_UINT128, _MAX_UINT128),
            kind="v3.collect_protocol",
        )

    def observe(self, mined: list[Sent]) -> None:
        """Learn the ids of the position tokens that a block minted: they count from 1, in order."""
        for sent in mined:
            if sent.kind == _MINT_POSITION:
                owner = self._minting.popleft()
                if sent.succeeded:
                    self._token_ids.append((owner, len(self._token_ids) + 1))
