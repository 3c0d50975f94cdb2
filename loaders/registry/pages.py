"""Render the tables of docs/registry.md from the registry: families, and protocols by chain.

``python -m loaders.registry.pages --write`` writes them; without ``--write`` it says whether they are stale and exits 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from loaders.pages import DOCS, with_tables, write_or_report
from loaders.registry.chains import Chain
from loaders.registry.families import Family, load_families
from loaders.registry.seeds import Contract, Registry, load_registry

PAGE = DOCS / "registry.md"
DEVNET = "devnet"
_LOADED = {"default": "by default", "named": "when named", "with_transfers": "`--with-transfers`"}


def families_table(registry: Registry) -> str:
    """Markdown table with a line per family."""
    lines = ["| family | loaded | events | tables | with it | what |", "|---|---|---|---|---|---|"]
    for family in load_families().values():
        events = [event for event in registry.events.events if event.family == family.name]
        tables = {event.table for event in events}
        lines.append(
            f"| `{family.name}` | {_LOADED[family.loaded]} | {len(events)} | {len(tables)} | {_included(family)} "
            f"| {family.description} |"
        )
    return "\n".join(lines) + "\n"


def _included(family: Family) -> str:
    return ", ".join(f"`{name}`" for name in family.includes) or "–"


def coverage_table(registry: Registry) -> str:
    """Markdown table with a line per protocol, version and family, and a column per chain."""
    chains = [chain for chain in registry.chains if chain.name != DEVNET]
    lines = [
        f"| protocol | family | {' | '.join(chain.name for chain in chains)} |",
        "|---|---|" + "---|" * len(chains),
    ]
    order = list(load_families())
    known = {(c.family, c.protocol, c.version) for c in registry.contracts}
    for family, protocol, version in sorted(known, key=lambda key: (order.index(key[0]), *key[1:])):
        cells = [_cell(_of(registry, chain, family, protocol, version)) for chain in chains]
        lines.append(f"| {protocol} {version} | `{family}` | {' | '.join(cells)} |")
    feeds = [str(len(registry.feeds_of(chain))) for chain in chains]
    tokens = [str(len(registry.tokens_of(chain))) for chain in chains]
    lines += [f"| price feeds | `chainlink` | {' | '.join(feeds)} |", f"| tokens | – | {' | '.join(tokens)} |"]
    return "\n".join(lines) + "\n"


def _of(registry: Registry, chain: Chain, family: str, protocol: str, version: str) -> list[Contract]:
    contracts = registry.contracts_of(chain)
    return [c for c in contracts if (c.family, c.protocol, c.version) == (family, protocol, version)]


def _cell(contracts: Iterable[Contract]) -> str:
    notes = [contract.note for contract in contracts]
    if not notes:
        return ""
    if any("start: unknown" in note for note in notes):
        return "?"
    return "≥" if any("lower bound" in note for note in notes) else "✓"


def render_pages() -> dict[Path, str]:
    """The page and its whole content."""
    registry = load_registry()
    return {PAGE: with_tables(PAGE, {"families": families_table(registry), "coverage": coverage_table(registry)})}


if __name__ == "__main__":
    write_or_report(render_pages(), "Render the tables of docs/registry.md from the registry.")
