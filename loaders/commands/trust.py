"""`poolhouse trust`."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console

from loaders.commands.options import DEFAULT_DATABASE, DatabaseOption

EPILOG = (
    "Examples:\n\n"
    "  poolhouse trust --database demo.duckdb\n\n"
    "  poolhouse trust --chain ethereum --json | jq '.marts[] | {mart, verdict, compared_count}'\n\n"
    "Verdicts: *passed*: every check that speaks for the mart compared something and agreed; *incomplete*: some pool or "
    "market could not be judged, because its history is not loaded; *logs only*: its logs are all there and decoded, "
    "its numbers are not checked; *failed*: something disagrees, and is listed. docs/trust.md says how to check it all."
)


def trust(
    database: DatabaseOption = DEFAULT_DATABASE,
    chain: Annotated[
        str | None, typer.Option("--chain", help="Only this chain, by name or id, as in seeds/chains.csv.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of a table.")] = False,
) -> None:
    """Show per mart what was compared with the chain and how it came out. Ends with code 1 when anything failed.

    Reads the last build of the warehouse, green or not: what each mart rests on, the entities and blocks at which its
    state was compared with the contracts' own answers, the facts that checks compared and those that disagree, the
    results of others that tests reproduce, and the kinds of events whose loss or change a test would notice.
    """
    from loaders.registry.seeds import load_registry
    from loaders.trust.report import print_trust, read_trust

    report = read_trust(database, load_registry().chain(chain).chain_id if chain else None)
    if as_json:
        print(json.dumps(report.as_json(), indent=2))
    else:
        print_trust(Console(), report)
    if report.is_failed:
        raise typer.Exit(1)
