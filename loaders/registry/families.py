"""Protocol families: ``families.csv``, one row per family of events that are loaded together."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, cast, get_args

from loaders.errors import PoolhouseError

FAMILIES_CSV = Path(__file__).with_name("families.csv")

Loaded = Literal["default", "named", "with_transfers"]


@dataclass(frozen=True, slots=True)
class Family:
    """Contracts that emit the same events, forks included."""

    name: str
    title: str
    loaded: Loaded
    """``default``: unless others are named; ``named``: when named; ``with_transfers``: with the option of that name."""
    includes: tuple[str, ...]
    """Families that hold some of its contracts' events: named with it, they are loaded with it."""
    description: str

    @property
    def is_modelled(self) -> bool:
        """Models read it. What is only loaded when named is raw, with no staging model."""
        return self.loaded != "named"


@lru_cache(maxsize=2)
def load_families(path: Path = FAMILIES_CSV) -> dict[str, Family]:
    """Families by name, in the file's order. Raises :class:`PoolhouseError` naming the row that is wrong."""
    families: dict[str, Family] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            if row["loaded"] not in get_args(Loaded):
                raise _wrong(path, line, f"loaded is {row['loaded']!r}, expected {', '.join(get_args(Loaded))}")
            if row["family"] in families:
                raise _wrong(path, line, f"family {row['family']} is there twice")
            loaded = cast(Loaded, row["loaded"])
            includes = tuple(row["includes"].split())
            families[row["family"]] = Family(row["family"], row["title"], loaded, includes, row["description"])
    for line, family in enumerate(families.values(), start=2):
        unknown = [name for name in family.includes if name not in families]
        if unknown:
            raise _wrong(path, line, f"it includes {', '.join(unknown)}, which is no family")
    return families


def _wrong(path: Path, line: int, reason: str) -> PoolhouseError:
    return PoolhouseError(f"{path.name}, line {line}: {reason}.", f"Correct {path}.")
