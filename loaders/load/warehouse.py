"""The destination: DuckDB or BigQuery behind one dlt pipeline. Append only; one package is one load id.

Rows of a package that did not complete carry a load id that ``_dlt_loads`` lacks; readers never see them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

# dlt reads its switches when it is imported: no telemetry, and the load id on Arrow rows as on all others.
os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
os.environ.setdefault("NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_LOAD_ID", "true")
os.environ.setdefault("RUNTIME__LOG_LEVEL", "CRITICAL")  # what fails is raised, and told once
# The pipeline has no state of its own: what is loaded stands in the ledger.
os.environ.setdefault("RESTORE_FROM_DESTINATION", "false")
# A signal is ours to handle (loaders/shutdown.py): a package under way is finished, not cancelled.
os.environ.setdefault("RUNTIME__INTERCEPT_SIGNALS", "false")
# The archive keeps the logs; a second copy of every loaded file would only fill the disk.
os.environ.setdefault("LOAD__DELETE_COMPLETED_JOBS", "true")

import dlt
import pyarrow as pa
from dlt.common.destination.configuration import ParquetFormatConfiguration
from dlt.common.destination.exceptions import DestinationException
from dlt.common.schema.exceptions import DataValidationError
from dlt.common.storages.load_package import create_load_id
from dlt.destinations.adapters import bigquery_adapter
from dlt.destinations.exceptions import DatabaseTransientException, DatabaseUndefinedRelation
from dlt.extract import DltSource
from dlt.pipeline.exceptions import PipelineStepFailed

from loaders.errors import PoolhouseError
from loaders.load import bigquery, duckdb_file
from loaders.load.disk import disk_full, is_disk_full, lock_folder
from loaders.redact import redact
from loaders.registry.events import EventRegistry
from loaders.registry.schema import LOAD_ID, RawTable

DestinationName = Literal["duckdb", "bigquery"]
Rows = tuple[str, pa.Table]
"""Name of a raw table and rows for it."""

_DLT_TYPES = {"string": "text", "int64": "bigint", "timestamp": "timestamp", "bool": "bool"}
_SCHEMA_NAME = "poolhouse"
_RESOURCE = "raw"
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Package:
    """A completed load."""

    load_id: str
    rows: Mapping[str, int]


class Warehouse(AbstractContextManager["Warehouse"]):
    """Open for the duration of a command: holds the DuckDB file's lock until closed."""

    def __init__(self, name: str, destination: Any, dataset: str, registry: EventRegistry, work: Path) -> None:
        self.name = name
        self.dataset = dataset
        self._registry = registry
        self._is_bigquery = destination.destination_name == "bigquery"
        self._schema = dlt_schema(registry, with_bigquery_hints=self._is_bigquery)
        # A killed run leaves packages behind, one on a full disk torn files. Nothing of it is needed: what is loaded
        # stands in the ledger, what is not is read again.
        shutil.rmtree(work / "pipelines" / _identifier(name), ignore_errors=True)
        self._pipeline = dlt.pipeline(
            pipeline_name=_identifier(name),
            destination=destination,
            dataset_name=dataset,
            pipelines_dir=str(work / "pipelines"),
        )
        self._connection: Any = None
        self._new_file: Path | None = None
        self._has_tables = False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._connection is not None:
            if self._new_file is not None and not self._has_tables:
                # A command that was refused leaves no empty file. Removed while the lock is held: nobody else is in it.
                self._new_file.unlink(missing_ok=True)
            self._connection.close()
            self._connection = None

    def hold(self, connection: Any, new_file: Path | None = None) -> None:
        """Keep a connection or lock that closes with the warehouse, and the file that it made."""
        self._connection = connection
        self._new_file = new_file

    def require_bigquery(self, target: bigquery.BigQueryTarget) -> None:
        """Raises :class:`PoolhouseError` when BigQuery does not answer."""
        with self._pipeline.sql_client() as client:
            bigquery.require_reachable(client.native_connection, target)

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Rows of a query in which ``{table}`` stands for each raw table's qualified name; none if a table is absent."""
        with self._pipeline.sql_client() as client:
            if self._is_bigquery:
                bigquery.label_queries(client.native_connection)
            names = _Qualified(client.make_qualified_table_name)
            try:
                with client.execute_query(sql.format_map(names)) as cursor:
                    columns = [d[0] for d in cursor.description]
                    return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
            except DatabaseUndefinedRelation:
                return []
            except _refusals(DatabaseTransientException) as failure:
                raise _cause(failure) from failure

    def load(self, items: Iterable[Rows]) -> Package:
        """Write one package; ``items`` is consumed while it is written. Raises what ``items`` raises, undamaged."""
        counts: dict[str, int] = {}
        resource = dlt.resource(self._numbered(items, counts), name=_RESOURCE, write_disposition="append")
        try:
            self._create_tables()
            info = self._pipeline.run(DltSource(self._schema, _SCHEMA_NAME, [resource]))
            info.raise_on_failed_jobs()
        except _refusals(PipelineStepFailed, DestinationException) as failure:
            with contextlib.suppress(OSError):  # on a full disk; the next to open the warehouse does it
                self._pipeline.abort_packages()
            raise _cause(failure) from failure
        return Package(info.loads_ids[0] if info.loads_ids else "", counts)

    def write_row(self, table: str, row: Mapping[str, Any]) -> None:
        """Append one row as a load of its own. Not as a package: that takes a quarter of a CPU-second, whatever is in it."""
        load_id = create_load_id()
        # BigQuery cannot tell the type of a parameter that is None.
        values = {name: value for name, value in {**row, LOAD_ID.name: load_id}.items() if value is not None}
        try:
            self._create_tables()
            destination: Any = self._pipeline.destination_client()
            with destination as client:
                qualified = client.sql_client.make_qualified_table_name(table)
                places = ", ".join(["%s"] * len(values))
                client.sql_client.execute_sql(
                    f"insert into {qualified} ({', '.join(values)}) values ({places})", *values.values()
                )
                client.complete_load(load_id)
        except _refusals(DestinationException) as failure:
            raise _cause(failure) from failure

    def _numbered(self, items: Iterable[Rows], counts: dict[str, int]) -> Iterator[Any]:
        for name, rows in items:
            if len(rows):
                counts[name] = counts.get(name, 0) + len(rows)
                yield _named(rows.cast(self._registry.tables[name].arrow), name)

    def _create_tables(self) -> None:
        """Create every table of the registry that is not there: a model must never fail for want of one."""
        if self._has_tables:
            return
        if self._absent_tables():
            self._pipeline.schemas.save_schema(self._schema)
            self._pipeline.sync_schema(_SCHEMA_NAME)
        absent = self._absent_tables()
        if absent:
            raise PoolhouseError(
                f"The warehouse {self.name} lacks the raw tables {', '.join(sorted(absent))}, which it had before.",
                "Restore them, or load into another database.",
            )
        self._has_tables = True

    def is_empty(self) -> bool:
        """Whether nothing was ever loaded into it."""
        return self._absent_tables() == set(self._registry.tables)

    def _absent_tables(self) -> set[str]:
        with self._pipeline.sql_client() as client:
            if not client.has_dataset():
                return set(self._registry.tables)
            catalog = _information_schema(client, self.dataset)
            with client.execute_query(f"select table_name from {catalog}") as cursor:
                return set(self._registry.tables) - {row[0] for row in cursor.fetchall()}


