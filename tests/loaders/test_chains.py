"""The table of chains: where a block gap is guaranteed, which blocks have a quirk, and what a wrong row says."""

from __future__ import annotations

from pathlib import Path

import pytest

from loaders.errors import PoolhouseError
from loaders.registry.seeds import SEEDS, load_registry


@pytest.mark.parametrize(
    ("chain", "from_block", "to_block", "gap"),
    [
        ("ethereum", 15_537_394, 20_000_000, 12),
        ("ethereum", 15_537_393, 20_000_000, 0),  # the last block of proof of work
        ("optimism", 105_235_063, 105_235_064, 2),
        ("optimism", 4_000_000, 105_235_063, 0),
        ("base", 0, 53_556_126, 2),
        ("base", 53_556_126, 53_556_127, 0),  # Denim: five blocks a second
        ("polygon", 1, 80_084_799, 2),
        ("polygon", 80_084_799, 80_084_800, 0),
        ("arbitrum", 100, 200, 0),
    ],
)
def test_a_gap_is_guaranteed_only_within_its_bounds(chain: str, from_block: int, to_block: int, gap: int) -> None:
    assert load_registry().chain(chain).guaranteed_gap_s(from_block, to_block) == gap


def test_the_last_block_of_base_with_two_seconds_is_the_last_before_denim() -> None:
    genesis, denim = 1_686_789_347, 1_793_901_600  # 2026-11-05 18:00:00 UTC
    last = load_registry().chain("base").min_block_gap_until_block
    assert last is not None
    assert genesis + 2 * last < denim <= genesis + 2 * (last + 1)


def test_quirks_hold_for_their_blocks() -> None:
    polygon, avalanche = (load_registry().chain(name) for name in ("polygon", "avalanche"))
    assert polygon.has_quirk("bloom_incomplete", 80_084_799)
    assert polygon.has_quirk("bloom_incomplete", 80_084_799, 90_000_000)
    assert not polygon.has_quirk("bloom_incomplete", 80_084_800, 90_000_000)
    assert not avalanche.has_quirk("receipts_root_incomplete", 69_999_999)
    assert avalanche.has_quirk("receipts_root_incomplete", 1, 70_000_000)
    assert not avalanche.has_quirk("transactions_incomplete", 80_000_000)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("bloom_incomplete@-80084799", "bloom_incomplet", r"line 6: quirks is 'bloom_incomplet .* expected names of"),
        ("bloom_incomplete@-80084799", "bloom_incomplete@80084799", "line 6: quirks is"),
        ("tag,96", "never,96", "line 2: finality_rule is 'never', expected one of tag, depth"),
        (
            "tag,96,12,15537394",
            "tag,96,12,merge",
            "line 2: min_block_gap_since_block is 'merge', expected a whole number",
        ),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, old: str, new: str, expected: str) -> None:
    for path in SEEDS.glob("*.csv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    chains = tmp_path / "chains.csv"
    chains.write_text(chains.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PoolhouseError, match=f"chains.csv, {expected}"):
        load_registry(tmp_path)
