"""The table of what would be noticed: seeds/quality_mutations.csv for machines, docs/mutation.md for people."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loaders.registry.events import EventSpec
from loaders.trust.catalogue import load_checks
from tests.warehouse.mutation.logs import MUTATIONS, Mutation, decisive_column
from tests.warehouse.mutation.project import Project, kinds_of_event, name_of
from tests.warehouse.mutation.reasons import BY_FATE, PASSED_OVER, reason_for
from tests.warehouse.mutation.verdict import Verdict

ROOT = Path(__file__).resolve().parents[3]
SEED = ROOT / "seeds" / "quality_mutations.csv"
PAGE = ROOT / "docs" / "mutation.md"
_BEGIN = "<!-- mutations: by `python -m tests.warehouse.mutation --write` -->\n"
_END = "<!-- end of mutations -->"
_HEADER = ("event", "mutation", "outcome", "caught_by", "marts", "reason")


@dataclass(frozen=True, slots=True)
class Row:
    """One event under one mutation."""

    event: str
    mutation: Mutation
    caught_by: tuple[str, ...]
    """Names of dbt tests; empty when none notices."""
    marts: tuple[str, ...]
    """Marts that read the event."""
    reason: str
    """Why none notices; empty when one does."""

    @property
    def is_caught(self) -> bool:
        return bool(self.caught_by)


def row_of(verdict: Verdict, project: Project, event: EventSpec) -> Row:
    """The table's row for a verdict; without a reason when nobody has thought of one."""
    marts = tuple(project.marts(project.readers(event)))
    reason = ""
    if verdict.fate != "caught":
        fate = "martless" if verdict.fate == "harmless" and not marts else verdict.fate
        reason = BY_FATE.get(fate) or reason_for(verdict.event, verdict.mutation)
    return Row(verdict.event, verdict.mutation, verdict.tests, marts, reason)


def read_rows(path: Path = SEED) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Row(
                row["event"],
                _mutation(row["mutation"]),
                tuple(row["caught_by"].split()),
                tuple(row["marts"].split()),
                row["reason"],
            )
            for row in csv.DictReader(file)
        ]


def _mutation(text: str) -> Mutation:
    return next(mutation for mutation in MUTATIONS if mutation == text)


def seed_text(rows: Sequence[Row]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_HEADER)
    for row in rows:
        outcome = "caught" if row.is_caught else "not_caught"
        writer.writerow((row.event, row.mutation, outcome, " ".join(row.caught_by), " ".join(row.marts), row.reason))
    return file.getvalue()


def page_text(rows: Sequence[Row], page: str) -> str:
    """The page with its tables renewed."""
    before, rest = page.split(_BEGIN)
    after = rest.split(_END)[1]
    return f"{before}{_BEGIN}{tables(rows)}{_END}{after}"


def tables(rows: Sequence[Row]) -> str:
    """Markdown: a line per event that some mutation of it can be noticed of, then what is not noticed, by reason."""
    by_event: dict[str, dict[str, Row]] = {}
    for row in rows:
        by_event.setdefault(row.event, {})[row.mutation] = row
    read = {event: of for event, of in by_event.items() if any(row.reason != BY_FATE["unread"] for row in of.values())}
    columns = {name_of(event): decisive_column(event) for event in kinds_of_event()}
    caught = sum(row.is_caught for of in read.values() for row in of.values())
    lines = [
        f"Models read {len(read)} kinds of event. Of their {3 * len(read)} mutations {caught} are caught.",
        "",
        "| event | drop | duplicate | alter | altered |",
        "|---|---|---|---|---|",
    ]
    for event, of in read.items():
        cells = " | ".join(_cell(of[mutation]) for mutation in MUTATIONS)
        lines.append(f"| `{event}` | {cells} | `{columns[event]}` |")
    lines += ["", "Not caught, and why:", ""]
    reasons: dict[str, list[str]] = {}
    for of in read.values():
        for row in of.values():
            if not row.is_caught:
                reasons.setdefault(row.reason, []).append(f"{row.mutation} `{row.event}`")
    lines += [f"- {reason}: {', '.join(of_reason)}" for reason, of_reason in sorted(reasons.items())]
    lines += ["", "Passed over for another log:", ""]
    lines += [f"- {mutation} `{event}`: {why}" for (event, mutation), (_, why) in PASSED_OVER.items()]
    unread = [event for event in by_event if event not in read]
    lines += ["", f"Loaded but read by no model ({len(unread)}): {', '.join(f'`{event}`' for event in unread)}.", ""]
    return "\n".join(lines)


def _cell(row: Row) -> str:
    if not row.is_caught:
        return "–"
    ids = {check.dbt_test: check.check_id for check in load_checks()}
    return ", ".join(ids.get(test, f"`{test}`") for test in row.caught_by)