def open_warehouse(
    destination: DestinationName,
    registry: EventRegistry,
    *,
    database: Path,
    root: Path,
    lock_wait_s: float | None = None,
) -> Warehouse:
    """Raises :class:`PoolhouseError` when the file stays locked or BigQuery is configured by halves."""
    if destination == "bigquery":
        # Google's client would rather read through a service of its own, and says so at every query. Ours have few rows.
        warnings.filterwarnings("ignore", "Cannot create BigQuery Storage client")
        target = bigquery.target()
        factory = dlt.destinations.bigquery(location=target.location, project_id=target.project)
        folder_lock = lock_folder(root / "pipelines")
        warehouse = Warehouse(f"{target.project}_{target.dataset}", factory, target.dataset, registry, root)
        warehouse.hold(folder_lock)
        warehouse.require_bigquery(target)
        return warehouse
    if lock_wait_s is None:
        lock_wait_s = float(os.environ.get("POOLHOUSE_LOCK_WAIT_S", "30"))
    new_file = None if database.exists() else database
    connection = duckdb_file.open_locked(database, wait_s=lock_wait_s)
    digest = hashlib.sha256(str(database.resolve()).encode()).hexdigest()[:8]
    name = f"{database.stem}_{digest}"
    # Files between extract and load are read once, here: compressing them costs more than writing them.
    local = dlt.destinations.duckdb(connection, parquet_format=ParquetFormatConfiguration(compression="none"))
    warehouse = Warehouse(name, local, "raw", registry, root)
    warehouse.hold(connection, new_file)
    return warehouse


