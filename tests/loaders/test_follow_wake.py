"""When a chain is looked at again, and what the options of the command mean."""

from __future__ import annotations

import pytest

from loaders.commands.follow import by_chain, seconds
from loaders.errors import PoolhouseError
from loaders.follow.wake import Pauses, seconds_to_next_block
from loaders.registry.seeds import load_registry
from loaders.rpc.endpoint import Header

MERGED = 20_000_000
AT = 1_700_000_000


@pytest.mark.parametrize(
    ("chain", "number", "now", "wait"),
    [
        ("ethereum", MERGED, AT + 2.0, 10.0),  # the next slot is 12 s after the block
        ("ethereum", MERGED, AT + 11.5, 1.0),  # due: every --poll seconds
        ("ethereum", MERGED, AT + 500.0, 1.0),  # overdue
        ("ethereum", MERGED, AT - 3600.0, 12.0),  # a clock that is an hour slow costs one slot
        ("ethereum", 15_000_000, AT + 2.0, 1.0),  # before the merge nothing was guaranteed
        ("arbitrum", MERGED, AT + 2.0, 1.0),
    ],
)
def test_no_block_is_expected_before_the_chain_can_have_one(chain: str, number: int, now: float, wait: float) -> None:
    head = Header(number, "0x01", "0x00", AT)
    assert seconds_to_next_block(head, load_registry().chain(chain), 1.0, now) == wait


def test_pauses_grow_to_a_minute_and_begin_anew() -> None:
    pauses = Pauses()
    grown = [pauses.next() for _ in range(12)]
    assert all(0.75 * longest <= pause <= longest for pause, longest in zip(grown, [1, 2, 4, 8, 16, 32], strict=False))
    assert all(45 <= pause <= 60 for pause in grown[6:])
    pauses.reset()
    assert pauses.next() <= 1


def test_endpoints_are_given_per_chain() -> None:
    keyed = "https://node/v2/key=with=signs"
    assert by_chain("--rpc-url", ["base"], [keyed]) == {"base": [keyed]}
    assert by_chain("--rpc-url", ["base", "ethereum"], [f"Base={keyed}", "ethereum=http://a", "base=http://b"]) == {
        "base": [keyed, "http://b"],
        "ethereum": ["http://a"],
    }
    with pytest.raises(PoolhouseError, match="which chain"):
        by_chain("--rpc-url", ["base", "ethereum"], [keyed])


@pytest.mark.parametrize(
    ("text", "expected"), [("90", 90), ("90s", 90), ("1.5m", 90), ("8h", 28_800), ("2 d", 172_800)]
)
def test_durations(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "soon", "5 weeks", "-3m"])
def test_what_is_no_duration_is_said_so(text: str) -> None:
    with pytest.raises(PoolhouseError, match="is not a duration"):
        seconds(text)
