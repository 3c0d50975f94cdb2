"""Forks that the registry lacks are discovered on a real chain, with what the chain itself says of them."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from loaders.discover.creations import CREATIONS_CSV, creations_of, load_creations
from loaders.discover.find import Finding, find_in_warehouse
from loaders.discover.report import Discovery
from loaders.discover.run import discover_on_chain
from loaders.errors import PoolhouseError
from loaders.registry.seeds import SEEDS, Registry, load_registry
from loaders.status.read import read_only
from tests.conftest import Run
from tests.small_market import SmallMarket

CREATIONS = {
    ("uniswap_v2", "factory"): "uniswap_v2.factory.PairCreated",
    ("uniswap_v3", "factory"): "uniswap_v3.factory.PoolCreated",
    ("uniswap_v4", "pool_manager"): "uniswap_v4.pool_manager.Initialize",
    ("balancer_v2", "vault"): "balancer_v2.vault.PoolRegistered",
    ("aave_v3", "configurator"): "aave_v3.configurator.ReserveInitialized",
    ("morpho_blue", "morpho"): "morpho_blue.morpho.CreateMarket",
}
"""Creations on the devnet: the emitter's family and role, and the event."""


def without(registry: Registry, *protocols: str) -> Registry:
    """A registry that never heard of them on the devnet."""
    kept = [c for c in registry.contracts if c.chain_id != 31337 or c.protocol not in protocols]
    return replace(registry, contracts=tuple(kept))


def discover(registry: Registry, small: SmallMarket, *families: str) -> Discovery:
    creations = creations_of(families)
    return discover_on_chain(registry, "devnet", small.node.url, creations, from_block=0, to_block=small.head)


def announced(small: SmallMarket, event: str, emitter: str) -> tuple[int, int, int]:
    """How many of the event the node's logs have of the emitter, and their first and last block."""
    blocks = [int(log["blockNumber"], 16) for log in small.logs_of(event) if log["address"] == emitter]
    return len(blocks), min(blocks), max(blocks)


def facts(finding: Finding) -> tuple[int, int, int]:
    return finding.count, finding.first_block, finding.last_block


def test_nothing_is_unknown_to_the_whole_registry(small: SmallMarket) -> None:
    assert discover(load_registry(), small).findings == []


def test_forks_that_are_not_registered_are_found(small: SmallMarket) -> None:
    registry = load_registry()
    found = discover(without(registry, "sushiswap", "pancakeswap"), small).findings
    forks = [c for c in registry.contracts_of(registry.chain("devnet")) if c.protocol in ("sushiswap", "pancakeswap")]
    factories = {c.address: c for c in forks if c.role == "factory"}
    assert len(factories) == 3
    assert {f.emitter: (f.family, f.role) for f in found} == {a: (c.family, c.role) for a, c in factories.items()}
    for finding in found:
        event = CREATIONS[finding.family, finding.role]
        assert facts(finding) == announced(small, event, finding.emitter)
        last = [log for log in small.logs_of(event) if log["address"] == finding.emitter][-1]
        # The pool's address is the first word of V2's data and the second of V3's.
        word = 0 if finding.family == "uniswap_v2" else 1
        assert finding.sample == "0x" + last["data"][2:][64 * word : 64 * (word + 1)][24:]
    assert [f.count for f in found] == sorted((f.count for f in found), reverse=True)


def test_every_kind_of_creation_on_the_devnet_is_found(small: SmallMarket) -> None:
    everything = {c.protocol for c in load_registry().contracts}
    found = discover(without(load_registry(), *everything), small).findings
    assert {(f.family, f.role) for f in found} == set(CREATIONS)
    for finding in found:
        assert facts(finding) == announced(small, CREATIONS[finding.family, finding.role], finding.emitter)
        assert finding.sample


def test_a_row_makes_the_fork_known(small: SmallMarket, tmp_path: Path) -> None:
    unaware = without(load_registry(), "sushiswap")
    (finding,) = discover(unaware, small).findings
    for seed in SEEDS.glob("*.csv"):
        (tmp_path / seed.name).write_bytes(seed.read_bytes())
    contracts = tmp_path / "registry_contracts.csv"
    rows = list(csv.DictReader(io.StringIO(contracts.read_text())))
    kept = [row for row in rows if (row["chain_id"], row["protocol"]) != ("31337", "sushiswap")]
    with contracts.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(kept)
        file.write(finding.registry_row(unaware.chain("devnet")) + "\n")
    aware = load_registry(tmp_path)
    assert discover(aware, small).findings == []
    (added,) = [c for c in aware.contracts if c.address == finding.emitter]
    assert (added.family, added.role, added.start_block) == ("uniswap_v2", "factory", finding.first_block)


def test_a_family_can_be_chosen_and_an_unknown_one_is_refused(small: SmallMarket) -> None:
    registry = without(load_registry(), "sushiswap", "pancakeswap")
    assert {f.family for f in discover(registry, small, "uniswap_v3").findings} == {"uniswap_v3"}
    with pytest.raises(PoolhouseError, match="chainlink"):
        creations_of(["chainlink"])


def test_what_is_loaded_says_the_same_as_the_node(poolhouse: Run, small: SmallMarket, tmp_path: Path) -> None:
    database = tmp_path / "w.duckdb"
    where = ("--chain", "devnet", "--rpc-url", small.node.url, "--database", str(database))
    poolhouse("load", *where, "--protocol", "uniswap_v2,uniswap_v3,dodo", "--no-facts", "--transactions", "none")
    registry = without(load_registry(), "sushiswap", "pancakeswap")
    with read_only(database) as query:
        found, looked_at = find_in_warehouse(query, registry, registry.chain("devnet"), load_creations())
    assert found == discover(registry, small).findings
    assert {(c.family, c.event) for c in looked_at} == {
        ("uniswap_v2", "PairCreated"),
        ("uniswap_v3", "PoolCreated"),
        *(("dodo", event) for event in ("NewDVM", "NewDPP", "NewDSP")),
    }
    shown = poolhouse("discover", "--chain", "devnet", "--loaded", "--database", str(database), "--json")
    assert json.loads(shown.stdout)["findings"] == [], "the shipped registry knows the devnet's"


def test_the_command_lists_and_offers_rows(poolhouse: Run, small: SmallMarket) -> None:
    where = ("--chain", "devnet", "--rpc-url", small.node.url, "--to-block", str(small.head))
    shown = poolhouse("discover", *where)
    assert "No unknown factory in blocks" in shown.stdout
    refused = poolhouse("discover", *where, "--from-block", str(small.head + 1), check=False)
    assert (refused.returncode, "above the last block" in refused.stderr) == (1, True)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("uniswap_v2,factory,PairCreated,pear,", "has no pear"),
        ("uniswap_v2,factory,PairMade,pair,", "needs a signature"),
        ('uniswap_v2,factory,PairCreated,pair,"PairCreated(address pair)"', "only there"),
    ],
)
def test_creations_are_checked(tmp_path: Path, row: str, message: str) -> None:
    broken = tmp_path / "creations.csv"
    broken.write_text(CREATIONS_CSV.read_text().splitlines()[0] + "\n" + row + "\n")
    with pytest.raises(PoolhouseError, match=f"creations.csv, line 2: .*{message}"):
        load_creations(broken)
