"""Actors on Morpho Blue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from devnet.market.actors import Actors, scenario
from devnet.market.desk import Desk
from devnet.protocols.morpho_blue import Market, tell_price

_PROVIDED_USD = 2_000_000
_SLEEPERS_USD, _SLEEPERS_SHARE = 40_000, 0.3
"""Little enough debt to outlast every fall of the price but the last."""
_SAFE, _DARING = 0.5, 0.95
"""Debt in relation to the most that a collateral allows."""
_WAD, _PRICE_SCALE = 10**18, 10**36
_NEW_FEE = _WAD // 20
_LIQUIDATIONS_AT_ONCE = 4


class _Position(NamedTuple):
    """As the contract answers; ``collateral`` in raw units."""

    supply_shares: int
    borrow_shares: int
    collateral: int


class MorphoActors(Actors):
    """Suppliers, borrowers, takers of flash loans and the liquidator."""

    group = "morpho_blue"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._morpho = desk.world.morpho.morpho
        self._markets = desk.world.morpho.markets
        self._provider = desk.roles.users[2]
        """Not the one of all other protocols, who has spent nearly everything by now."""

    def open(self) -> None:
        """Something to borrow in every market, two borrowers, and the one who sleeps."""
        provider, sleeper = self._provider, self._desk.roles.sleeper
        for market in self._markets:
            self._supply(provider, market, _PROVIDED_USD)
            # the provider's own debt is there whenever someone is wanted who can repay
            for user, share in ((provider, _SAFE), (self._desk.user(), _DARING)):
                self._leverage(user, market, self._desk.usd(20_000, 100_000), share)
        self._leverage(sleeper, self._markets[-1], _SLEEPERS_USD, _SLEEPERS_SHARE)

    def report(self) -> None:
        """Tell the oracles."""
        for market in self._markets:
            price = self._desk.prices.ratio(market.config.collateral, market.config.loan)
            tell_price(self._desk.chain, self._desk.roles.oracle_node, market, price)

    def govern(self) -> None:
        """The fee of one market changes, and so does who gets all of them."""
        owner = self._desk.roles.morpho_blue
        fee_change = (self._markets[0].parameters, _NEW_FEE)
        self._desk.chain.send(owner, self._morpho, "setFee", *fee_change, kind="morpho.set_fee")
        keeper = self._desk.roles.keeper
        self._desk.chain.send(owner, self._morpho, "setFeeRecipient", keeper, kind="morpho.set_fee_recipient")

    # ---- users

    @scenario(2)
    def supply(self) -> None:
        """Loan tokens, by amount."""
        self._supply(self._desk.user(), self._market(), self._desk.usd(500, 100_000))

    @scenario(1.5)
    def withdraw(self) -> None:
        """A small part of what is supplied, by shares."""
        market = self._market()
        user, position = self._whoever(market, "supply_shares")
        shares = max(1, position.supply_shares * self._desk.rng.randint(1, 10) // 100)
        self._send(user, market, "withdraw", 0, shares, user, user)

    @scenario(1)
    def supply_collateral(self) -> None:
        """More of it, without a debt."""
        self._supply_collateral(self._desk.user(), self._market(), self._desk.usd(500, 50_000))

    @scenario(0.7)
    def withdraw_collateral(self) -> None:
        """A small part of it."""
        market = self._market()
        user, position = self._whoever(market, "collateral")
        amount = max(1, position.collateral * self._desk.rng.randint(1, 10) // 100)
        self._send(user, market, "withdrawCollateral", amount, user, user)

    @scenario(2)
    def borrow(self) -> None:
        """Against collateral that is supplied in the same block, cautiously or to the limit."""
        share = self._desk.rng.choice((_SAFE, _DARING))
        self._leverage(self._desk.user(), self._market(), self._desk.usd(1_000, 100_000), share)

    @scenario(1)
    def repay(self) -> None:
        """A part of a debt, by shares."""
        market = self._market()
        user, position = self._whoever(market, "borrow_shares")
        shares = max(1, position.borrow_shares * self._desk.rng.randint(1, 90) // 100)
        self._send(user, market, "repay", 0, shares, user, b"")

    @scenario(0.5)
    def repay_all(self) -> None:
        """A whole debt; what is rounded up may leave the market with less than nothing, which counts as nothing."""
        market = self._market()
        user, position = self._whoever(market, "borrow_shares", but=self._provider)
        self._send(user, market, "repay", 0, position.borrow_shares, user, b"", kind="morpho.repay_all")

    @scenario(0.7)
    def accrue_interest(self) -> None:
        """Anybody may ask for it."""
        self._send(self._desk.user(), self._market(), "accrueInterest")

    @scenario(0.3)
    def flash_loan(self) -> None:
        """One token, for nothing."""
        market = self._market()
        amount = self._desk.raw(market.loan, self._desk.usd(500, 50_000))
        caller = self._desk.world.caller
        order = (self._morpho.address, market.loan.address, amount)
        self._desk.chain.send(self._desk.user(), caller, "flashLoan", *order, kind="morpho.flash_loan")

    # ---- liquidation

    def liquidate(self) -> None:
        """Half the debt of who owes too much; all the collateral of who owes more than it is worth."""
        left = _LIQUIDATIONS_AT_ONCE
        for market in self._markets:
            price = self._desk.chain.read(market.oracle, "price")
            _, _, borrowed, borrow_shares, _, _ = self._desk.chain.read(self._morpho, "market", market.market_id)
            for user, position in self._positions(market, (self._desk.roles.sleeper, *self._desk.roles.users)):
                debt = position.borrow_shares * borrowed // max(1, borrow_shares)
                worth = position.collateral * price // _PRICE_SCALE
                if not left or debt <= worth * market.parameters[-1] // _WAD:
                    continue
                left -= 1
                seized, repaid = (position.collateral, 0) if debt > worth else (0, position.borrow_shares // 2 or 1)
                kind = "morpho.liquidate_bad_debt" if debt > worth else "morpho.liquidate"
                self._send(self._desk.roles.keeper, market, "liquidate", user, seized, repaid, b"", kind=kind)

    # ---- transactions

    def _leverage(self, user: str, market: Market, usd: float, share: float) -> None:
        self._supply_collateral(user, market, usd)
        amount = self._desk.raw(market.loan, usd * market.config.lltv / 100 * share)
        self._send(user, market, "borrow", amount, 0, user, user)

    def _supply(self, user: str, market: Market, usd: float) -> None:
        self._send(user, market, "supply", self._desk.raw(market.loan, usd), 0, user, b"")

    def _supply_collateral(self, user: str, market: Market, usd: float) -> None:
        self._send(user, market, "supplyCollateral", self._desk.raw(market.collateral, usd), user, b"")

    def _send(self, user: str, market: Market, function: str, *arguments: object, kind: str = "") -> None:
        kind = kind or f"morpho.{function}"
        self._desk.chain.send(user, self._morpho, function, market.parameters, *arguments, kind=kind)

    def _market(self) -> Market:
        market: Market = self._desk.rng.choice(self._markets)
        return market

    def _whoever(self, market: Market, has: str, *, but: str = "") -> tuple[str, _Position]:
        """Anyone of the users with something of that kind; the provider always has."""
        users = self._desk.roles.users
        found = [(u, p) for u, p in self._positions(market, users) if getattr(p, has) and u != but]
        return self._desk.rng.choice(found or self._positions(market, [self._provider]))

    def _positions(self, market: Market, users: Sequence[str]) -> list[tuple[str, _Position]]:
        answers = self._desk.chain.read_many((self._morpho, "position", (market.market_id, user)) for user in users)
        return [(user, _Position(*answer)) for user, answer in zip(users, answers, strict=True)]
