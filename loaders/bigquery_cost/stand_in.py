"""What stands in for ``google.cloud.bigquery.Client`` under dbt: every table is empty, nothing is sent.

Subclasses say what there is and what becomes of a statement.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import dbt.adapters.bigquery.connections as bigquery_connections
from google.api_core.exceptions import NotFound
from google.cloud.bigquery import SchemaField, Table, TableReference
from google.cloud.bigquery.table import Row

ANONYMOUS = "_anonymous"
"""Dataset of the results of queries."""
TEST_COLUMNS = ("failures", "should_warn", "should_error")
"""A dbt data test asks for this one row; the tables are empty, so nothing fails."""
# The REST interface names some types otherwise than SQL does.
_REST_TYPES = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN"}

Columns = Mapping[str, str]
"""Types by column, in order."""


@contextmanager
def standing_in(create: Callable[[Any], StandInClient]) -> Iterator[None]:
    """dbt-bigquery gets such a client, made of its credentials, where it would open a connection."""
    with patch.object(bigquery_connections, "create_bigquery_client", create):
        yield


class StandInClient:
    """What no subclass answers otherwise: there are no routines."""

    def __init__(self, project: str) -> None:
        self.project = project
        self._results: dict[str, Columns] = {}

    def list_routines(self, *_: Any, **__: Any) -> list[Any]:
        return []

    def get_routine(self, reference: Any) -> Any:
        raise NotFound(f"Not found: Routine {reference}")

    def close(self) -> None:
        """Nothing to close."""

    def keep_result(self, job_id: str, columns: Columns) -> TableReference:
        """The table in which a query's result can be asked for."""
        self._results[job_id] = columns
        return TableReference.from_string(f"{self.project}.{ANONYMOUS}.{job_id}")

    def result_table(self, reference: TableReference) -> Table | None:
        """None when it is no table of :meth:`keep_result`."""
        if reference.dataset_id != ANONYMOUS:
            return None
        return table_of(reference, "TABLE", self._results[reference.table_id])


class StandInJob:
    """A finished query job."""

    total_bytes_processed = 0
    total_bytes_billed = 0
    slot_millis = 0
    num_dml_affected_rows = 0
    location = "US"

    def __init__(
        self, job_id: str, project: str, destination: TableReference, columns: Columns, statement_type: str = "SCRIPT"
    ) -> None:
        self.job_id = job_id
        self.project = project
        self.destination = destination
        self.statement_type = statement_type
        self._columns = columns

    def result(self, **_: Any) -> StandInRows:
        return StandInRows(self._columns)


class StandInLoad:
    """A finished load job."""

    state = "DONE"
    error_result = None

    def result(self, **_: Any) -> StandInLoad:
        return self


class StandInRows:
    """Result rows: none, or the one row of a data test that found nothing."""

    def __init__(self, columns: Columns) -> None:
        self.schema = [_field(name, type_) for name, type_ in columns.items()]
        is_test = tuple(columns) == TEST_COLUMNS
        keys = {name: position for position, name in enumerate(columns)}
        self._rows = [Row((0, False, False), keys)] if is_test else []

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)


def table_of(reference: TableReference, kind: str, columns: Columns) -> Table:
    """The empty table (or view: ``kind``) as the service describes it."""
    fields = [_field(name, column_type).to_api_repr() for name, column_type in columns.items()]
    resource = {"tableReference": reference.to_api_repr(), "schema": {"fields": fields}, "type": kind, "numRows": "0"}
    return Table.from_api_repr(resource)


def name_of(reference: TableReference) -> str:
    """``project.dataset.name``, lower case."""
    return f"{reference.project}.{reference.dataset_id}.{reference.table_id}".lower()


def _field(name: str, type_: str) -> SchemaField:
    array = re.fullmatch(r"ARRAY<(\w+)>", type_)
    if array is not None:
        return SchemaField(name, _REST_TYPES.get(array[1], array[1]), mode="REPEATED")
    bare = type_.split("(", maxsplit=1)[0].upper()
    return SchemaField(name, _REST_TYPES.get(bare, bare))
