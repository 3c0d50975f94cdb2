"""Google's analyzer before the emulator: DuckDB would run much that BigQuery refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from local_bigquery.catalog import tables
from local_bigquery.engine.types import bigquery_type
from local_bigquery.errors import BigQueryError
from local_bigquery.jobs import query

from tests.warehouse.googlesql.analyzer import Analyzer
from tests.warehouse.googlesql.engine import GoogleSqlError

# The catalogs of the service are no tables that the analyzer could be told of, and query parameters have no types yet.
_NOT_ANALYSED = re.compile(r"information_schema|__tables__|@@", re.IGNORECASE)


def install() -> None:
    """Every query is analysed before it runs, and refused as BigQuery refuses one."""
    original, analyzer = query.execute, Analyzer()

    def execute(
        cursor: Any, project_id: str, job_id: str | None, configuration: Any, *rest: Any, **options: Any
    ) -> Any:
        sql = configuration.query or ""
        if not _NOT_ANALYSED.search(sql) and not configuration.queryParameters:
            try:
                analyzer.check(sql, lambda name: _columns(name, project_id, configuration.defaultDataset))
            except GoogleSqlError as error:
                message = re.sub(r"^Code: \d+, Message: ", "", str(error))
                # A table that is missing is the emulator's own 404, which clients tell from a wrong query.
                if not message.startswith("Table not found"):
                    raise BigQueryError("invalidQuery", message) from None
        return original(cursor, project_id, job_id, configuration, *rest, **options)

    query.execute = execute


def _columns(name: str, project_id: str, default: Any) -> Mapping[str, str] | None:
    path = name.replace("`", "").split(".")
    if len(path) == 1 and default:
        path = [default.projectId or project_id, default.datasetId, *path]
    if len(path) == 2:
        path = [project_id, *path]
    if len(path) != 3 or not tables.exists(*path):
        return None
    return {field.name: bigquery_type(field) for field in tables.columns(*path)}
