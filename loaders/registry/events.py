"""Which events are loaded: ``events.csv``, one row per event of a family's role."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

from loaders.errors import PoolhouseError
from loaders.registry.abi import EventAbi, parse_event
from loaders.registry.schema import SHARED_EVENT_COLUMNS, RawTable, event_columns
from loaders.registry.tables import FIXED_TABLES

EVENTS_CSV = Path(__file__).with_name("events.csv")
_FAMILY_TITLES = {
    "uniswap_v2": "Uniswap V2",
    "uniswap_v3": "Uniswap V3",
    "aave_v3": "Aave V3",
    "chainlink": "Chainlink",
}

Emitters = Literal["any", "registered"]


@dataclass(frozen=True)
class EventSpec:
    """One event of a family's role and the raw table it lands in."""

    family: str
    role: str
    table: str
    emitters: Emitters
    abi: EventAbi
    is_shared: bool
    """Its table holds several events, with parameters in a JSON payload."""

    @property
    def event(self) -> str:
        return self.abi.name

    @property
    def topic0(self) -> str:
        return self.abi.topic0


@dataclass(frozen=True)
class EventRegistry:
    events: tuple[EventSpec, ...]
    version: str
    """Short hash of the definitions: rows of different versions may have been decoded differently."""

    @cached_property
    def families(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(e.family for e in self.events))

    @cached_property
    def event_tables(self) -> tuple[RawTable, ...]:
        tables: dict[str, RawTable] = {}
        for spec in self.events:
            if spec.table not in tables:
                tables[spec.table] = _event_table(spec)
        return tuple(tables.values())

    @cached_property
    def tables(self) -> dict[str, RawTable]:
        """Every raw table by name, the fixed ones included."""
        return {t.name: t for t in (*self.event_tables, *FIXED_TABLES)}


def _event_table(spec: EventSpec) -> RawTable:
    title = _FAMILY_TITLES.get(spec.family, spec.family)
    if spec.is_shared:
        description = f"Rare {title} events (configuration and administration). **Grain:** one row per load and log."
        return RawTable(spec.table, SHARED_EVENT_COLUMNS, description, spec.family)
    emitters = "any contract; staging decides membership" if spec.emitters == "any" else "registered contracts only"
    description = (
        f"{title} {spec.role} event `{spec.abi.canonical}`, emitted by {emitters}. **Grain:** one row per load and log."
    )
    return RawTable(spec.table, event_columns(spec.abi), description, spec.family)


@lru_cache(maxsize=4)
def load_events(path: Path = EVENTS_CSV) -> EventRegistry:
    """Read and check the event registry. Raises :class:`PoolhouseError` naming the row that is wrong."""
    text = path.read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    tables = [row["table"] for row in rows]
    specs = []
    for line, row in enumerate(rows, start=2):
        abi = parse_event(row["signature"])
        if row["topic0"] != abi.topic0:
            raise _wrong(path, line, f"topic0 of {abi.canonical} is {abi.topic0}, not {row['topic0']}")
        if row["event"] != abi.name:
            raise _wrong(path, line, f"event {row['event']!r} differs from the signature's {abi.name!r}")
        if row["emitters"] not in ("any", "registered"):
            raise _wrong(path, line, f"emitters is {row['emitters']!r}, expected any or registered")
        if not row["table"].startswith(row["family"] + "__"):
            raise _wrong(path, line, f"table {row['table']!r} does not start with {row['family']}__")
        emitters: Emitters = "any" if row["emitters"] == "any" else "registered"
        is_shared = tables.count(row["table"]) > 1
        specs.append(EventSpec(row["family"], row["role"], row["table"], emitters, abi, is_shared))
    _check_unique(specs, path)
    return EventRegistry(tuple(specs), hashlib.sha256(text.encode()).hexdigest()[:12])


def _check_unique(specs: Iterable[EventSpec], path: Path) -> None:
    seen: set[tuple[str, str, str]] = set()
    for line, spec in enumerate(specs, start=2):
        key = (spec.family, spec.role, spec.topic0)
        if key in seen:
            raise _wrong(path, line, f"{spec.family} {spec.role} {spec.abi.canonical} is there twice")
        seen.add(key)


def _wrong(path: Path, line: int, reason: str) -> PoolhouseError:
    return PoolhouseError(f"{path.name}, line {line}: {reason}.", f"Correct {path}.")
