"""What runs of the project cost: every statement that dbt sends, billed, by model."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError

from loaders.bigquery_cost.bill import MINIMUM_BYTES, Bill, Run, Table, statement_reads
from loaders.bigquery_cost.recorder import PROJECT, Recording, Sent, relation_name
from loaders.bigquery_cost.scans import Catalog, Statement, UnknownRelation, script_statements
from loaders.bigquery_cost.sizes import Growth, Kind, Profile, column_width, table_rules
from loaders.errors import PoolhouseError
from loaders.registry.events import load_events
from loaders.registry.schema import LOAD_ID, RawTable

_TEMPORARY = "__dbt_tmp"
_BOOKKEEPING: dict[str, dict[str, str | None]] = {
    "model_watermarks": {"model_name": "string", "build_number": "int64", "dimension_build_number": "int64"},
    "untested_days": {"date_day": "date", "first_timestamp": "timestamp"},
    "logged_dimensions": {
        "dimension": "string",
        "chain_id": "int64",
        "entity": "string",
        "digest": "string",
        "first_timestamp": "timestamp",
        "first_date": "date",
        "last_date": "date",
    },
}
"""Tables that macros make, with their columns (`macros/ledger/dirty_days.sql`, `macros/ledger/logged_dimensions.sql`,
`macros/quality/tested_days.sql`)."""
_RUN_HOOKS = "hooks of the run"


@dataclass(frozen=True)
class ReadJob:
    """A job of dbt and what its statements do."""

    sent: Sent
    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class Project:
    """The project's statements and tables, before any size is assumed."""

    manifest: Any
    jobs: tuple[ReadJob, ...]

    @classmethod
    def read(cls, recording: Recording) -> Project:
        """Raises :class:`PoolhouseError` for a statement that cannot be followed to the tables that it reads."""
        manifest = recording.manifest
        views = {
            relation_name(node): _view_sql(recording, node)
            for node in _models(manifest)
            if node.config.materialized == "view"
        }
        columns = {
            relation_name(node): tuple(node.columns)
            for node in (*_models(manifest), *_seeds(manifest), *manifest.sources.values())
            if relation_name(node) not in views
        }
        columns |= {_beside_ledger(manifest, name): tuple(types) for name, types in _BOOKKEEPING.items()}
        catalog = Catalog(columns, {name: sql for name, sql in views.items() if sql})
        jobs = []
        for sent in recording.jobs:
            try:
                jobs.append(ReadJob(sent, tuple(script_statements(sent.sql, catalog))))
            except UnknownRelation as unknown:
                raise PoolhouseError(
                    f"{sent.node} reads {unknown.args[0]}, which is no model, seed or source of the project.",
                    "Declare it as a source.",
                ) from unknown
            except (NotImplementedError, ParseError) as error:
                raise PoolhouseError(
                    f"{sent.node or 'A hook'} sends what cannot be estimated: {' '.join(str(error).split())[:300]}",
                    "Write it otherwise, or leave the model out with `+enabled: false`.",
                ) from error
        return cls(manifest, tuple(jobs))


@dataclass(frozen=True)
class NodeCost:
    """What a model costs in one run, its tests apart."""

    name: str
    build: Bill
    tests: Bill
    is_growing: bool
    """A longer history is billed dearer, by more than one table's minimum."""

    @property
    def billed(self) -> float:
        return self.build.billed + self.tests.billed


@dataclass(frozen=True)
class RunCost:
    """What one run costs."""

    nodes: tuple[NodeCost, ...]
    """Dearest first."""
    new_bytes: float
    """Bytes of the rows that the run writes, raw and derived: its hour or day, and the tail that it replaces."""
    standing: Mapping[str, float]
    """Bytes billed for dimensions and current state beyond their minimums, by table, dearest first."""

    @property
    def total(self) -> Bill:
        return sum((bill for node in self.nodes for bill in (node.build, node.tests)), Bill())


def dollars(billed: float, usd_per_tib: float) -> float:
    return billed / 2**40 * usd_per_tib


class _Layout(NamedTuple):
    """How a table is partitioned and clustered, as :class:`Table` has it."""

    partition: str | None = None
    cluster: tuple[str, ...] = ()
    builds_per_partition: int | None = None
    is_partitioned_by_month: bool = False


