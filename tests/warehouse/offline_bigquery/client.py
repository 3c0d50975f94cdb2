"""The part of ``google.cloud.bigquery.Client`` that dbt-bigquery calls, on the offline warehouse."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from dbt_common.events.contextvars import get_node_info
from google.api_core.exceptions import BadRequest, NotFound
from google.cloud.bigquery import DatasetReference, SchemaField, Table, TableReference
from google.cloud.bigquery.table import Row, TableListItem

from tests.warehouse.googlesql.analyzer import Columns, Statement
from tests.warehouse.googlesql.engine import GoogleSqlError
from tests.warehouse.offline_bigquery.lint import Finding, name_of
from tests.warehouse.offline_bigquery.lint.options import label_form, label_problems
from tests.warehouse.offline_bigquery.warehouse import OfflineWarehouse

# The REST interface names some types otherwise than SQL does.
_REST_TYPES = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN"}
_REST_NAMES = {
    *("STRING", "BYTES", "INTEGER", "INT64", "FLOAT", "FLOAT64", "BOOLEAN", "BOOL", "TIMESTAMP", "DATE", "TIME"),
    *("DATETIME", "GEOGRAPHY", "NUMERIC", "BIGNUMERIC", "JSON"),
}
_STATEMENT_TYPES = {
    "query": "SELECT",
    "create_table_as_select": "CREATE_TABLE_AS_SELECT",
    "create_table": "CREATE_TABLE",
    "create_view": "CREATE_VIEW",
}
# A dbt data test asks for this one row; the tables are empty, so nothing fails.
_TEST_COLUMNS = ("failures", "should_warn", "should_error")
_PROBE = re.compile(r"select \* from \(\s*(?P<body>\S.*\S)\s*\) as __dbt_sbq\s+where false ", re.DOTALL)
_DESCRIPTION_LIMIT = 1024
_ANONYMOUS = "_anonymous"


class OfflineClient:
    """Answers as BigQuery would for empty tables, and refuses with its error class what the analyzer refuses."""

    def __init__(self, warehouse: OfflineWarehouse, project: str) -> None:
        self.project = project
        self._warehouse = warehouse
        self._results: dict[str, Columns] = {}
        self._known_body = ("", "")

    def query(self, query: str, job_id: str, **options: Any) -> OfflineJob:
        node = (get_node_info() or {}).get("unique_id", "")
        for message in label_problems("the job", list(options["job_config"].labels.items())):
            self._warehouse.findings.append(Finding(node, name_of(label_form), message))
        try:
            statements = self._warehouse.run(self._with_known_body(query), node)
        except GoogleSqlError as error:
            raise _refused(re.sub(r"^Code: \d+, Message: ", "", str(error))) from error
        last = statements[-1] if statements else Statement("none", "", {})
        if last.kind == "create_table_as_select" and (probe := _PROBE.search(query)) is not None:
            self._known_body = (probe["body"], last.target)
        if last.kind.startswith("create_") and last.columns:
            destination = TableReference.from_string(last.target)
        else:
            destination = TableReference.from_string(f"{self.project}.{_ANONYMOUS}.{job_id}")
            self._results[job_id] = last.columns
        return OfflineJob(job_id, self.project, statements, destination)

    def _with_known_body(self, query: str) -> str:
        """A unit test first makes an empty table of its query, then compares the same query with the rows expected.
        Resolving it costs most of the check: the second time that table stands for it."""
        body, table = self._known_body
        return query.replace(body, f"select * from `{table}`") if body else query

    def get_table(self, table: TableReference | str) -> Table:
        reference = TableReference.from_string(table) if isinstance(table, str) else table
        if reference.dataset_id == _ANONYMOUS:
            return _table(reference, "TABLE", self._results[reference.table_id])
        relation = self._warehouse.relations.get(_name(reference))
        if relation is None:
            raise NotFound(f"Not found: Table {_name(reference)}")
        return _table(reference, relation.type, relation.columns)

    def list_tables(self, dataset: DatasetReference, **_: Any) -> Iterator[TableListItem]:
        prefix = f"{dataset.project}.{dataset.dataset_id}."
        for name, relation in self._warehouse.relations.items():
            if name.startswith(prefix):
                reference = TableReference.from_string(name)
                yield TableListItem({"tableReference": reference.to_api_repr(), "type": relation.type})

    def list_routines(self, dataset: DatasetReference, **_: Any) -> list[Any]:
        return []

    def get_routine(self, reference: Any) -> Any:
        raise NotFound(f"Not found: Routine {reference}")

    def list_datasets(self, **_: Any) -> Iterator[DatasetReference]:
        return (DatasetReference(self.project, name) for name in sorted(self._warehouse.datasets))

    def create_dataset(self, dataset: DatasetReference, **_: Any) -> DatasetReference:
        self._warehouse.datasets.add(dataset.dataset_id)
        return dataset

    def delete_table(self, table: TableReference, not_found_ok: bool = False) -> None:
        if self._warehouse.relations.pop(_name(table), None) is None and not not_found_ok:
            raise NotFound(f"Not found: Table {_name(table)}")

    def update_table(self, table: Table, fields: Iterable[str]) -> Table:
        for column in table.schema:
            if len(column.description or "") > _DESCRIPTION_LIMIT:
                raise _refused(f"The description of column {column.name} exceeds {_DESCRIPTION_LIMIT} characters")
        return table

    def load_table_from_file(self, file: BinaryIO, table: TableReference, job_config: Any, **_: Any) -> Any:
        """A seed: its header must be the schema's columns, and each type one that the REST interface knows."""
        header = next(csv.reader([file.readline().decode("utf-8-sig")]))
        names = [field.name for field in job_config.schema]
        if header != names:
            raise _refused(f"The file's columns {header} are not the schema's {names}")
        for field in job_config.schema:
            if field.field_type.upper() not in _REST_NAMES:
                raise _refused(f"Invalid type of column {field.name}: {field.field_type} is not a valid value")
        self._warehouse.add_table(_name(table), {field.name: field.field_type for field in job_config.schema})
        return OfflineLoad()

    def close(self) -> None:
        """Nothing to close."""


