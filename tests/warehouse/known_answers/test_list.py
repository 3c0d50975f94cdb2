"""The list of known answers is what the tests compare, and the docs show it."""

from __future__ import annotations

from tests.conftest import ROOT
from tests.warehouse.known_answers.record import as_table, read_answers, table_in_docs


def test_every_listed_answer_has_its_test() -> None:
    answers = read_answers()
    assert answers
    for answer in answers:
        file, _, function = answer["pytest"].partition("::")
        assert f"def {function}(" in (ROOT / file).read_text(encoding="utf-8"), answer["what"]


def test_the_docs_show_the_list() -> None:
    assert table_in_docs() == as_table(read_answers())