def assumed_tables(project: Project, profile: Profile) -> dict[str, Table]:
    """Every table that the project's statements name. One that nothing is assumed of is empty."""
    raw = load_events().tables
    tables: dict[str, Table] = {}
    for source in project.manifest.sources.values():
        table = raw.get(source.identifier)
        types: dict[str, str | None] = dict.fromkeys(source.columns)
        if table:
            types = {c.name: c.type for c in (*table.columns, LOAD_ID)}
        tables[relation_name(source)] = _table(profile, relation_name(source), source.identifier, types, _layout(table))
    for node in _models(project.manifest):
        types = {name: column.data_type for name, column in node.columns.items()}
        partition = node.config.get("partition_by") or {}
        builds = (partition.get("range") or {}).get("interval")
        is_by_month = partition.get("granularity") == "month"
        layout = _Layout(partition.get("field"), tuple(_listed(node.config.get("cluster_by"))), builds, is_by_month)
        tables[relation_name(node)] = _table(profile, relation_name(node), node.name, types, layout)
    for node in _seeds(project.manifest):
        tables[relation_name(node)] = _seed_table(node)
    for name, bookkeeping in _BOOKKEEPING.items():
        relation = _beside_ledger(project.manifest, name)
        layout = _Layout("first_date" if "first_date" in bookkeeping else None)
        tables[relation] = _table(profile, relation, name, bookkeeping, layout)
    return tables


def tables_without_size(project: Project, tables: Mapping[str, Table]) -> list[str]:
    """Tables that statements read although nothing is assumed of their size."""
    read = {scan.table for job in project.jobs for statement in job.statements for scan in statement.scans}
    modelled = {name.rsplit(".", 1)[1] for name in read if name in tables and not name.endswith(_TEMPORARY)}
    seeds = {node.name for node in _seeds(project.manifest)}
    return sorted(modelled - set(table_rules()) - seeds - _families_not_modelled())


def run_cost(project: Project, profile: Profile, run: Run, tables: Mapping[str, Table] | None = None) -> RunCost:
    """Of one run. A model grows when twice the history makes it dearer."""
    tables = tables or assumed_tables(project, profile)
    bills = _bills(project, tables, run)
    longer = _bills(project, tables, Run(run.every, 2 * run.history_days, run.tail))
    nodes = []
    for name in sorted({*bills.build, *bills.tests}):
        grown = longer.of(name).billed - bills.of(name).billed
        nodes.append(NodeCost(name, bills.build[name], bills.tests[name], grown > MINIMUM_BYTES))
    standing = {name: bytes_ for name, bytes_ in sorted(bills.standing.items(), key=lambda i: (-i[1], i[0])) if bytes_}
    nodes.sort(key=lambda n: (-n.billed, n.name))
    return RunCost(tuple(nodes), _new_bytes(project, tables, run), standing)


@dataclass
class _Bills:
    """By the model that is built or tested; of what stands, by table."""

    build: dict[str, Bill] = field(default_factory=lambda: defaultdict(Bill))
    tests: dict[str, Bill] = field(default_factory=lambda: defaultdict(Bill))
    standing: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def of(self, name: str) -> Bill:
        return self.build[name] + self.tests[name]


def _bills(project: Project, tables: Mapping[str, Table], run: Run) -> _Bills:
    found = _Bills()
    for job in project.jobs:
        node = project.manifest.nodes.get(job.sent.node)
        owner = _RUN_HOOKS if node is None else _owner(node)
        bills = found.tests if node is not None and _is_test(node) else found.build
        variables = _variables(node, run)
        known = _with_temporary(job, tables, run)
        for statement in job.statements:
            reads = statement_reads(statement, known, run, variables)
            bills[owner] += Bill.of(reads.values())
            for table, read in reads.items():
                found.standing[_permanent(table).split(".", 1)[1]] += read.standing
    return found


def _variables(node: Any, run: Run) -> Any:
    meta = node.config.meta if node is not None else {}
    read_back_days = meta.get("read_back_days", meta.get("carry_days"))
    return run.variables(str(meta.get("dirty_grain") or "log"), int(read_back_days or 0))


