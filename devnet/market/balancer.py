"""Actors on Balancer V2."""

from __future__ import annotations

from collections.abc import Sequence

from eth_abi.abi import encode

from devnet.market.actors import Actors, scenario
from devnet.market.desk import Desk
from devnet.protocols.balancer_v2 import WEIGHTS, Pool
from devnet.protocols.tokens import UNLIMITED, Token

_SEED_USD = 3_000_000
_MAX_INT256 = 2**255 - 1
_GIVEN_IN, _GIVEN_OUT = 0, 1
"""Kinds of swaps: which of the two amounts is the exact one."""
# What a weighted pool is to do, at the head of its userData.
_JOIN_INIT, _JOIN_TOKENS_IN, _JOIN_SHARES_OUT = 0, 1, 2
_EXIT_ONE_TOKEN, _EXIT_ALL_TOKENS = 0, 1
_INVEST, _RETURN, _REPORT = 0, 1, 2
"""What an asset manager does: takes tokens out, brings them back, says what those outside are worth now."""


class BalancerActors(Actors):
    """Swappers, liquidity providers, and the manager of a pool that invests its tokens."""

    group = "balancer_v2"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._exchange = desk.world.balancer
        self._vault = self._exchange.vault
        self._pools = self._exchange.weighted
        self._providers: list[tuple[str, Pool]] = []

    def open(self) -> None:
        """First liquidity, by the pools' weights, and something to invest."""
        provider = self._desk.roles.provider
        for pool, weights in zip(self._pools, WEIGHTS, strict=True):
            amounts = [self._desk.raw(t, _SEED_USD * weights[t.symbol] / 100) for t in pool.tokens]
            user_data = encode(["uint256", "uint256[]"], [_JOIN_INIT, amounts])
            self._join(provider, pool, user_data, kind="balancer.join_init")
        self._move_managed(provider, _SEED_USD, is_join=True)

    # ---- swaps

    @scenario(2)
    def swap_given_in(self) -> None:
        """One pool, an exact input."""
        pool, token_in, token_out = self._direction()
        self._swap(pool, _GIVEN_IN, token_in, token_out, self._desk.raw(token_in, self._desk.usd()))

    @scenario(1)
    def swap_given_out(self) -> None:
        """One pool, an exact output."""
        pool, token_in, token_out = self._direction()
        self._swap(pool, _GIVEN_OUT, token_in, token_out, self._desk.raw(token_out, self._desk.usd()))

    @scenario(1)
    def batch_swap(self) -> None:
        """Two pools in one transaction: what is between them never leaves the vault."""
        tokens = self._desk.world.tokens
        first, second = self._pools
        route = [(first, tokens["USDC"], tokens["WETH"]), (second, tokens["WETH"], tokens["LINK"])]
        if self._desk.rng.random() < 0.5:
            route = [(pool, token_out, token_in) for pool, token_in, token_out in reversed(route)]
        assets = [route[0][1], *(token_out for _, _, token_out in route)]
        amount = self._desk.raw(assets[0], self._desk.usd())
        # no amount: all of what the step before gave
        steps = [(pool.pool_id, i, i + 1, amount if i == 0 else 0, b"") for i, (pool, _, _) in enumerate(route)]
        user = self._desk.user()
        self._desk.chain.send(
            user,
            self._vault,
            "batchSwap",
            *(_GIVEN_IN, steps, _addresses(assets), (user, False, user, False), [_MAX_INT256] * len(assets), UNLIMITED),
            kind="balancer.batch_swap",
        )

    # ---- liquidity

    @scenario(1)
    def join(self) -> None:
        """Any amounts of all tokens; the protocol takes its share of the fees since the last time."""
        pool, user = self._desk.rng.choice(self._pools), self._desk.user()
        amounts = [self._desk.raw(token, self._desk.usd(100, 10_000)) for token in pool.tokens]
        user_data = encode(["uint256", "uint256[]", "uint256"], [_JOIN_TOKENS_IN, amounts, 0])
        self._join(user, pool, user_data, kind="balancer.join")
        self._providers.append((user, pool))

    @scenario(0.5)
    def join_with_one_token(self) -> None:
        """A hundred-thousandth of the shares for a single token."""
        pool, user = self._desk.rng.choice(self._pools), self._desk.user()
        shares = self._desk.chain.read(pool.contract, "totalSupply") // 100_000
        index = self._desk.rng.randrange(len(pool.tokens))
        user_data = encode(["uint256", "uint256", "uint256"], [_JOIN_SHARES_OUT, shares, index])
        self._join(user, pool, user_data, kind="balancer.join_with_one_token")
        self._providers.append((user, pool))

    @scenario(0.7)
    def exit(self) -> None:
        """A part of the shares for all tokens."""
        user, pool, shares = self._provider()
        user_data = encode(["uint256", "uint256"], [_EXIT_ALL_TOKENS, shares])
        self._exit(user, pool, user_data, kind="balancer.exit")

    @scenario(0.5)
    def exit_to_one_token(self) -> None:
        """A part of the shares for a single token."""
        user, pool, shares = self._provider()
        index = self._desk.rng.randrange(len(pool.tokens))
        user_data = encode(["uint256", "uint256", "uint256"], [_EXIT_ONE_TOKEN, shares, index])
        self._exit(user, pool, user_data, kind="balancer.exit_to_one_token")

    # ---- the pool that invests

    @scenario(0.3)
    def join_managed(self) -> None:
        """More to invest."""
        self._move_managed(self._desk.user(), self._desk.usd(100, 10_000), is_join=True)

    @scenario(0.3)
    def exit_managed(self) -> None:
        """Some of what is not invested, and a fee to the protocol with it."""
        self._move_managed(self._desk.user(), self._desk.usd(100, 10_000), is_join=False)

    @scenario(0.5)
    def invest(self) -> None:
        """The manager takes tokens out, brings some back, and tells of a gain or a loss."""
        pool, token = self._exchange.managed, self._desk.rng.choice(self._exchange.managed.tokens)
        _, managed, _, _ = self._desk.chain.read(self._vault, "getPoolTokenInfo", pool.pool_id, token.address)
        out = self._desk.raw(token, self._desk.usd(1_000, 50_000))
        worth = (managed + out) * self._desk.rng.randint(990, 1_020) // 1_000
        steps = ((_INVEST, out), (_REPORT, worth), (_RETURN, min(worth, out // 2)))
        operations = [(kind, pool.pool_id, token.address, amount) for kind, amount in steps]
        manager = self._exchange.manager
        self._desk.chain.send(manager, self._vault, "managePoolBalance", operations, kind="balancer.invest")

    # ---- transactions

    def _swap(self, pool: Pool, kind: int, token_in: Token, token_out: Token, amount: int) -> None:
        user = self._desk.user()
        order = (pool.pool_id, kind, token_in.address, token_out.address, amount, b"")
        limit = 0 if kind == _GIVEN_IN else UNLIMITED
        self._desk.chain.send(
            user,
            self._vault,
            "swap",
            *(order, (user, False, user, False), limit, UNLIMITED),
            kind="balancer.swap_given_in" if kind == _GIVEN_IN else "balancer.swap_given_out",
        )

    def _move_managed(self, user: str, usd: float, *, is_join: bool) -> None:
        """Such a pool does as it is told: the amounts, and a fee of a thousandth of them, are named in userData."""
        pool = self._exchange.managed
        amounts = [self._desk.raw(token, usd / len(pool.tokens)) for token in pool.tokens]
        fees = [0 if is_join else amount // 1_000 for amount in amounts]
        user_data = encode(["uint256[]", "uint256[]"], [amounts, fees])
        if is_join:
            self._join(user, pool, user_data, kind="balancer.join_managed")
        else:
            self._exit(user, pool, user_data, kind="balancer.exit_managed")

    def _join(self, user: str, pool: Pool, user_data: bytes, *, kind: str) -> None:
        request = (_addresses(pool.tokens), [UNLIMITED] * len(pool.tokens), user_data, False)
        self._desk.chain.send(user, self._vault, "joinPool", pool.pool_id, user, user, request, kind=kind)

    def _exit(self, user: str, pool: Pool, user_data: bytes, *, kind: str) -> None:
        request = (_addresses(pool.tokens), [0] * len(pool.tokens), user_data, False)
        self._desk.chain.send(user, self._vault, "exitPool", pool.pool_id, user, user, request, kind=kind)

    def _provider(self) -> tuple[str, Pool, int]:
        """Someone with shares of a pool, and how many to give back; the first provider if nobody else has any."""
        user, pool = self._desk.rng.choice(self._providers or [(self._desk.roles.provider, self._pools[0])])
        held = self._desk.chain.read(pool.contract, "balanceOf", user)
        return user, pool, held * self._desk.rng.randint(1, 20) // 100

    def _direction(self) -> tuple[Pool, Token, Token]:
        """A pool, token in and token out."""
        pool = self._desk.rng.choice(self._pools)
        token_in, token_out = self._desk.rng.sample(pool.tokens, 2)
        return pool, token_in, token_out


def _addresses(tokens: Sequence[Token]) -> list[str]:
    return [token.address for token in tokens]
