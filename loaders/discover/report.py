"""What discover found, for people and for machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from rich.console import Console
from rich.table import Table

from loaders.discover.find import Finding
from loaders.registry.chains import Chain
from loaders.registry.families import load_families


@dataclass(frozen=True)
class Discovery:
    """One look at a chain."""

    chain: Chain
    where: str
    """Host of the node with the blocks, or the warehouse."""
    findings: Sequence[Finding]

    def of_at_least(self, created: int) -> Discovery:
        """Without who created less than that."""
        return replace(self, findings=[f for f in self.findings if f.count >= created])

    def as_json(self) -> dict[str, Any]:
        found = [{**asdict(f), "registry_row": f.registry_row(self.chain)} for f in self.findings]
        return {"chain": self.chain.name, "chain_id": self.chain.chain_id, "where": self.where, "findings": found}


def print_discovery(console: Console, discovery: Discovery) -> None:
    """A table of the emitters, then their rows for the registry."""
    if not discovery.findings:
        console.print(f"No unknown factory in {discovery.where}.", highlight=False)
        return
    table = Table(title=f"{discovery.chain.name}: {discovery.where}", title_justify="left", box=None, pad_edge=False)
    for name in ("emitter", "like"):
        table.add_column(name, no_wrap=True)
    for name in ("created", "first block", "last block"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("for example", overflow="fold")
    for f in discovery.findings:
        like = f"{load_families()[f.family].title} {f.role.replace('_', ' ')}"
        table.add_row(f.emitter, like, f"{f.count:,}", f"{f.first_block:,}", f"{f.last_block:,}", f.sample or "–")
    console.print(table)
    console.print(
        "\nRows for seeds/registry_contracts.csv; name protocol and version, and set start_block to the deployment if "
        "that is earlier (docs/add-a-fork.md):",
        highlight=False,
    )
    for f in discovery.findings:
        # Not through the console: a row is for pasting, and must not be wrapped.
        print(f.registry_row(discovery.chain))
