"""Where BigQuery loads go, and whether they can."""

from __future__ import annotations

import os
from dataclasses import dataclass

from loaders.errors import PoolhouseError


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


def _check_credentials() -> None:
    if any(name.startswith(("DESTINATION__BIGQUERY__CREDENTIALS", "CREDENTIALS__")) for name in os.environ):
        return  # dlt's own configuration
    import google.auth
    from google.auth.exceptions import GoogleAuthError

    try:
        google.auth.default()
    except GoogleAuthError:
        raise PoolhouseError(
            "BigQuery is half configured: there is a project but no credentials.",
            "Run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a service account's key file.",
        ) from None
