"""The course of the market: who acts when, when prices move, when they crash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random

from devnet import world as deployment
from devnet.chain import Chain
from devnet.market.actors import Actors, Scenario
from devnet.market.balancer import BalancerActors
from devnet.market.desk import Desk
from devnet.market.lenders import LendingActors
from devnet.market.morpho import MorphoActors
from devnet.market.pairs import PairActors
from devnet.market.pancakeswap import PancakePairActors, PancakePoolActors
from devnet.market.pools import PoolActors
from devnet.market.prices import Prices
from devnet.market.searchers import Searchers
from devnet.market.uniswap_v4 import UniswapV4Actors
from devnet.market.washers import Washers
from devnet.world import World
from loaders.errors import PoolhouseError
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
    Shock(0.25, _VOLATILE, -0.12),  # the first crash: two blows
    Shock(0.26, _VOLATILE, -0.10),
    Shock(0.35, _VOLATILE, 0.10),
    Shock(0.40, ("DAI",), -0.04),  # loses its peg, and finds it again as the walk pulls it back
    Shock(0.50, ("wstETH",), -0.06),  # more than its efficiency mode leaves room for
    Shock(0.55, ("wstETH",), 0.05),
    # the second crash: three blows, block upon block, and half of it made good later
    Shock(0.60, _VOLATILE, -0.10),
    Shock(0.605, _VOLATILE, -0.12),
    Shock(0.61, _VOLATILE, -0.10),
    Shock(0.75, _VOLATILE, 0.15),
    Shock(0.90, ("LINK",), -1.60),  # so deep that liquidation leaves bad debt
)
GOVERNANCE_AFTER = 0.5
"""Part of the actions after which governance decides something, in every protocol that has one."""

CAST: tuple[type[Actors], ...] = (
    PairActors,
    PoolActors,
    LendingActors,
    Searchers,
    Washers,
    PancakePairActors,
    PancakePoolActors,
    UniswapV4Actors,
    BalancerActors,
    MorphoActors,
)
"""Who acts on the market, in the order in which the market opens. A new protocol's actors go to the end."""


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
    only: Sequence[str] = ("*",),
    progress: Progress | None = None,
) -> BuiltMarket:
    """Deploy everything on a fresh node and let the market run. The same arguments give the same chain.

    ``only`` chooses what users do, by patterns of scenarios' names (`uniswap_v2.*`); the market opens, arbitrage and
    liquidation follow as ever. Raises :class:`PoolhouseError` for a pattern that fits no scenario.
    """
    wanted = choose(only)
    world = deployment.deploy(Chain(rpc))
    deployment.fund(world)
    rng = Random(seed)  # noqa: S311 - it has to be reproducible
    return _Simulation(world, rng, actions, days, progress or _silent).run(wanted)


def scenarios() -> list[Scenario]:
    """Everything that users do."""
    return [found for actors in CAST for found in actors.scenarios()]


def choose(patterns: Sequence[str]) -> list[Scenario]:
    """The scenarios whose names match any of ``patterns``. Raises :class:`PoolhouseError` for one that matches none."""
    known = scenarios()
    for pattern in patterns:
        if not any(fnmatchcase(s.name, pattern) for s in known):
            raise PoolhouseError(
                f"No scenario is named {pattern!r}.", "See `poolhouse devnet scenarios` for what there is."
            )
    return [s for s in known if any(fnmatchcase(s.name, pattern) for pattern in patterns)]


def _silent(done: int, planned: int) -> None:
    del done, planned


class _Simulation:
    def __init__(self, world: World, rng: Random, actions: int, days: float, progress: Progress) -> None:
        self._desk = Desk(world, rng, Prices(world, rng))
        self._chain = world.chain
        self._actions = actions
        self._seconds_per_action = days * _DAY_S / actions
        self._progress = progress
        self._market = BuiltMarket(world)
        self._cast = [actors(self._desk) for actors in CAST]
        self._unwalked_s = 0.0

    def run(self, wanted: list[Scenario]) -> BuiltMarket:
        """Open the market and let users do ``wanted``, each at least once if there is time for all."""
        self._open()
        rng = self._desk.rng
        acts = {s.name: getattr(actors, s.method) for actors in self._cast for s in actors.scenarios()}
        names, weights = [s.name for s in wanted], [s.weight for s in wanted]
        alone = {s.name for s in wanted if s.is_alone}
        overture = list(names)  # everything once, so that a small market has seen it all
        # a node's blocks get slower as they grow in number: a larger market has fuller ones instead
        crowd = max(1, self._actions // _ACTIONS_BEFORE_CROWDING)
        done, blocks = 0, 0
        while done < self._actions:
            in_block = min(rng.choice((1, 1, 2, 3, 4)) * crowd, self._actions - done)
            seconds = rng.expovariate(1 / (self._seconds_per_action * in_block))
            is_shocked = self._pass_time(seconds, done, done + in_block)
            for _ in range(in_block):
                name = overture.pop(0) if overture else rng.choices(names, weights)[0]
                if name in alone:
                    self._mine()
                acts[name]()
            done += in_block
            blocks += 1
            self._mine(int(seconds))
            self._correct(
                prices=is_shocked or blocks % _BLOCKS_PER_ARBITRAGE == 0,
                loans=is_shocked or blocks % _BLOCKS_PER_LIQUIDATION == 0,
            )
            self._progress(done, self._actions)
        self._market.head_number, self._market.head_hash = self._chain.head()
        return self._market

    def _pass_time(self, seconds: float, done: int, then: int) -> bool:
        """What happens by itself between two numbers of actions done; True if prices were shocked."""
        self._unwalked_s += seconds
        shocks = [s for s in SHOCKS if done <= s.after * self._actions < then]
        if self._unwalked_s > 3600 or shocks:
            self._desk.prices.walk(self._unwalked_s / 3600)
            self._unwalked_s = 0.0
            for shock in shocks:
                self._desk.prices.shock(shock.symbols, shock.log_return)
            self._desk.prices.report()
            for actors in self._cast:
                actors.report()
        if done <= GOVERNANCE_AFTER * self._actions < then:
            for actors in self._cast:
                actors.govern()
        return bool(shocks)

    def _correct(self, *, prices: bool, loans: bool) -> None:
        """Arbitrage and liquidation, each in a block of its own."""
        if prices:
            for actors in self._cast:
                actors.arbitrage()
            self._mine()
        if loans:
            for actors in self._cast:
                actors.liquidate()
            self._mine()

    def _open(self) -> None:
        for actors in self._cast:
            actors.open()
            if self._chain.queued:
                self._chain.settle()

    def _mine(self, seconds: int = 12) -> None:
        if not self._chain.queued:
            return
        mined = self._chain.mine(seconds)
        for actors in self._cast:
            actors.observe(mined)
        for sent in mined:
            self._market.sent[sent.kind] += 1
            if not sent.succeeded:
                self._market.failed[sent.kind] += 1
