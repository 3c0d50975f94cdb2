"""Type-check BigQuery scripts against a catalog of tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from google.protobuf import empty_pb2
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2
from zetasql.wasi._pb2.zetasql.proto import options_pb2, simple_catalog_pb2
from zetasql.wasi._pb2.zetasql.public import function_pb2
from zetasql.wasi._pb2.zetasql.public import options_pb2 as public_options

from tests.warehouse.googlesql.column_types import canonical_type, parse_type, type_name
from tests.warehouse.googlesql.engine import Engine, GoogleSqlError, shared_engine
from tests.warehouse.googlesql.language import bigquery_language
from tests.warehouse.googlesql.script import (
    TemporaryFunction,
    parse_assignment,
    parse_declaration,
    parse_function,
    split_statements,
)
from tests.warehouse.googlesql.tree import field_of, kind_of, unwrap

Columns = dict[str, str]
"""Column name to BigQuery type, in order."""
Lookup = Callable[[str], Mapping[str, str] | None]
"""Columns of the table called ``project.dataset.table`` (lower case), or None."""

_NOT_ANALYSED = re.compile(r"(?:begin|commit|rollback)(?:\s+transaction)?", re.IGNORECASE)
_KEPT_CATALOGS = 50
_AGGREGATE, _SCALAR = 2, 1


@dataclass(frozen=True, slots=True)
class Statement:
    """What one statement does: its resolved kind (``query``, ``merge``, ``create_table_as_select`` ..., ``declare`` and
    ``set`` for script variables), the table it writes (lower-case path, empty for a query) and the columns it yields."""

    kind: str
    target: str
    columns: Columns
    resolved: Any = field(default=None, repr=False, compare=False)
    """Its tree (:mod:`tests.warehouse.googlesql.tree`)."""
    text: str = field(default="", repr=False, compare=False)


class Analyzer:
    """Google's analyzer with BigQuery's language options."""

    def __init__(self, engine: Engine | None = None) -> None:
        self.engine = engine or shared_engine()
        self._functions: list[TemporaryFunction] = []
        self._catalogs: dict[bytes, int] = {}
        self.options = options_pb2.AnalyzerOptionsProto()
        self.options.language_options.CopyFrom(bigquery_language())
        self.options.error_message_mode = public_options.ERROR_MESSAGE_ONE_LINE
        self.options.default_timezone = "UTC"

    def check(self, script: str, lookup: Lookup) -> list[Statement]:
        """Resolve every statement of a script. Raises :class:`GoogleSqlError` for the first that BigQuery would refuse.

        Tables and functions that the script creates are known to its later statements, variables from their declaration on.
        """
        created: dict[str, Columns] = {}
        variables: dict[str, str] = {}
        self._functions = []
        statements = []

        def find(name: str) -> Mapping[str, str] | None:
            return created.get(name) or lookup(name)

        for text in split_statements(script):
            if _NOT_ANALYSED.fullmatch(text):
                continue
            declaration, assignment = parse_declaration(text), parse_assignment(text)
            if declaration is not None:
                type_, default = canonical_type(declaration.type), declaration.default or "null"
                statements.append(replace(self._assign(type_, default, find, variables), kind="declare"))
                variables |= dict.fromkeys(declaration.names, type_)
                continue
            if assignment is not None:
                value = self._assign(variables.get(assignment.name), assignment.value, find, variables)
                statements.append(replace(value, kind="set"))
                continue
            statement = self._statement(text, find, variables)
            function = parse_function(text)
            if function is not None:
                self._functions.append(function)
            if statement.kind.startswith("create_") and statement.columns:
                created[statement.target] = statement.columns
            statements.append(statement)
        return statements

    def _assign(self, type_: str | None, value: str, find: Lookup, variables: Mapping[str, str]) -> Statement:
        if type_ is None:
            raise GoogleSqlError("Undeclared script variable")
        # Proves the value coerces to the variable's type, as an assignment does.
        assigned = self._statement(f"select if(true, cast(null as {type_}), ({value}))", find, variables)
        return replace(assigned, columns={})

    def _statement(self, text: str, find: Lookup, variables: Mapping[str, str]) -> Statement:
        proto = build_catalog(self.table_names(text), find, variables)
        for function in self._functions:
            _add_function(proto, function.name, _SCALAR, function.arguments, function.result)
        catalog = self._registered(proto)
        request = local_service_pb2.AnalyzeRequest(sql_statement=text, registered_catalog_id=catalog)
        request.options.CopyFrom(self.options)
        response = self.engine.call("Analyze", request, local_service_pb2.AnalyzeResponse)
        return replace(_describe(response.resolved_statement), text=text)

    def _registered(self, catalog: Any) -> int:
        """The engine's number of a catalog. Loading all functions costs more than a query, and many read one table."""
        key: bytes = catalog.SerializeToString(deterministic=True)
        if key not in self._catalogs:
            request = local_service_pb2.RegisterCatalogRequest()
            request.simple_catalog.CopyFrom(catalog)
            response = self.engine.call("RegisterCatalog", request, local_service_pb2.RegisterResponse)
            self._catalogs[key] = response.registered_id
            if len(self._catalogs) > _KEPT_CATALOGS:
                oldest = self._catalogs.pop(next(iter(self._catalogs)))
                self.engine.call(
                    "UnregisterCatalog", local_service_pb2.UnregisterRequest(registered_id=oldest), empty_pb2.Empty
                )
        return self._catalogs[key]

    def table_names(self, text: str) -> list[tuple[str, ...]]:
        """Paths of the tables that a statement reads or writes."""
        request = local_service_pb2.ExtractTableNamesFromStatementRequest(sql_statement=text)
        request.options.CopyFrom(bigquery_language())
        response_type = local_service_pb2.ExtractTableNamesFromStatementResponse
        response = self.engine.call("ExtractTableNamesFromStatement", request, response_type)
        return [tuple(table.table_name_segment) for table in response.table_name]