class _Qualified(dict[str, str]):
    """``{load_ranges}`` in a query -> the engine's qualified name of that table."""

    def __init__(self, qualify: Any) -> None:
        super().__init__()
        self._qualify = qualify

    def __missing__(self, table: str) -> str:
        return str(self._qualify(table))


def _information_schema(client: Any, dataset: str) -> str:
    if client.capabilities.escape_identifier("x") == "`x`":
        return f"{client.fully_qualified_dataset_name()}.INFORMATION_SCHEMA.TABLES"
    return f"information_schema.tables where table_schema = '{dataset}'"


def _identifier(name: str) -> str:
    """dlt takes nothing else, and both project ids and file names have hyphens."""
    return f"poolhouse_{re.sub(r'[^a-z0-9]+', '_', name.lower())}"[-_LONGEST_NAME:].lstrip("_0123456789")


def _named(rows: pa.Table, table: str) -> Any:
    return dlt.mark.with_table_name(rows, table)


def dlt_schema(registry: EventRegistry, *, with_bigquery_hints: bool) -> Any:
    """The dlt schema of all raw tables, complete before the first row."""
    stored: Any = dlt.Schema(_SCHEMA_NAME).to_dict()
    for table in registry.tables.values():
        stored["tables"][table.name] = _bigquery_table(table) if with_bigquery_hints else _dlt_table(table)
    schema = dlt.Schema.from_dict(stored, validate_schema=False)  # it is ours, and validation takes long
    # Frozen: no load may invent a table, a column or a variant of one.
    schema.set_schema_contract({"tables": "freeze", "columns": "freeze", "data_type": "freeze"})
    return schema


def _dlt_table(table: RawTable) -> Any:
    columns = {c.name: {"name": c.name, "data_type": _DLT_TYPES[c.type], "nullable": c.nullable} for c in table.columns}
    columns[LOAD_ID.name] = {"name": LOAD_ID.name, "data_type": "text", "nullable": False}
    return {
        "name": table.name,
        "columns": columns,
        "write_disposition": "append",
        "resource": _RESOURCE,
        "x-normalizer": {"seen-data": True},
    }


def _bigquery_table(table: RawTable) -> Any:
    """The table partitioned by day and clustered. Resolving a resource per table takes long, hence only where it counts."""
    definition = _dlt_table(table)
    nothing: list[Any] = []
    resource: Any = dlt.resource(nothing, name=table.name, columns=definition["columns"])
    bigquery_adapter(resource, partition=table.partition_column, cluster=table.cluster_columns)
    return {**resource.compute_table_schema(), **{k: v for k, v in definition.items() if k != "columns"}}


def _refusals(*ours: type[Exception]) -> tuple[type[Exception], ...]:
    """What a destination that is down, full or closed to us raises, besides what dlt makes of it."""
    return (*ours, *bigquery.errors())


def _cause(failure: BaseException) -> BaseException:
    """The reader's own error where one stopped the package, else one line about the destination."""
    error: BaseException | None = failure
    while error is not None:
        if isinstance(error, (PoolhouseError, KeyboardInterrupt)):
            return error
        if isinstance(error, DataValidationError):
            break
        error = error.__cause__ or error.__context__
    if is_disk_full(failure):
        return disk_full(failure)
    reason = str(getattr(failure, "exception", None) or failure)
    return PoolhouseError(
        f"The warehouse refused the load: {redact(reason).splitlines()[0][:300]}.",
        "Nothing of the package counts; correct the cause and load again, it continues where it stopped.",
    )
