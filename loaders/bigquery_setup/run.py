"""Compare the datasets that a target needs with those that are there, and make up the difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from loaders.bigquery_setup.connect import PATIENCE_S, RETRY, Connection, explained, link_billing
from loaders.bigquery_setup.layout import SHARED_DATASET, Dataset
from loaders.errors import PoolhouseError

_MS_PER_DAY = 86_400_000

Action = Literal["create", "update", "keep"]


@dataclass(frozen=True, slots=True)
class Step:
    """One dataset: what is to be done, and why (empty for one that is kept)."""

    dataset: Dataset
    action: Action
    reasons: tuple[str, ...] = ()
    found: bigquery.Dataset | None = field(default=None, compare=False)


def plan(connection: Connection, wanted: list[Dataset]) -> list[Step]:
    """Raises :class:`PoolhouseError` where a dataset lies elsewhere: it cannot be moved."""
    return [_step(connection, dataset) for dataset in wanted]


def apply(connection: Connection, steps: list[Step], done: Callable[[Step], None]) -> None:
    """Carry out the steps in order; what was done before a refusal stays, and the next run goes on from there."""
    for step in steps:
        if step.action == "create":
            _create(connection, step.dataset)
        elif step.found is not None and step.action == "update":
            _update(connection, step.dataset, step.found)
        done(step)


def has_raw(connection: Connection) -> bool:
    """Whether production's raw tables, which every target reads, are there. Raises as :func:`plan`."""
    return _find(connection, SHARED_DATASET) is not None


def _step(connection: Connection, wanted: Dataset) -> Step:
    found = _find(connection, wanted.name)
    if found is None:
        return Step(wanted, "create")
    reasons = []
    if found.description != wanted.description:
        reasons.append("description")
    if any(found.labels.get(key) != value for key, value in wanted.labels.items()):
        reasons.append("labels")
    if found.default_table_expiration_ms != _expiration_ms(wanted):
        reasons.append("life of tables")
    return Step(wanted, "update" if reasons else "keep", tuple(reasons), found)


def _find(connection: Connection, name: str) -> bigquery.Dataset | None:
    with explained(connection, "look at datasets", name):
        try:
            found = connection.client.get_dataset(f"{connection.project}.{name}", retry=RETRY, timeout=PATIENCE_S)
        except NotFound as error:
            if "project" in str(error).lower() and "dataset" not in str(error).lower():
                raise
            return None
    if found.location.upper() != connection.location.upper():
        raise PoolhouseError(
            f"Dataset {connection.project}.{name} lies in {found.location}, not in {connection.location}.",
            f"A dataset cannot be moved: set POOLHOUSE_BQ_LOCATION={found.location}, or use another project or prefix.",
        )
    return found


def _create(connection: Connection, wanted: Dataset) -> None:
    dataset = bigquery.Dataset(f"{connection.project}.{wanted.name}")
    dataset.location = connection.location
    dataset.description = wanted.description
    dataset.labels = dict(wanted.labels)
    dataset.default_table_expiration_ms = _expiration_ms(wanted)
    with explained(connection, "make datasets", wanted.name):
        made = connection.client.create_dataset(dataset, retry=RETRY, timeout=PATIENCE_S)
    if wanted.expiration_days is None and made.default_table_expiration_ms is not None:
        days = made.default_table_expiration_ms // _MS_PER_DAY
        raise PoolhouseError(
            f"Project {connection.project} has no billing account and is a BigQuery sandbox: its tables vanish after "
            f"{days} days, and rows cannot be deleted or merged, which incremental builds do.",
            f"{link_billing(connection.project)} It lifts the expiry.",
        )


def _update(connection: Connection, wanted: Dataset, found: bigquery.Dataset) -> None:
    found.description = wanted.description
    found.labels = {**found.labels, **wanted.labels}
    found.default_table_expiration_ms = _expiration_ms(wanted)
    with explained(connection, "change the dataset", wanted.name):
        connection.client.update_dataset(
            found, ["description", "labels", "default_table_expiration_ms"], retry=RETRY, timeout=PATIENCE_S
        )


def _expiration_ms(dataset: Dataset) -> int | None:
    return dataset.expiration_days * _MS_PER_DAY if dataset.expiration_days else None
