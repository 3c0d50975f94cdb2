"""What a BigQuery statement reads: tables, columns, and the constant filters that reach them.

Columns and filters are followed through views, CTEs, subqueries, joins and unions, as BigQuery's planner does: a column that
nothing above asks for is not read, and a filter on an output is one on the table's column that it comes from. A filter is a
conjunct that compares one column of a table with literals and script variables; only such filters prune partitions and blocks.
It is followed down through projections, unions, grouping and window keys, not past a LIMIT, not to the side of an outer join
that may be absent, and not by implication through an equality of a join.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import sqlglot
from sqlglot import TokenType, exp

_DIALECT = "bigquery"
_ALL_ROWS = "*"


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on one column of a table, against literals and script variables."""

    column: str
    condition: exp.Expr
    """The column stands in it by its own name, unqualified."""

    @property
    def sql(self) -> str:
        return self.condition.sql(dialect=_DIALECT)


@dataclass(frozen=True, slots=True)
class Scan:
    """One reference to a table."""

    table: str
    """``project.dataset.name``, lower case."""
    columns: frozenset[str]
    filters: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a script."""

    kind: str
    """``select``, ``create`` (a table), ``create view``, ``merge``, ``insert``, ``delete``, ``update``, ``declare`` and so on."""
    target: str | None
    """Table that it writes or creates, ``project.dataset.name`` in lower case."""
    columns: tuple[str, ...]
    """Columns of a query's result or of the table that it creates; none for other statements."""
    scans: tuple[Scan, ...]


class UnknownRelation(LookupError):
    """A statement names a table that the catalog does not know."""


@dataclass
class Catalog:
    """Tables by their columns and views by their SQL, both called ``project.dataset.name`` in lower case."""

    tables: dict[str, tuple[str, ...]]
    views: dict[str, str]
    _resolved: dict[str, _Relation] = field(default_factory=dict)

    def relation(self, name: str) -> _Relation:
        if name not in self._resolved:
            if name in self.views:
                self._resolved[name] = _query(_parse(self.views[name]), _Scope(self, {}))
            elif name in self.tables:
                self._resolved[name] = _Table(name, self.tables[name])
            else:
                raise UnknownRelation(name)
        return self._resolved[name]

    def add_table(self, name: str, columns: tuple[str, ...]) -> None:
        self.tables[name] = columns
        self._resolved.pop(name, None)


def script_statements(script: str, catalog: Catalog) -> Iterator[Statement]:
    """The statements of a script. Tables that it creates are added to the catalog, for the statements after."""
    for text in split_script(script):
        statement = read_statement(text, catalog)
        if statement.kind == "create" and statement.target and statement.columns:
            catalog.add_table(statement.target, statement.columns)
        yield statement


def split_script(script: str) -> list[str]:
    """The statements of a script without control flow."""
    statements, start = [], 0
    tokens = sqlglot.tokenize(script, read=_DIALECT)
    for token in tokens:
        if token.token_type == TokenType.SEMICOLON:
            statements.append(script[start : token.start])
            start = token.end + 1
    if tokens and start <= tokens[-1].start:
        statements.append(script[start:])
    return [text for text in (s.strip() for s in statements) if text]


def read_statement(text: str, catalog: Catalog) -> Statement:
    """What one statement does. Raises :class:`UnknownRelation`."""
    tree = _parse(text)
    found: list[Scan] = []
    scope = _Scope(catalog, {})
    target: str | None = None
    columns: tuple[str, ...] = ()
    if isinstance(tree, exp.Query):
        columns = _demand_all(_query(tree, scope), found)
    elif isinstance(tree, exp.Create):
        table = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
        target = _name(table) if isinstance(table, exp.Table) else None
        if tree.args["kind"] == "TABLE" and isinstance(tree.expression, exp.Query):
            columns = _demand_all(_query(tree.expression, scope), found)
    elif isinstance(tree, exp.Insert):
        target = _name(tree.this.this if isinstance(tree.this, exp.Schema) else tree.this)
        if isinstance(tree.expression, exp.Query):
            _demand_all(_query(tree.expression, scope), found)
    elif isinstance(tree, exp.Merge):
        target = _name(tree.this)
        _merge(tree, scope, found)
    elif isinstance(tree, exp.Delete | exp.Update):
        target = _name(tree.this)
        _modify(tree, scope, found)
    elif isinstance(tree, exp.Declare | exp.Set):
        for item in tree.expressions:
            reading = _Select.of_expression(item, scope)
            reading.demand(set(), (), found)
    return Statement(_kind(tree), target, columns, tuple(found))


