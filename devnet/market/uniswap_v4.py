"""Actors on Uniswap V4."""

from __future__ import annotations

from dataclasses import dataclass

from devnet.contracts import Contract
from devnet.market.actors import Actors, scenario
from devnet.market.desk import Desk
from devnet.market.ranges import aligned, liquidity_for, random_range
from devnet.protocols.uniswap_v3 import MAX_SQRT_PRICE, MIN_SQRT_PRICE, sqrt_price
from devnet.protocols.uniswap_v4 import Pool
from loaders.facts import uniswap_v4_storage

_WIDE_TICKS, _NARROW_TICKS = 60_000, 3_000
_WIDE_USD, _NARROW_USD = 600_000, 200_000
_ARBITRAGE_USD = 5_000_000
_PROTOCOL_FEE_PIPS = 500
_NATIVE_VALUE = 5_000 * 10**18
"""Sent along where a pool has native ether; the routers give back what they do not need."""


@dataclass
class _Position:
    """Liquidity that the router holds, told from others' in the same range by its salt."""

    owner: str
    pool: Pool
    lower: int
    upper: int
    liquidity: int


class UniswapV4Actors(Actors):
    """Swappers, liquidity providers, donors and the arbitrageur."""

    group = "uniswap_v4"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._exchange = desk.world.uniswap_v4
        self._pools = self._exchange.pools
        self._positions: list[_Position] = []

    def open(self) -> None:
        """A wide and a narrow position in every pool."""
        provider = self._desk.roles.provider
        for pool in self._pools:
            tick = self._slot0(pool)[1]
            for ticks, usd in ((_WIDE_TICKS, _WIDE_USD), (_NARROW_TICKS, _NARROW_USD)):
                lower, upper = (aligned(tick + side * ticks, pool.tick_spacing) for side in (-1, 1))
                self._add(provider, pool, lower, upper, usd)

    # ---- swaps

    @scenario(6)
    def swap_exact_input(self) -> None:
        """A pool of tokens, an exact input."""
        self._swap_in(self._desk.rng.choice([pool for pool in self._pools if not pool.has_native]))

    @scenario(3)
    def swap_native(self) -> None:
        """The pool of native ether, an exact input."""
        self._swap_in(next(pool for pool in self._pools if pool.has_native))

    @scenario(2)
    def swap_exact_output(self) -> None:
        """Any pool, an exact output."""
        pool = self._desk.rng.choice(self._pools)
        zero_for_one = self._desk.rng.random() < 0.5
        amount = self._desk.raw(pool.token1 if zero_for_one else pool.token0, self._desk.usd())
        self._swap(self._desk.user(), pool, zero_for_one, amount, kind="swap_exact_output")

    def arbitrage(self) -> None:
        """Bring every pool that is off the outside price by more than its fee back to it."""
        for pool in self._pools:
            target = sqrt_price(
                pool.token0, pool.token1, self._desk.prices.ratio(pool.token0.symbol, pool.token1.symbol)
            )
            now = self._slot0(pool)[0]
            if abs(target / now - 1) < max(0.0015, pool.fee_pips / 1e6):
                continue
            zero_for_one = target < now
            amount = self._desk.raw(pool.token0 if zero_for_one else pool.token1, _ARBITRAGE_USD)
            self._swap(self._desk.roles.arbitrageur, pool, zero_for_one, -amount, kind="arbitrage", limit=target)

    # ---- liquidity

    @scenario(2)
    def add_liquidity(self) -> None:
        """A position in a range more or less around the price."""
        pool, user = self._desk.rng.choice(self._pools), self._desk.user()
        lower, upper = random_range(self._desk, self._slot0(pool)[1], pool.tick_spacing)
        liquidity = self._add(user, pool, lower, upper, self._desk.usd(1_000, 200_000))
        self._positions.append(_Position(user, pool, lower, upper, liquidity))

    @scenario(1.5)
    def remove_liquidity(self) -> None:
        """A part or all of such a position."""
        if not self._positions:
            return self.add_liquidity()
        position = self._desk.rng.choice(self._positions)
        removed = max(1, position.liquidity * self._desk.rng.randint(20, 100) // 100)
        position.liquidity -= removed
        if position.liquidity <= 0:
            self._positions.remove(position)
        self._modify(position.owner, position.pool, position.lower, position.upper, -removed, kind="remove")
        return None

    @scenario(1)
    def poke(self) -> None:
        """Take the fees of such a position, leave its liquidity."""
        if not self._positions:
            return self.add_liquidity()
        position = self._desk.rng.choice(self._positions)
        self._modify(position.owner, position.pool, position.lower, position.upper, 0, kind="poke")
        return None

    @scenario(1)
    def donate(self) -> None:
        """Give both currencies to those whose liquidity is in range."""
        pool = self._desk.rng.choice(self._pools)
        amounts = [self._desk.raw(token, self._desk.usd(10, 1_000)) for token in (pool.token0, pool.token1)]
        self._send(self._desk.user(), pool, self._exchange.donate_router, "donate", *amounts, b"", kind="donate")

    # ---- the protocol

    @scenario(0.2)
    def change_protocol_fee(self) -> None:
        """The protocol takes a share of a pool's swaps, one that may differ by direction."""
        pool = self._desk.rng.choice(self._pools)
        either, other = self._desk.rng.choice(((0, 0), (_PROTOCOL_FEE_PIPS, 0), (200, _PROTOCOL_FEE_PIPS)))
        owner = self._desk.roles.uniswap_v4
        manager = self._exchange.manager
        self._desk.chain.send(
            owner, manager, "setProtocolFee", pool.key, other << 12 | either, kind="v4.change_protocol_fee"
        )

    # ---- helpers

    def _swap_in(self, pool: Pool) -> None:
        zero_for_one = self._desk.rng.random() < 0.5
        amount = self._desk.raw(pool.token0 if zero_for_one else pool.token1, self._desk.usd())
        self._swap(self._desk.user(), pool, zero_for_one, -amount, kind="swap_exact_input")

    def _swap(
        self, sender: str, pool: Pool, zero_for_one: bool, amount: int, *, kind: str, limit: int | None = None
    ) -> None:
        """A negative ``amount`` is an exact input, the opposite of V3."""
        worst = MIN_SQRT_PRICE + 1 if zero_for_one else MAX_SQRT_PRICE - 1
        order = (zero_for_one, amount, worst if limit is None else limit)
        in_tokens = (False, False)
        self._send(sender, pool, self._exchange.swap_router, "swap", order, in_tokens, b"", kind=kind)

    def _add(self, owner: str, pool: Pool, lower: int, upper: int, usd: float) -> int:
        """The liquidity that is added."""
        price, tick = self._slot0(pool)
        liquidity = liquidity_for(self._desk, pool.token0, usd, price, (lower, tick, upper))
        self._modify(owner, pool, lower, upper, liquidity, kind="add")
        return liquidity

    def _modify(self, owner: str, pool: Pool, lower: int, upper: int, delta: int, *, kind: str) -> None:
        salt = bytes.fromhex(owner[2:]).rjust(32, b"\0")
        change = (lower, upper, delta, salt)
        self._send(owner, pool, self._exchange.liquidity_router, "modifyLiquidity", change, b"", kind=kind)

    def _send(self, sender: str, pool: Pool, router: Contract, function: str, *arguments: object, kind: str) -> None:
        value = _NATIVE_VALUE if pool.has_native else 0
        self._desk.chain.send(sender, router, function, pool.key, *arguments, value=value, kind=f"v4.{kind}")

    def _slot0(self, pool: Pool) -> tuple[int, int]:
        """sqrtPriceX96 and tick."""
        asked = uniswap_v4_storage.slot0(self._exchange.manager.address, pool.pool_id)
        data = "0x" + asked.function.calldata(*asked.arguments).hex()
        word = self._desk.chain.rpc.call("eth_call", {"to": asked.contract, "data": data}, "latest")
        price, tick, *_ = asked.function.values(bytes.fromhex(word[2:]))
        return price, tick
