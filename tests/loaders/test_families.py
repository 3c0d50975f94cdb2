"""Families: what is loaded unless others are named, what is loaded raw when named, and what shares a topic 0."""

from __future__ import annotations

import csv
import itertools
from collections import defaultdict
from pathlib import Path

import pytest

from loaders.errors import PoolhouseError
from loaders.registry.dbt_sources import MODELS
from loaders.registry.events import EventSpec, load_events
from loaders.registry.families import FAMILIES_CSV, load_families
from loaders.registry.pages import render_pages
from loaders.registry.seeds import load_registry
from loaders.registry.tables import FIXED_TABLES
from tests.conftest import ROOT

EVENTS = load_events().events
MODELLED = ["uniswap_v2", "uniswap_v3", "uniswap_v4", "aave_v3", "chainlink", "balancer_v2", "morpho_blue"]


def test_families_that_models_read_have_staging_models_and_no_other_has() -> None:
    staged = {path.parent.name for path in MODELS.glob("*/stg_*.sql")} - {"poolhouse"}
    assert staged == {family.name for family in load_families().values() if family.is_modelled}


def test_each_family_has_events() -> None:
    assert list(load_families()) == list(load_events().families)


def test_a_load_reads_what_models_read_and_the_rest_when_named() -> None:
    registry = load_registry()
    ethereum = registry.chain("ethereum")
    assert registry.select_families(ethereum, []) == MODELLED
    assert registry.select_families(ethereum, ["contract_risk"]) == ["contract_risk"]
    assert registry.select_families(ethereum, ["morpho,curve"]) == ["morpho_blue", "curve"]
    assert registry.select_families(ethereum, ["metamorpho"]) == ["metamorpho", "erc4626"]
    assert registry.select_families(ethereum, ["compound"]) == ["compound_v2", "compound_v3"]


def test_a_family_brings_those_that_hold_events_of_its_contracts() -> None:
    registry = load_registry()
    assert registry.select_families(registry.chain("ethereum"), ["euler_v2", "solidly"]) == [
        "uniswap_v2",
        "euler_v2",
        "solidly",
        "erc4626",
    ]


def test_transfers_are_asked_for_by_their_own_option() -> None:
    registry = load_registry()
    with pytest.raises(PoolhouseError, match="erc20"):
        registry.select_families(registry.chain("ethereum"), ["erc20"])


def test_tables_of_other_families_wait_until_they_are_loaded() -> None:
    registry = load_events()
    usual, with_curve = registry.with_tables_for(["aave_v3"]), registry.with_tables_for(["curve"])
    assert {e.family for e in usual.events} == {*MODELLED, "erc20"}
    assert set(with_curve.tables) - set(usual.tables) == {e.table for e in EVENTS if e.family == "curve"}
    assert {t.name for t in FIXED_TABLES} <= set(usual.tables)
    assert (usual.version, with_curve.version) == (registry.version, registry.version)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a,A,always,,Text.", "loaded is 'always'"),
        ("a,A,named,b,Text.", "it includes b"),
        ("a,A,named,,Text.\na,A,named,,Text.", "family a is there twice"),
    ],
)
def test_families_are_checked(tmp_path: Path, row: str, message: str) -> None:
    broken = tmp_path / "families.csv"
    broken.write_text(FAMILIES_CSV.read_text().splitlines()[0] + "\n" + row + "\n")
    with pytest.raises(PoolhouseError, match=message):
        load_families(broken)


def test_no_log_is_two_events_unless_a_registered_contract_says_so() -> None:
    """Two events that any contract may emit, of one topic 0 and one shape, would both claim the same log."""
    by_topic: dict[str, list[EventSpec]] = defaultdict(list)
    for spec in EVENTS:
        by_topic[spec.topic0].append(spec)
    assert sum(len(specs) > 1 for specs in by_topic.values()) >= 10
    for specs in by_topic.values():
        for one, other in itertools.combinations(specs, 2):
            shapes = [{len(abi.indexed) for abi in (spec.abi, *spec.layouts)} for spec in (one, other)]
            assert not (one.emitters == other.emitters == "any" and shapes[0] & shapes[1]), (one, other)


def test_shapes_that_are_known_to_be_another_familys_are_counted_not_kept() -> None:
    (compound,) = (e for e in EVENTS if (e.family, e.event) == ("compound_v2", "Mint"))
    (uniswap,) = (e for e in EVENTS if e.table == "uniswap_v2__pair_mint")
    assert compound.topic0 == uniswap.topic0
    assert [len(abi.indexed) for abi in compound.namesakes] == [len(uniswap.abi.indexed)]
    assert [len(abi.indexed) for abi in uniswap.namesakes] == [len(compound.abi.indexed)]


def test_every_event_of_first_priority_is_loaded() -> None:
    """Against a catalogue of events that was compiled from the protocols' sources, signature by signature."""
    catalogue = ROOT.parent / "shared" / "domain_events.csv"
    if not catalogue.is_file():
        pytest.skip(f"no catalogue of events at {catalogue}")
    with catalogue.open(encoding="utf-8", newline="") as file:
        first = [row for row in csv.DictReader(file) if row["priority"] == "1"]
    known: dict[str, set[int]] = defaultdict(set)
    for spec in EVENTS:
        known[spec.abi.canonical].update(len(abi.indexed) for abi in (spec.abi, *spec.layouts))
    topics = {spec.abi.canonical: spec.topic0 for spec in EVENTS}
    assert len(first) > 300
    assert [row for row in first if int(row["n_indexed"]) not in known[row["signature"]]] == []
    assert [row for row in first if topics[row["signature"]] != row["topic0"]] == []


def test_the_page_is_the_rendering() -> None:
    for path, text in render_pages().items():
        assert path.read_text("utf-8") == text, f"{path.name} is stale: python -m loaders.registry.pages --write"
