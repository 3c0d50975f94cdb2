"""What the actors of every protocol have in common: named scenarios, and the hooks by which the simulation conducts them.

A protocol joins the market with a subclass of :class:`Actors` in a module of its own and one line in
:data:`devnet.market.simulation.CAST`. A scenario is a method marked with :func:`scenario`: short, named by its method,
described by its docstring, free to call other scenarios. It queues transactions; the simulation mines them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from devnet.chain import Sent
from devnet.market.desk import Desk

_Method = TypeVar("_Method", bound=Callable[..., None])
_MARK = "scenario_mark"


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something that users do. ``weight`` says how often, in relation to the others."""

    name: str
    """`<group>.<method>`."""
    weight: float
    summary: str
    method: str
    is_alone: bool
    """Acts on the state that it reads: what other users have queued is mined before."""


def scenario(weight: float, *, alone: bool = False) -> Callable[[_Method], _Method]:
    """Mark a method of :class:`Actors` as a scenario; one that is ``alone`` starts a new block."""

    def mark(method: _Method) -> _Method:
        setattr(method, _MARK, (weight, alone))
        return method

    return mark


class Actors:
    """Those who act on one protocol, or across several. Hooks that a protocol has no use for stay as they are."""

    group: ClassVar[str]
    """First part of the scenarios' names: the protocol's family, or what the actors are."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @classmethod
    def scenarios(cls) -> list[Scenario]:
        """The marked methods, inherited ones first, in the order of their definition."""
        methods: dict[str, Any] = {}
        for owner in reversed(cls.__mro__):
            methods |= {name: value for name, value in vars(owner).items() if callable(value)}
        return [
            Scenario(f"{cls.group}.{name}", mark[0], _first_line(method), name, is_alone=mark[1])
            for name, method in methods.items()
            if (mark := getattr(method, _MARK, None))
        ]

    def open(self) -> None:
        """Before the market opens: first liquidity. What is queued at the end is mined and must succeed."""

    def report(self) -> None:
        """Prices have moved: tell the protocol's own oracles, if it has any."""

    def arbitrage(self) -> None:
        """Every few blocks: bring prices on chain back to those outside."""

    def liquidate(self) -> None:
        """Every few blocks: liquidate who has become unhealthy."""

    def govern(self) -> None:
        """Once, half-way through: a decision of the protocol's governance."""

    def observe(self, mined: list[Sent]) -> None:
        """After every block: learn from what was mined."""


def _first_line(method: Callable[..., None]) -> str:
    return (inspect.getdoc(method) or "").partition("\n")[0]
