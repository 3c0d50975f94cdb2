"""``poolhouse snapshot``: what the user may say, and what is shown while contracts are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from loaders.facts.snapshot import HEAD, Snapshot, snapshot
from loaders.load.warehouse import DestinationName, open_warehouse
from loaders.registry.seeds import Registry, load_registry
from loaders.rpc.endpoint import connect
from loaders.session import Session, work_directory


@dataclass(frozen=True)
class SnapshotRequest:
    """What the user asked for."""

    chain: str
    rpc_url: str
    database: Path
    blocks: tuple[str, ...] = (HEAD,)
    """Block numbers, ``head`` or ``middle``; each may hold several, separated by commas."""
    protocols: tuple[str, ...] = ()
    """All of the chain when empty."""
    destination: DestinationName = "duckdb"


def run_snapshot(request: SnapshotRequest, console: Console, registry: Registry | None = None) -> Snapshot:
    """Read and write one snapshot, with progress and a summary. Raises :class:`loaders.errors.PoolhouseError`."""
    registry = registry or load_registry()
    chain = registry.chain(request.chain)
    families = tuple(registry.select_families(chain, request.protocols))
    endpoint = connect(request.rpc_url, chain, registry)
    blocks = [b for text in request.blocks for b in text.split(",") if b.strip()]
    work = work_directory(request.database)
    with open_warehouse(request.destination, registry.events, database=request.database, root=work) as warehouse:
        session = Session(registry, chain, families, endpoint, warehouse)
        with _progress(console) as bar:
            tasks: dict[int, TaskID] = {}

            def report(block_number: int, done: int, known: int) -> None:
                if block_number not in tasks:
                    tasks[block_number] = bar.add_task(f"block {block_number:,}")
                bar.update(tasks[block_number], completed=done, total=known)

            result = snapshot(session, blocks, progress=report)
    console.print(_summary(result))
    return result


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)


def _summary(result: Snapshot) -> Table:
    table = Table("status", "contract reads", title=f"Contract state at blocks {', '.join(map(str, result.blocks))}")
    table.columns[1].justify = "right"
    for status, count in sorted(result.statuses.items()):
        table.add_row(status, f"{count:,}")
    return table
