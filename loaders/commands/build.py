"""`poolhouse build`."""

from __future__ import annotations

from rich.console import Console

from loaders.commands.options import DEFAULT_DATABASE, DatabaseOption


def build(database: DatabaseOption = DEFAULT_DATABASE) -> None:
    """Build and test every model, and publish the marts for readers when all is green."""
    from loaders.build import build_with_progress

    console = Console()
    result = build_with_progress(database, console)
    console.print(
        f"{result.models} models built, {result.data_tests} data tests passed, 0 failed.",
        highlight=False,
    )
