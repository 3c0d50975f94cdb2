"""`poolhouse trust`: how far each mart of a warehouse can be trusted, and why; for people and for machines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from loaders.errors import PoolhouseError
from loaders.query import run_query

_MARTS = """
    select trust.*, chains.chain
    from quality.data_trust as trust
    left join seeds.chains as chains using (chain_id)
    where {where}
    order by trust.chain_id, starts_with(trust.mart, 'stg_'), trust.mart
"""
_FAILURES = """
    select invariant_id as check_id, chain_id, entity, as_of_block, failed_count, first_failed_block, expected_value,
        actual_value
    from quality.data_invariants as trust
    where status = 'failed' and {where}
    order by all
"""
_STYLES = {"passed": "green", "incomplete": "yellow", "logs_only": "yellow", "failed": "bold red"}
_SHOWN_FAILURES = 20
_ALL_ROWS = 1_000_000
_WIDEST = 10_000
_LEGEND = (
    "entities, blocks: pools, positions, factories and lending markets compared with the contracts' own answers, and at "
    "how many blocks. facts, mismatches: of all checks. checks: passed of those that speak for the mart. answers: results of "
    "others that tests reproduce. mutations: caught of those tried on the events it reads. More: docs/trust.md"
)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TrustReport:
    """What a warehouse's last build found, as rows of ``quality.data_trust`` and of failed checks."""

    database: Path
    marts: list[Row]
    failures: list[Row]
    """One row per check, entity and block that disagrees with the chain."""

    @property
    def is_failed(self) -> bool:
        return bool(self.failures) or any(mart["verdict"] == "failed" for mart in self.marts)

    def as_json(self) -> dict[str, object]:
        """The same for machines; keys are the columns of the tables."""
        return {
            "is_failed": self.is_failed,
            "marts": [{name: _plain(value) for name, value in mart.items()} for mart in self.marts],
            "failures": [{name: _plain(value) for name, value in failure.items()} for failure in self.failures],
        }


def read_trust(database: Path, chain_id: int | None = None) -> TrustReport:
    """Read the warehouse itself, which also holds a build that was not green and hence not published.

    Raises :class:`PoolhouseError` where nothing was built, or nothing of the chain.
    """
    where = "true" if chain_id is None else f"trust.chain_id = {int(chain_id)}"
    try:
        marts = _rows(_MARTS.format(where=where), database)
        failures = _rows(_FAILURES.format(where=where), database)
    except PoolhouseError as error:
        if isinstance(error.__context__, duckdb.CatalogException):
            raise PoolhouseError(
                f"{database} has no trust table yet: it was not built, or no build came that far.",
                f"Run `poolhouse build --database {database}`; it names what fails.",
            ) from None
        raise
    if not marts:
        raise PoolhouseError(
            f"{database} holds nothing of that chain." if chain_id is not None else f"{database} holds no loads.",
            "`poolhouse status` shows what is loaded.",
        )
    return TrustReport(database, marts, failures)


def _rows(sql: str, database: Path) -> list[Row]:
    names, rows, _ = run_query(sql, database, limit=_ALL_ROWS, published=False)
    return [dict(zip(names, row, strict=True)) for row in rows]


def print_trust(console: Console, report: TrustReport) -> None:
    """A line per mart and chain, what the columns mean, and every disagreement."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("mart", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for name in ("entities", "blocks", "facts", "mismatches", "checks", "answers", "mutations"):
        table.add_column(name, justify="right", no_wrap=True)
    several = len({mart["chain_id"] for mart in report.marts}) > 1
    for mart in report.marts:
        name = f"{mart['chain'] or mart['chain_id']} {mart['mart']}" if several else mart["mart"]
        tried, checks = mart["mutation_count"], mart["checks_passed_count"] + mart["checks_failed_count"]
        table.add_row(
            name,
            f"[{_STYLES[mart['verdict']]}]{mart['verdict'].replace('_', ' ')}[/]",
            *(_count(mart[f"{kind}_count"]) for kind in ("reconciled_entity", "reconciled_block", "compared")),
            f"{mart['mismatch_count']:,}",
            f"{mart['checks_passed_count']}/{checks + mart['checks_incomplete_count']}",
            _count(mart["known_answer_count"]),
            f"{mart['mutation_caught_count']}/{tried}" if tried else "–",
        )
    # At its own width: a line that the terminal folds is whole, one cut to fit is not.
    width = console.measure(table, options=console.options.update(max_width=_WIDEST)).maximum
    Console(file=console.file, width=max(width, console.width)).print(table)
    console.print(f"\n{_LEGEND}", style="dim", highlight=False)
    for failure in report.failures[:_SHOWN_FAILURES]:
        # A value may be a list, which must not be taken for markup.
        said = escape(
            f"{failure['entity']} at block {failure['as_of_block']}: "
            f"{failure['failed_count']} of its facts disagree, first in block {failure['first_failed_block']}: "
            f"expected {failure['expected_value']}, found {failure['actual_value']}"
        )
        console.print(f"[bold red]{failure['check_id']}[/] {said}", highlight=False, soft_wrap=True)
    if len(report.failures) > _SHOWN_FAILURES:
        console.print(f"… and {len(report.failures) - _SHOWN_FAILURES} more; --json lists all.", style="dim")


def _count(value: int) -> str:
    return f"{value:,}" if value else "–"


def _plain(value: object) -> object:
    match value:
        case datetime():
            return value.isoformat()
        case Decimal():
            return str(value)
    return value
