"""Render the tables of docs pages that repeat the catalogue, so that they cannot differ from it.

``python -m loaders.trust.pages --write`` writes them; without ``--write`` it says which are stale and exits 1.
"""

from __future__ import annotations

from pathlib import Path

from loaders.pages import DOCS, with_tables, write_or_report
from loaders.trust.catalogue import EVERY_MART, Check, load_checks


def checks_table(checks: list[Check]) -> str:
    """Markdown table with a line per check."""
    lines = ["| id | compares | speaks for | dbt test |", "|---|---|---|---|"]
    for check in checks:
        marts = "every mart" if check.marts == (EVERY_MART,) else ", ".join(f"`{mart}`" for mart in check.marts)
        lines.append(f"| {check.check_id} | {check.compares} | {marts} | `{check.dbt_test}` |")
    return "\n".join(lines) + "\n"


def marts_table(checks: list[Check]) -> str:
    """Markdown table with a line per mart: the checks that speak for it and not for all, by kind."""
    marts = sorted({mart for check in checks for mart in check.marts} - {EVERY_MART}, key=_marts_first)
    lines = ["| mart | compared with the contracts' answers | follows from logs alone |", "|---|---|---|"]
    for mart in marts:
        cells = [
            ", ".join(c.check_id for c in checks if mart in c.marts and c.kind == kind) or "–"
            for kind in ("reconciliation", "invariant")
        ]
        lines.append(f"| `{mart}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _marts_first(mart: str) -> tuple[bool, str]:
    return mart.startswith("stg_"), mart


def render_pages() -> dict[Path, str]:
    """Path and whole content of each page that has a rendered table."""
    checks = load_checks()
    tables = {"checks.md": ("checks", checks_table(checks)), "trust.md": ("marts", marts_table(checks))}
    return {DOCS / page: with_tables(DOCS / page, {name: table}) for page, (name, table) in tables.items()}


if __name__ == "__main__":
    write_or_report(render_pages(), "Render the tables of docs pages from seeds/quality_checks.csv.")
