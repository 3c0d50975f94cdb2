"""`poolhouse audit`."""

from __future__ import annotations

import json
import random
from typing import Annotated

import typer
from rich.console import Console

from loaders.commands.options import (
    DEFAULT_DATABASE,
    ChainOption,
    DatabaseOption,
    Destination,
    DestinationOption,
    ProtocolOption,
    UrlOption,
    resolve_endpoints,
)
from loaders.startup import prepare

EPILOG = (
    "Examples:\n\n"
    "  poolhouse audit --chain ethereum --sample 50 --rpc-url https://another-provider…\n\n"
    "  poolhouse audit --chain ethereum --sample 20 --seed 7 --json | jq .findings\n\n"
    "A *proven* block does not rest on the endpoint's word: its hash is recomputed from the header and tied to a hash in "
    "the warehouse, the receipts are held against the header's root, and the rows against the receipts. docs/audit.md "
    "says what that covers."
)


def audit(
    chain: ChainOption,
    protocol: ProtocolOption = None,
    sample: Annotated[int, typer.Option("--sample", min=1, help="Ranges to draw from what is loaded as final.")] = 20,
    width: Annotated[int, typer.Option("--width", min=1, max=1000, help="Blocks per range.")] = 10,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Draws the same ranges again. Default: new ones each time.")
    ] = None,
    rpc_url: UrlOption = None,
    destination: DestinationOption = Destination.DUCKDB,
    database: DatabaseOption = DEFAULT_DATABASE,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of a table.")] = False,
) -> None:
    """Read random ranges of what is loaded again and compare every row. Ends with code 1 when anything disagrees.

    Use another endpoint than the one loaded from. Each range's logs are read again, decoded, and compared with the
    rows that count: lost, altered, repeated and foreign rows, wrong hashes and wrong counts in the ledger are listed.
    Two blocks of each range are proven cryptographically as well, which even a lying endpoint cannot forge.
    """
    prepare()
    from loaders.audit.progress import AuditProgress
    from loaders.audit.report import as_json as report_as_json
    from loaders.audit.report import print_report
    from loaders.audit.run import audit as run_audit
    from loaders.load.duckdb_file import require_warehouse
    from loaders.load.opening import open_session

    if destination is Destination.DUCKDB:
        require_warehouse(database)
    if seed is None:
        seed = random.randrange(2**31)  # noqa: S311 (which blocks are looked at is no secret)
    with (
        open_session(chain, protocol or [], resolve_endpoints(chain, rpc_url), destination.value, database) as session,
        AuditProgress(Console(stderr=True)) as progress,
    ):
        report = run_audit(
            session,
            sample=sample,
            width=width,
            seed=seed,
            families=session.families if protocol else None,
            observer=progress,
        )
    if as_json:
        print(json.dumps(report_as_json(report), indent=2))
    else:
        print_report(Console(), report)
    if report.is_failed:
        raise typer.Exit(1)
