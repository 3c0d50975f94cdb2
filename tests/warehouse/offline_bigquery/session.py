"""dbt with the offline client in place of BigQuery's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
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


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """The working folder for a while: dbt looks for some files there."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
