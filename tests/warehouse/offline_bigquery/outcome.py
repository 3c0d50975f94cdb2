"""What became of each node in one run of dbt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dbt.cli.main import dbtRunnerResult


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one node: dbt's status, and its message where it failed."""

    node: str
    """Its unique id."""
    name: str
    status: str
    message: str


@dataclass(frozen=True, slots=True)
class Run:
    """One run of dbt. ``failure`` is empty unless dbt itself gave up."""

    outcomes: tuple[Outcome, ...]
    failure: str


def outcome_of(result: dbtRunnerResult) -> Run:
    """What dbt reported."""
    done: Any = result.result
    results = getattr(done, "results", None)
    if results is None:
        return Run((), str(result.exception or "no result"))
    outcomes = (
        Outcome(r.node.unique_id, r.node.name, str(r.status), " ".join(str(r.message or "").split())) for r in results
    )
    return Run(tuple(outcomes), "")
