"""`poolhouse cost`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import typer

from loaders.bigquery_cost import USD_PER_TIB
from loaders.errors import PoolhouseError

EPILOG = (
    "Examples:\n\n"
    "  poolhouse cost --chain ethereum --chain base --history 1y\n\n"
    "  poolhouse cost --chain base --history 90d --every hour --full-refresh --json\n\n"
    "No account is needed and nothing is sent. docs/bigquery.md says how it is estimated and what is assumed."
)
_HISTORY = re.compile(r"(\d+)(d|y)")
_DAYS = {"d": 1, "y": 365}


def cost(
    chain: Annotated[
        list[str] | None, typer.Option("--chain", help="Chain, by name; may be repeated. Ethereum if none is named.")
    ] = None,
    history: Annotated[
        str, typer.Option("--history", help="History that is there already, for example 90d or 2y.")
    ] = "1y",
    every: Annotated[Literal["hour", "day", "both"], typer.Option("--every", help="How often dbt runs.")] = "both",
    full_refresh: Annotated[bool, typer.Option("--full-refresh", help="Also what building all anew costs.")] = False,
    audit: Annotated[bool, typer.Option("--audit", help="Also what a build costs that checks all history.")] = False,
    database: Annotated[
        Path | None,
        typer.Option(
            "--database", help="Take sizes from this DuckDB warehouse instead of the assumed ones.", exists=True
        ),
    ] = None,
    usd_per_tib: Annotated[float, typer.Option("--usd-per-tib", min=0, help="Price of a TiB scanned.")] = USD_PER_TIB,
    top: Annotated[int, typer.Option("--top", min=1, help="How many models to show.")] = 25,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Estimate what dbt's runs are billed on BigQuery: bytes per model, hourly, daily and from nothing.

    dbt runs for real, but what it would send is only read: columns times partitions that each statement scans, tests and
    hooks included, at table sizes that are assumed per chain.
    """
    import json

    from rich.console import Console

    from loaders.bigquery_cost import report
    from loaders.bigquery_cost.bill import Run
    from loaders.bigquery_cost.estimate import Project, assumed_tables, run_cost, tables_without_size
    from loaders.bigquery_cost.measured import loaded_days, measured_tables
    from loaders.bigquery_cost.recorder import AUDIT, FULL_REFRESH, ORDINARY_RUN, parse_project, record
    from loaders.bigquery_cost.sizes import Profile

    days = history_days(history)
    chains = tuple(dict.fromkeys(chain or ("ethereum",)))
    profile = Profile.of(chains)
    if database is not None:
        loaded_days(database)  # told now, not after dbt has run for a minute
    console = Console(stderr=as_json)
    with console.status("dbt tells what it would send"):
        manifest = parse_project()
        ordinary = Project.read(record(manifest, ORDINARY_RUN, is_built=True))
        audited = Project.read(record(manifest, AUDIT, is_built=True)) if audit else None
        refresh = Project.read(record(manifest, FULL_REFRESH, is_built=False)) if full_refresh else None
    tables = assumed_tables(ordinary, profile)
    if database is not None:
        tables = measured_tables(tables, database)
    runs = {}
    if every != "day":
        runs["hourly run"] = run_cost(ordinary, profile, Run("hour", days), tables)
    if every != "hour":
        runs["daily run"] = run_cost(ordinary, profile, Run("day", days), tables)
    if audited is not None:
        runs["daily run with audit"] = run_cost(audited, profile, Run("day", days), tables)
    if refresh is not None:
        runs["full refresh"] = run_cost(refresh, profile, Run("day", days), tables)
    sent = [project for project in (ordinary, audited, refresh) if project is not None]
    unknown = sorted(
        {name for project in sent for name in tables_without_size(project, tables)} if database is None else ()
    )
    if unknown:
        console.print(f"Taken for empty, since loaders/bigquery_cost/assumptions lacks them: {', '.join(unknown)}.")
    if as_json:
        assumed = {"chains": chains, "history_days": days, "usd_per_tib": usd_per_tib, "without_size": unknown}
        print(json.dumps(report.as_json(runs, usd_per_tib, assumed), indent=2))
    else:
        sizes = "" if database is None else f", tables as large as in {database}"
        console.print(f"{', '.join(chains)}, {history} of history{sizes}, {usd_per_tib} USD per TiB.", highlight=False)
        report.show(runs, usd_per_tib, top, console)


def history_days(text: str) -> int:
    """``1y`` -> 365. Raises :class:`PoolhouseError`."""
    match = _HISTORY.fullmatch(text)
    if match is None or int(match[1]) == 0:
        raise PoolhouseError(f"--history {text} is no length of time.", "Give days or years, for example 90d or 2y.")
    return int(match[1]) * _DAYS[match[2]]
