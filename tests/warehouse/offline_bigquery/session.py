"""dbt with the offline client in place of BigQuery's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from loaders.bigquery_cost.stand_in import standing_in
from tests.warehouse.offline_bigquery.client import OfflineClient
from tests.warehouse.offline_bigquery.warehouse import OfflineWarehouse


@contextmanager
def offline(warehouse: OfflineWarehouse) -> Iterator[None]:
    """dbt-bigquery gets the offline client where it would open a connection."""

    def create(credentials: Any) -> OfflineClient:
        return OfflineClient(warehouse, credentials.execution_project)

    with standing_in(create):
        yield
