"""The catalogue of checks: what each compares, which marts it speaks for, which dbt test fails."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

SEEDS = Path(__file__).resolve().parents[2] / "seeds"
EVERY_MART = "*"


@dataclass(frozen=True, slots=True)
class Check:
    """One row of seeds/quality_checks.csv."""

    check_id: str
    title: str
    kind: str
    """``invariant`` or ``reconciliation``."""
    compares: str
    marts: tuple[str, ...]
    """Marts that it speaks for; only :data:`EVERY_MART` for all."""
    dbt_test: str


def load_checks(seeds: Path = SEEDS) -> list[Check]:
    """Every check, in the order of the file."""
    with (seeds / "quality_checks.csv").open(encoding="utf-8", newline="") as file:
        return [
            Check(
                row["check_id"],
                row["title"],
                row["kind"],
                row["compares"],
                tuple(row["marts"].split()),
                row["dbt_test"],
            )
            for row in csv.DictReader(file)
        ]
