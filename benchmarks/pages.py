"""Pages of docs that a benchmark renders as a whole: printed or written, and how they say numbers."""

from __future__ import annotations

import argparse
from pathlib import Path


def print_or_write(page: Path, text: str, description: str | None) -> None:
    """Command line of a module that renders ``page``."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"renew docs/{page.name}")
    if parser.parse_args().write:
        page.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


def count(n: float) -> str:
    """Two digits: more would feign precision."""
    for unit, name in ((1e9, " billion"), (1e6, " million"), (1e3, ",000")):
        if n >= unit:
            value = n / unit
            return f"{value:.0f}{name}" if value >= 10 or unit == 1e3 else f"{value:.1f}{name}"
    return f"{n:.0f}"
