"""The course of the market: who acts when, when prices move, when they crash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from devnet import world as deployment
from devnet.chain import Chain
from devnet.market.desk import Desk
from devnet.market.lenders import LendingActors
from devnet.market.pairs import PairActors
from devnet.market.pools import PoolActors
from devnet.market.prices import Prices
from devnet.world import World
from loaders.rpc.client import RpcClient

DEFAULT_SEED = 7
DEFAULT_ACTIONS = 1_000
SMALL_ACTIONS = 250
DAYS = 30
_DAY_S = 86_400
_VOLATILE = ("WETH", "WBTC", "LINK")
_BLOCKS_PER_ARBITRAGE = 6
_ACTIONS_BEFORE_CROWDING = 1_500
_BLOCKS_PER_LIQUIDATION = 10

Progress = Callable[[int, int], None]
"""Called with the number of actions done and planned."""


@dataclass(frozen=True, slots=True)
class Shock:
    """A sudden move of prices once a part of the actions is done."""

    after: float
    symbols: tuple[str, ...]
    log_return: float


SHOCKS = (
    Shock(0.25, _VOLATILE, -0.08),
    Shock(0.40, ("DAI",), -0.04),  # loses its peg, and finds it again as the walk pulls it back
    # the crash: three blows, block upon block, and half of it made good later
    Shock(0.60, _VOLATILE, -0.10),
    Shock(0.605, _VOLATILE, -0.12),
    Shock(0.61, _VOLATILE, -0.10),
    Shock(0.75, _VOLATILE, 0.15),
    Shock(0.90, ("LINK",), -0.90),  # so deep that liquidation leaves bad debt
)
RISK_CHANGE_AFTER = 0.5
"""Part of the actions after which governance tightens a reserve."""


@dataclass
class BuiltMarket:
    """A chain with its market's history."""

    world: World
    head_number: int = 0
    head_hash: str = ""
    sent: Counter[str] = field(default_factory=Counter)
    """Transactions by kind."""
    failed: Counter[str] = field(default_factory=Counter)
    """Those of them that reverted, as happens in life."""


def build(
    rpc: RpcClient,
    *,
    seed: int = DEFAULT_SEED,
    actions: int = DEFAULT_ACTIONS,
    days: float = DAYS,
    progress: Progress | None = None,
) -> BuiltMarket:
    """Deploy everything on a fresh node and let the market run. The same arguments give the same chain."""
    world = deployment.deploy(Chain(rpc))
    deployment.fund(world)
    return _Simulation(world, seed, actions, days, progress or _silent).run()


def _silent(done: int, planned: int) -> None:
    del done, planned


class _Simulation:
    def __init__(self, world: World, seed: int, actions: int, days: float, progress: Progress) -> None:
        rng = Random(seed)  # noqa: S311 - it has to be reproducible
        self._desk = Desk(world, rng, Prices(world, rng))
        self._chain = world.chain
        self._actions = actions
        self._seconds_per_action = days * _DAY_S / actions
        self._progress = progress
        self._market = BuiltMarket(world)
        self._pairs = PairActors(self._desk)
        self._pools = PoolActors(self._desk)
        self._lenders = LendingActors(self._desk)
        self._menu = self._weighted_actions()

    def _weighted_actions(self) -> dict[Callable[[], None], float]:
        """What users do, and how often in relation to one another."""
        pairs, pools, lenders = self._pairs, self._pools, self._lenders
        return {
            pairs.swap_by_router: 14,
            pairs.swap_directly: 7,
            pairs.swap_by_route: 4,
            pairs.swap_odd: 3,
            pairs.add_liquidity: 3,
            pairs.remove_liquidity: 2,
            pairs.flash_swap: 1.5,
            pools.swap_by_router: 14,
            pools.swap_directly: 8,
            pools.swap_by_route: 4,
            pools.mint: 3,
            pools.burn: 2.5,
            pools.mint_position: 2.5,
            pools.close_position: 2.5,
            pools.flash: 1.5,
            pools.collect_protocol_fees: 0.3,
            lenders.supply: 8,
            lenders.borrow: 8,
            lenders.leverage: 3,
            lenders.repay: 5,
            lenders.repay_with_atokens: 1,
            lenders.withdraw: 4,
            lenders.transfer_atokens: 2,
            lenders.flag_collateral: 2,
            lenders.set_emode: 1,
            lenders.flash_loan_simple: 1,
            lenders.flash_loan: 0.7,
            lenders.mint_to_treasury: 0.7,
        }

    def run(self) -> BuiltMarket:
        self._open()
        rng, menu = self._desk.rng, self._menu
        overture = list(menu)  # everything once, so that a small market has seen it all
        choices, weights = list(menu), list(menu.values())
        # a node's blocks get slower as they grow in number: a larger market has fuller ones instead
        crowd = max(1, self._actions // _ACTIONS_BEFORE_CROWDING)
        done, blocks, walked_s = 0, 0, 0.0
        while done < self._actions:
            in_block = min(rng.choice((1, 1, 2, 3, 4)) * crowd, self._actions - done)
            seconds = rng.expovariate(1 / (self._seconds_per_action * in_block))
            walked_s += seconds
            shocks = [s for s in SHOCKS if done <= s.after * self._actions < done + in_block]
            if walked_s > 3600 or shocks:
                self._desk.prices.walk(walked_s / 3600)
                walked_s = 0.0
                for shock in shocks:
                    self._desk.prices.shock(shock.symbols, shock.log_return)
                self._desk.prices.report()
            if done <= RISK_CHANGE_AFTER * self._actions < done + in_block:
                self._lenders.change_risk_parameters()
            for _ in range(in_block):
                act = overture.pop(0) if overture else rng.choices(choices, weights)[0]
                act()
            done += in_block
            blocks += 1
            self._mine(int(seconds))
            if blocks % _BLOCKS_PER_ARBITRAGE == 0 or shocks:
                self._pairs.arbitrage()
                self._pools.arbitrage()
                self._mine()
            if blocks % _BLOCKS_PER_LIQUIDATION == 0 or shocks:
                self._lenders.liquidate()
                self._mine()
            self._progress(done, self._actions)
        self._market.head_number, self._market.head_hash = self._chain.head()
        return self._market

    def _open(self) -> None:
        """First liquidity everywhere."""
        self._pairs.seed()
        self._chain.settle()
        self._pools.seed()
        self._chain.settle()
        self._lenders.seed()

    def _mine(self, seconds: int = 12) -> None:
        if not self._chain.queued:
            return
        mined = self._chain.mine(seconds)
        self._pools.observe(mined)
        for sent in mined:
            self._market.sent[sent.kind] += 1
            if not sent.succeeded:
                self._market.failed[sent.kind] += 1
