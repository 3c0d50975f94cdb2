"""Fingerprints of the marts' contracts, kept in CHANGELOG.md beside what it tells readers of marts (docs/contracts.md).

``python -m loaders.contracts --write`` records them for the release under work; without ``--write`` it says which are stale.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
CHANGELOG = PROJECT / "CHANGELOG.md"
_BEGIN, _END = "<!-- contracts -->", "<!-- /contracts -->"
_SECTION = re.compile(r"(?ms)^## Unreleased$(.*?)(?=^## |\Z)")
_ROW = re.compile(r"(?m)^\|([^|]*)\|")
_RECORD = re.compile(r"`(\w+)` ([0-9a-f]{8})")
_NAME = re.compile(r"`(\w+)`")


def contracts(marts: Path = PROJECT / "models" / "marts") -> dict[str, str]:
    """Fingerprint of each mart's contract: names and types of its columns, and what is never NULL; in order of name."""
    found = {}
    for path in sorted(marts.rglob("*.yml")):
        for model in _models(path):
            found[model["name"]] = _fingerprint(model)
    return dict(sorted(found.items()))


def recorded(changelog: str) -> dict[str, str]:
    """Fingerprints in the section Unreleased."""
    return dict(_RECORD.findall(_block(changelog)))


def announced(changelog: str) -> set[str]:
    """Marts that a row of the table of changes in the section Unreleased names."""
    section = _section(changelog)
    return {name for row in _ROW.findall(section) for name in _NAME.findall(row)}


def with_records(changelog: str, current: dict[str, str]) -> str:
    """The changelog with these fingerprints recorded."""
    records = " · ".join(f"`{name}` {fingerprint}" for name, fingerprint in current.items())
    before, begin, rest = changelog.partition(_BEGIN)
    return f"{before}{begin}\n{_wrapped(records)}\n{_END}{rest.partition(_END)[2]}"


def _models(path: Path) -> Iterator[dict[str, Any]]:
    import yaml

    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return iter(document.get("models", ()))


def _fingerprint(model: dict[str, Any]) -> str:
    columns = sorted((column["name"], column["data_type"], _kinds(column)) for column in model["columns"])
    versions = [version["v"] for version in model.get("versions", ())]
    content = json.dumps([columns, _kinds(model), versions], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:8]


def _kinds(owner: dict[str, Any]) -> list[list[str]]:
    return [[c["type"], *sorted(c.get("columns", ()))] for c in owner.get("constraints", ())]


def _section(changelog: str) -> str:
    section = _SECTION.search(changelog)
    if section is None:
        raise ValueError("CHANGELOG.md has no section Unreleased")
    return section[1]


def _block(changelog: str) -> str:
    return _section(changelog).partition(_BEGIN)[2].partition(_END)[0]


def _wrapped(text: str, width: int = 120) -> str:
    lines = [""]
    for item in text.split(" · "):
        if len(lines[-1]) + len(item) + 3 > width:
            lines.append("")
        lines[-1] += f"{' · ' if lines[-1] else ''}{item}"
    return " ·\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="record the fingerprints instead of comparing them")
    options = parser.parse_args()
    changelog, current = CHANGELOG.read_text(encoding="utf-8"), contracts()
    unannounced = sorted(set(current) - announced(changelog))
    if unannounced:
        print(f"Say in the table under Unreleased what changed in {', '.join(unannounced)}.")
    if recorded(changelog) == current:
        return 1 if unannounced else 0
    if options.write:
        CHANGELOG.write_text(with_records(changelog, current), encoding="utf-8")
    before = recorded(changelog)
    changed = [name for name in {**current, **before} if current.get(name) != before.get(name)]
    print(f"{'recorded' if options.write else 'stale'}: {', '.join(changed)}")
    return 1 if unannounced or not options.write else 0


if __name__ == "__main__":
    sys.exit(main())
