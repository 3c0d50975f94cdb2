"""Which datasets a warehouse on BigQuery has: ``datasets.csv``, which Terraform (``deploy/terraform``) reads, too."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from loaders.errors import PoolhouseError

DATASETS_CSV = Path(__file__).with_name("datasets.csv")
SHARED_DATASET = "raw"
"""What the loader writes is never copied: every target reads it."""

_PREFIX = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Target(StrEnum):
    """The outputs of profiles.yml that connect to BigQuery."""

    PRODUCTION = "bigquery"
    DEVELOPMENT = "bigquery_dev"
    CI = "bigquery_ci"


_EXPIRATION_DAYS = {Target.PRODUCTION: None, Target.DEVELOPMENT: 30, Target.CI: 2}


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset as it shall be. ``expiration_days`` is the life of its tables, None for ever."""

    name: str
    description: str
    labels: Mapping[str, str]
    expiration_days: int | None


def prefix(target: Target, environment: Mapping[str, str] = os.environ) -> str | None:
    """What precedes the names of a target's datasets, as profiles.yml has it. Raises :class:`PoolhouseError`."""
    if target is Target.PRODUCTION:
        return None
    user = environment.get("USER", "me").lower().replace(".", "_").replace("-", "_")
    variable, default = {
        Target.CI: ("POOLHOUSE_BQ_CI_PREFIX", "ci"),
        Target.DEVELOPMENT: ("POOLHOUSE_BQ_PREFIX", f"dev_{user}"),
    }[target]
    chosen = environment.get(variable, default)
    if not _PREFIX.fullmatch(chosen):
        raise PoolhouseError(
            f"{chosen!r} cannot begin the name of a dataset.",
            f"Set {variable} to lower-case letters, digits and underscores, a letter first.",
        )
    return chosen


def datasets(target: Target, prefix: str | None, expiration_days: int | None = None) -> list[Dataset]:
    """The datasets of a target, ``raw`` only in production; ``expiration_days`` overrides the target's own."""
    if target is Target.PRODUCTION and expiration_days is not None:
        raise PoolhouseError("Tables of production do not expire.", "Leave out --expiration-days.")
    environment = {Target.PRODUCTION: "production", Target.DEVELOPMENT: "development", Target.CI: "ci"}[target]
    return [
        Dataset(
            name=qualified(prefix, row["dataset"]),
            description=row["description"],
            labels={"app": "poolhouse", "layer": row["layer"], "environment": environment},
            expiration_days=expiration_days or _EXPIRATION_DAYS[target],
        )
        for row in rows()
        if target is Target.PRODUCTION or row["dataset"] != SHARED_DATASET
    ]


def qualified(prefix: str | None, name: str) -> str:
    return f"{prefix}_{name}" if prefix and name != SHARED_DATASET else name


def rows(path: Path = DATASETS_CSV) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