def _kind(tree: exp.Expr) -> str:
    if isinstance(tree, exp.Query):
        return "select"
    if isinstance(tree, exp.Create):
        return "create" if tree.args["kind"] == "TABLE" else f"create {str(tree.args['kind']).lower()}"
    return type(tree).__name__.lower()


def _parse(sql: str) -> exp.Expr:
    return sqlglot.parse_one(sql, read=_DIALECT)


def _name(table: exp.Table) -> str:
    # A name quoted as a whole is one identifier.
    return ".".join(part.name for part in table.parts).replace("`", "").lower()


def _demand_all(relation: _Relation, found: list[Scan]) -> tuple[str, ...]:
    names = relation.names
    relation.demand(set(names), (), found)
    return names


def _merge(tree: exp.Merge, scope: _Scope, found: list[Scan]) -> None:
    """Source and target are joined; BigQuery reads of the target what the conditions leave."""
    target = _Modified(_name(tree.this), scope.catalog)
    whens = tree.args["whens"].expressions
    modifies = any(not isinstance(when.args["then"], exp.Insert) for when in whens)
    branches = [when.args.get("condition") for when in whens if not isinstance(when.args["then"], exp.Insert)]
    on = tree.args["on"].unnest()
    select = _Select(scope)
    select.add_source(tree.this.alias_or_name, target if modifies else target.table)
    using = tree.args["using"]
    select.add_source(using.alias_or_name, _source(using, scope))
    if isinstance(on, exp.Boolean) and not on.this:
        # Nothing matches: only what a branch deletes is looked at.
        if len(branches) == 1 and branches[0] is not None:
            select.conditions.append(branches[0])
    else:
        select.conditions.append(on)
    select.read_always += [on, *(b for b in branches if b is not None)]
    for when in whens:
        then = when.args["then"]
        # INSERT's column list names columns of the target, its values those of the source.
        values = then.expression if isinstance(then, exp.Insert) else then
        if isinstance(values, exp.Expr):
            select.read_of_last += [values]
    select.demand(set(), (), found)


def _modify(tree: exp.Delete | exp.Update, scope: _Scope, found: list[Scan]) -> None:
    select = _Select(scope)
    select.add_source(tree.this.alias_or_name, _Modified(_name(tree.this), scope.catalog))
    where = tree.args.get("where")
    if where is not None:
        select.conditions.append(where.this)
    select.read_always += tree.expressions
    select.demand(set(), (), found)


@dataclass(frozen=True, slots=True)
class _Scope:
    """What names mean at a place of a query."""

    catalog: Catalog
    ctes: Mapping[str, _Relation]
    outer: _Select | None = None


class _Relation(Protocol):
    @property
    def names(self) -> tuple[str, ...]:
        """Columns, lower case, in order."""

    def demand(self, needed: set[str], filters: Sequence[Filter], found: list[Scan]) -> None:
        """Add the scans that yield the ``needed`` columns under ``filters``."""


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    names: tuple[str, ...]

    def demand(self, needed: set[str], filters: Sequence[Filter], found: list[Scan]) -> None:
        columns = set(self.names) if _ALL_ROWS in needed else needed & set(self.names)
        scan = Scan(self.name, frozenset(columns), tuple(dict.fromkeys(filters)))
        if scan not in found:
            found.append(scan)


