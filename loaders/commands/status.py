"""`poolhouse status`."""

from __future__ import annotations

from rich.console import Console

from loaders.commands.options import DEFAULT_DATABASE, DatabaseOption


def status(database: DatabaseOption = DEFAULT_DATABASE) -> None:
    """Show what is loaded per chain and family: covered blocks, holes, what may still change, and how old it is."""
    from loaders.registry.seeds import load_registry
    from loaders.status import print_status, read_status

    print_status(Console(), database, read_status(database), load_registry())
