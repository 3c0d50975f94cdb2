"""The list of known answers, `seeds/quality_known_answers.csv`, and its table in the docs: written and checked by the tests.

Each comparison says how many rows it compared and found equal; a list that says otherwise fails the test. To renew it:

    RENEW_KNOWN_ANSWERS=1 pytest tests/warehouse/known_answers
"""

from __future__ import annotations

import csv
import io
import os
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

SEED = ROOT / "seeds" / "quality_known_answers.csv"
PAGE = ROOT / "docs" / "known-answers.md"
COLUMNS = ("source", "what", "marts", "compared", "pytest")
_TABLE = re.compile(r"(?<=<!-- list -->\n).*?(?=<!-- end of list -->)", re.DOTALL)

Answer = dict[str, str]


def read_answers() -> list[Answer]:
    with SEED.open() as file:
        return list(csv.DictReader(file))


def as_table(answers: list[Answer]) -> str:
    """The list as the docs show it."""
    head = "| computed by | what | answered by | compared, all equal |\n|---|---|---|---:|\n"
    return head + "".join(
        f"| {a['source']} | {a['what']} | {', '.join(f'`{m}`' for m in a['marts'].split())} | {int(a['compared']):,} |\n"
        for a in answers
    )


def table_in_docs() -> str:
    found = _TABLE.search(PAGE.read_text(encoding="utf-8"))
    return found[0] if found else ""


class Recorder:
    """Holds what one test compared against the list."""

    def __init__(self, test: Path, function: str) -> None:
        self._pytest = f"{test.relative_to(ROOT)}::{function}"

    def compared(self, source: str, what: str, marts: str, count: int) -> None:
        """``count`` rows of ``source`` came out equal. Fails for none, and when the list says another number."""
        assert count > 0, f"nothing was compared: {what}"
        answer = {
            "source": source,
            "what": what,
            "marts": marts,
            "compared": str(count),
            "pytest": self._pytest,
        }
        answers = read_answers()
        if not os.environ.get("RENEW_KNOWN_ANSWERS"):
            if answer in answers:
                return
            pytest.fail(f"{SEED.name} lacks {answer}: RENEW_KNOWN_ANSWERS=1 pytest tests/warehouse/known_answers")
        key = ("source", "what")
        answers = [a for a in answers if any(a[k] != answer[k] for k in key)]
        _write(sorted([*answers, answer], key=lambda a: (a["source"], a["what"])))


def _write(answers: list[Answer]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(answers)
    SEED.write_text(text.getvalue())
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_TABLE.sub(lambda _: as_table(answers), page), encoding="utf-8")