class _Modified:
    """A table of which a statement updates or deletes rows: every column is billed."""

    def __init__(self, name: str, catalog: Catalog) -> None:
        self.table = catalog.relation(name)
        self.names = self.table.names
        self._name = name

    def demand(self, needed: set[str], filters: Sequence[Filter], found: list[Scan]) -> None:  # noqa: ARG002
        found.append(Scan(self._name, frozenset(self.names), tuple(filters)))


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows that come from no table: an UNNEST or a list of values. Any column is believed."""

    names: tuple[str, ...] = ()

    def demand(self, needed: set[str], filters: Sequence[Filter], found: list[Scan]) -> None:
        """Nothing is read."""


class _Union:
    def __init__(self, tree: exp.SetOperation, scope: _Scope) -> None:
        self._sides = [_query(tree.this, scope), _query(tree.expression, scope)]
        self._is_distinct = bool(tree.args.get("distinct")) or not isinstance(tree, exp.Union)
        self.names = self._sides[0].names

    def demand(self, needed: set[str], filters: Sequence[Filter], found: list[Scan]) -> None:
        positions = [i for i, name in enumerate(self.names) if self._is_distinct or name in needed]
        for side in self._sides:
            renamed = dict(zip(self.names, side.names, strict=False))
            side.demand(
                {side.names[i] for i in positions},
                [_renamed(f, renamed[f.column]) for f in filters if f.column in renamed],
                found,
            )


@dataclass(slots=True)
class _Source:
    relation: _Relation
    may_be_absent: bool = False
    """Its columns are NULL where an outer join finds no match."""


class _Select:
    """A SELECT, or another place where expressions read sources."""

    def __init__(self, scope: _Scope) -> None:
        self._scope = scope
        self._sources: dict[str, _Source] = {}
        self.conditions: list[exp.Expr] = []
        """Of WHERE and of inner joins: what they filter reaches the sources."""
        self._join_conditions: list[tuple[exp.Expr, str]] = []
        """Of outer joins, with the source that may be absent."""
        self._outputs: list[tuple[str, exp.Expr]] = []
        self._group_keys: list[exp.Expr] = []
        self._is_grouped = False
        self._is_distinct = False
        self._is_limited = False
        self.read_always: list[exp.Expr] = []
        self.read_of_last: list[exp.Expr] = []
        """Expressions whose unqualified columns are those of the last source."""

    @classmethod
    def of_expression(cls, tree: exp.Expr, scope: _Scope) -> _Select:
        """Of an expression that stands alone, such as the default of a variable."""
        select = cls(scope)
        select.read_always.append(tree)
        return select

    @classmethod
    def of(cls, tree: exp.Select, scope: _Scope) -> _Select:
        select = cls(scope)
        if tree.args.get("from_"):
            source = tree.args["from_"].this
            select.add_source(source.alias_or_name.lower(), _source(source, select._inner()))
        for join in tree.args.get("joins") or ():
            select._add_join(join)
        if tree.args.get("where"):
            select.conditions.append(tree.args["where"].this)
        select._set_outputs(tree)
        group = tree.args.get("group")
        select._is_grouped = group is not None or any(
            isinstance(node, exp.AggFunc) and not node.find_ancestor(exp.Window)
            for output in tree.expressions
            for node in _walk(output)
        )
        select._group_keys = [select._output_of(key) for key in (group.expressions if group else ())]
        select._is_distinct = tree.args.get("distinct") is not None
        select._is_limited = tree.args.get("limit") is not None
        select.read_always += [
            *select._group_keys,
            *(tree.args[k].this for k in ("having", "qualify") if tree.args.get(k)),
        ]
        if select._is_limited and tree.args.get("order"):
            select.read_always += tree.args["order"].expressions
        return select

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self._outputs)

    def add_source(self, alias: str, relation: _Relation) -> None:
        self._sources[alias.lower()] = _Source(relation)

    def _inner(self) -> _Scope:
        return _Scope(self._scope.catalog, self._scope.ctes, self)

    def _add_join(self, join: exp.Join) -> None:
        alias = join.this.alias_or_name.lower()
        side = join.side.upper()
        earlier = list(self._sources.values())
        self.add_source(alias, _source(join.this, self._inner()))
        if isinstance(join.this, exp.Unnest):
            self.read_always += join.this.expressions
        if side in ("LEFT", "FULL"):
            self._sources[alias].may_be_absent = True
        if side in ("RIGHT", "FULL"):
            for source in earlier:
                source.may_be_absent = True
        condition = join.args.get("on")
        if condition is not None:
            if side:
                self._join_conditions.append((condition, alias if side == "LEFT" else ""))
            else:
                self.conditions.append(condition)
        for column in join.args.get("using") or ():
            for name, source in self._sources.items():
                if column.name.lower() in source.relation.names:
                    self.read_always.append(exp.column(column.name, table=name))

    def _set_outputs(self, tree: exp.Select) -> None:
        for position, output in enumerate(tree.expressions):
            if isinstance(output, exp.Star):
                self._outputs += [
                    (name, exp.column(name, table=alias))
                    for alias, source in self._sources.items()
                    for name in source.relation.names
                ]
            elif isinstance(output, exp.Column) and isinstance(output.this, exp.Star):
                alias = output.table.lower()
                self._outputs += [(name, exp.column(name, table=alias)) for name in self._sources[alias].relation.names]
            else:
                value = output.this if isinstance(output, exp.Alias) else output
                name = (
                    output.alias
                    if isinstance(output, exp.Alias)
                    else output.name
                    if isinstance(output, exp.Column)
                    else ""
                )
                self._outputs.append(((name or f"_col_{position}").lower(), value))

    def _output_of(self, key: exp.Expr) -> exp.Expr:
        """What a key of GROUP BY stands for: a column of a source, else the output of that name."""
        if isinstance(key, exp.Column) and not key.table and self._owner(key) is None:
            return dict(self._outputs).get(key.name.lower(), key)
        return key

    def demand(self, needed: set[str], filters: Sequence[Filter], found: list[Scan]) -> None:
        if any(isinstance(c, exp.Boolean) and not c.this for c in _conjuncts(self.conditions)):
            return  # dbt asks for the columns of a query so
        reading = _Reading(self, found)
        outputs = [(n, value) for n, value in self._outputs if self._is_distinct or n in needed or _ALL_ROWS in needed]
        for expression in (*(value for _, value in outputs), *self.read_always, *self.conditions):
            reading.read(expression)
        for expression in self.read_of_last:
            reading.read(expression, last=True)
        for condition, _ in self._join_conditions:
            reading.read(condition)
        for conjunct in _conjuncts(self.conditions):
            self._push(conjunct, reading, to_absent=False)
        for condition, alias in self._join_conditions:
            for conjunct in _conjuncts([condition]):
                self._push(conjunct, reading, only=alias, to_absent=True)
        if not self._is_limited:
            windows = [w for _, value in outputs for w in _walk(value) if isinstance(w, exp.Window)]
            windows += [w for e in self.read_always for w in _walk(e) if isinstance(w, exp.Window)]
            self._push_from_above(filters, windows, reading)
        for alias, source in self._sources.items():
            source.relation.demand(reading.needs[alias], reading.filters[alias], found)

    def _push_from_above(self, filters: Sequence[Filter], windows: Sequence[exp.Window], reading: _Reading) -> None:
        values = dict(self._outputs)
        for above in filters:
            value = values.get(above.column)
            if value is None or value.find(exp.AggFunc, exp.Window, exp.Query) is not None:
                continue
            keys = [[self._output_of(k) for k in w.args.get("partition_by") or ()] for w in windows]
            if self._is_grouped:
                keys.append(self._group_keys)
            if all(self._same_among(value, some) for some in keys):
                self._push(_substituted(above, value), reading, to_absent=False)

    def _same_among(self, value: exp.Expr, keys: Iterable[exp.Expr]) -> bool:
        """Whether a value is a key or is computed from keys alone."""
        places = [self._place(key) for key in keys if isinstance(key, exp.Column)]
        columns = [node for node in _walk(value) if isinstance(node, exp.Column)]
        return value in list(keys) or (bool(columns) and all(self._place(c) in places for c in columns))

    def _place(self, column: exp.Column) -> tuple[str | None, str]:
        return self._owner(column), column.name.lower()

    def _owner(self, column: exp.Column) -> str | None:
        """Alias of the source that a column belongs to; None for variables and columns of an outer query."""
        table = column.table.lower()
        if table:
            return table if table in self._sources else None
        name = column.name.lower()
        known = [alias for alias, source in self._sources.items() if name in source.relation.names]
        return known[0] if known else None

    def _push(self, conjunct: exp.Expr, reading: _Reading, *, only: str | None = None, to_absent: bool) -> None:
        """Hand a condition to the one source whose column it compares with constants."""
        if conjunct.find(exp.Query, exp.AggFunc, exp.Window) is not None:
            return
        places = set()
        for column in _walk(conjunct):
            if isinstance(column, exp.Column):
                owner = self._owner(column)
                if owner is not None:
                    places.add((owner, column.name.lower()))
                elif self._is_outer(column):
                    return
        if len(places) != 1:
            return
        ((alias, name),) = places
        if (only is not None and alias != only) or (self._sources[alias].may_be_absent and not to_absent):
            return
        reading.filters[alias].append(Filter(name, _bare(conjunct, name, self)))

    def _is_outer(self, column: exp.Column) -> bool:
        outer = self._scope.outer
        return outer is not None and (outer._owner(column) is not None or outer._is_outer(column))

    @property
    def scope(self) -> _Scope:
        return self._scope

    def last_source(self) -> str:
        return list(self._sources)[-1]


class _Reading:
    """What one evaluation of a SELECT reads of its sources."""

    def __init__(self, select: _Select, found: list[Scan]) -> None:
        self._select = select
        self._found = found
        self.needs: dict[str, set[str]] = defaultdict(set)
        self.filters: dict[str, list[Filter]] = defaultdict(list)

    def read(self, expression: exp.Expr, *, last: bool = False) -> None:
        for node in _walk(expression):
            if isinstance(node, exp.Column):
                self._read_column(node, last=last)
            elif isinstance(node, exp.Select | exp.SetOperation):
                self._read_query(node)

    def _read_column(self, column: exp.Column, *, last: bool) -> None:
        owner = self._select.last_source() if last and not column.table else self._select._owner(column)
        name = column.name.lower()
        if owner is not None:
            self.needs[owner].add(_ALL_ROWS if isinstance(column.this, exp.Star) else name)
            return
        if not column.table:
            outputs = dict(self._select._outputs)
            if name in self._select._sources:  # a whole row
                self.needs[name].add(_ALL_ROWS)
            elif name in outputs and outputs[name] is not column and not _mentions(outputs[name], name):
                self.read(outputs[name])  # QUALIFY, HAVING and ORDER BY see the outputs

    def _read_query(self, query: exp.Query) -> None:
        scope = self._select.scope
        inner = _query(query, _Scope(scope.catalog, scope.ctes, self._select))
        inner.demand(set(inner.names), (), self._found)
        for column in query.find_all(exp.Column):  # correlated: read from this query's sources
            owner = self._select._owner(column) if column.table else None
            if owner is not None:
                self.needs[owner].add(column.name.lower())


def _query(tree: exp.Expr, scope: _Scope) -> _Relation:
    with_ = tree.args.get("with_")
    if with_ is not None:
        ctes = dict(scope.ctes)
        for cte in with_.expressions:
            ctes[cte.alias.lower()] = _query(cte.this, _Scope(scope.catalog, ctes, scope.outer))
        scope = _Scope(scope.catalog, ctes, scope.outer)
    if isinstance(tree, exp.Subquery):
        return _query(tree.this, scope)
    if isinstance(tree, exp.SetOperation):
        return _Union(tree, scope)
    if isinstance(tree, exp.Select):
        return _Select.of(tree, scope)
    raise NotImplementedError(f"{type(tree).__name__} in a query: {tree.sql(dialect=_DIALECT)[:80]}")


def _source(tree: exp.Expr, scope: _Scope) -> _Relation:
    """What stands in FROM or JOIN."""
    if isinstance(tree, exp.Table):
        if not tree.db and tree.name.lower() in scope.ctes:
            return scope.ctes[tree.name.lower()]
        return scope.catalog.relation(_name(tree))
    if isinstance(tree, exp.Subquery):
        return _query(tree.this, scope)
    if isinstance(tree, exp.Unnest):
        columns = [c.name.lower() for c in (tree.args["alias"].columns if tree.args.get("alias") else ())]
        offset = tree.args.get("offset")
        if isinstance(offset, exp.Identifier):
            columns.append(offset.name.lower())
        return _Rows(tuple(columns))
    raise NotImplementedError(f"{type(tree).__name__} as a source: {tree.sql(dialect=_DIALECT)[:80]}")


def _walk(expression: exp.Expr) -> Iterator[exp.Expr]:
    """The nodes of an expression, subqueries as one node each."""
    return expression.walk(prune=lambda node: isinstance(node, exp.Select | exp.SetOperation))


def _conjuncts(conditions: Iterable[exp.Expr]) -> Iterator[exp.Expr]:
    for condition in conditions:
        if isinstance(condition, exp.And):
            yield from _conjuncts([condition.this, condition.expression])
        elif isinstance(condition, exp.Paren):
            yield from _conjuncts([condition.this])
        else:
            yield condition


def _mentions(value: exp.Expr, name: str) -> bool:
    return any(isinstance(node, exp.Column) and node.name.lower() == name and not node.table for node in _walk(value))


def _bare(condition: exp.Expr, name: str, select: _Select) -> exp.Expr:
    """The condition with the column by its own name."""

    def bare(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and select._owner(node) is not None:
            return exp.column(name)
        return node

    return condition.copy().transform(bare)


def _renamed(above: Filter, name: str) -> Filter:
    return Filter(name, _substituted(above, exp.column(name)))


def _substituted(above: Filter, value: exp.Expr) -> exp.Expr:
    """The condition with the column replaced by what it stands for."""

    def replace(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and not node.table and node.name.lower() == above.column:
            return value.copy()
        return node

    return above.condition.copy().transform(replace)
