"""A log that is lost, doubled or altered makes a dbt test fail, for every kind of event that models read.

The mutation is made below staging, and the ledger is told of it: what has to notice is economics, not row counts. The
table that this compares with is renewed by ``python -m tests.warehouse.mutation --write``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from loaders.registry.events import EventSpec
from tests.warehouse.mutation.logs import MUTATIONS, copy, logs_of, lose
from tests.warehouse.mutation.project import Project, kinds_of_event, name_of
from tests.warehouse.mutation.reasons import BY_FATE
from tests.warehouse.mutation.rebuild import Rebuild
from tests.warehouse.mutation.table import PAGE, Row, page_text, read_rows, row_of, tables
from tests.warehouse.mutation.verdict import judge
from tests.warehouse.small_warehouse import SmallWarehouse

RENEW = "renew the table: python -m tests.warehouse.mutation --write"
EVENTS = kinds_of_event()


@pytest.fixture(scope="module")
def rebuild(small_warehouse: SmallWarehouse) -> Iterator[Rebuild]:
    rebuild = Rebuild(small_warehouse.database, Project.read(small_warehouse.manifest))
    yield rebuild
    rebuild.close()


@pytest.fixture(scope="module")
def committed() -> dict[tuple[str, str], Row]:
    return {(row.event, row.mutation): row for row in read_rows()}


def test_without_a_mutation_nothing_fails(rebuild: Rebuild) -> None:
    """Everything is rebuilt from raw rows that are as they were: the same tables, and no test fails."""
    assert rebuild.failing_tests() == []
    sources = {node.name for node in rebuild.project.nodes.values() if node.kind == "source"}
    effect = rebuild.effect(lambda _: None, sources)
    assert (effect.broken, effect.tables, effect.failed_tests) == ("", [], [])


def test_the_table_has_every_kind_of_event(rebuild: Rebuild, committed: dict[tuple[str, str], Row]) -> None:
    print(tables(list(committed.values())))
    assert set(committed) == {(name_of(event), mutation) for event in EVENTS for mutation in MUTATIONS}, RENEW
    unexplained = [key for key, row in committed.items() if not row.is_caught and not row.reason]
    assert not unexplained, "tests/warehouse/mutation/reasons.py says why nothing can notice"
    tests = {test.name for test in rebuild.project.tests}
    assert {test for row in committed.values() for test in row.caught_by} <= tests, RENEW
    assert PAGE.read_text("utf-8") == page_text(list(committed.values()), PAGE.read_text("utf-8")), RENEW


@pytest.mark.parametrize("event", EVENTS, ids=name_of)
def test_mutations_of(event: EventSpec, rebuild: Rebuild, committed: dict[tuple[str, str], Row]) -> None:
    for mutation in MUTATIONS:
        row = committed.get((name_of(event), mutation))
        assert row is not None, RENEW
        verdict = judge(rebuild, event, mutation, row.caught_by)
        found = row_of(verdict, rebuild.project, event)
        assert row.is_caught == found.is_caught, f"{mutation}: {verdict.fate} {verdict.tests} {verdict.detail}; {RENEW}"
        assert (row.marts, row.reason) == (found.marts, found.reason), RENEW


def test_most_mutations_are_really_made(committed: dict[tuple[str, str], Row]) -> None:
    """Nothing above says so if the market were empty, or the models read nothing."""
    read = [row for row in committed.values() if row.reason not in (BY_FATE["unread"], BY_FATE["absent"])]
    assert len(read) >= 100
    assert sum(row.is_caught for row in read) > len(read) / 2


@pytest.mark.parametrize("event", EVENTS, ids=name_of)
def test_row_counts_notice_what_the_ledger_does_not_know(event: EventSpec, rebuild: Rebuild) -> None:
    """A lost row and a copied one, with the ledger as it was: for any event, whoever reads it."""
    logs = logs_of(rebuild.connection, event)
    if not logs:
        pytest.skip("the devnet's market emits none")
    log = logs[len(logs) // 2]
    i1, i2 = ["invariant_i1_logs_are_unique"], ["invariant_i2_ledger_is_complete"]
    lost = rebuild.effect(lambda connection: lose(connection, log), [event.table], i2)
    copied = rebuild.effect(lambda connection: copy(connection, log), [event.table], i1)
    assert (lost.failed_tests, copied.failed_tests) == (i2, i1)
