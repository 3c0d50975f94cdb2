"""Render the tables of docs pages that repeat the catalogue, so that they cannot differ from it.

``python -m loaders.trust.pages --write`` writes them; without ``--write`` it says which are stale and exits 1.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from loaders.trust.catalogue import EVERY_MART, Check, load_checks

DOCS = Path(__file__).resolve().parents[2] / "docs"


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
    return {DOCS / page: _with_table(DOCS / page, name, table) for page, (name, table) in tables.items()}


def _with_table(path: Path, name: str, table: str) -> str:
    place = re.compile(rf"(<!-- {name}: .*? -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    text, found = place.subn(lambda match: match[1] + table + match[2], path.read_text("utf-8"))
    if found != 1:
        raise ValueError(f"{path} must have its table between the comments '{name}: …' and 'end of {name}'")
    return text


def main() -> None:
    """Write the pages, or report the stale ones."""
    parser = argparse.ArgumentParser(description="Render the tables of docs pages from seeds/quality_checks.csv.")
    parser.add_argument("--write", action="store_true", help="write the pages instead of comparing them")
    write = parser.parse_args().write
    stale = {path: text for path, text in render_pages().items() if path.read_text("utf-8") != text}
    for path, text in stale.items():
        if write:
            path.write_text(text, encoding="utf-8")
        print(f"{'written' if write else 'stale'}: {path}")
    sys.exit(bool(stale) and not write)


if __name__ == "__main__":
    main()