def _permanent(table: str) -> str:
    """The table that one which a job makes for itself becomes."""
    return table.split(_TEMPORARY, maxsplit=1)[0]


def _with_temporary(job: ReadJob, tables: Mapping[str, Table], run: Run) -> Mapping[str, Table]:
    """The tables, and those that the job makes for itself: dbt writes the rows of some models there first."""
    temporary = {}
    for statement in job.statements:
        for name in (*(scan.table for scan in statement.scans), statement.target or ""):
            if name not in tables and _TEMPORARY in name:
                model = tables[_permanent(name)]
                days = math.ceil(run.new_days) if model.kind == "daily" else run.new_days
                new = Growth(model.growth.per_day * days)
                kind: Kind = "state" if model.kind == "daily" else model.kind
                temporary[name] = Table(name, new, kind, model.widths, held=model.held)
    return {**tables, **temporary} if temporary else tables


def _new_bytes(project: Project, tables: Mapping[str, Table], run: Run) -> float:
    """Of all tables that are read or written in the run."""
    names = {scan.table for job in project.jobs for statement in job.statements for scan in statement.scans}
    names |= {statement.target for job in project.jobs for statement in job.statements if statement.target}
    return sum(tables[n].growth.per_day * run.new_days * tables[n].row_bytes for n in names if n in tables)


def _owner(node: Any) -> str:
    """Name of the model that a node is, or that a test is of."""
    if not _is_test(node):
        return str(node.name)
    attached = getattr(node, "attached_node", None)
    return str(attached).rsplit(".", 1)[1] if attached else str(node.name)


def _is_test(node: Any) -> bool:
    return str(node.resource_type) == "test"


def _models(manifest: Any) -> list[Any]:
    return [node for node in manifest.nodes.values() if str(node.resource_type) == "model"]


def _seeds(manifest: Any) -> list[Any]:
    return [node for node in manifest.nodes.values() if str(node.resource_type) == "seed"]


def _beside_ledger(manifest: Any, name: str) -> str:
    """Relation of a table that macros make in the schema of the intermediate models."""
    node = next(n for n in _models(manifest) if n.name == "int_ledger_changes")
    return f"{node.database}.{node.schema}.{name}".lower()


def _view_sql(recording: Recording, node: Any) -> str:
    """The query of a view, from the statement that creates it; empty when the run did not."""
    for sent in recording.jobs:
        if sent.node == node.unique_id:
            for tree in sqlglot.parse(sent.sql, read="bigquery"):
                if isinstance(tree, exp.Create) and tree.args["kind"] == "VIEW":
                    return str(tree.expression.sql(dialect="bigquery"))
    return ""


def _table(
    profile: Profile,
    name: str,
    identifier: str,
    types: Mapping[str, str | None],
    layout: _Layout,
) -> Table:
    rule = table_rules().get(identifier)
    growth = profile.growth(identifier) or Growth()
    widths = {column.lower(): column_width(column, data_type) for column, data_type in types.items()}
    held, kind = profile.held(identifier), rule.kind if rule else "log"
    return Table(name, growth, kind, widths, layout.partition, layout.cluster, held, *layout[2:])


def _layout(table: RawTable | None) -> _Layout:
    return _Layout(table.partition_column, tuple(table.cluster_columns)) if table else _Layout()


def _seed_table(node: Any) -> Table:
    """As large as its file."""
    path = Path(node.root_path or PROJECT) / node.original_file_path
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    widths = {
        name.lower(): 2 + sum(len(row[name].encode()) for row in rows) / max(1, len(rows)) for name in (rows or [{}])[0]
    }
    return Table(relation_name(node), Growth(len(rows)), "dimension", widths)


def _families_not_modelled() -> set[str]:
    """Raw tables that are there for those who load them; no run reads them otherwise."""
    modelled = {event.table for event in load_events().with_tables_for(()).events}
    return {name for name in load_events().tables if "__" in name and name not in modelled}


def _listed(value: str | Sequence[str] | None) -> Iterable[str]:
    return [value] if isinstance(value, str) else value or ()
