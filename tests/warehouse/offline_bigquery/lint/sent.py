"""What a rule sees: a resolved statement and the warehouse it was sent to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.warehouse.googlesql.analyzer import Statement
from tests.warehouse.googlesql.tree import kind_of, walk
from tests.warehouse.offline_bigquery.relation import Relation

_TABLES = ("create_table", "create_table_as_select")
_VIEWS = ("create_view",)


@dataclass(frozen=True)
class Sent:
    """A statement on its way to the warehouse."""

    statement: Statement
    script: str
    """What was sent: it and the statements that came with it, comments included."""
    relations: Mapping[str, Relation]
    """The warehouse before it, by lower-case path."""
    is_incremental: bool
    """Whether it belongs to the incremental build of a model."""
    made_now: frozenset[str] = frozenset()
    """Tables that this incremental build made itself: they hold what it wrote a moment ago."""

    @property
    def tree(self) -> Any:
        """The resolved statement."""
        return self.statement.resolved

    @property
    def creates_table(self) -> bool:
        """CREATE TABLE, with or without a query."""
        return self.statement.kind in _TABLES

    @property
    def creates_view(self) -> bool:
        """CREATE VIEW."""
        return self.statement.kind in _VIEWS

    @cached_property
    def nodes(self) -> dict[str, list[Any]]:
        """All nodes of its tree, by kind."""
        found = defaultdict(list)
        for node in walk(self.tree):
            found[kind_of(node)].append(node)
        return found

    def view(self, path: str) -> Any:
        """The resolved statement of a view; None for a table."""
        view = self.relations[path].view if path in self.relations else None
        return view.tree if view is not None else None
