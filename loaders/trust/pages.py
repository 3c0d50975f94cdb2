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
_CHECKS = re.compile(r"(<!-- checks: .*? -->\n).*?(<!-- end of checks -->)", re.DOTALL)


def checks_table(checks: list[Check]) -> str:
    """Markdown table with a line per check."""
    lines = ["| id | compares | speaks for | dbt test |", "|---|---|---|---|"]
    for check in checks:
        marts = "every mart" if check.marts == (EVERY_MART,) else ", ".join(f"`{mart}`" for mart in check.marts)
        lines.append(f"| {check.check_id} | {check.compares} | {marts} | `{check.dbt_test}` |")
    return "\n".join(lines) + "\n"


def render_pages() -> dict[Path, str]:
    """Path and whole content of each page that has a rendered table."""
    path = DOCS / "checks.md"
    text, found = _CHECKS.subn(lambda match: match[1] + checks_table(load_checks()) + match[2], path.read_text("utf-8"))
    if found != 1:
        raise ValueError(f"{path} must have its table between the comments 'checks: …' and 'end of checks'")
    return {path: text}


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
