"""The part of ``google.cloud.bigquery.Client`` that dbt-bigquery calls, on the offline warehouse."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from dbt_common.events.contextvars import get_node_info
from google.api_core.exceptions import BadRequest, NotFound
from google.cloud.bigquery import DatasetReference, Table, TableReference
from google.cloud.bigquery.table import TableListItem

from loaders.bigquery_cost.stand_in import StandInClient, StandInJob, StandInLoad, name_of, table_of
from tests.warehouse.googlesql.analyzer import Statement
from tests.warehouse.googlesql.engine import GoogleSqlError
from tests.warehouse.offline_bigquery.lint import Finding
from tests.warehouse.offline_bigquery.lint import name_of as name_of_rule
from tests.warehouse.offline_bigquery.lint.options import LONGEST_DESCRIPTION, label_form, label_problems
from tests.warehouse.offline_bigquery.warehouse import OfflineWarehouse

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
_PROBE = re.compile(r"select \* from \(\s*(?P<body>\S.*\S)\s*\) as __dbt_sbq\s+where false ", re.DOTALL)


class OfflineClient(StandInClient):
    """Answers as BigQuery would for empty tables, and refuses with its error class what the analyzer refuses."""

    def __init__(self, warehouse: OfflineWarehouse, project: str) -> None:
        super().__init__(project)
        self._warehouse = warehouse
        self._known_body = ("", "")

    def query(self, query: str, job_id: str, **options: Any) -> StandInJob:
        node = (get_node_info() or {}).get("unique_id", "")
        for message in label_problems("the job", list(options["job_config"].labels.items())):
            self._warehouse.findings.append(Finding(node, name_of_rule(label_form), message))
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
            destination = self.keep_result(job_id, last.columns)
        statement_type = _STATEMENT_TYPES.get(last.kind, last.kind.upper()) if len(statements) == 1 else "SCRIPT"
        return StandInJob(job_id, self.project, destination, last.columns, statement_type)

    def _with_known_body(self, query: str) -> str:
        """A unit test first makes an empty table of its query, then compares the same query with the rows expected.
        Resolving it costs most of the check: the second time that table stands for it."""
        body, table = self._known_body
        return query.replace(body, f"select * from `{table}`") if body else query

    def get_table(self, table: TableReference | str) -> Table:
        reference = TableReference.from_string(table) if isinstance(table, str) else table
        if (result := self.result_table(reference)) is not None:
            return result
        relation = self._warehouse.relations.get(name_of(reference))
        if relation is None:
            raise NotFound(f"Not found: Table {name_of(reference)}")
        return table_of(reference, relation.type, relation.columns)

    def list_tables(self, dataset: DatasetReference, **_: Any) -> Iterator[TableListItem]:
        prefix = f"{dataset.project}.{dataset.dataset_id}."
        for name, relation in self._warehouse.relations.items():
            if name.startswith(prefix):
                reference = TableReference.from_string(name)
                yield TableListItem({"tableReference": reference.to_api_repr(), "type": relation.type})

    def list_datasets(self, **_: Any) -> Iterator[DatasetReference]:
        return (DatasetReference(self.project, name) for name in sorted(self._warehouse.datasets))

    def create_dataset(self, dataset: DatasetReference, **_: Any) -> DatasetReference:
        self._warehouse.datasets.add(dataset.dataset_id)
        return dataset

    def delete_table(self, table: TableReference, not_found_ok: bool = False) -> None:
        if self._warehouse.relations.pop(name_of(table), None) is None and not not_found_ok:
            raise NotFound(f"Not found: Table {name_of(table)}")

    def update_table(self, table: Table, fields: Iterable[str]) -> Table:
        described = [("table column", f"column {column.name}", column.description) for column in table.schema]
        for owner, subject, description in (("table", "the table", table.description), *described):
            if len(description or "") > (most := LONGEST_DESCRIPTION[owner]):
                raise _refused(f"The description of {subject} exceeds {most:,} characters")
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
        self._warehouse.add_table(name_of(table), {field.name: field.field_type for field in job_config.schema})
        return StandInLoad()


def _refused(message: str) -> BadRequest:
    return BadRequest(message, errors=[{"message": message, "reason": "invalidQuery"}])
