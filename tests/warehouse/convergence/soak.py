"""`make soak`: random lives of warehouses on random markets, each held against one clean load at its end.

Every life prints its seed, and `make soak SEED=…` lives it again: market, loads, reorganisations, late facts and builds are
the same; a kill comes after the same number of changes to the warehouse's files.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random, SystemRandom

from devnet.market import simulation
from devnet.node import Anvil
from loaders.errors import PoolhouseError
from tests.warehouse.convergence.chain import LivingChain
from tests.warehouse.convergence.dbt import Dbt
from tests.warehouse.convergence.life import LATE, WHOLE, Lab, Piece
from tests.warehouse.convergence.project import Project

FINALITY = 64
_FEWEST_EVENTS, _MOST_EVENTS = 6, 14
_MOST_READS = 6


class RandomLife:
    """One warehouse, to which things happen."""

    def __init__(self, lab: Lab, rng: Random) -> None:
        self.lab = lab
        self.rng = rng
        self.warehouse = lab.warehouse()
        self._highest_final = 0
        self._missing = [seed for seed in LATE if rng.random() < 0.5]
        for seed in self._missing:
            lab.project.forget(seed, LATE[seed])
        lab.chain.set_back(rng.randint(lab.chain.head * 2 // 3, lab.chain.head))

    def live(self) -> None:
        menu: dict[Callable[[], str], int] = {
            self._load_piece: 3,
            self._load: 2,
            self._snapshot: 2,
            self._build: 2,
            self._kill: 5,
            self._reorganise: 3,
            self._grow: 2,
            self._learn: 1,
        }
        # The first load makes the tables that the others need.
        events = [self._load_piece]
        events += self.rng.choices(list(menu), list(menu.values()), k=self.rng.randint(_FEWEST_EVENTS, _MOST_EVENTS))
        for event in events:
            print("   ", event(), flush=True)

    def judge(self) -> str:
        """Load the rest, and compare. Raises :class:`AssertionError`."""
        warehouse = self.warehouse
        self.lab.project.remember()
        self._load()
        # What the registry did not know when a block was read is asked now.
        warehouse.snapshot(*warehouse.valid_reads(), *self._some_blocks(2), self.lab.chain.head)
        warehouse.build_and_test()
        warehouse.assert_no_check_failed()
        warehouse.assert_live_logs_are_the_chains()
        warehouse.assert_incremental_equals_full_refresh()
        warehouse.assert_second_build_changes_nothing()
        warehouse.assert_equals(self.lab.clean(warehouse.valid_reads()))
        ((reconciled, blocks),) = warehouse.query(
            "select sum(checked_count), count(distinct as_of_block) from quality.data_invariants "
            "where invariant_id like 'R%' and status = 'ok'"
        )
        return f"equal to a clean load; {reconciled} numbers reconciled with the chain at {blocks} blocks, 0 mismatches"

    def _load(self) -> str:
        self._highest_final = max(self._highest_final, self.lab.chain.head - FINALITY)
        self.warehouse.load()
        return "load"

    def _load_piece(self) -> str:
        piece = self._piece()
        self.warehouse.load(piece)
        return f"load {piece}"

    def _piece(self) -> Piece:
        head = self.lab.chain.head
        self._highest_final = max(self._highest_final, head - FINALITY)
        first, last = sorted(self.rng.choices(range(head + 1), k=2))
        return Piece(first, last, with_facts=self.rng.random() < 0.5)

    def _snapshot(self) -> str:
        if len(self.warehouse.reads) >= _MOST_READS:
            return "enough snapshots"
        self._load()
        blocks = self._some_blocks(1)
        self.warehouse.snapshot(*blocks)
        return f"load, snapshot {blocks}"

    def _some_blocks(self, count: int) -> list[int]:
        return [self.lab.chain.head - self.rng.randrange(FINALITY) for _ in range(count)]

    def _build(self) -> str:
        self.warehouse.build()
        assert not self.warehouse.failed_checks()
        return "build"

    def _kill(self) -> str:
        command = self.rng.choice(("load", "load", "snapshot", "build"))
        if command == "load":
            piece = self.rng.choice((WHOLE, self._piece()))
            command = f"load {piece}"
            is_killed = self.warehouse.kill_load(self.rng, piece)
        elif command == "snapshot":
            self._load()
            is_killed = self.warehouse.kill_snapshot(self.rng, *self._some_blocks(1))
        else:
            is_killed = self.warehouse.kill_build(self.rng)
        return f"{command} {'killed' if is_killed else 'too fast to be killed'}"

    def _reorganise(self) -> str:
        deepest = self.lab.chain.head - self._highest_final
        depth = self.rng.choice((1, self.rng.randint(1, min(8, deepest)), self.rng.randint(1, deepest)))
        self.lab.chain.reorganise(depth, self.rng)
        return f"reorganisation of {depth} blocks"

    def _grow(self) -> str:
        blocks = self.rng.randint(1, 12)
        self.lab.chain.grow(blocks)
        return f"up to {blocks} blocks more"

    def _learn(self) -> str:
        self.lab.project.remember()
        return f"the registry learns of {', '.join(self._missing) or 'nothing'}"


def live(seed: int, lab_of: Callable[[LivingChain], Lab]) -> None:
    rng = Random(seed)
    market_seed, actions = rng.randrange(10**6), rng.randint(100, 220)
    print(f"seed {seed}: market {market_seed} of {actions} actions", flush=True)
    with Anvil() as node:
        simulation.build(node.rpc, seed=market_seed, actions=actions)
        life = RandomLife(lab_of(LivingChain(node.url, node.rpc)), rng)
        try:
            life.live()
            print("   ", life.judge(), flush=True)
        finally:
            life.lab.project.remember()


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5, help="start no further life after that long")
    parser.add_argument("--seed", type=int, help="live the life of this seed alone")
    options = parser.parse_args()
    deadline = time.monotonic() + options.minutes * 60
    lives = 0
    with tempfile.TemporaryDirectory() as name:
        project = Project(Path(name) / "project")
        dbt = Dbt(project.folder, Path(name) / "dbt")
        while not lives or (options.seed is None and time.monotonic() < deadline):
            seed = options.seed if options.seed is not None else SystemRandom().randrange(10**6)
            with tempfile.TemporaryDirectory(dir=name) as folder:
                try:
                    live(seed, lambda chain, folder=folder: Lab(Path(folder), project, dbt, chain))  # type: ignore[misc]
                except (AssertionError, PoolhouseError) as error:
                    print(f"{error}\nLive it again: make soak SEED={seed}", file=sys.stderr)
                    return 1
            lives += 1
    print(f"{lives} lives, all equal to a clean load")
    return 0


if __name__ == "__main__":
    sys.exit(main())
