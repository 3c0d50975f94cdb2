"""The raw tables as BigQuery would create them: the DDL that dlt's own client writes for them, without an account."""

from __future__ import annotations

import re

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from loaders.load import warehouse
from loaders.registry.events import load_events


@pytest.fixture(scope="module")
def statements() -> dict[str, str]:
    """The CREATE TABLE statement of every table of the registry."""
    import dlt
    from dlt.common.configuration.specs import GcpServiceAccountCredentials
    from dlt.destinations.impl.bigquery.configuration import BigQueryClientConfiguration

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    credentials = GcpServiceAccountCredentials()
    credentials.project_id = "project"
    credentials.client_email = "nobody@project.iam.gserviceaccount.com"
    credentials.private_key = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    schema = warehouse.dlt_schema(load_events(), with_bigquery_hints=True)
    configuration = BigQueryClientConfiguration(credentials=credentials)._bind_dataset_name(dataset_name="raw")
    client = dlt.destinations.bigquery(location="US", project_id="project").client(schema, configuration)
    return {
        name: client._get_table_update_sql(name, list(schema.tables[name]["columns"].values()), False)[0]
        for name in load_events().tables
    }


def test_tables_are_partitioned_by_day_and_clustered(statements: dict[str, str]) -> None:
    for name, table in load_events().tables.items():
        sql = statements[name]
        assert f"PARTITION BY DATE(`{table.partition_column}`)" in sql, name
        assert "CLUSTER BY " + ", ".join(f"`{c}`" for c in table.cluster_columns) in sql, name
    assert "PARTITION BY DATE(`block_timestamp`)\nCLUSTER BY `chain_id`, `block_timestamp`" in statements[
        "uniswap_v3__pool_swap"
    ]  # fmt: skip


def test_columns_have_the_types_of_the_contract(statements: dict[str, str]) -> None:
    types = {"string": "STRING", "int64": "INT64", "timestamp": "TIMESTAMP", "bool": "BOOL"}
    for name, table in load_events().tables.items():
        created = dict(re.findall(r"`(\w+)` (STRING|INT64|TIMESTAMP|BOOL|\w+) ", statements[name]))
        assert created == {**{c.name: types[c.type] for c in table.columns}, "_dlt_load_id": "STRING"}, name