class OfflineJob:
    """A finished query job."""

    total_bytes_processed = 0
    total_bytes_billed = 0
    slot_millis = 0
    num_dml_affected_rows = 0
    location = "US"

    def __init__(self, job_id: str, project: str, statements: list[Statement], destination: TableReference) -> None:
        self.job_id = job_id
        self.project = project
        self.destination = destination
        self._columns = statements[-1].columns if statements else {}
        kind = statements[-1].kind if statements else ""
        self.statement_type = _STATEMENT_TYPES.get(kind, kind.upper()) if len(statements) == 1 else "SCRIPT"

    def result(self, **_: Any) -> OfflineRows:
        return OfflineRows(self._columns)


class OfflineLoad:
    """A finished load job."""

    state = "DONE"
    error_result = None

    def result(self, **_: Any) -> OfflineLoad:
        return self


class OfflineRows:
    """Result rows: none, or the one row of a data test that found nothing."""

    def __init__(self, columns: Columns) -> None:
        self.schema = [_field(name, type_) for name, type_ in columns.items()]
        is_test = tuple(columns) == _TEST_COLUMNS
        keys = {name: position for position, name in enumerate(columns)}
        self._rows = [Row((0, False, False), keys)] if is_test else []

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)


def _table(reference: TableReference, type_: str, columns: Columns) -> Table:
    fields = [_field(name, column_type).to_api_repr() for name, column_type in columns.items()]
    resource = {"tableReference": reference.to_api_repr(), "schema": {"fields": fields}, "type": type_, "numRows": "0"}
    return Table.from_api_repr(resource)


def _field(name: str, type_: str) -> SchemaField:
    array = re.fullmatch(r"ARRAY<(\w+)>", type_)
    if array is not None:
        return SchemaField(name, _REST_TYPES.get(array[1], array[1]), mode="REPEATED")
    return SchemaField(name, _REST_TYPES.get(type_.upper(), type_.upper()))


def _name(reference: TableReference) -> str:
    return f"{reference.project}.{reference.dataset_id}.{reference.table_id}".lower()


def _refused(message: str) -> BadRequest:
    return BadRequest(message, errors=[{"message": message, "reason": "invalidQuery"}])
