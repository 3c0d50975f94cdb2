"""What DuckDB under the emulator would run, and BigQuery refuses, is refused in Google's own words."""

from __future__ import annotations

import pytest
from google.api_core.exceptions import BadRequest

from tests.bigquery_emulator.emulator import Emulator


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("select strftime(current_timestamp(), '%Y') as year_text", "Function not found: strftime"),
        (
            "select current_timestamp() = current_date() as is_now",
            "No matching signature for operator = .*TIMESTAMP, DATE",
        ),
        ("create table a_dataset.a_table as select list_sum([1]) as total", "Function not found: list_sum"),
    ],
)
def test_a_query_that_bigquery_refuses_is_refused(emulator: Emulator, query: str, reason: str) -> None:
    project = emulator.with_project("gate-project")
    project.client.create_dataset("a_dataset", exists_ok=True)
    with pytest.raises(BadRequest, match=reason):
        project.client.query_and_wait(query)
