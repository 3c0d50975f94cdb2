"""What the offline warehouse holds: tables and views with their columns, and every statement it was sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.warehouse.googlesql.analyzer import Analyzer, Columns, Statement
from tests.warehouse.offline_bigquery.lint import Finding, lint
from tests.warehouse.offline_bigquery.lint.partitions import partition_column
from tests.warehouse.offline_bigquery.lint.sent import Sent
from tests.warehouse.offline_bigquery.relation import Relation, View, direct_reads


@dataclass
class OfflineWarehouse:
    """A catalog that grows with each statement; all tables are empty."""

    analyzer: Analyzer = field(default_factory=Analyzer)
    relations: dict[str, Relation] = field(default_factory=dict)
    """By lower-case ``project.dataset.name``."""
    datasets: set[str] = field(default_factory=set)
    analysed: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Kinds of the statements resolved, by the dbt node that sent them (empty string: none)."""
    analysed_again: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Those of incremental builds."""
    findings: list[Finding] = field(default_factory=list)
    """What breaks BigQuery's own rules."""
    is_incremental: bool = False
    """Whether what is sent from now on belongs to incremental builds."""
    observe: Callable[[Sent], None] | None = None
    """Called with every statement before it is applied."""
    _made_now: set[str] = field(default_factory=set)

    def columns(self, name: str) -> Mapping[str, str] | None:
        relation = self.relations.get(name.replace("`", ""))
        return relation.columns if relation else None

    def add_table(self, name: str, columns: Columns, partition: str = "") -> None:
        self.relations[name.lower()] = Relation("TABLE", columns, partition)

    def run(self, script: str, node: str) -> list[Statement]:
        """Resolve a script and apply what it creates. Raises :class:`GoogleSqlError` for what BigQuery would refuse."""
        statements = self.analyzer.check(script, self.columns)
        for statement in statements:
            sent = Sent(statement, script, self.relations, self.is_incremental, frozenset(self._made_now))
            self.findings += lint(sent, node)
            if self.observe is not None:
                self.observe(sent)
            if statement.kind.startswith("create_") and statement.columns:
                self._create(sent)
        analysed = self.analysed_again if self.is_incremental else self.analysed
        analysed[node] += [statement.kind for statement in statements]
        return statements

    def _create(self, sent: Sent) -> None:
        statement = sent.statement
        if statement.kind == "create_table" and statement.target in self.relations:
            return  # create table if not exists
        if sent.creates_view:
            view = View(sent.tree, len(sent.script.encode()), direct_reads(sent.tree))
            self.relations[statement.target] = Relation("VIEW", statement.columns, view=view)
            return
        self.relations[statement.target] = Relation("TABLE", statement.columns, partition_column(sent.tree))
        if self.is_incremental:
            self._made_now.add(statement.target)
