"""What becomes of a kind of event: for each mutation the tests that notice, or that nothing could."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from loaders.registry.events import EventSpec
from loaders.trust.catalogue import load_checks
from tests.warehouse.mutation.logs import Log, Mutation, change, logs_of, middle_and_last_first
from tests.warehouse.mutation.project import name_of
from tests.warehouse.mutation.reasons import PASSED_OVER
from tests.warehouse.mutation.rebuild import Effect, Rebuild

LOGS_THAT_MATTER = 2
"""Each mutation is made to so many logs of a kind, and has to be noticed at each of them."""
LOGS_TRIED = 5
"""A log without any effect on a mart is passed over for another one, up to so many."""

Fate = Literal["caught", "missed", "harmless", "absent", "unread"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One event under one mutation."""

    event: str
    mutation: Mutation
    fate: Fate
    """``harmless``: no mart changed. ``absent``: the market has no such log. ``unread``: no model asks for it."""
    tests: tuple[str, ...] = ()
    detail: str = ""
    """What changed unnoticed, and where."""


def judge(rebuild: Rebuild, event: EventSpec, mutation: Mutation, known_tests: Sequence[str] = ()) -> Verdict:
    """Mutate logs of the event, one after the other. ``known_tests`` are tried first, and enough when one of them fails."""
    name = name_of(event)
    if not rebuild.project.readers(event):
        return Verdict(name, mutation, "unread")
    logs = logs_of(rebuild.connection, event)
    if not logs:
        return Verdict(name, mutation, "absent")
    passed_over = list(PASSED_OVER.get((name, mutation), ((), ""))[0])
    caught: list[tuple[str, ...]] = []
    for log in middle_and_last_first(logs)[:LOGS_TRIED]:
        effect = _effect(rebuild, log, mutation, known_tests)
        if effect.failed_tests:
            caught.append(named(effect.failed_tests))
        elif effect.broken or (effect.marts and effect.marts != passed_over):
            what = f"{effect.broken} cannot be built" if effect.broken else f"{' '.join(effect.marts)} changed"
            return Verdict(name, mutation, "missed", (), f"block {log.block_number}, log {log.log_index}: {what}")
        if len(caught) == LOGS_THAT_MATTER:
            break
    if not caught:
        return Verdict(name, mutation, "missed" if passed_over else "harmless")
    return Verdict(name, mutation, "caught", tuple(dict.fromkeys(test for tests in caught for test in tests)))


def named(failed: Sequence[str]) -> tuple[str, ...]:
    """The checks among the failed tests; where there is none, the first test."""
    checks = {check.dbt_test for check in load_checks()}
    return tuple(test for test in failed if test in checks) or tuple(failed[:1])


def _effect(rebuild: Rebuild, log: Log, mutation: Mutation, known_tests: Sequence[str]) -> Effect:
    tables = [log.event.table]
    if known_tests:
        quick = rebuild.effect(change(mutation, log), tables, only_tests=known_tests)
        if quick.failed_tests:
            return quick
    return rebuild.effect(change(mutation, log), tables)
