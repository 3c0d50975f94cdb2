"""Where `local-bigquery` differs from BigQuery in what Google's clients, dlt and dbt rely on, put right inside it.

Runs in the emulator's own environment, and reaches into that one version of it.
"""

from __future__ import annotations

import gzip
import re
import shutil
from pathlib import Path
from typing import Any

from local_bigquery.catalog import ddl, tables
from local_bigquery.engine import database
from local_bigquery.jobs import load, query, runner
from local_bigquery.models import JobStatistics2
from local_bigquery.sql.rules import information_schema
from sqlglot import exp


def install() -> None:
    """Apply all of them; before the application is imported."""
    _report_the_table_of_a_ctas()
    _answer_about_grants()
    _keep_partitions_of_integers()
    _load_as_the_table_is()
    _keep_tables_in_memory()


def _report_the_table_of_a_ctas() -> None:
    """CREATE TABLE AS SELECT names its table as the job's destination: dbt-bigquery reads it back from there."""
    original = runner._query

    def with_destination(job: Any, session: Any, running: Any) -> Any:
        statistics = original(job, session, running)
        configuration, done = job.configuration.query, statistics.query
        if getattr(done, "statementType", "") == "CREATE_TABLE_AS_SELECT" and not configuration.destinationTable:
            configuration.destinationTable = done.ddlTargetTable
        return statistics

    runner._query = with_destination


def _answer_about_grants() -> None:
    """Nobody has grants, and GRANT and REVOKE do nothing: dbt asks after every model. Grants are not exercised."""
    columns = ["object_catalog", "object_schema", "object_name", "object_type", "privilege_type", "grantee"]
    information_schema.VIEWS["OBJECT_PRIVILEGES"] = lambda *_: (columns, [])
    statement = re.compile(r"^\s*(?:/\*.*?\*/\s*)*(grant|revoke)\b", re.IGNORECASE | re.DOTALL)
    original = query.execute

    def execute(
        cursor: Any, project_id: str, job_id: str | None, configuration: Any, *rest: Any, **options: Any
    ) -> Any:
        if found := statement.match(configuration.query or ""):
            return JobStatistics2(statementType=found[1].upper()), [], None
        return original(cursor, project_id, job_id, configuration, *rest, **options)

    query.execute = execute


def _keep_partitions_of_integers() -> None:
    """``partition by range_bucket(…)`` is a partition by integers; the emulator no longer sees it after its own rewriting."""
    original = ddl._partitioning

    def partitioning(node: Any) -> Any:
        if not (isinstance(node.this, exp.Anonymous) and node.this.name.endswith("range_bucket")):
            return original(node)
        field, series = node.this.expressions
        start, end, interval = (bound.name for bound in series.expressions)
        limits = {"start": start, "end": end, "interval": interval}
        return {"rangePartitioning": {"field": field.name, "range": limits}}

    ddl._partitioning = partitioning


def _load_as_the_table_is() -> None:
    """Uploads may be gzipped, as dlt's are, and JSON takes the types of the table it goes to."""
    original = load.run

    def run(cursor: Any, configuration: Any, upload: str | None) -> Any:
        if upload:
            _unzip(Path(upload))
        is_json = configuration.sourceFormat == "NEWLINE_DELIMITED_JSON" and not configuration.autodetect
        if is_json and not (configuration.schema_ and configuration.schema_.fields):
            reference = tables.reference(configuration.destinationTable)
            if tables.exists(*reference):
                configuration.schema_ = tables.get(*reference).schema_
        return original(cursor, configuration, upload)

    runner.HANDLERS["load"] = run


def _unzip(upload: Path) -> None:
    with upload.open("rb") as file:
        if file.read(2) != b"\x1f\x8b":
            return
    unzipped = upload.with_suffix(".unzipped")
    with gzip.open(upload, "rb") as source, unzipped.open("wb") as target:
        shutil.copyfileobj(source, target)
    unzipped.replace(upload)


def _keep_tables_in_memory() -> None:
    """Projects live in memory instead of in DuckLake, whose every commit writes files: a third of the time.

    DuckLake would allow time travel, which nothing here uses.
    """

    def attach(connection: Any, project_id: str) -> None:
        connection.execute(f"attach if not exists ':memory:' as {database.quote(project_id)}")
        database._attached.add(project_id)

    database._attach = attach
    database.projects = lambda: sorted(database._attached)
