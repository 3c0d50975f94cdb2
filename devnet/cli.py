"""`poolhouse devnet`: the local chain from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from devnet import service
from devnet.market import simulation
from devnet.node import DEVNET, ETHEREUM, KEPT_STATES, NETWORKS

app = typer.Typer(
    name="devnet",
    no_args_is_help=True,
    help="A local chain with real contracts and a seeded market: demo and test data.",
)


@app.command()
def start(
    seed: Annotated[int, typer.Option(help="The same seed and size give the same chain.")] = simulation.DEFAULT_SEED,
    actions: Annotated[
        int, typer.Option(min=1, help="How much happens: about so many user actions over 30 days.")
    ] = simulation.DEFAULT_ACTIONS,
    port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            help=f"Port on 127.0.0.1. Default: {service.DEFAULT_PORT}, or a free one where that is taken.",
        ),
    ] = None,
    chain: Annotated[
        str,
        typer.Option("--as", help="Chain that the node passes for: devnet, or ethereum with mainnet's addresses."),
    ] = DEVNET.name,
    only: Annotated[
        str, typer.Option(help="What users do: scenarios by name, with wildcards, separated by commas.")
    ] = "*",
    max_hours: Annotated[
        float, typer.Option(help="It stops by itself after so many hours.")
    ] = service.DEFAULT_MAX_HOURS,
) -> None:
    """Build the chain and leave it running in the background."""
    console = Console()
    with market_progress(console) as progress:
        running = service.start(seed, actions, port, chain=chain, only=only, max_hours=max_hours, progress=progress)
    _describe(console, running, "runs already" if running.was_running else "is running")


@app.command()
def scenarios() -> None:
    """List what users do on the chain, and how often in relation to one another."""
    table = Table(box=None)
    table.add_column("scenario", no_wrap=True, min_width=max(len(s.name) for s in simulation.scenarios()))
    table.add_column("weight", justify="right")
    table.add_column("what happens")
    for scenario in simulation.scenarios():
        table.add_row(scenario.name, f"{scenario.weight:g}", scenario.summary)
    Console().print(table)


@app.command()
def status() -> None:
    """Show the chain in the background, if there is one."""
    running = service.status()
    if running is None:
        Console().print("No devnet is running. Start one with `poolhouse devnet start`.")
        raise typer.Exit(1)
    _describe(Console(), running, "is running")


@app.command()
def stop() -> None:
    """Stop the chain in the background."""
    running = service.stop()
    Console().print("No devnet is running." if running is None else f"Stopped the devnet on port {running.port}.")


@contextmanager
def market_progress(console: Console) -> Iterator[simulation.Progress]:
    """A progress bar for :func:`devnet.service.start` that vanishes when the market is built."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Devnet: fetching, compiling (once) and deploying contracts", total=None)

        def advance(done: int, planned: int) -> None:
            bar.update(task, description="Devnet: the market is open", completed=done, total=planned)

        yield advance


def _describe(console: Console, running: service.Running, state: str) -> None:
    stops_at = datetime.fromtimestamp(running.stops_at, tz=UTC)
    memory = f", {running.rss_bytes / 1e6:.0f} MB" if running.rss_bytes else ""
    chosen = "" if running.only == "*" else f", only {running.only}"
    chosen += "" if running.chain == DEVNET.name else f", as {running.chain}"
    console.print(f"The devnet {state} at {running.url} (seed {running.seed}, {running.actions} actions{chosen}).")
    console.print(f"Head: block {running.head_number}, {running.head_hash}", soft_wrap=True)
    if running.head_number - NETWORKS[running.chain].first_block > KEPT_STATES:
        console.print(f"Contracts answer for the last {KEPT_STATES} blocks only; logs are complete.")
    if running.chain == ETHEREUM.name:
        console.print("It is no mainnet: keep it in a file of its own, as in")
        console.print(
            f"  poolhouse load --chain {running.chain} --rpc-url {running.url} "
            f"--from-block {ETHEREUM.first_block} --database rehearsal.duckdb",
            highlight=False,
            soft_wrap=True,
        )
    console.print(f"Node: process {running.pid}{memory}; stops by itself at {stops_at:%Y-%m-%d %H:%M} UTC.")
