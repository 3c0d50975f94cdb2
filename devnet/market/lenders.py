"""Actors on Aave V3."""

from __future__ import annotations

from eth_abi.abi import encode

from devnet.market.actors import Actors, scenario
from devnet.market.desk import Desk
from devnet.protocols.aave_v3 import EMODES, ETHER_EMODE, RESERVES, STABLECOINS_EMODE, VARIABLE_RATE, Reserve
from devnet.protocols.tokens import UNLIMITED

_WAD = 10**18
_BASE_UNIT = 10**8
"""The market's base currency is the US dollar with eight decimals."""
_PROVIDED_USD, _SECOND_USD = 3_000_000, 1_000_000
_RECKLESS = ("WETH", "WBTC", "LINK", "WETH", "LINK", "WBTC")
_SLEEPERS_USD, _SLEEPERS_SHARE = 50_000, 0.4
"""Little enough debt to outlast every fall of the price but the last."""
_LEVERAGE = 0.98
"""Of the loan-to-value: the outside price, by which it is reckoned, is not quite the oracle's."""
_SPECULATORS = 10
"""Users whose only business is leverage: others' savings would shield them from liquidation."""
_LIQUIDATIONS_AT_ONCE = 6


class LendingActors(Actors):
    """Suppliers, borrowers, takers of flash loans, the treasury and the liquidator."""

    group = "aave_v3"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._market = desk.world.lending
        self._pool = self._market.pool
        self._reserves = list(self._market.reserves.values())
        users = desk.roles.users
        self._savers, self._speculators = users[:-_SPECULATORS], users[-_SPECULATORS:]
        self._loopers = users[11:14]
        self._second = users[1]
        """Supplies and owes so much that there is always something to repay."""
        self._takes_atokens = False

    def open(self) -> None:
        """Liquidity for everyone, and for some users as much debt as their collateral allows."""
        for reserve in self._reserves:
            self._supply(self._desk.roles.provider, reserve, _PROVIDED_USD)
            self._supply(self._second, reserve, _SECOND_USD)
        self._desk.chain.settle()
        reckless = self._desk.roles.users[2 : 2 + len(_RECKLESS)]
        for user, symbol in zip(reckless, _RECKLESS, strict=True):
            self._supply(user, self._market.reserves[symbol], self._desk.usd(20_000, 200_000))
        thrifty = self._desk.roles.users[8:11]
        for user in thrifty:
            self._supply(user, self._market.reserves["USDC"], self._desk.usd(10_000, 100_000))
        for user in self._loopers:
            self._supply(user, self._market.reserves["wstETH"], self._desk.usd(20_000, 200_000))
        self._supply(self._desk.roles.sleeper, self._market.reserves["LINK"], _SLEEPERS_USD)
        self._desk.chain.settle()
        for user in thrifty:
            self._set_emode(user, STABLECOINS_EMODE)
        for user in self._loopers:
            self._set_emode(user, ETHER_EMODE)
        self._desk.chain.settle()
        self._borrow_share(self._second, self._market.reserves["DAI"], 0.2)
        for user in reckless:
            self._borrow_share(user, self._market.reserves["USDC"], 0.97)
        for user in thrifty:
            self._borrow_share(user, self._market.reserves["USDT"], 0.95)
        for user in self._loopers:
            self._borrow_share(user, self._market.reserves["WETH"], 0.98)
        self._borrow_share(self._desk.roles.sleeper, self._market.reserves["USDC"], _SLEEPERS_SHARE)
        self._desk.chain.settle()

    # ---- users

    @scenario(8)
    def supply(self) -> None:
        """Anything, by someone who saves."""
        self._supply(self._desk.rng.choice(self._savers), self._any_reserve(), self._desk.usd(500, 200_000))

    @scenario(8)
    def borrow(self) -> None:
        """A share of what collateral allows; supply first where there is none."""
        user = self._desk.rng.choice(self._savers)
        share = self._desk.rng.choice((0.3, 0.6, 0.9, 0.97))
        reserve = self._any_reserve()
        if not self._borrow_share(user, reserve, share):
            self._supply(user, reserve, self._desk.usd(500, 200_000))

    @scenario(3)
    def leverage(self) -> None:
        """Supply something volatile and borrow a stable coin to the limit, in one block."""
        user = self._desk.rng.choice(self._speculators)
        config = self._desk.rng.choice([config for config in RESERVES if config.rates == "volatile"])
        usd = self._desk.usd(5_000, 150_000)
        debt = self._market.reserves[self._desk.rng.choice(("USDC", "USDT", "DAI"))].token
        self._supply(user, self._market.reserves[config.symbol], usd)
        amount = self._desk.raw(debt, usd * config.ltv / 10_000 * _LEVERAGE)
        self._send(user, "borrow", debt.address, amount, VARIABLE_RATE, 0, user, kind="aave.borrow")

    @scenario(5)
    def repay(self) -> None:
        """A part or all of a debt."""
        user, debts = self._debtor()
        if not debts:
            return self.borrow()
        reserve, owed = self._desk.rng.choice(debts)
        way = self._desk.rng.random()
        if way < 0.3:
            self._send(user, "repay", reserve.token.address, UNLIMITED, VARIABLE_RATE, user, kind="aave.repay_all")
        else:
            amount = max(1, owed * self._desk.rng.randint(5, 90) // 100)
            self._send(user, "repay", reserve.token.address, amount, VARIABLE_RATE, user, kind="aave.repay")
        return None

    @scenario(1)
    def loop_staked_ether(self) -> None:
        """Supply staked ether and borrow ether against it, in the efficiency mode of both."""
        user = self._desk.rng.choice(self._loopers)
        usd = self._desk.usd(5_000, 100_000)
        ether = self._market.reserves["WETH"].token
        self._supply(user, self._market.reserves["wstETH"], usd)
        self._send(
            user,
            "borrow",
            *(ether.address, self._desk.raw(ether, usd * 0.8), VARIABLE_RATE, 0, user),
            kind="aave.borrow",
        )

    @scenario(0.7)
    def repay_all_with_atokens(self) -> None:
        """Burn as many receipt tokens as the debt needs, or as there are."""
        self._repay_with_atokens(pays_all=True)

    @scenario(1)
    def repay_with_atokens(self) -> None:
        """Burn receipt tokens for a part of a debt in the same token."""
        self._repay_with_atokens(pays_all=False)

    @scenario(4)
    def withdraw(self) -> None:
        """A part or all of something supplied; little where debts lean on it."""
        user, supplied = self._saver()
        if not supplied:
            return self.supply()
        reserve, balance = self._desk.rng.choice(supplied)
        is_free = not self._held(user, debt=True)
        takes_all = is_free and self._desk.rng.random() < 0.4
        percent = self._desk.rng.randint(5, 60) if is_free else self._desk.rng.randint(1, 5)
        amount = UNLIMITED if takes_all else max(1, balance * percent // 100)
        self._send(user, "withdraw", reserve.token.address, amount, user, kind="aave.withdraw")
        return None

    @scenario(2)
    def transfer_atokens(self) -> None:
        """Hand on receipt tokens."""
        user, supplied = self._saver()
        if not supplied:
            return self.supply()
        reserve, balance = self._desk.rng.choice(supplied)
        amount = max(1, balance * self._desk.rng.randint(5, 50) // 100)
        self._desk.chain.send(user, reserve.atoken, "transfer", self._desk.user(), amount, kind="aave.transfer_atokens")
        return None

    @scenario(2)
    def flag_collateral(self) -> None:
        """Use something supplied as collateral, or stop using it."""
        user, supplied = self._saver()
        if not supplied:
            return self.supply()
        reserve, _ = self._desk.rng.choice(supplied)
        self._send(
            user,
            "setUserUseReserveAsCollateral",
            *(reserve.token.address, self._desk.rng.random() < 0.5),
            kind="aave.flag_collateral",
        )
        return None

    @scenario(1)
    def set_emode(self) -> None:
        """Enter or leave an efficiency mode."""
        user, _ = self._saver()
        self._set_emode(user, self._desk.rng.choice((0, *(emode.category for emode in EMODES))))

    # ---- flash loans

    @scenario(1)
    def flash_loan_simple(self) -> None:
        """One asset."""
        user, reserve = self._desk.user(), self._any_reserve()
        self._send(
            user,
            "flashLoanSimple",
            self._desk.world.caller.address,
            reserve.token.address,
            self._desk.raw(reserve.token, self._desk.usd(500, 50_000)),
            encode(["address"], [user]),
            0,
            kind="aave.flash_loan_simple",
        )

    @scenario(0.7)
    def flash_loan(self) -> None:
        """Two assets at once."""
        user = self._desk.user()
        reserves = self._desk.rng.sample(self._reserves, 2)
        self._send(
            user,
            "flashLoan",
            self._desk.world.caller.address,
            [reserve.token.address for reserve in reserves],
            [self._desk.raw(reserve.token, self._desk.usd(500, 50_000)) for reserve in reserves],
            [0, 0],  # paid back at once, not turned into debt
            user,
            encode(["address"], [user]),
            0,
            kind="aave.flash_loan",
        )

    # ---- the protocol

    @scenario(0.7)
    def mint_to_treasury(self) -> None:
        """The protocol's share of interest."""
        assets = [reserve.token.address for reserve in self._reserves]
        self._send(self._desk.roles.keeper, "mintToTreasury", assets, kind="aave.mint_to_treasury")

    def govern(self) -> None:
        """Lower LINK's loan-to-value and threshold: positions change without their owners' doing."""
        self._desk.chain.send(
            self._desk.roles.aave_v3,
            self._market.configurator,
            "configureReserveAsCollateral",
            *(self._market.reserves["LINK"].token.address, 5000, 6500, 10700),
            kind="aave.change_risk_parameters",
        )

    def liquidate(self) -> None:
        """Liquidate accounts below a health factor of one."""
        users = (self._desk.roles.sleeper, *self._desk.roles.users)
        accounts = self._desk.chain.read_many((self._pool, "getUserAccountData", (user,)) for user in users)
        unhealthy = [user for user, account in zip(users, accounts, strict=True) if account[5] < _WAD]
        for user in unhealthy[:_LIQUIDATIONS_AT_ONCE]:
            debts = self._held(user, debt=True)
            collaterals = self._collaterals(user)
            if not debts or not collaterals:
                continue
            debt, _ = max(debts, key=self._value)
            collateral, _ = max(collaterals, key=self._value)
            self._send(
                self._desk.roles.keeper,
                "liquidationCall",
                *(collateral.token.address, debt.token.address, user, UNLIMITED, self._takes_atokens),
                kind="aave.liquidate_for_atokens" if self._takes_atokens else "aave.liquidate",
            )
            self._takes_atokens = not self._takes_atokens

    # ---- helpers

    def _repay_with_atokens(self, *, pays_all: bool) -> None:
        user = self._desk.user()
        both = self._owed_and_supplied(user)
        if not both:
            user, both = self._second, self._owed_and_supplied(self._second)
        if not both:
            return self.borrow()
        reserve, owed = self._desk.rng.choice(both)
        amount = UNLIMITED if pays_all else max(1, owed // 10)
        self._send(
            user,
            "repayWithATokens",
            *(reserve.token.address, amount, VARIABLE_RATE),
            kind="aave.repay_with_atokens",
        )
        return None

    def _any_reserve(self) -> Reserve:
        return self._desk.rng.choice(self._reserves)

    def _supply(self, user: str, reserve: Reserve, usd: float) -> None:
        amount = self._desk.raw(reserve.token, usd)
        self._send(user, "supply", reserve.token.address, amount, user, 0, kind="aave.supply")

    def _borrow_share(self, user: str, reserve: Reserve, share: float) -> bool:
        """Borrow a share of what the user may still borrow; False when that is next to nothing."""
        available = self._desk.chain.read(self._pool, "getUserAccountData", user)[2] / _BASE_UNIT
        if available < 100:
            return False
        amount = self._desk.raw(reserve.token, available * share)
        self._send(user, "borrow", reserve.token.address, amount, VARIABLE_RATE, 0, user, kind="aave.borrow")
        return True

    def _set_emode(self, user: str, category: int) -> None:
        self._send(user, "setUserEMode", category, kind="aave.set_emode")

    def _saver(self) -> tuple[str, list[tuple[Reserve, int]]]:
        """A saver and what is supplied; one without debts, who can do as he likes with it, if there is any."""
        found: list[tuple[str, list[tuple[Reserve, int]]]] = []
        for user in self._desk.rng.sample(self._savers, len(self._savers)):
            if supplied := self._held(user):
                found.append((user, supplied))
                if not self._held(user, debt=True):
                    return user, supplied
        return found[0] if found else (self._savers[0], [])

    def _debtor(self) -> tuple[str, list[tuple[Reserve, int]]]:
        """A user with debts, and the debts; none when nobody owes anything."""
        for user in self._desk.rng.sample(self._desk.roles.users, len(self._desk.roles.users)):
            if debts := self._held(user, debt=True):
                return user, debts
        return self._second, []

    def _owed_and_supplied(self, user: str) -> list[tuple[Reserve, int]]:
        """Debts in what the user supplies as well."""
        supplied = {reserve.token.symbol for reserve, _ in self._held(user)}
        return [debt for debt in self._held(user, debt=True) if debt[0].token.symbol in supplied]

    def _held(self, user: str, *, debt: bool = False) -> list[tuple[Reserve, int]]:
        """What the user has supplied (or owes), where it is more than nothing."""
        tokens = [reserve.variable_debt if debt else reserve.atoken for reserve in self._reserves]
        balances = self._desk.chain.read_many((token, "balanceOf", (user,)) for token in tokens)
        return [(reserve, held) for reserve, held in zip(self._reserves, balances, strict=True) if held]

    def _collaterals(self, user: str) -> list[tuple[Reserve, int]]:
        held = self._held(user)
        data = self._desk.chain.read_many(
            (self._market.data_provider, "getUserReserveData", (reserve.token.address, user)) for reserve, _ in held
        )
        return [entry for entry, row in zip(held, data, strict=True) if row[8]]

    def _value(self, held: tuple[Reserve, int]) -> float:
        reserve, amount = held
        return float(amount) / 10.0**reserve.token.spec.decimals * self._desk.prices.usd[reserve.token.symbol]

    def _send(self, sender: str, function: str, *arguments: object, kind: str) -> None:
        self._desk.chain.send(sender, self._pool, function, *arguments, kind=kind)