def build_catalog(paths: Iterable[tuple[str, ...]], find: Lookup, variables: Mapping[str, str]) -> Any:
    """A ``SimpleCatalogProto`` with BigQuery's functions, the tables of ``paths`` that exist, and script variables."""
    catalog = simple_catalog_pb2.SimpleCatalogProto(name="root")
    catalog.builtin_function_options.language_options.CopyFrom(bigquery_language())
    # Aggregates that BigQuery has and the open-source build lacks.
    _add_function(catalog, "max_by", _AGGREGATE, ("ANY_1", "ANY_2"), "ANY_1")
    _add_function(catalog, "min_by", _AGGREGATE, ("ANY_1", "ANY_2"), "ANY_1")
    _add_function(catalog, "contains_substr", _SCALAR, ("ANY_1", "STRING"), "BOOL")
    folders: dict[tuple[str, ...], Any] = {(): catalog}
    for number, path in enumerate(dict.fromkeys(paths), start=1):
        columns = find(".".join(path).lower())
        if columns is None:
            continue
        for depth in range(1, len(path)):
            if path[:depth] not in folders:
                folders[path[:depth]] = folders[path[: depth - 1]].catalog.add(name=path[depth - 1])
        add_table(folders[path[:-1]], path[-1], columns, number)
        folders[path[:-1]].table[-1].full_name = ".".join(path).lower()
    for name, type_ in variables.items():
        constant = catalog.constant.add()
        constant.name_path.append(name)
        constant.type.CopyFrom(parse_type(type_))
        constant.value.SetInParent()  # NULL: only its type matters here
    return catalog


def add_table(catalog: Any, name: str, columns: Mapping[str, str], number: int) -> None:
    """Add a table to a ``SimpleCatalogProto``; ``number`` is unique in the whole catalog."""
    table = catalog.table.add(name=name, name_in_catalog=name, full_name=name, serialization_id=number)
    for column_name, column_type in columns.items():
        column = table.column.add(name=column_name)
        column.type.CopyFrom(parse_type(column_type))


def _add_function(catalog: Any, name: str, mode: int, arguments: Iterable[str], result: str) -> None:
    function = catalog.custom_function.add(group="Poolhouse", mode=mode)
    function.name_path.append(name)
    signature = function.signature.add(context_id=1)
    for proto, type_ in (*((signature.argument.add(), type_) for type_ in arguments), (signature.return_type, result)):
        proto.num_occurrences = 1
        proto.options.cardinality = function_pb2.FunctionEnums.REQUIRED
        if type_.startswith("ANY_"):
            proto.kind = function_pb2.SignatureArgumentKind.Value(f"ARG_TYPE_{type_}")
        else:
            proto.kind = function_pb2.ARG_TYPE_FIXED
            proto.type.CopyFrom(parse_type(type_))


def _describe(resolved: Any) -> Statement:
    """Kind, target and columns of a resolved statement."""
    node = unwrap(resolved)
    kind = re.sub(r"(?<!^)(?=[A-Z])", "_", kind_of(node).removesuffix("Stmt")).lower()
    outputs = field_of(node, "output_column_list")
    definitions = field_of(node, "column_definition_list")
    if outputs is not None:
        columns = {column.name: type_name(column.column.type) for column in outputs}
    elif definitions is not None:
        columns = {column.name: type_name(column.type) for column in definitions}
    else:
        columns = {}
    path = field_of(node, "name_path") if kind.startswith("create_") else None
    return Statement(kind, ".".join(path or ()).lower(), columns, node)
