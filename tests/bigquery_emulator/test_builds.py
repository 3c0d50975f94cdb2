"""`dbt build --target bigquery`, twice, blocks apart: as BigQuery's own adapter sends it, and equal to DuckDB's value by value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.bigquery_emulator.builds import Dbt, duckdb_rows, emulated_rows, first_difference
from tests.bigquery_emulator.emulator import Emulator
from tests.conftest import Run
from tests.small_market import SmallMarket

SLICE = (
    *("--select", "+dex_volume_daily", "+int_lending_aave_v3_scaled_balances", "--indirect-selection", "cautious"),
    # Unit tests need no warehouse, and layers A and B have all data tests: those of the marts stand for the client's part.
    *("--exclude", "test_type:unit", "test_type:data,path:models/staging", "test_type:data,path:models/intermediate"),
    *("test_type:data,path:tests/invariants", "test_type:data,path:seeds"),
)
"""Staging, ledger, dimensions, swaps, prices and marts; and balances, which are rebuilt onward."""


@dataclass(frozen=True)
class Built:
    """A market built at half of its history and at its end, on BigQuery and on DuckDB."""

    project: Emulator
    bigquery: Dbt
    database: Path
    again: list[dict[str, Any]]
    """Results of the second build on BigQuery."""

    @property
    def models(self) -> list[dict[str, Any]]:
        ran = (self.bigquery.nodes[result["unique_id"]] for result in self.again)
        return [node for node in ran if node["resource_type"] == "model"]

    def stored(self, *materializations: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Relation and node of the models that are tables, or of those alone that are materialized so."""
        for node in self.models:
            if node["config"]["materialized"] in (materializations or ("table", "incremental")):
                yield f"{node['schema']}.{node['alias']}", node


@pytest.fixture(scope="module")
def built(emulator: Emulator, small: SmallMarket, poolhouse: Run, tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("builds")
    project = emulator.with_project("market-project")
    database = folder / "duckdb" / "ours.duckdb"
    database.parent.mkdir()
    bigquery = Dbt("bigquery", project.variables, folder / "bigquery")
    local = Dbt("duckdb", {"POOLHOUSE_DUCKDB": str(database)}, folder / "duckdb" / "dbt")
    again: list[dict[str, Any]] = []
    for to_block in (small.head // 2, small.head):
        source = ("--chain", "devnet", "--rpc-url", small.node.url, "--to-block", str(to_block))
        poolhouse("load", *source, "--database", str(database))
        poolhouse(
            *("load", *source, "--destination", "bigquery", "--database", str(folder / "bigquery" / "none.duckdb")),
            env=project.variables,
        )
        local.build(*SLICE)
        again = bigquery.build(*SLICE)
    return Built(project, bigquery, database, again)


_ENGINES_OWN = ("load_id", "loaded_at", "digest")
"""Columns that say which load it was and when, and a digest of texts that each engine writes in its own way."""


def test_every_table_is_what_it_is_on_duckdb(built: Built) -> None:
    filled, different = [], {}
    for relation, node in built.stored():
        fields = [f for f in built.project.client.get_table(relation).schema if f.name not in _ENGINES_OWN]
        columns = [field.name for field in fields]
        theirs = emulated_rows(built.project, relation, columns)
        ours = duckdb_rows(built.database, relation, columns)
        if difference := first_difference(theirs, ours, [field.field_type for field in fields]):
            different[relation] = f"{difference} ({', '.join(columns)})"
        if theirs:
            filled.append(node["name"])
    assert not different, "\n".join(f"{relation}: {what}" for relation, what in different.items())
    assert {
        *("dex_trades", "dex_volume_daily", "dex_pools", "tokens", "token_prices_hourly"),
        *("int_ledger_changes", "int_lending_aave_v3_scaled_balances"),
    } <= set(filled)


def test_watermarks_are_where_they_are_on_duckdb(built: Built) -> None:
    columns = ["model_name", "build_number", "dimension_build_number"]
    theirs = emulated_rows(built.project, "intermediate.model_watermarks", columns)
    assert Counter(theirs) == Counter(duckdb_rows(built.database, "intermediate.model_watermarks", columns))
    assert {row[0] for row in theirs} >= {
        node["name"] for _, node in built.stored("incremental") if "dirty_families" in node["meta"]
    }


def test_incremental_builds_were_scripts_that_replaced_some_days(built: Built) -> None:
    by_node = {result["unique_id"]: result for result in built.again}
    replaced = {}
    for relation, node in built.stored("incremental"):
        if "dirty_families" in node["meta"]:
            response = by_node[node["unique_id"]]["adapter_response"]
            assert response["code"] == "SCRIPT", f"{relation}: {response}"
            merges = [
                job.dml_stats
                for job in built.project.client.list_jobs(parent_job=response["job_id"])
                if job.statement_type == "MERGE"
            ]
            assert len(merges) == 1, relation
            rows = built.project.client.query_and_wait(f"select count(*) as n from {relation}")
            replaced[relation] = (merges[0].inserted_row_count, next(iter(rows))["n"])
    assert any(0 < inserted < total for inserted, total in replaced.values()), replaced


def test_tables_are_laid_out_described_and_labelled(built: Built) -> None:
    partitioned = described = 0
    for relation, node in built.stored():
        table, config = built.project.client.get_table(relation), node["config"]
        if wanted := config.get("partition_by"):
            partitioned += 1
            partitioning = table.time_partitioning or table.range_partitioning
            assert partitioning.field == wanted["field"], relation
            if table.time_partitioning:
                assert partitioning.type_ == wanted["granularity"].upper(), relation
        if wanted := config.get("cluster_by"):
            assert table.clustering_fields == ([wanted] if isinstance(wanted, str) else wanted), relation
        assert table.labels == config["labels"], relation
        if config["persist_docs"].get("columns"):
            described += 1
            assert table.description.strip() == node["description"].strip(), relation
            texts = {field.name: (field.description or "").strip() for field in table.schema}
            assert texts == {name: column["description"].strip() for name, column in node["columns"].items()}, relation
    assert partitioned > 5
    assert described >= 4


def test_contracts_are_the_tables_types(built: Built) -> None:
    names = {"INTEGER": "int64", "FLOAT": "float64", "BOOLEAN": "bool"}
    contracted = [(relation, node) for relation, node in built.stored() if node["config"]["contract"]["enforced"]]
    assert len(contracted) >= 4
    for relation, node in contracted:
        types = {
            f.name: names.get(f.field_type, f.field_type.lower())
            for f in built.project.client.get_table(relation).schema
        }
        assert types == {
            name: column["data_type"].lower().partition("(")[0] for name, column in node["columns"].items()
        }, relation
