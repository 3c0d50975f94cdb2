"""Docs pages with rendered tables: put into their places, written or compared."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"


def with_tables(path: Path, tables: Mapping[str, str]) -> str:
    """The page with each table in its place: between the comments ``name: …`` and ``end of name``."""
    text = path.read_text("utf-8")
    for name, table in tables.items():
        text = _with_table(path, text, name, table)
    return text


def _with_table(path: Path, text: str, name: str, table: str) -> str:
    place = re.compile(rf"(<!-- {name}: .*? -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    text, found = place.subn(lambda match: match[1] + table + match[2], text)
    if found != 1:
        raise ValueError(f"{path} must have its table between the comments '{name}: …' and 'end of {name}'")
    return text


def write_or_report(pages: Mapping[Path, str], description: str) -> None:
    """Command line of a module that renders ``pages``: writes the stale ones, or names them and exits 1."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--write", action="store_true", help="write the pages instead of comparing them")
    write = parser.parse_args().write
    stale = {path: text for path, text in pages.items() if path.read_text("utf-8") != text}
    for path, text in stale.items():
        if write:
            path.write_text(text, encoding="utf-8")
        print(f"{'written' if write else 'stale'}: {path}")
    sys.exit(bool(stale) and not write)
