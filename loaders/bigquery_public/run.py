"""Plan a load from the public dataset, and run its script as one BigQuery job."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from loaders.bigquery_public.script import PublicDataset, PublicLoad, script
from loaders.errors import PoolhouseError
from loaders.load.bigquery import JOB_LABELS, BigQueryTarget
from loaders.plan.filters import filters_for
from loaders.redact import redact
from loaders.registry.events import TRANSFERS
from loaders.registry.seeds import Registry

_SETTLED = timedelta(days=2)
"""The public dataset trails the chain by up to a day, and what is final then can no longer change."""
_SOURCE_LOCATION = "US"
_ETHEREUM = 1
_BYTES_PER_GB = 10**9


@dataclass(frozen=True)
class PublicRequest:
    """What the user asked for. Days are UTC; ``to_date`` is excluded, None is the last one that has settled."""

    chain: str
    from_date: date
    to_date: date | None = None
    protocols: tuple[str, ...] = ()
    with_transfers: bool = False
    source: PublicDataset = field(default_factory=PublicDataset)


def plan(
    request: PublicRequest, target: BigQueryTarget, registry: Registry, *, now: datetime | None = None
) -> PublicLoad:
    """Raises :class:`PoolhouseError` for days that are not settled, or nothing to load."""
    chain = registry.chain(request.chain)
    if chain.chain_id != _ETHEREUM and request.source == PublicDataset():
        raise PoolhouseError(
            f"{request.source.name} holds Ethereum, not {chain.name}.",
            "Name a dataset of that chain with --source-dataset.",
        )
    families = [*registry.select_families(chain, request.protocols), *([TRANSFERS] if request.with_transfers else [])]
    events = [e for e in registry.events.events if e.family in families]
    filters = filters_for(events, registry.contracts_of(chain))
    settled = ((now or datetime.now(UTC)) - _SETTLED).date() + timedelta(days=1)
    to_date = request.to_date or settled
    if to_date > settled:
        raise PoolhouseError(
            f"{to_date} is too late: only whole days up to {settled} (excluded) have settled in the public dataset.",
            f"Give --to-date {settled} or earlier; read what is newer from a node.",
        )
    if request.from_date >= to_date:
        raise PoolhouseError(
            f"--from-date {request.from_date} is not before --to-date {to_date}, which is excluded.",
            "Give at least one whole day.",
        )
    load = PublicLoad(
        chain.chain_id,
        request.from_date,
        to_date,
        filters,
        registry.events.version,
        # As dlt names its loads: the ledger orders loads by it.
        f"{time.time():.7f}",
        f"{target.project}.{target.dataset}",
        request.source,
    )
    if not load.selected:
        raise PoolhouseError(
            f"Nothing of {', '.join(families)} on {chain.name} can be decoded in SQL.", "Use `poolhouse load` instead."
        )
    return load


@dataclass(frozen=True, slots=True)
class PublicResult:
    billed_bytes: int
    rows: int
    seconds: float


def run(load: PublicLoad, target: BigQueryTarget, client: Any, *, maximum_gb: float | None) -> PublicResult:
    """Run the script on BigQuery. Raises :class:`PoolhouseError`; a script that fails leaves nothing that counts."""
    from google.api_core.exceptions import GoogleAPIError
    from google.cloud import bigquery
    from requests import RequestException

    if target.location.upper() != _SOURCE_LOCATION and load.source == PublicDataset():
        raise PoolhouseError(
            f"The warehouse is in {target.location}, the public dataset in {_SOURCE_LOCATION}: no query joins both.",
            "Use a warehouse in US (POOLHOUSE_BQ_LOCATION), or copy the dataset and name the copy with --source-dataset.",
        )
    limit = None if maximum_gb is None else int(maximum_gb * _BYTES_PER_GB)
    labels = {**JOB_LABELS, "command": "bigquery-public"}
    config = bigquery.QueryJobConfig(maximum_bytes_billed=limit, use_legacy_sql=False, labels=labels)
    try:
        job = client.query(script(load), job_config=config, location=target.location)
        job.result()
        rows = sum(child.num_dml_affected_rows or 0 for child in client.list_jobs(parent_job=job))
    except (GoogleAPIError, RequestException) as error:
        raise PoolhouseError(
            f"BigQuery did not say that the script succeeded: {redact(str(error)).splitlines()[0][:300]}.",
            f"If it stopped, nothing of it counts: correct the cause and run it again. If only the connection broke, it may be "
            f"running still, and counts once _dlt_loads has the load {load.load_id}.",
        ) from None
    return PublicResult(int(job.total_bytes_billed or 0), rows, (job.ended - job.started).total_seconds())
