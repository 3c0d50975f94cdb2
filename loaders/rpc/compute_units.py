"""What providers charge per call, in units of their own. Their tables change: `compute_units.csv` is data to be renewed."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_TABLE = Path(__file__).with_name("compute_units.csv")
_ANY = "*"
TYPICAL = "alchemy"
"""Whose table stands for providers without one of their own: the finest of them."""
_DOMAINS = {
    "alchemy.com": "alchemy",
    "alchemyapi.io": "alchemy",
    "infura.io": "infura",
    "quiknode.pro": "quicknode",
    "ankr.com": "ankr",
    "chainstack.com": "chainstack",
    "p2pify.com": "chainstack",
    "drpc.org": "drpc",
}


@dataclass(frozen=True, slots=True)
class Units:
    billed: int
    throughput: int
    """What counts against a limit per second; some providers weigh a call differently there."""


def provider_of(host: str) -> str:
    """Name of the provider in the table, "" for others."""
    name = host.partition(":")[0]
    return next((p for domain, p in _DOMAINS.items() if name == domain or name.endswith("." + domain)), "")


def units(method: str, provider: str = "", own: Mapping[str, int] | None = None) -> Units:
    """Units of one call. ``own`` are those that the user states for an endpoint; ``*`` there stands for all others."""
    if own and (stated := own.get(method, own.get(_ANY))) is not None:
        return Units(stated, stated)
    table = _tables().get(provider) or _tables()[TYPICAL]
    return table.get(method) or table[_ANY]


@lru_cache(maxsize=1)
def _tables() -> dict[str, dict[str, Units]]:
    tables: dict[str, dict[str, Units]] = {}
    with _TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found = Units(int(row["units"]), int(row["throughput_units"]))
            tables.setdefault(row["provider"], {})[row["method"]] = found
    return tables
