"""From nothing to a tested warehouse, and a summary of what came out: what `make demo` runs.

Every step is a command that the user may run alone; it is shown before it runs.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from loaders.build import BuildResult, build_with_progress, serving_path
from loaders.errors import PoolhouseError
from loaders.trust.report import print_trust, read_trust

DEVNET = "devnet"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to load, from where, into which file."""

    chain: str
    database: Path
    rpc_url: str
    """Empty: the devnet that is started, or the configured endpoints of a real chain."""
    last_blocks: int | None
    actions: int
    """Size of the devnet's market, in actions of its users."""

    @property
    def is_local(self) -> bool:
        return self.chain == DEVNET and not self.rpc_url


def run(plan: Plan, console: Console) -> None:
    """Run all steps. Raises :class:`PoolhouseError` when one fails or when a test of the build does."""
    started = time.monotonic()
    where = ["--chain", plan.chain, "--database", str(plan.database)]
    last = ["--last-blocks", str(plan.last_blocks)] if plan.last_blocks else []
    if plan.is_local:
        actions = str(plan.actions)
        _step(plan, console, "Start a local chain with the real contracts", "devnet", "start", "--actions", actions)
    # Every token's transfers are most of the logs of a real chain, too many for a first look.
    transfers = ["--with-transfers"] if plan.is_local else []
    _step(plan, console, "Load its events", "load", *where, *last, *transfers)
    if plan.is_local:
        # A node that keeps no history could not answer for the middle of a real chain.
        _step(plan, console, "Ask the contracts for their own state", "snapshot", *where, "--blocks", "middle,head")
    _title(console, "Build and test the models", "build", "--database", str(plan.database))
    result = build_with_progress(plan.database, console)
    summarise(plan.database, result, console)
    console.print(f"\nDone in {time.monotonic() - started:.0f} s.")


def _step(plan: Plan, console: Console, title: str, *arguments: str) -> None:
    _title(console, title, *arguments)
    environment = dict(os.environ)
    if plan.is_local or plan.rpc_url:
        environment = {k: v for k, v in environment.items() if not k.startswith("POOLHOUSE_RPC_URL")}
    if plan.rpc_url:
        # By environment, not by argument: the URL may carry a key, and arguments are public.
        environment["POOLHOUSE_RPC_URL"] = plan.rpc_url
    if subprocess.run([sys.executable, "-m", "loaders.cli", *arguments], env=environment, check=False).returncode:
        raise PoolhouseError(
            f"The demo stopped at `poolhouse {arguments[0]}`.", "Mend what it says, then run it again."
        )


def _title(console: Console, title: str, *arguments: str) -> None:
    console.rule(f"[bold]{title}", align="left")
    console.print(f"$ poolhouse {shlex.join(arguments)}", style="dim", highlight=False, soft_wrap=True)


def summarise(database: Path, result: BuildResult, console: Console) -> None:
    """Print what the warehouse holds and where to look next."""
    with duckdb.connect(str(database), read_only=True) as connection:
        for title, query in _TABLES.items():
            _print(console, title, connection.execute(query))
        for (reason,) in connection.execute(_WHY_NO_HEALTH).fetchall():
            console.print(f"Accounts without a health factor: {reason}.")
    console.print("\n[bold]Agreement with the chain, and what else proves each mart[/]")
    print_trust(console, read_trust(database))
    console.print(
        f"\n[bold]{result.models}[/] models built, [bold]{result.data_tests}[/] tests of their data passed, 0 failed."
    )
    console.print(f"Warehouse: [bold]{database}[/]   For readers: [bold]{serving_path(database)}[/]", soft_wrap=True)
    # Typed as they stand: the environment need not be active.
    found = shutil.which("poolhouse")
    command_name = "poolhouse" if found else os.path.relpath(Path(sys.executable).with_name("poolhouse"))
    console.print("\nNext:")
    example = "select * from dex.dex_trades order by amount_usd desc nulls last limit 5"
    for command in (
        f'{command_name} query "{example}" --database {database}',
        f"{command_name} status --database {database}",
        f"{command_name} trust --database {database}",
        "make demo RPC_URL=https://… CHAIN=ethereum BLOCKS=100",
    ):
        console.print(f"  {command}", highlight=False, soft_wrap=True)


_TABLES = {
    "Rows in raw tables (those above finality are read again each time; models see the newest)": """
        select table_name as "table", estimated_size as rows
        from duckdb_tables()
        where schema_name = 'raw' and not starts_with(table_name, '_') and estimated_size > 0
        order by table_name
    """,
    "DEX volume in US dollars, newest days first": """
        select block_date, protocol, version, trade_count as trades, volume_gross_usd as volume
        from dex.dex_volume_daily
        order by block_date desc, volume desc nulls last, protocol, version
        limit 12
    """,
    "The ten riskiest accounts: health factor, US dollars": """
        select
            account_address as account,
            round(health_factor, 4) as health,
            collateral_usd as collateral,
            debt_usd as debt
        from lending.lending_account_health
        where health_factor is not null
        qualify block_date = max(block_date) over (partition by chain_id, market_address)
        order by health_factor, account
        limit 10
    """,
}
_WHY_NO_HEALTH = """
    select distinct replace(incomplete_reason, '_', ' ')
    from lending.lending_account_health
    where incomplete_reason is not null
    order by all
"""
_TEXT = frozenset({"table", "account", "protocol", "version", "block_date"})


def _print(console: Console, title: str, result: duckdb.DuckDBPyConnection) -> None:
    names = [column[0] for column in result.description or ()]
    rows = result.fetchall()
    if not rows:
        console.print(f"\n[bold]{title}[/]: none")
        return
    console.print(f"\n[bold]{title}[/]")
    table = Table(box=None, pad_edge=False)
    for name in names:
        is_text = name in _TEXT
        # An address cut short is of no use.
        table.add_column(name.replace("_", " "), justify="left" if is_text else "right", no_wrap=is_text)
    for row in rows:
        table.add_row(*(_shown(value) for value in row))
    console.print(table)


def _shown(value: object) -> str:
    match value:
        case None:
            return "–"
        case int():
            return f"{value:,}"
        case Decimal():
            return f"{value:,.2f}"
    return str(value)
