"""Actors on Uniswap V2 and its forks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from devnet.market.actors import Actors, scenario
from devnet.market.desk import Desk
from devnet.protocols.tokens import UNLIMITED, Token
from devnet.protocols.uniswap_v2 import Exchange, Pair, amount_out

_SEED_USD = 2_000_000
_ODD_SEED_USD = 150_000
_SLIPPAGE = 0.98
_ARBITRAGE_THRESHOLD = 0.003


class DirectPairActors(Actors):
    """Swappers and liquidity providers without a router, borrowers of flash swaps, and the arbitrageur."""

    kind: ClassVar[str] = "v2"
    """First part of the transactions' kinds."""

    def __init__(self, desk: Desk, pairs: Sequence[Pair]) -> None:
        super().__init__(desk)
        self._pairs = pairs
        self._providers: list[tuple[str, Pair]] = []

    def open(self) -> None:
        """First liquidity: tokens sent to the pair, then minted."""
        for pair in self._pairs:
            self._provide(self._desk.roles.provider, pair, _SEED_USD)

    # ---- swaps

    @scenario(6)
    def swap_directly(self) -> None:
        """Without the router."""
        self._swap_directly(pays_both=False)

    @scenario(1)
    def swap_paying_both(self) -> None:
        """Without the router, some of the token that is bought paid in as well."""
        self._swap_directly(pays_both=True)

    @scenario(1.5)
    def flash_swap(self) -> None:
        """Borrow from a pair and give the same token back with the fee."""
        pair = self._desk.rng.choice(self._pairs)
        reserve0, reserve1 = self._reserves(pair, pair.token0)
        fraction = self._desk.rng.randint(50, 500)
        amounts = (reserve0 // fraction, 0) if self._desk.rng.random() < 0.5 else (0, reserve1 // fraction)
        self._desk.chain.send(
            self._desk.user(),
            self._desk.world.caller,
            "flashSwap",
            pair.contract.address,
            *amounts,
            kind=f"{self.kind}.flash_swap",
        )

    # ---- liquidity

    @scenario(3)
    def add_liquidity(self) -> None:
        """Both tokens sent to the pair, then minted."""
        pair, user = self._desk.rng.choice(self._pairs), self._desk.user()
        self._provide(user, pair, self._desk.usd(1_000, 100_000))
        self._providers.append((user, pair))

    @scenario(2)
    def remove_liquidity(self) -> None:
        """Shares sent to the pair, then burnt."""
        if not self._providers:
            return self.add_liquidity()
        user, pair = self._desk.rng.choice(self._providers)
        shares = self._desk.chain.read(pair.contract, "balanceOf", user)
        burnt = shares * self._desk.rng.randint(10, 100) // 100
        if burnt == 0:
            return self.add_liquidity()
        self._send(user, pair, "transfer", pair.contract.address, burnt, kind="transfer")
        self._send(user, pair, "burn", user, kind="burn")
        return None

    # ---- arbitrage

    def arbitrage(self) -> None:
        """Bring every pair that is off the outside price back to it."""
        answers = self._desk.chain.read_many((pair.contract, "getReserves", ()) for pair in self._pairs)
        for pair, (reserve0, reserve1, _) in zip(self._pairs, answers, strict=True):
            decimals = pair.token1.spec.decimals - pair.token0.spec.decimals
            target = self._desk.prices.ratio(pair.token0.symbol, pair.token1.symbol) * 10.0**decimals
            invariant = reserve0 * reserve1
            excess0 = int(math.sqrt(invariant / target)) - reserve0
            if abs(excess0) / reserve0 < _ARBITRAGE_THRESHOLD:
                continue
            if excess0 > 0:
                token_in, amount, reserves = pair.token0, excess0, (reserve0, reserve1)
            else:
                amount = int(math.sqrt(invariant * target)) - reserve1
                token_in, reserves = pair.token1, (reserve1, reserve0)
            bought = amount_out(amount, *reserves, pair.exchange.fee_pips) * 995 // 1000
            self._transfer(self._desk.roles.arbitrageur, token_in, pair, amount)
            self._swap(self._desk.roles.arbitrageur, pair, token_in, bought, kind="arbitrage")

    # ---- transactions

    def _provide(self, sender: str, pair: Pair, usd: float) -> None:
        for token in (pair.token0, pair.token1):
            self._transfer(sender, token, pair, self._desk.raw(token, usd))
        self._send(sender, pair, "mint", sender, kind="mint")

    def _swap_directly(self, *, pays_both: bool) -> None:
        pair = self._desk.rng.choice(self._pairs)
        token_in, token_out = self._direction(pair)
        reserve_in, reserve_out = self._reserves(pair, token_in)
        user = self._desk.user()
        amount = self._desk.raw(token_in, self._desk.usd())
        bought = int(amount_out(amount, reserve_in, reserve_out, pair.exchange.fee_pips) * _SLIPPAGE)
        self._transfer(user, token_in, pair, amount)
        if pays_both:
            self._transfer(user, token_out, pair, max(1, bought // 50))
        self._swap(user, pair, token_in, bought, kind="swap_direct")

    def _swap(self, sender: str, pair: Pair, token_in: Token, bought: int, *, kind: str) -> None:
        amounts = (0, bought) if token_in is pair.token0 else (bought, 0)
        self._send(sender, pair, "swap", *amounts, sender, b"", kind=kind)

    def _transfer(self, sender: str, token: Token, pair: Pair, amount: int) -> None:
        self._desk.chain.send(
            sender, token.contract, "transfer", pair.contract.address, amount, kind=f"{self.kind}.transfer"
        )

    def _send(self, sender: str, pair: Pair, function: str, *arguments: object, kind: str) -> None:
        self._desk.chain.send(sender, pair.contract, function, *arguments, kind=f"{self.kind}.{kind}")

    def _direction(self, pair: Pair) -> tuple[Token, Token]:
        """Token in, token out."""
        return (pair.token0, pair.token1) if self._desk.rng.random() < 0.5 else (pair.token1, pair.token0)

    def _reserves(self, pair: Pair, token_in: Token) -> tuple[int, int]:
        """Reserves of ``token_in`` and of the other token."""
        reserve0, reserve1, _ = self._desk.chain.read(pair.contract, "getReserves")
        return (reserve0, reserve1) if token_in is pair.token0 else (reserve1, reserve0)


class PairActors(DirectPairActors):
    """Those who use Uniswap V2 and SushiSwap, by router as well, and the long tail of tokens."""

    group = "uniswap_v2"

    def __init__(self, desk: Desk) -> None:
        self._exchanges = desk.world.v2_exchanges
        odd = {token.address for token in desk.world.tokens.odd}
        all_pairs = [pair for exchange in self._exchanges for pair in exchange.pairs]
        self._odd = [p for p in all_pairs if {p.token0.address, p.token1.address} & odd]
        super().__init__(desk, [p for p in all_pairs if p not in self._odd])

    def open(self) -> None:
        super().open()
        for pair in self._odd:
            self._provide(self._desk.roles.provider, pair, _ODD_SEED_USD)

    # ---- swaps

    @scenario(14)
    def swap_by_router(self) -> None:
        """One pair, an exact input."""
        pair = self._desk.rng.choice(self._pairs)
        token_in, token_out = self._direction(pair)
        self._route(pair.exchange, (token_in, token_out))

    @scenario(4)
    def swap_by_route(self) -> None:
        """Two pairs in one transaction."""
        tokens = self._desk.world.tokens
        uniswap, sushiswap = self._exchanges
        exchange, symbols = self._desk.rng.choice(
            (
                (uniswap, ("USDC", "WETH", "USDT")),
                (uniswap, ("WBTC", "WETH", "USDC")),
                (uniswap, ("LINK", "WETH", "USDT")),
                (uniswap, ("DAI", "USDC", "WETH")),
                (uniswap, ("NOFEED", "WETH", "USDC")),
                (uniswap, ("wstETH", "WETH", "USDC")),
                (sushiswap, ("USDC", "WETH", "DAI")),
            )
        )
        route = [tokens[symbol] for symbol in symbols]
        self._route(exchange, route if self._desk.rng.random() < 0.5 else route[::-1])

    @scenario(1)
    def swap_bytes32(self) -> None:
        """A token whose symbol is bytes32."""
        self._swap_odd(self._desk.world.tokens.bytes32)

    @scenario(1)
    def swap_nameless(self) -> None:
        """A token whose symbol reverts and that has no decimal places."""
        self._swap_odd(self._desk.world.tokens.nameless)

    @scenario(1)
    def swap_taxed(self) -> None:
        """A token that burns a part of each transfer."""
        self._swap_odd(self._desk.world.tokens.taxed)

    @scenario(1)
    def swap_rebasing(self) -> None:
        """A token whose balances change without a transfer."""
        self._swap_odd(self._desk.world.tokens.rebasing)

    @scenario(0.7, alone=True)
    def rebase_and_sync(self) -> None:
        """Balances grow or shrink, and the pair takes note of it."""
        self._rebase(self._desk.rng.choice((-1, 1)))
        self._send(self._desk.roles.keeper, self._pair_of(self._desk.world.tokens.rebasing), "sync", kind="sync")

    @scenario(0.5, alone=True)
    def rebase_and_skim(self) -> None:
        """Balances grow, and somebody takes what the pair has too much."""
        keeper = self._desk.roles.keeper
        self._rebase(1)
        self._send(keeper, self._pair_of(self._desk.world.tokens.rebasing), "skim", keeper, kind="skim")

    @scenario(0.4, alone=True)
    def rebase_unnoticed(self) -> None:
        """Balances grow, and the pair learns of it from the next swap."""
        self._rebase(1)

    @scenario(0.5)
    def donate(self) -> None:
        """Tokens given to a pair, which takes note of them."""
        pair = self._desk.rng.choice(self._pairs)
        user = self._desk.user()
        self._transfer(user, pair.token0, pair, self._desk.raw(pair.token0, self._desk.usd(10, 1_000)))
        self._send(user, pair, "sync", kind="sync")

    # ---- liquidity

    @scenario(3)
    def add_liquidity(self) -> None:
        """Both tokens through the router."""
        pair = self._desk.rng.choice(self._pairs)
        user = self._desk.user()
        reserve0, reserve1 = self._reserves(pair, pair.token0)
        amount0 = self._desk.raw(pair.token0, self._desk.usd(1_000, 100_000))
        amount1 = amount0 * reserve1 // reserve0 * 101 // 100
        tokens = pair.token0.address, pair.token1.address
        self._desk.chain.send(
            user,
            pair.exchange.router,
            "addLiquidity",
            *(*tokens, amount0, amount1, 0, 0, user, UNLIMITED),
            kind="v2.add_liquidity",
        )
        self._providers.append((user, pair))

    # ---- transactions

    def _swap_odd(self, token: Token) -> None:
        """A swap of a token of the long tail; the taxed one needs the router's forgiving function."""
        pair = self._pair_of(token)
        token_in, token_out = self._direction(pair)
        amount = self._desk.raw(token_in, self._desk.usd(50, 2_000))
        user = self._desk.user()
        self._desk.chain.send(
            user,
            pair.exchange.router,
            "swapExactTokensForTokensSupportingFeeOnTransferTokens",
            *(amount, 0, [token_in.address, token_out.address], user, UNLIMITED),
            kind="v2.swap_odd",
        )

    def _rebase(self, sign: int) -> None:
        """Stretch the rebasing token's balances, or shrink them, by up to two per cent."""
        token = self._desk.world.tokens.rebasing.contract
        ppm = 1_000_000 + sign * self._desk.rng.randint(1_000, 20_000)
        multiplier = self._desk.chain.read(token, "multiplier") * ppm // 1_000_000
        self._desk.chain.send(self._desk.roles.keeper, token, "rebase", multiplier, kind="token.rebase")

    def _route(self, exchange: Exchange, route: tuple[Token, ...] | list[Token]) -> None:
        user = self._desk.user()
        amount = self._desk.raw(route[0], self._desk.usd())
        path = [token.address for token in route]
        self._desk.chain.send(
            user,
            exchange.router,
            "swapExactTokensForTokens",
            *(amount, 0, path, user, UNLIMITED),
            kind=f"v2.swap_{len(route) - 1}_hop",
        )

    def _pair_of(self, odd: Token) -> Pair:
        return next(pair for pair in self._odd if odd in (pair.token0, pair.token1))
