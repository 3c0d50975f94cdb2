"""A small market on a real node, built once for all tests of a session."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from devnet.chain import Chain
from devnet.market import simulation
from devnet.market.simulation import BuiltMarket
from devnet.node import Anvil

EVENTS = Path(__file__).resolve().parents[2] / "loaders" / "registry" / "events.csv"

Log = dict[str, Any]


@dataclass(frozen=True)
class SmallMarket:
    """The node, and what was built on it."""

    node: Anvil
    built: BuiltMarket

    @property
    def chain(self) -> Chain:
        return self.built.world.chain

    @cached_property
    def logs(self) -> list[Log]:
        """All logs of the chain, in order."""
        logs: list[Log] = self.node.rpc.call("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"})
        return logs

    @cached_property
    def topics(self) -> dict[str, str]:
        """topic0 by `family.role.event`."""
        with EVENTS.open(encoding="utf-8", newline="") as file:
            return {f"{r['family']}.{r['role']}.{r['event']}": r["topic0"] for r in csv.DictReader(file)}

    def logs_of(self, event: str) -> list[Log]:
        """Logs of `family.role.event`."""
        return [log for log in self.logs if log["topics"] and log["topics"][0] == self.topics[event]]


@pytest.fixture(scope="session")
def small() -> Iterator[SmallMarket]:
    with Anvil() as node:
        yield SmallMarket(node, simulation.build(node.rpc, actions=simulation.SMALL_ACTIONS))
