"""A small market on a real node, and what tests ask of its chain."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from devnet.chain import Chain
from devnet.market import simulation
from devnet.market.simulation import BuiltMarket
from devnet.node import Anvil
from loaders.registry.events import load_events

Log = dict[str, Any]


@dataclass(frozen=True)
class SmallMarket:
    """The node, and what was built on it."""

    node: Anvil
    built: BuiltMarket

    @property
    def chain(self) -> Chain:
        return self.built.world.chain

    @property
    def head(self) -> int:
        return self.built.head_number

    @cached_property
    def logs(self) -> list[Log]:
        """All logs of the chain, in order."""
        logs: list[Log] = self.node.rpc.call("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"})
        return logs

    @cached_property
    def topics(self) -> dict[str, str]:
        """topic0 by `family.role.event`, of the families that models read."""
        return {f"{e.family}.{e.role}.{e.event}": e.topic0 for e in load_events().with_tables_for(()).events}

    def logs_of(self, event: str) -> list[Log]:
        """Logs of `family.role.event`."""
        return [log for log in self.logs if log["topics"] and log["topics"][0] == self.topics[event]]


@contextmanager
def small_market() -> Iterator[SmallMarket]:
    """Build the market on a node that ends with the context. It is an error if anybody mined on it by then."""
    with Anvil() as node:
        market = SmallMarket(node, simulation.build(node.rpc, actions=simulation.SMALL_ACTIONS))
        yield market
        if market.chain.head() != (market.built.head_number, market.built.head_hash):
            raise AssertionError("the small market is for all tests to read, and one of them mined on it")
