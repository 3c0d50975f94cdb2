"""What the offline warehouse holds: tables and views with their columns, and every statement it was sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.warehouse.googlesql.analyzer import Analyzer, Columns, Statement

_KINDS_OF_VIEWS = ("create_view", "create_materialized_view")


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or a view: BigQuery's ``TABLE`` or ``VIEW``, and its columns."""

    type: str
    columns: Columns


@dataclass
class OfflineWarehouse:
    """A catalog that grows with each statement; all tables are empty."""

    analyzer: Analyzer = field(default_factory=Analyzer)
    relations: dict[str, Relation] = field(default_factory=dict)
    """By lower-case ``project.dataset.name``."""
    datasets: set[str] = field(default_factory=set)
    analysed: dict[str, list[Statement]] = field(default_factory=lambda: defaultdict(list))
    """Resolved statements by the dbt node that sent them (empty string: none)."""

    def columns(self, name: str) -> Mapping[str, str] | None:
        relation = self.relations.get(name.replace("`", ""))
        return relation.columns if relation else None

    def add_table(self, name: str, columns: Columns) -> None:
        self.relations[name.lower()] = Relation("TABLE", columns)

    def run(self, script: str, node: str) -> list[Statement]:
        """Resolve a script and apply what it creates. Raises :class:`GoogleSqlError` for what BigQuery would refuse."""
        statements = self.analyzer.check(script, self.columns)
        for statement in statements:
            if statement.kind.startswith("create_") and statement.columns:
                kind = "VIEW" if statement.kind in _KINDS_OF_VIEWS else "TABLE"
                is_kept = statement.kind == "create_table" and statement.target in self.relations
                if not is_kept:  # create table if not exists
                    self.relations[statement.target] = Relation(kind, statement.columns)
        self.analysed[node].extend(statements)
        return statements
