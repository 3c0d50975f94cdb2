"""Where BigQuery loads go, and whether they can."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from loaders.errors import PoolhouseError
from loaders.redact import redact

_PATIENCE_S = 20.0
JOB_LABELS = {"app": "poolhouse"}
"""Of every query job that the loader sends, beside the labels of dbt's (`macros/adapter/query_comment.sql`)."""


@dataclass(frozen=True, slots=True)
class BigQueryTarget:
    project: str
    dataset: str
    location: str


def target() -> BigQueryTarget:
    """From the environment. Raises :class:`PoolhouseError` naming what is missing."""
    project = os.environ.get("POOLHOUSE_GCP_PROJECT", "")
    if not project:
        raise PoolhouseError(
            "BigQuery is half configured: POOLHOUSE_GCP_PROJECT is not set.",
            "Set POOLHOUSE_GCP_PROJECT to the project id (and POOLHOUSE_BQ_LOCATION unless it is US).",
        )
    _check_credentials()
    # Raw data are shared: only what dbt builds carries a developer's prefix.
    return BigQueryTarget(project, "raw", os.environ.get("POOLHOUSE_BQ_LOCATION", "US"))


def errors() -> tuple[type[Exception], ...]:
    """What Google's client raises when it is not answered, or refused; imported only when something was raised."""
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    return GoogleAPIError, GoogleAuthError, OSError


def label_queries(client: Any) -> None:
    """Let every query of Google's ``client`` bear our labels."""
    from google.cloud.bigquery import QueryJobConfig

    client.default_query_job_config = QueryJobConfig(labels=JOB_LABELS)


def require_reachable(client: Any, target: BigQueryTarget) -> None:
    """Asks for the dataset once: else it is minutes of retries before a wrong key or a missing network is told.

    ``client`` is Google's. Raises :class:`PoolhouseError`.
    """
    from google.api_core.exceptions import NotFound
    from google.cloud.bigquery import DEFAULT_RETRY

    try:
        client.get_dataset(
            f"{target.project}.{target.dataset}",
            retry=DEFAULT_RETRY.with_timeout(_PATIENCE_S),
            timeout=_PATIENCE_S,
        )
    except NotFound:
        return  # the first load makes it
    except errors() as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PoolhouseError(
            f"BigQuery does not answer for project {target.project}: {redact(reason)[:300]}",
            "Check the network, the project id and the credentials. Nothing was read or lost; run the command again.",
        ) from None


def default_credentials() -> Any:
    """Google's application default credentials. Raises :class:`PoolhouseError` when there are none."""
    import google.auth
    from google.auth.exceptions import GoogleAuthError

    try:
        credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    except GoogleAuthError as error:
        named = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS", "")
        raise PoolhouseError(
            f"The credentials in {named} cannot be used: {redact(str(error).splitlines()[0])[:300]}"
            if named
            else "There are no credentials for Google Cloud.",
            "Run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a service account's key file.",
        ) from None
    return credentials


def _check_credentials() -> None:
    if any(name.startswith(("DESTINATION__BIGQUERY__CREDENTIALS", "CREDENTIALS__")) for name in os.environ):
        return  # dlt's own configuration
    default_credentials()
