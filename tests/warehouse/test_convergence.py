"""Whatever happened on the way, a warehouse holds what one clean load of the chain gives: the same marts, by content.

Real loads, snapshots and builds of a real node's market: by the command in a process of its own where it is killed, else
in this process. `make soak` goes on from here with random histories.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from devnet.market import simulation
from devnet.node import DEVNET, Anvil
from loaders.errors import PoolhouseError
from tests.warehouse.convergence.chain import LivingChain
from tests.warehouse.convergence.dbt import Dbt
from tests.warehouse.convergence.life import LATE, WHOLE, Lab, Piece, Warehouse
from tests.warehouse.convergence.project import Project

ACTIONS = 120


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("convergence")
    with Anvil() as node:
        simulation.build(node.rpc, actions=ACTIONS)
        project = Project(folder / "project")
        yield Lab(folder, project, Dbt(project.folder, folder / "dbt"), LivingChain(node.url, node.rpc))


@pytest.fixture(scope="module")
def snapshots(lab: Lab) -> list[int]:
    """In the blocks that are final, in those that are not, and at the head."""
    head = lab.chain.head
    return [head - 70, head - 30, head]


@pytest.fixture(scope="module")
def clean(lab: Lab, snapshots: list[int]) -> Warehouse:
    warehouse = lab.clean(snapshots)
    warehouse.assert_no_check_failed()
    warehouse.assert_live_logs_are_the_chains()
    return warehouse


def test_pieces_in_any_order_twice_and_killed(lab: Lab, clean: Warehouse, snapshots: list[int]) -> None:
    """SIGKILL of loads, a snapshot and a build, each followed by the same again; final blocks in three pieces."""
    rng, warehouse = Random(11), lab.warehouse()
    final = lab.chain.head - 64
    # Above every contract's first block: what lies below it would be covered in this warehouse alone.
    first = 1 + max(c.start_block for c in lab.project.registry.contracts if c.chain_id == DEVNET.chain_id)
    assert first + 2 < final // 2
    kills = []
    for piece in (Piece(final // 2), Piece(first, first + 2), WHOLE):
        kills.append(warehouse.kill_load(rng, piece))
        warehouse.load(piece)
    warehouse.load()
    kills.append(warehouse.kill_snapshot(rng, *snapshots))
    warehouse.snapshot(*snapshots)
    kills.append(warehouse.kill_build(rng))
    warehouse.build()
    assert sum(kills) >= 4, f"too many commands ended before they were killed: {kills}"
    warehouse.assert_no_check_failed()
    warehouse.assert_live_logs_are_the_chains()
    warehouse.assert_incremental_equals_full_refresh()
    warehouse.assert_second_build_changes_nothing()
    warehouse.assert_equals(clean)


def test_facts_that_arrive_late(lab: Lab, clean: Warehouse, snapshots: list[int]) -> None:
    """A factory, a price feed and a token are missing from the registry, and no token was asked for its decimals."""
    warehouse = lab.warehouse()
    try:
        for seed, text in LATE.items():
            lab.project.forget(seed, text)
        warehouse.load(Piece(to_block=lab.chain.head - 10, with_facts=False))
        before = warehouse.build()
        warehouse.load()
        warehouse.snapshot(*snapshots)
    finally:
        lab.project.remember()
    known = clean.contents()
    assert all(before[mart] != known[mart] for mart in ("dex.dex_pools", "dex.dex_trades", "market.tokens"))
    warehouse.load()
    warehouse.snapshot(*snapshots)
    warehouse.build()
    warehouse.assert_incremental_equals_full_refresh()
    warehouse.assert_equals(clean)


def test_reorganisations(lab: Lab) -> None:
    """Of one block, of several, of all that was not final; each between loads, with snapshots before it."""
    rng, warehouse, chain = Random(5), lab.warehouse(), lab.chain
    chain.set_back(chain.head - 12)
    warehouse.load()
    warehouse.snapshot(chain.head - 40, chain.head - 3, chain.head)
    warehouse.build()

    chain.reorganise(1, rng)
    warehouse.load()
    chain.reorganise(5, rng)
    chain.grow(3)
    with pytest.raises(PoolhouseError, match="reorganised since it was loaded"):
        warehouse.snapshot(chain.head - 3)
    warehouse.load()

    warehouse.snapshot(chain.head - 33, chain.head)
    chain.reorganise(33, rng)
    chain.grow(4)
    warehouse.load()
    # Deeper than finality is, as the chain grew since the last load; a part of what is new becomes final at once.
    chain.grow(5)
    chain.reorganise(68, rng)
    warehouse.load()
    warehouse.snapshot(chain.head)
    warehouse.build()
    # What was read before a reorganisation is of other blocks: it must not be held against the models.
    warehouse.assert_no_check_failed()
    warehouse.assert_live_logs_are_the_chains()
    warehouse.assert_incremental_equals_full_refresh()
    clean = lab.clean(warehouse.valid_reads())
    warehouse.assert_equals(clean)

    chain.reorganise(65, rng)
    with pytest.raises(PoolhouseError, match="differs from the one loaded as final"):
        warehouse.load()
    warehouse.assert_equals(clean)
