"""A client that is known to work: credentials, project, API, billing and location, each refusal with its remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from google.api_core.exceptions import BadRequest, Conflict, Forbidden, GoogleAPICallError, NotFound, RetryError
from google.auth.exceptions import GoogleAuthError, RefreshError
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_RETRY

from loaders.errors import PoolhouseError
from loaders.load.bigquery import default_credentials
from loaders.redact import redact

PATIENCE_S = 30.0
RETRY = DEFAULT_RETRY.with_timeout(PATIENCE_S)

_KINDS = {
    "google.oauth2.credentials": "your own login (gcloud)",
    "google.oauth2.service_account": "a service account's key",
    "google.auth.identity_pool": "workload identity federation",
    "google.auth.impersonated_credentials": "an impersonated service account",
    "google.auth.compute_engine.credentials": "the service account of this machine",
}
_LOGIN = (
    "Run `gcloud auth application-default login`, set GOOGLE_APPLICATION_CREDENTIALS to a service account's key file, or use "
    "workload identity federation (docs/production.md)."
)


@dataclass(frozen=True, slots=True)
class Connection:
    client: bigquery.Client
    project: str
    location: str
    identity: str
    """Who is asking, in words."""


def connect(project: str, location: str) -> Connection:
    """Raises :class:`PoolhouseError` for the first thing that does not work.

    A dry run of ``select 1`` asks for all of it at once and costs nothing.
    """
    credentials = default_credentials()
    connection = Connection(
        bigquery.Client(project=project, credentials=credentials, location=location),
        project,
        location,
        _identity(credentials),
    )
    with explained(connection, "run a query"):
        connection.client.query(
            "select 1",
            job_config=bigquery.QueryJobConfig(dry_run=True, use_query_cache=False),
            retry=RETRY,
            job_retry=None,
            timeout=PATIENCE_S,
        )
    return connection


def _identity(credentials: Any) -> str:
    kind = _KINDS.get(type(credentials).__module__, type(credentials).__module__)
    email = getattr(credentials, "service_account_email", None)
    return f"{kind}, {email}" if email and email != "default" else kind


@contextmanager
def explained(connection: Connection, action: str, dataset: str | None = None) -> Iterator[None]:
    """Turn what Google's client raises into what to do about it. ``action`` completes "may not"."""
    try:
        yield
    except (GoogleAPICallError, GoogleAuthError, RetryError, OSError) as error:
        raise _explain(error, connection, action, dataset) from None


def _explain(error: Exception, connection: Connection, action: str, dataset: str | None) -> PoolhouseError:
    project, location, identity = connection.project, connection.location, connection.identity
    lines = str(getattr(error, "message", None) or error).splitlines() or [type(error).__name__]
    message = redact(lines[0])[:300]
    reasons = {str(entry.get("reason", "")) for entry in getattr(error, "errors", None) or ()}
    if isinstance(error, GoogleAuthError):
        stale = isinstance(error, RefreshError)
        return PoolhouseError(
            f"Google refuses the credentials ({identity}): {message}", f"{'Renew them. ' * stale}{_LOGIN}"
        )
    if isinstance(error, Forbidden) and ("accessNotConfigured" in reasons or "has not been used in project" in message):
        return PoolhouseError(
            f"The BigQuery API is not enabled in project {project}.",
            f"Run `gcloud services enable bigquery.googleapis.com --project {project}` and wait a minute.",
        )
    if isinstance(error, Forbidden) and ("billingNotEnabled" in reasons or "billing" in message.lower()):
        return PoolhouseError(
            f"Project {project} has no billing account: {message}",
            link_billing(project),
        )
    if isinstance(error, Forbidden):
        where = f"dataset {project}.{dataset}" if dataset else f"project {project}"
        return PoolhouseError(
            f"{_sentence(identity)} may not {action} in {where}: {message}",
            "Ask an owner of the project for roles/bigquery.user (to make datasets and run queries) and, for datasets that "
            "others made, roles/bigquery.dataOwner on them.",
        )
    if isinstance(error, NotFound) and "location" in message.lower() and "dataset" not in message.lower():
        return _unknown_location(location, message)
    if isinstance(error, NotFound):
        return PoolhouseError(
            f"Google does not know project {project}: {message}",
            "Give the project's id, not its name or number: `gcloud projects list` shows it (POOLHOUSE_GCP_PROJECT, --project).",
        )
    if isinstance(error, Conflict):
        return PoolhouseError(
            f"Somebody else made {dataset or 'it'} just now: {message}",
            "Run the command again; it goes on where it stopped.",
        )
    if isinstance(error, BadRequest) and "location" in message.lower():
        return _unknown_location(location, message)
    if isinstance(error, BadRequest) and "project" in message.lower():
        return PoolhouseError(
            f"{project!r} is no project id: {message}",
            "Give the id (POOLHOUSE_GCP_PROJECT, --project): `gcloud projects list`.",
        )
    return PoolhouseError(
        f"BigQuery did not {action} in project {project}: {message}",
        "Check the network and run the command again; what is there already is kept.",
    )


def link_billing(project: str) -> str:
    return f"Link one: `gcloud billing projects link {project} --billing-account <id>`, then run the command again."


def _unknown_location(location: str, message: str) -> PoolhouseError:
    return PoolhouseError(
        f"BigQuery has no location {location!r}: {message}",
        "Set POOLHOUSE_BQ_LOCATION (or --location) to US, EU or a region such as europe-west3.",
    )


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
