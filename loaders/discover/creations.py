"""Which events create something: ``creations.csv``, most of them of the event registry, some with a signature of their own."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from loaders.errors import PoolhouseError
from loaders.registry.abi import parse_event
from loaders.registry.events import EventSpec, load_events
from loaders.registry.schema import column_name

CREATIONS_CSV = Path(__file__).with_name("creations.csv")


@dataclass(frozen=True, slots=True)
class Creation:
    """An event with which a factory, vault or configurator says that it made a pool or a market."""

    family: str
    role: str
    """Of the emitter: what it would be registered as."""
    created_column: str
    """Column, or key of the payload, that names what was made: an address or an id; empty where the event does not say."""
    spec: EventSpec
    """As any contract may emit it, in a table of its own."""
    loaded_as: EventSpec | None
    """As the event registry loads it, if it does."""

    @property
    def event(self) -> str:
        return self.spec.event


@lru_cache(maxsize=2)
def load_creations(path: Path = CREATIONS_CSV) -> tuple[Creation, ...]:
    """Raises :class:`PoolhouseError` naming the row that is wrong."""
    known = {(e.family, e.role, e.event): e for e in load_events().events}
    creations = []
    with path.open(encoding="utf-8", newline="") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            loaded_as = known.get((row["family"], row["role"], row["event"]))
            signature = row["signature"]
            if (loaded_as is None) == (not signature):
                raise _wrong(path, line, "it needs a signature where the event registry has none, and only there")
            abi = loaded_as.abi if loaded_as else parse_event(signature)
            columns = {column_name(parameter, position) for position, parameter in enumerate(abi.parameters)}
            if row["created"] and row["created"] not in columns:
                raise _wrong(path, line, f"{abi.canonical} has no {row['created']}, only {', '.join(sorted(columns))}")
            table = f"creation_{line}"
            spec = EventSpec(row["family"], row["role"], table, "any", abi, is_shared=False)
            creations.append(Creation(row["family"], row["role"], row["created"], spec, loaded_as))
    return tuple(creations)


def creations_of(families: Iterable[str]) -> tuple[Creation, ...]:
    """Those of some families; of all for none. Raises :class:`PoolhouseError` for a family without."""
    wanted, known = set(families), {creation.family for creation in load_creations()}
    if wanted - known:
        raise PoolhouseError(
            f"No event is known by which {', '.join(sorted(wanted - known))} creates pools or markets.",
            f"Known of: {', '.join(sorted(known))}.",
        )
    return tuple(c for c in load_creations() if not wanted or c.family in wanted)


def _wrong(path: Path, line: int, reason: str) -> PoolhouseError:
    return PoolhouseError(f"{path.name}, line {line}: {reason}.", f"Correct {path}.")
