"""Which events are loaded: ``events.csv``, one row per event of a family's role.

``event_layouts.csv`` lists what else carries the topic 0 of an event: other ways to index the same parameters
(``decode``), and events of another kind that are known and only counted (``count``).
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

from loaders.errors import PoolhouseError
from loaders.registry.abi import EventAbi, parse_event
from loaders.registry.families import load_families
from loaders.registry.schema import SHARED_EVENT_COLUMNS, RawTable, event_columns
from loaders.registry.tables import FIXED_TABLES

EVENTS_CSV = Path(__file__).with_name("events.csv")
LAYOUTS_CSV = Path(__file__).with_name("event_layouts.csv")
TRANSFERS = "erc20"
"""The optional family: transfers of every token there is, loaded only when asked for."""

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
    layouts: tuple[EventAbi, ...] = ()
    """Other ways to index the same parameters: decoded to the same columns."""
    namesakes: tuple[EventAbi, ...] = ()
    """Events of another kind with the same topic 0: their logs are counted in the ledger and not kept."""
    named_topics: frozenset[str] = frozenset()
    """For an anonymous event, topic 0 of the registry's other events: a log that carries one of them is not of this event."""

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

    def with_tables_for(self, families: Iterable[str]) -> EventRegistry:
        """The families that models read and the named ones: the rest is not worth a table until it is loaded."""
        wanted = set(families)
        kept = (e for e in self.events if e.family in wanted or load_families()[e.family].is_modelled)
        return EventRegistry(tuple(kept), self.version)

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
    title = load_families()[spec.family].title
    if spec.is_shared:
        description = f"Rare {title} events (configuration and administration). **Grain:** one row per load and log."
        return RawTable(spec.table, SHARED_EVENT_COLUMNS, description, spec.family)
    emitters = "any contract; staging decides membership" if spec.emitters == "any" else "registered contracts only"
    description = (
        f"{title} {spec.role} event `{spec.abi.canonical}`, emitted by {emitters}. **Grain:** one row per load and log."
    )
    return RawTable(spec.table, event_columns(spec.abi), description, spec.family)


@lru_cache(maxsize=4)
def load_events(path: Path = EVENTS_CSV, layouts_path: Path = LAYOUTS_CSV) -> EventRegistry:
    """Read and check the event registry. Raises :class:`PoolhouseError` naming the row that is wrong."""
    text = path.read_text(encoding="utf-8")
    layouts_text = layouts_path.read_text(encoding="utf-8")
    layouts = list(csv.DictReader(layouts_text.splitlines()))
    rows = list(csv.DictReader(text.splitlines()))
    tables = [row["table"] for row in rows]
    specs = []
    for line, row in enumerate(rows, start=2):
        abi = parse_event(row["signature"])
        if row["topic0"] != abi.topic0:
            raise _wrong(path, line, f"topic0 of {abi.canonical} is {abi.topic0}, not {row['topic0']}")
        if row["event"] != abi.name:
            raise _wrong(path, line, f"event {row['event']!r} differs from the signature's {abi.name!r}")
        if row["family"] not in load_families():
            raise _wrong(path, line, f"family {row['family']!r} has no row in families.csv")
        if row["emitters"] not in ("any", "registered"):
            raise _wrong(path, line, f"emitters is {row['emitters']!r}, expected any or registered")
        if not row["table"].startswith(row["family"] + "__"):
            raise _wrong(path, line, f"table {row['table']!r} does not start with {row['family']}__")
        if abi.is_anonymous and row["emitters"] != "registered":
            raise _wrong(
                path, line, f"{abi.name} is anonymous: its emitters must be registered, nothing else tells its logs"
            )
        emitters: Emitters = "any" if row["emitters"] == "any" else "registered"
        is_shared = tables.count(row["table"]) > 1
        specs.append(EventSpec(row["family"], row["role"], row["table"], emitters, abi, is_shared))
    _check_unique(specs, path)
    specs = _with_layouts(specs, layouts, layouts_path)
    named = frozenset(spec.topic0 for spec in specs if spec.topic0)
    specs = [replace(spec, named_topics=named) if spec.abi.is_anonymous else spec for spec in specs]
    return EventRegistry(tuple(specs), hashlib.sha256((text + layouts_text).encode()).hexdigest()[:12])


def _with_layouts(specs: list[EventSpec], rows: list[dict[str, str]], path: Path) -> list[EventSpec]:
    """The events with what else carries their topic 0."""
    by_key = {(spec.family, spec.role, spec.event): spec for spec in specs}
    for line, row in enumerate(rows, start=2):
        key = row["family"], row["role"], row["event"]
        spec, abi = by_key.get(key), parse_event(row["signature"])
        if spec is None:
            # A registry cut down to some events has no use for the layouts of others.
            continue
        if abi.topic0 != spec.topic0:
            raise _wrong(path, line, f"{abi.canonical} has another topic0 than {spec.abi.canonical}")
        if len(abi.indexed) in {len(known.indexed) for known in (spec.abi, *spec.layouts, *spec.namesakes)}:
            raise _wrong(path, line, f"{spec.family} {spec.event} has a layout with {len(abi.indexed)} indexed already")
        if row["handling"] == "decode":
            by_key[key] = replace(spec, layouts=(*spec.layouts, abi))
        elif row["handling"] == "count":
            by_key[key] = replace(spec, namesakes=(*spec.namesakes, abi))
        else:
            raise _wrong(path, line, f"handling is {row['handling']!r}, expected decode or count")
    return list(by_key.values())


def _check_unique(specs: Iterable[EventSpec], path: Path) -> None:
    """The ledger and tables with several events know an event by family, role and name."""
    seen: set[tuple[str, str, str]] = set()
    for line, spec in enumerate(specs, start=2):
        key = (spec.family, spec.role, spec.event)
        if key in seen:
            raise _wrong(path, line, f"{spec.family} {spec.role} {spec.event} is there twice")
        seen.add(key)


def _wrong(path: Path, line: int, reason: str) -> PoolhouseError:
    return PoolhouseError(f"{path.name}, line {line}: {reason}.", f"Correct {path}.")
