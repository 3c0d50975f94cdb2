"""`poolhouse init bigquery` against the emulator: the datasets that loads and builds then find."""

from __future__ import annotations

from loaders.bigquery_setup.layout import Target, datasets
from tests.bigquery_emulator.emulator import Emulator
from tests.conftest import Run


def test_init_makes_the_datasets_and_leaves_them_alone(emulator: Emulator, poolhouse: Run) -> None:
    project = emulator.with_project("init-project")
    wanted = {dataset.name: dataset for dataset in datasets(Target.PRODUCTION, None)}
    made = poolhouse("init", "bigquery", env=project.variables).stdout
    assert made.count(": made (tables do not expire)") == len(wanted)
    assert wanted.keys() <= {item.dataset_id for item in project.client.list_datasets()}
    raw = project.client.get_dataset("raw")
    assert raw.location == "US"
    again = poolhouse("init", "bigquery", env=project.variables).stdout
    assert "would be" not in again
    assert ": made (" not in again
