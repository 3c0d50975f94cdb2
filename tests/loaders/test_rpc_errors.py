"""Error answers of real providers and nodes, each with where it was seen, mean to the loader what they mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from loaders.rpc.classify import Verdict, classify

ERRORS: list[dict[str, Any]] = [
    msgspec.json.decode(line) for line in Path(__file__).with_name("rpc_errors.jsonl").read_bytes().splitlines()
]


@pytest.mark.parametrize("error", ERRORS, ids=[f"{e['provider']} {e['code']} {e['message'][:40]}" for e in ERRORS])
def test_an_error_means_what_it_says(error: dict[str, Any]) -> None:
    suggested = error.get("suggested")
    expected = Verdict(
        error["kind"],
        suggested and tuple(suggested),
        error.get("block_cap"),
        error.get("log_cap"),
        error.get("byte_cap"),
        error.get("is_slow", False),
    )
    assert classify(error["code"], error["message"], status=error["status"]) == expected
