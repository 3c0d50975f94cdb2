"""Price ranges and what liquidity in them costs: what the actors of all pools with ticks reckon with."""

from __future__ import annotations

from devnet.market.desk import Desk
from devnet.protocols.tokens import Token


def aligned(tick: int, spacing: int) -> int:
    """The usable tick at or below ``tick``."""
    return tick // spacing * spacing


def random_range(desk: Desk, tick: int, spacing: int) -> tuple[int, int]:
    """Usable ticks of a range of random width, more or less around ``tick``."""
    width = max(2 * spacing, int(desk.usd(200, 8_000)))
    centre = tick + int(desk.rng.gauss(0, width / 3))
    return aligned(centre - width, spacing), aligned(centre + width, spacing) + spacing


def liquidity_for(desk: Desk, token0: Token, usd: float, sqrt_price_x96: int, ticks: tuple[int, int, int]) -> int:
    """Liquidity that costs about ``usd``, half of it in ``token0``; ``ticks`` are lower, current and upper."""
    lower, tick, upper = ticks
    low, now, high = 1.0001 ** (lower / 2), sqrt_price_x96 / 2**96, 1.0001 ** (upper / 2)
    amount0 = desk.raw(token0, usd / 2)
    if not lower < tick < upper:
        now = low
    return max(1, int(amount0 * now * high / (high - now)))
