"""The raw tables as the loader would create them on BigQuery: dlt's own DDL, resolved by Google's analyzer and held against
BigQuery's own rules."""

from __future__ import annotations

import re

import dlt
import pytest
from dlt.common.configuration.specs import GcpServiceAccountCredentials
from dlt.destinations.impl.bigquery.bigquery import BigQueryClient
from google.auth.credentials import AnonymousCredentials

from loaders.load.warehouse import Warehouse
from loaders.registry.events import load_events
from loaders.registry.schema import LOAD_ID
from tests.warehouse.googlesql.column_types import canonical_type
from tests.warehouse.offline_bigquery.warehouse import OfflineWarehouse

TABLES = load_events().tables


@pytest.fixture(scope="module")
def statements(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """DDL by table. Rendering it needs no connection."""
    credentials = GcpServiceAccountCredentials()
    credentials.project_id = "offline-project"
    credentials._set_default_credentials(AnonymousCredentials())
    credentials.__is_resolved__ = True
    destination = dlt.destinations.bigquery(credentials=credentials, location="US")
    warehouse = Warehouse("offline", destination, "raw", load_events(), tmp_path_factory.mktemp("dlt"))
    schema = warehouse._schema
    client, _ = warehouse._pipeline._get_destination_clients(schema)
    assert isinstance(client, BigQueryClient)
    rendered = {}
    for name in TABLES:
        sql = client._get_table_update_sql(name, list(schema.get_table_columns(name).values()), False)
        rendered[name] = "\n".join(sql)
    return rendered


@pytest.mark.parametrize("name", TABLES)
def test_raw_table_is_partitioned_clustered_and_typed(statements: dict[str, str], name: str) -> None:
    table, ddl = TABLES[name], statements[name]
    warehouse = OfflineWarehouse()
    created = warehouse.run(ddl, "")
    assert not warehouse.findings
    assert [statement.kind for statement in created] == ["create_table"]
    expected = {column.name: canonical_type(column.type) for column in (*table.columns, LOAD_ID)}
    assert created[0].columns == expected

    partition = re.search(r"PARTITION BY (.*)", ddl)
    assert partition is not None
    assert partition[1] == f"DATE(`{table.partition_column}`)"
    cluster = re.search(r"CLUSTER BY (.*)", ddl)
    assert cluster is not None
    assert cluster[1] == ", ".join(f"`{column}`" for column in table.cluster_columns)


def test_event_tables_are_clustered_by_chain_and_time() -> None:
    for table in load_events().event_tables:
        assert table.partition_column == "block_timestamp", table.name
        assert table.cluster_columns == ["chain_id", "block_timestamp"], table.name
